package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"gobpftrace.test/drive/lab"
)

// pairs is all that was measured of a treatment under a workload: a value a pair of windows. What is added is in
// percent of the untreated windows before and behind.
type pairs struct {
	Treatment string    `json:"treatment"`
	What      string    `json:"what"`
	CPU       []float64 `json:"cpu_per_op_added_percent"`
	Rate      []float64 `json:"throughput_changed_percent"`
	P99       []float64 `json:"p99_added_percent"`
	ToolCores []float64 `json:"tool_percent_of_core"` // within the windows
	ToolMB    []float64 `json:"tool_max_rss_mb"`      // with its files written
	ToolCPU   []float64 `json:"tool_s_per_million_events,omitempty"`
	Bytes     []float64 `json:"bytes_per_event,omitempty"`
	HitsPerOp []float64 `json:"hits_per_op,omitempty"`
	Told      []float64 `json:"cpu_added_percent_told,omitempty"`
	Lost      float64   `json:"lost"`
	Resolved  bool      `json:"resolved"`
	NotHere   string    `json:"not_here,omitempty"` // why there is nothing
	Error     string    `json:"error,omitempty"`

	treatment treatment
	warming   time.Duration // from its start to a window, learnt
	precision float64       // half of the interval's width in CPU time shall be below; 0: just the least pairs
	done      bool
}

// table is a workload with all of its treatments.
type table struct {
	Workload  string    `json:"workload"`
	What      string    `json:"what"`
	CPUperOp  []float64 `json:"untreated_cpu_ns_per_op"`
	Rate      []float64 `json:"untreated_ops_per_s"`
	P99       []float64 `json:"untreated_p99_ns"`
	Treatment []*pairs  `json:"treatments"`
	Error     string    `json:"error,omitempty"`
}

func (t *table) of(name string) *pairs {
	for _, p := range t.Treatment {
		if p.Treatment == name {
			return p
		}
	}
	return nil
}

func (t *table) untreated(s sample) {
	t.CPUperOp = append(t.CPUperOp, s.perOp())
	t.Rate = append(t.Rate, s.rate())
	t.P99 = append(t.P99, s.p99NS)
}

func added(treated, untreated float64) float64 { return 100 * (treated/untreated - 1) }

// errLate: when the window began the treatment was not on yet.
type errLate struct {
	covered float64
	window  time.Duration
}

func (e errLate) Error() string {
	return fmt.Sprintf("it was on for %.2f s, the window is of %v", e.covered, e.window)
}

// treatOnce is one treated window.
func (b *bench) treatOnce(p *pairs, t target, d time.Duration) (s sample, err error) {
	r, err := p.treatment.start(b, t)
	if err != nil {
		return s, err
	}
	time.Sleep(p.warming)
	before, begin := r.toolCPU(), time.Now()
	s, err = t.window(d)
	tool, took := r.toolCPU()-before, time.Since(begin)
	o, e := r.stop()
	if err == nil {
		err = e
	}
	if err == nil && o.covered > 0 && o.covered < d.Seconds() {
		err = errLate{o.covered, d}
	}
	if err != nil {
		return s, err
	}
	p.ToolCores = append(p.ToolCores, 100*tool/float64(took))
	p.ToolMB = append(p.ToolMB, o.rss/1e6)
	p.Lost += o.lost
	if o.told > 0 {
		p.Told = append(p.Told, o.told)
	}
	if o.events > 0 {
		p.Bytes = append(p.Bytes, o.bytes/o.events)
	}
	if o.events > 1e5 { // else it is what reading the symbols takes
		p.ToolCPU = append(p.ToolCPU, o.toolNS/o.events/1e3)
	}
	if o.hits > 0 {
		p.HitsPerOp = append(p.HitsPerOp, o.hits/o.covered/s.rate())
	}
	return s, nil
}

// resolved tells whether the interval is narrow enough; what is certainly above the limit is so too.
func (p *pairs) resolved(l []limit) bool {
	low, high, ok := lab.MedianInterval(p.CPU)
	if !ok {
		return false
	}
	if p.precision == 0 || (high-low)/2 < p.precision {
		return true
	}
	for _, l := range l {
		if l.treatment == p.Treatment && l.of == "" && low > l.percent {
			return true
		}
	}
	return false
}

// round gives each treatment that needs more a window, with an untreated one between any two.
func (b *bench) round(tab *table, w workload, t target, before *sample) (open int, err error) {
	limits := limitsOf(w.name)
	for _, p := range tab.Treatment {
		if p.done {
			continue
		}
		s, err := b.treatOnce(p, t, w.window)
		if errors.Is(err, errNotHere) {
			p.NotHere, p.done = "not in this program", true
			continue
		}
		var late errLate
		if errors.As(err, &late) && p.warming < longestWarming {
			p.warming += p.warming/2 + warming
		} else if err != nil {
			p.Error, p.done = err.Error(), true
		}
		after, e := t.window(w.window)
		if e != nil {
			return 0, e
		}
		tab.untreated(after)
		if err == nil {
			u := between(*before, after)
			p.CPU = append(p.CPU, added(s.perOp(), u.perOp()))
			p.Rate = append(p.Rate, added(s.rate(), u.rate()))
			if u.p99NS > 0 {
				p.P99 = append(p.P99, added(s.p99NS, u.p99NS))
			}
			p.Resolved = p.resolved(limits)
			p.done = len(p.CPU) >= b.plan.most || p.Resolved && len(p.CPU) >= b.plan.least
		}
		*before = after
		if !p.done {
			open++
		}
	}
	return open, nil
}

func (b *bench) compareOne(w workload, until time.Time) *table {
	tab := &table{Workload: w.name, What: w.what}
	for _, t := range b.plan.treat {
		if w.only != nil && !w.only[t.name] {
			continue
		}
		p := &pairs{Treatment: t.name, What: t.what, treatment: t, precision: precision(w.name, t.name)}
		if _, err := exec.LookPath(t.command); t.command != "" && err != nil {
			p.NotHere, p.done = t.command+" is not installed", true
		}
		tab.Treatment = append(tab.Treatment, p)
	}
	if len(tab.Treatment) == 0 {
		return nil
	}
	t, err := w.start(b)
	if err == nil {
		defer t.stop()
		time.Sleep(2 * time.Second) // until it has warmed up
		var before sample
		before, err = t.window(w.window)
		tab.untreated(before)
		for open := 1; err == nil && open > 0 && time.Now().Before(until); {
			open, err = b.round(tab, w, t, &before)
			fmt.Fprintf(os.Stderr, "bench: %s: %d treatments to go on with\n", w.name, open)
		}
	}
	if err != nil {
		tab.Error = err.Error()
	}
	return tab
}

// compareAll shares the time that is left among the workloads that are left.
func (b *bench) compareAll() {
	until := time.Now().Add(b.plan.within)
	for i, w := range b.plan.work {
		if tab := b.compareOne(w, time.Now().Add(b.plan.share(i, time.Until(until)))); tab != nil {
			b.report.Work = append(b.report.Work, tab)
			b.report.compared(tab)
		}
	}
	for _, tab := range b.report.Work {
		b.judge(tab)
	}
}
