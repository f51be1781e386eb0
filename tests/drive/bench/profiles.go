package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"gobpftrace.test/drive/lab"
)

// samplerRows: what the CPU sampler costs the tool, and whether it delivers what was asked.
func samplerRows(b *bench) {
	name, target := "cpu profile at 99 Hz of HTTP flat out, the tool", "≤ 0.1 % of a core"
	p, _, err := lab.Start(b.fixture("bench"), "-do", "http", "-every", "0")
	if err != nil {
		b.failed(name, target, err)
		return
	}
	defer p.Stop()
	// a long window less a short one: symbols are read and the file is written once
	var percent []float64
	for i := 0; i < b.rounds && err == nil; i++ {
		var short, long profiled
		if short, err = b.profileOnce(p.Pid(), "cpu", time.Second); err == nil {
			long, err = b.profileOnce(p.Pid(), "cpu", 6*time.Second)
		}
		percent = append(percent, 100*(long.ToolNS-short.ToolNS)/(long.DurationNS-short.DurationNS))
	}
	if err != nil {
		b.failed(name, target, err)
	} else {
		m := lab.Median(percent)
		b.row(name, fmt.Sprintf("%.3f %% of a core (spread %.3f)", m, lab.Spread(percent)), target, m <= 0.1)
	}
	b.delivered(p.Pid())
}

// delivered compares samples with the target's CPU time, where runtime/pprof has long stopped at the kernel's HZ.
func (b *bench) delivered(pid int) {
	const hz = 4999.0
	name, target := fmt.Sprintf("cpu profile at %.0f Hz: samples taken of those that the target's CPU time asks for", hz), "≥ 98 %"
	var percent []float64
	for i := 0; i < 5; i++ {
		r, err := b.profileOnce(pid, "cpu", 4*time.Second, "--hz", fmt.Sprint(hz))
		if err == nil && r.Lost > 0 {
			err = fmt.Errorf("%.0f samples were lost", r.Lost)
		}
		if err != nil {
			b.failed(name, target, err)
			return
		}
		percent = append(percent, 100*r.Samples/(hz*r.TargetNS/1e9))
	}
	m := lab.Median(percent)
	b.row(name, fmt.Sprintf("%.1f %% (spread %.1f)", m, lab.Spread(percent)), target, m >= 98)
}

// waits takes a block profile and says how many waits are in it.
func (b *bench) waits(pid int) (n float64, r profiled, err error) {
	if r, err = b.profileOnce(pid, "block", 3*time.Second); err != nil {
		return 0, r, err
	}
	out, err := exec.Command(b.summer, filepath.Join(b.work, "block.pprof")).CombinedOutput()
	if err == nil {
		_, err = fmt.Sscanf(string(out), "contentions %g", &n)
	}
	if err == nil && n == 0 {
		err = errors.New("no wait in the profile")
	}
	return n, r, err
}

// blockRow: hits of a block profile for a wait.
func blockRow(b *bench) {
	const name, target = "block profile, hits a wait, ping-pong", "≤ 2"
	p, _, err := lab.Start(b.fixture("bench"), "-do", "pingpong", "-every", "0")
	if err != nil {
		b.failed(name, target, err)
		return
	}
	defer p.Stop()
	var hits []float64
	for i := 0; i < 3; i++ {
		waits, r, err := b.waits(p.Pid())
		if err != nil {
			b.failed(name, target, err)
			return
		}
		hits = append(hits, r.Hits/waits)
	}
	m := lab.Median(hits)
	// at the window's edges a wait has one of its two
	b.row(name, fmt.Sprintf("%.4f", m), target, m <= 2.001)
}

// writtenRows: from the end of the window to the file.
func writtenRows(b *bench) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", "http", "-every", "0")
	if err != nil {
		b.failed("profiles on disk", "≤ 200 ms", err)
		return
	}
	defer p.Stop()
	for _, kind := range []string{"cpu", "goroutine", "wall", "block", "mutex", "sched", "net", "sync", "syscall", "sleep",
		"goroutinecreate", "threadcreate", "gc", "heap", "allocs"} {
		name, target := kind+" profile of 5 s on disk after the window's end, HTTP flat out", "≤ 200 ms"
		var options []string
		if kind == "allocs" {
			options = []string{"--estimate-allocs"}
		}
		var ms []float64
		var events float64
		for i := 0; i < 3 && err == nil; i++ {
			var r profiled
			r, err = b.profileOnce(p.Pid(), kind, 5*time.Second, options...)
			ms, events = append(ms, r.WrittenNS/1e6), r.Events+r.Samples
		}
		if err != nil {
			b.failed(name, target, err)
			err = nil
			continue
		}
		m := lab.Median(ms)
		b.row(name, fmt.Sprintf("%.0f ms (spread %.0f; %.0f events)", m, lab.Spread(ms), events), target, m <= 200)
	}
}
