package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// consumerRows: from raw to all files on one core, with ten million events.
func consumerRows(b *bench) {
	const wanted = 10e6
	rate, memory := "consumer, 10 million events from raw to all files on one core", "consumer, memory resident"
	u, events, err := b.replayLong(wanted)
	if err == nil && events < wanted*0.99 {
		err = fmt.Errorf("the files tell of %.0f events", events)
	}
	if err != nil {
		b.failed(rate, "≥ 1,000,000 events/s", err)
		b.failed(memory, "< 200 MB", err)
		return
	}
	perS := events / u.wall.Seconds()
	b.row(rate, fmt.Sprintf("%.0f events/s (%v, CPU %v)", perS, u.wall.Round(10*time.Millisecond), u.cpu.Round(10*time.Millisecond)),
		"≥ 1,000,000 events/s", perS >= 1e6)
	b.row(memory, fmt.Sprintf("%.0f MB, of it its own %.0f MB", float64(u.maxRSS)/1e6, float64(u.anon)/1e6),
		"< 200 MB", u.maxRSS < 200e6)
}

func (b *bench) replayLong(wanted float64) (u usage, events float64, err error) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", "http", "-n", "16")
	if err != nil {
		return u, 0, err
	}
	dir, err := b.record("short", "-p", pidOf(p), "-d", "3s", "--raw")
	p.Stop()
	if err != nil {
		return u, 0, err
	}
	long := filepath.Join(b.work, "long.raw")
	defer os.Remove(long)
	if out, err := exec.Command(filepath.Join(b.drivers, "rawgrow"), filepath.Join(dir, "capture.raw"), long,
		fmt.Sprint(int(wanted))).CombinedOutput(); err != nil {
		return u, 0, fmt.Errorf("rawgrow: %v: %s", err, out)
	}
	files := filepath.Join(b.work, "replayed")
	os.RemoveAll(files)
	var said strings.Builder
	cmd := exec.Command(b.tool, "replay", long, "-o", files, "-q")
	cmd.Stderr = &said
	if u, err = runMeasured(true, cmd); err != nil {
		return u, 0, fmt.Errorf("replay: %v: %s", err, said.String())
	}
	events, _, _, err = counts(files)
	return u, events, err
}

// sizeRow: bytes an event of our trace against runtime/trace's of the same window.
func sizeRow(b *bench) {
	const name, target = "bytes an event, against runtime/trace's of the same window", "≤ 1.10 ×"
	var ratios, ours, theirs []float64
	for i := 0; i < 3; i++ {
		o, t, err := b.sizes()
		if err != nil {
			b.failed(name, target, err)
			return
		}
		ours, theirs, ratios = append(ours, o), append(theirs, t), append(ratios, o/t)
	}
	r := lab.Median(ratios)
	b.row(name, fmt.Sprintf("%.2f × (spread %.2f; %.2f against %.2f bytes)", r, lab.Spread(ratios), lab.Median(ours),
		lab.Median(theirs)), target, r <= 1.1)
}

func (b *bench) sizes() (ours, theirs float64, err error) {
	p, _, err := lab.Start(b.fixture("workload"), "-kinds", "channels,mutex,timers,spawn", "-n", "100")
	if err != nil {
		return 0, 0, err
	}
	defer p.Stop()
	reference := filepath.Join(b.work, "reference.trace")
	if said := p.Ask("trace " + reference + " 3s"); !strings.HasPrefix(said, "begun") {
		return 0, 0, fmt.Errorf("the target's own trace: %s", said)
	}
	dir, err := b.record("size", "-p", pidOf(p), "-d", "2s", "--hz", "0")
	if err != nil {
		return 0, 0, err
	}
	if said, err := p.Line(20 * time.Second); err != nil || !strings.HasPrefix(said, "done") {
		return 0, 0, fmt.Errorf("the target's own trace: %s %v", said, err)
	}
	if ours, err = b.bytesPerEvent(filepath.Join(dir, "trace.out")); err != nil {
		return 0, 0, err
	}
	theirs, err = b.bytesPerEvent(reference)
	return ours, theirs, err
}

func (b *bench) bytesPerEvent(path string) (float64, error) {
	size, events, err := b.sizeOf(path)
	return size / events, err
}
