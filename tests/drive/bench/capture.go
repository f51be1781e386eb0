package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"gobpftrace.test/drive/lab"
)

// taken is what captures of 3 s took of the tool: a value each.
type taken struct {
	seconds, mb, rates []float64 // CPU time of a million events; resident at most; events a second
}

// captures takes five of a ping-pong whose pairs rest so long after each bout.
func (b *bench) captures(rest string) (*taken, error) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", "pingpong", "-n", "4", "-every", "0", "-rest", rest)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	var t taken
	for i := 0; i < 5; i++ {
		dir := filepath.Join(b.work, "capture")
		os.RemoveAll(dir)
		u, err := runMeasured(false, exec.Command(b.tool, "record", "-q", "--mode", "full", "-p", pidOf(p), "-d", "3s", "-o", dir))
		if err != nil {
			return nil, err
		}
		events, _, took, err := counts(dir)
		if err != nil {
			return nil, err
		}
		t.seconds = append(t.seconds, u.cpu.Seconds()/(events/1e6))
		t.mb = append(t.mb, float64(u.maxRSS)/1e6)
		t.rates = append(t.rates, events/took)
	}
	return &t, nil
}

// captureRows: the tool's CPU time at the highest rate of ping-pong, its memory at one that is still a busy
// service's. What it holds meanwhile grows with the rate: told of the highest, too.
func captureRows(b *bench) {
	cpu, memory := "the tool: CPU time of a million events, 3 s of ping-pong", "the tool: memory resident meanwhile and until its files are written"
	if t, err := b.captures("0"); err != nil {
		b.failed(cpu, "≤ 1 s", err)
	} else {
		s := lab.Median(t.seconds)
		b.row(cpu, fmt.Sprintf("%.2f s (spread %.2f; %.0f events/s)", s, lab.Spread(t.seconds), lab.Median(t.rates)), "≤ 1 s", s <= 1)
		b.note(memory+", at that rate", fmt.Sprintf("%.0f MB (spread %.0f)", lab.Median(t.mb), lab.Spread(t.mb)))
	}
	const target = "≤ 64 MB at 300,000 to 600,000 events/s"
	t, err := b.captures("500us")
	if err != nil {
		b.failed(memory, target, err)
		return
	}
	mb, rate := lab.Median(t.mb), lab.Median(t.rates)
	b.row(memory, fmt.Sprintf("%.0f MB (spread %.0f; %.0f events/s)", mb, lab.Spread(t.mb), rate), target,
		mb <= 64 && rate >= 300e3 && rate <= 600e3)
}
