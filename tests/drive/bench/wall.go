package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gobpftrace.test/drive/lab"
)

const wallTarget = "1,000 parked goroutines and 30 that switch all the time"

// wallRows: what a wall profile at 100 Hz costs the tool, and what it costs the target.
func wallRows(b *bench) {
	name := "wall profile of " + wallTarget + ", the tool"
	if err := b.wallTool(name); err != nil {
		b.failed(name, "≤ 1 % of a core", err)
	}
	for _, do := range []string{"http", "pingpong"} {
		name := "wall profile, CPU time of an operation: " + do + " and 1,000 parked goroutines"
		if err := b.wallLoad(name, do); err != nil {
			b.failed(name, "≤ +0.5 %", err)
		}
	}
}

func (b *bench) wallProgram(do string, n int) (*lab.Program, error) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", do, "-procs", "1", "-n", fmt.Sprint(n), "-parked", "1000",
		"-every", "300ms")
	return p, err
}

type wallReport struct {
	DurationNS float64 `json:"duration_ns"`
	ToolNS     float64 `json:"tool_cpu_ns"`
	Looks      float64 `json:"looks"`
	Lost       float64 `json:"lost"`
}

func (b *bench) wallProfile(p *lab.Program, d time.Duration) (r wallReport, err error) {
	cmd := exec.Command(b.tool, "profile", "-p", pidOf(p), "-t", "wall", "-d", d.String(),
		"-o", filepath.Join(b.work, "wall.pprof"), "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err == nil && r.Looks < 1000*d.Seconds() {
		err = fmt.Errorf("only %.0f looks at goroutines in %v", r.Looks, d)
	}
	return r, err
}

// wallTool takes the CPU time of a long window less that of a short one: names are looked up once.
func (b *bench) wallTool(name string) error {
	const short, long = 2 * time.Second, 8 * time.Second
	p, err := b.wallProgram("pingpong", 15)
	if err != nil {
		return err
	}
	defer p.Stop()
	var percent []float64
	for i := 0; i < b.rounds; i++ {
		a, err := b.wallProfile(p, short)
		if err != nil {
			return err
		}
		c, err := b.wallProfile(p, long)
		if err != nil {
			return err
		}
		// a machine so busy that looks fall out makes the tool look cheap
		if c.Lost > 0.1*100*long.Seconds() {
			return fmt.Errorf("%.0f looks fell out or failed in %v: the machine is too busy", c.Lost, long)
		}
		percent = append(percent, 100*(c.ToolNS-a.ToolNS)/(c.DurationNS-a.DurationNS))
	}
	m := lab.Median(percent)
	b.row(name, fmt.Sprintf("%.2f %% of a core (spread %.2f)", m, lab.Spread(percent)), "≤ 1 %", m <= 1)
	return nil
}

// wallLoad alternates rounds with and without a profile.
func (b *bench) wallLoad(name, do string) error {
	p, err := b.wallProgram(do, 4)
	if err != nil {
		return err
	}
	defer p.Stop()
	var change []float64
	for i := 0; i < b.rounds; i++ {
		alone, err := measure(p, 8)
		if err != nil {
			return err
		}
		profiled := make(chan error, 1)
		go func() {
			_, err := b.wallProfile(p, 4*time.Second)
			profiled <- err
		}()
		time.Sleep(500 * time.Millisecond) // attached, symbols of the target read
		with, err := measure(p, 8)
		if e := <-profiled; err == nil {
			err = e
		}
		if err != nil {
			return err
		}
		change = append(change, 100*(lab.Median(with)/lab.Median(alone)-1))
	}
	c := lab.Median(change)
	b.row(name, fmt.Sprintf("%+.2f %% (spread %.2f)", c, lab.Spread(change)), "≤ +0.5 %", c <= 0.5)
	return nil
}
