package main

import (
	"fmt"
	"math"

	"gobpftrace.test/drive/lab"
)

// limit is what a treatment may add to the CPU time of an operation: so many percent, or so many times what
// another treatment adds in the same round.
type limit struct {
	workload, treatment string
	percent             float64
	of                  string
	factor              float64
}

var limits = []limit{
	{"service", "full", 4, "", 0},
	{"service", "full", 0, "bare", 1.3},
	{"http", "full", 0, "bare", 1.7},
	{"http", "light", 15, "", 0},
	{"http", "auto", 10, "", 0}, // of a window of a second: twice the budget
	{"pingpong", "auto", 10, "", 0},
	{"http", "observe", 0.8, "", 0},
	{"service", "observe", 0.8, "", 0},
	{"http", "cpu", 0.5, "", 0},
	{"http", "cpu", 0, "pprof-cpu", 1},
	{"service", "cpu", 0.5, "", 0},
	{"service", "cpu", 0, "pprof-cpu", 1},
	{"parked", "wall", 0.5, "", 0},
	{"idle", "dump", 1, "", 0},
	{"gc", "allocs", 5, "", 0},
	{"http", "allocs", 5, "", 0},
}

func limitsOf(workload string) (some []limit) {
	for _, l := range limits {
		if l.workload == workload {
			some = append(some, l)
		}
	}
	return some
}

// precision is half the width that the interval of a treatment has to stay below: the smallest of its limits.
func precision(workload, treatment string) (p float64) {
	for _, l := range limitsOf(workload) {
		if l.treatment == treatment && l.of == "" && (p == 0 || l.percent < p) {
			p = l.percent
		}
	}
	return p
}

func (l limit) String() string {
	if l.of == "" {
		return fmt.Sprintf("≤ +%g %%", l.percent)
	}
	if l.factor == 1 {
		return "≤ what " + l.of + " adds"
	}
	return fmt.Sprintf("≤ %g × what %s adds", l.factor, l.of)
}

// judge makes a row of each limit, of each treatment that could not be measured, and of what makes the service one.
func (b *bench) judge(tab *table) {
	if tab.Error != "" {
		b.failed(tab.Workload, "measurable", fmt.Errorf("%s", tab.Error))
		return
	}
	for _, p := range tab.Treatment {
		name := tab.Workload + ": " + p.Treatment
		switch {
		case p.NotHere != "":
		case p.Error != "":
			b.failed(name, "measurable", fmt.Errorf("%s", p.Error))
		case !p.Resolved && p.precision == 0:
			b.row(name, fmt.Sprintf("not resolved: %s of %d pairs", percent(p.CPU), len(p.CPU)), "measurable", false)
		}
	}
	for _, l := range limitsOf(tab.Workload) {
		b.hold(tab, l)
	}
	for _, p := range tab.Treatment {
		if len(p.Told) > 0 {
			b.told(tab.Workload, p)
		}
	}
	if tab.Workload == "service" {
		b.production(tab)
	}
}

func (b *bench) hold(tab *table, l limit) {
	p, other := tab.of(l.treatment), tab.of(l.of)
	if p == nil || len(p.CPU) == 0 || l.of != "" && (other == nil || len(other.CPU) == 0) {
		return // not chosen, or told already
	}
	name := fmt.Sprintf("%s: %s, CPU time of an operation", tab.Workload, l.treatment)
	if l.of == "" {
		text := fmt.Sprintf("%s of %d pairs", percent(p.CPU), len(p.CPU))
		if !p.Resolved {
			text = "not resolved: " + text
		}
		b.row(name, text, l.String(), p.Resolved && lab.Median(p.CPU) <= l.percent)
		return
	}
	var above []float64 // the limit, in each round
	for i := 0; i < len(p.CPU) && i < len(other.CPU); i++ {
		above = append(above, p.CPU[i]-l.factor*other.CPU[i])
	}
	low, high, ok := lab.MedianInterval(above)
	allowed := l.factor * lab.Median(other.CPU)
	text := fmt.Sprintf("%s, %s %s", percent(p.CPU), l.of, percent(other.CPU))
	if !ok || (high-low)/2 >= allowed && low <= 0 {
		b.row(name, "not resolved: "+text, l.String(), false)
		return
	}
	b.row(name, text, l.String(), lab.Median(above) <= 0)
}

// told: is the cost that a capture tells the one that was measured?
func (b *bench) told(workload string, p *pairs) {
	told, m := lab.Median(p.Told), lab.Median(p.CPU)
	b.row(fmt.Sprintf("%s: %s, the cost that the summary tells", workload, p.Treatment), fmt.Sprintf("%+.2f %%, measured %s", told, percent(p.CPU)),
		"within 50 % or 0.5 points", math.Abs(told-m) <= math.Max(0.5*math.Abs(m), 0.5))
}

// production: is the service like one in production?
func (b *bench) production(tab *table) {
	ms := lab.Median(tab.CPUperOp) / 1e6
	text, hits := fmt.Sprintf("%.2f ms of CPU a request", ms), 0.0
	for _, name := range []string{"bare", "full"} {
		if p := tab.of(name); p != nil && len(p.HitsPerOp) > 0 {
			hits = lab.Median(p.HitsPerOp)
		}
	}
	if hits == 0 {
		b.note("service: untreated", text)
		return
	}
	b.row("service: untreated", fmt.Sprintf("%s, %.1f hits", text, hits), "1.3 to 1.5 ms, ≥ 25 hits", ms >= 1.3 && ms <= 1.5 && hits >= 25)
}
