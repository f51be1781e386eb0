package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

const mib = 1 << 20

// attachRows: from the tool's start to its first event, on a large program.
func attachRows(b *bench) {
	p, err := lab.StartPrometheus(b.prometheus, "1s", filepath.Join(b.work, "attached"))
	if err != nil {
		b.failed("attach to Debian 12's prometheus", "300 ms", err)
		return
	}
	defer p.Stop()
	defer lab.AskOften(1, 5*time.Millisecond, "http://"+p.Addr+"/metrics")()
	for _, r := range []struct {
		name   string
		limit  float64
		cold   bool
		rounds int
	}{
		{"attach to Debian 12's prometheus, warm", 300, false, b.rounds},
		{"attach to Debian 12's prometheus, files of tool and target dropped from the cache", 1000, true, 5},
	} {
		target := fmt.Sprintf("≤ %.0f ms", r.limit)
		var armed, first []float64
		for i := 0; i < r.rounds && err == nil; i++ {
			if r.cold {
				if err = dropCache(b.tool); err == nil {
					err = dropCache(b.prometheus)
				}
			}
			var a, f float64
			if err == nil {
				a, f, err = b.attachOnce(p.Pid())
			}
			armed, first = append(armed, a), append(first, f)
		}
		if err != nil {
			b.failed(r.name, target, err)
			return
		}
		ms := lab.Median(first)
		b.row(r.name, fmt.Sprintf("%.0f ms (spread %.0f; probes armed after %.0f)", ms, lab.Spread(first), lab.Median(armed)),
			target, ms <= r.limit)
	}
}

func (b *bench) attachOnce(pid int) (armedMs, firstMs float64, err error) {
	begin := lab.Monotonic()
	dir, err := b.record("attach", "-p", fmt.Sprint(pid), "-d", "300ms", "--raw")
	if err != nil {
		return 0, 0, err
	}
	start, first, err := rawTimes(filepath.Join(dir, "capture.raw"))
	return float64(start-begin) / 1e6, float64(first-begin) / 1e6, err
}

// counts reads what a capture says of itself.
func counts(dir string) (events, lost, seconds float64, err error) {
	doc, err := lab.ReadJSON(filepath.Join(dir, "summary.json"))
	if err != nil {
		return 0, 0, 0, err
	}
	if events, err = doc.Number("capture.events"); err != nil {
		return 0, 0, 0, err
	}
	if lost, err = doc.Number("lost.events"); err != nil {
		return 0, 0, 0, err
	}
	ns, err := doc.Number("window_ns")
	return events, lost, ns / 1e9, err
}

// lostRows: nothing is lost with default buffers at the highest rates that these loads reach.
func lostRows(b *bench) {
	for _, load := range [][]string{
		{"http", "-do", "http", "-n", "32"},
		{"ping-pong storm", "-do", "pingpong", "-n", "64"},
		{"spawn storm", "-do", "spawn", "-n", "8"},
	} {
		name := "lost events, " + load[0] + " at full load, 5 s"
		p, _, err := lab.Start(b.fixture("bench"), load[1:]...)
		if err != nil {
			b.failed(name, "0", err)
			continue
		}
		dir, err := b.record("lost", "-p", pidOf(p), "-d", "5s")
		p.Stop()
		var events, lost, seconds float64
		if err == nil {
			events, lost, seconds, err = counts(dir)
		}
		if err != nil {
			b.failed(name, "0", err)
			continue
		}
		b.row(name, fmt.Sprintf("%.0f of %.0f (%.0f events/s)", lost, events+lost, events/seconds), "0",
			lost == 0 && events > 1000)
	}
}

// producerRow: a million events a second into rings of the same size and number.
func producerRow(b *bench) {
	const name, target, rate, seconds = "lost events, synthetic producer, 1,000,000/s for 10 s", "0", 1e6, 10.0
	out, err := exec.Command(filepath.Join(b.drivers, "producer"), "1000000", "10", b.work).Output()
	var sent, lost, took, drained float64
	if err == nil {
		_, err = fmt.Sscanf(string(out), "sent %g lost %g seconds %g drained %g", &sent, &lost, &took, &drained)
	}
	if err != nil {
		b.failed(name, target, err)
		return
	}
	b.row(name, fmt.Sprintf("%.0f of %.0f (%.0f/s, %.0f drained)", lost, sent+lost, sent/took, drained), target,
		lost == 0 && drained == sent && sent/took > 0.98*rate && took > 0.98*seconds)
}

// endRow: from Ctrl-C to whole files, the target at work meanwhile.
func endRow(b *bench) {
	const name, target = "from Ctrl-C to whole files, a million events", "≤ 1 s"
	var perMillion []float64
	var events float64
	for i := 0; i < 5; i++ {
		took, n, err := b.interrupt()
		if err != nil {
			b.failed(name, target, err)
			return
		}
		events = n
		perMillion = append(perMillion, took.Seconds()/(n/1e6))
	}
	s := lab.Median(perMillion)
	b.row(name, fmt.Sprintf("%.2f s (spread %.2f; captures of about %.1f million)", s, lab.Spread(perMillion), events/1e6),
		target, s <= 1)
}

func (b *bench) interrupt() (took time.Duration, events float64, err error) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", "pingpong", "-procs", "1")
	if err != nil {
		return 0, 0, err
	}
	defer p.Stop()
	dir := filepath.Join(b.work, "end")
	os.RemoveAll(dir)
	cmd := exec.Command(b.tool, "record", "--mode", "full", "-p", pidOf(p), "-o", dir, "-q")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	time.Sleep(4 * time.Second)
	begin := time.Now()
	cmd.Process.Signal(syscall.SIGINT)
	for time.Since(begin) < time.Minute {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	took = time.Since(begin)
	if err := cmd.Wait(); err != nil {
		return 0, 0, err
	}
	events, _, _, err = counts(dir)
	return took, events, err
}
