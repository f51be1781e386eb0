package main

import (
	"flag"
	"fmt"
	"time"
)

// plan is which pairs of workload and treatment are measured, and how long that may take.
type plan struct {
	w, t       string
	some       bool // chosen by name
	work       []workload
	treat      []treatment
	least      int
	most       int
	within     time.Duration
	windowPart float64
}

func (p *plan) flags() {
	flag.StringVar(&p.w, "w", "", "these workloads alone, comma-separated")
	flag.StringVar(&p.t, "t", "", "these treatments alone, comma-separated")
	flag.IntVar(&p.least, "pairs", 6, "at least so many pairs of windows; an interval needs 6")
	flag.IntVar(&p.most, "most", 100, "at most so many pairs")
	flag.DurationVar(&p.within, "within", 90*time.Minute, "time for all workloads together")
	flag.Float64Var(&p.windowPart, "windows", 1, "windows so much as long as usual: less to try something out")
}

func (p *plan) choose() error {
	p.some = p.w != "" || p.t != ""
	work, treat := names(p.w), names(p.t)
	for _, w := range workloads {
		if p.w == "" || work[w.name] {
			w.window = time.Duration(float64(w.window) * p.windowPart)
			p.work = append(p.work, w)
			delete(work, w.name)
		}
	}
	for _, t := range treatments {
		if p.t == "" || treat[t.name] {
			p.treat = append(p.treat, t)
			delete(treat, t.name)
		}
	}
	for name := range work {
		return fmt.Errorf("no workload is called %q", name)
	}
	for name := range treat {
		return fmt.Errorf("no treatment is called %q", name)
	}
	return nil
}

// weight is how much time a workload needs, compared with the others.
func (p *plan) weight(w workload) float64 {
	n := len(p.treat)
	if w.only != nil {
		n = 2
	}
	return float64(n) * (w.window + time.Second).Seconds()
}

// share of the time that is left is for the i-th workload.
func (p *plan) share(i int, left time.Duration) time.Duration {
	sum := 0.0
	for _, w := range p.work[i:] {
		sum += p.weight(w)
	}
	return time.Duration(float64(left) * p.weight(p.work[i]) / sum)
}
