package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"gobpftrace.test/drive/lab"
)

// captureRows: what a capture of 3 s at 300,000 events/s and more takes of the tool.
func captureRows(b *bench) {
	cpu, memory := "the tool: CPU time of a million events, 3 s of ping-pong", "the tool: memory resident meanwhile and until its files are written"
	p, _, err := lab.Start(b.fixture("bench"), "-do", "pingpong", "-every", "0")
	if err != nil {
		b.failed(cpu, "≤ 1 s", err)
		return
	}
	defer p.Stop()
	var seconds, rss, rates []float64
	for i := 0; i < 5 && err == nil; i++ {
		dir := filepath.Join(b.work, "capture")
		os.RemoveAll(dir)
		var u usage
		var events, took float64
		if u, err = runMeasured(false, exec.Command(b.tool, "record", "-q", "--mode", "full", "-p", pidOf(p), "-d", "3s", "-o", dir)); err == nil {
			events, _, took, err = counts(dir)
		}
		seconds, rss, rates = append(seconds, u.cpu.Seconds()/(events/1e6)), append(rss, float64(u.maxRSS)/1e6), append(rates, events/took)
	}
	if err != nil {
		b.failed(cpu, "≤ 1 s", err)
		b.failed(memory, "≤ 64 MB", err)
		return
	}
	s, m, rate := lab.Median(seconds), lab.Median(rss), lab.Median(rates)
	at := fmt.Sprintf("%.0f events/s", rate)
	b.row(cpu, fmt.Sprintf("%.2f s (spread %.2f; %s)", s, lab.Spread(seconds), at), "≤ 1 s", s <= 1)
	b.row(memory, fmt.Sprintf("%.0f MB (spread %.0f; %s)", m, lab.Spread(rss), at), "≤ 64 MB at 300,000 events/s or more", m <= 64 && rate >= 300e3)
}
