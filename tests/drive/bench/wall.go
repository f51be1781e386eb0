package main

import (
	"fmt"
	"time"

	"gobpftrace.test/drive/lab"
)

const wallTarget = "1,000 parked goroutines and 30 that switch all the time"

// wallRows: what a wall profile at 100 Hz costs the tool. What it costs the target: workload parked.
func wallRows(b *bench) {
	name := "wall profile of " + wallTarget + ", the tool"
	if err := b.wallTool(name); err != nil {
		b.failed(name, "≤ 1 % of a core", err)
	}
}

func (b *bench) wallProgram(do string, n int) (*lab.Program, error) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", do, "-procs", "1", "-n", fmt.Sprint(n), "-parked", "1000",
		"-every", "300ms")
	return p, err
}

func (b *bench) wallProfile(p *lab.Program, d time.Duration) (profiled, error) {
	r, err := b.profileOnce(p.Pid(), "wall", d)
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
