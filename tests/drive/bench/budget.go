package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gobpftrace.test/drive/lab"
)

// What a budget promises, held against the log that the target writes of itself each 100 ms: no six seconds of a
// capture cost more than the budget, and no second more than twice of it. The price by which the governor counts has
// no say in it. What the same parts of untreated logs differ by is measurement: it is told, and taken off.

const (
	budgetCapture = 8 * time.Second // within a cycle of the fixture's weather, of 10 s
	budgetPairs   = 6
	settled       = 100 * time.Millisecond // after the begin of a capture, which is no part of the promise
)

var budgets = []struct {
	load   string
	budget float64 // 0.05 is 5 %
	storms bool    // that come and go
}{
	{"storm", 0.05, true}, {"storm", 0.02, true}, {"storm", 0.01, true}, {"http", 0.05, false}, {"pingpong", 0.05, false},
}

// The measured ratio may pass a promise by a fifth, or half a point.
func tolerated(percent float64) float64 { return math.Max(1.2*percent, percent+0.5) }

// promised: is what was measured of a capture within the limit? Where untreated logs differ by half of it, nobody can
// tell.
func promised(treated, untreated, limit float64) (ok, resolved bool) {
	if math.IsInf(treated, 0) || math.IsInf(untreated, 0) || untreated > limit/2 {
		return false, false
	}
	return treated-math.Max(untreated, 0) <= limit, true
}

// held is a pair: the worst parts of a treated log and of the untreated one behind it.
type held struct{ second, six, untreatedSecond, untreatedSix float64 }

type budgetRun struct {
	b      *bench
	p      *lab.Program
	budget float64
	storms bool
	slices float64
	sliced float64 // share of the time
}

func budgetRows(b *bench) {
	for _, r := range budgets {
		name := fmt.Sprintf("%s: --mode auto --max-overhead %g", r.load, 100*r.budget)
		p, _, err := lab.Start(b.fixture("bench"), "-do", r.load, "-every", "100ms", "-calm", "4s", "-storm", "6s")
		if err != nil {
			b.failed(name, "measurable", err)
			continue
		}
		run := &budgetRun{b: b, p: p, budget: r.budget, storms: r.storms}
		all, err := run.pairs()
		p.Stop()
		if err != nil {
			b.failed(name, "measurable", err)
			continue
		}
		run.tell(name, all)
	}
}

func (r *budgetRun) pairs() (all []held, err error) {
	before, err := r.untreated()
	for i := 0; err == nil && i < budgetPairs; i++ {
		var treated, after []cell
		if treated, err = r.treated(); err != nil {
			break
		}
		if after, err = r.untreated(); err != nil {
			break
		}
		own := perOpOf(append(append([]cell(nil), before...), after...))
		all = append(all, held{
			worst(treated, own, r.budget, time.Second), worst(treated, own, r.budget, 6*time.Second),
			worst(after, own, r.budget, time.Second), worst(after, own, r.budget, 6*time.Second),
		})
		before = after
	}
	return all, err
}

// calm waits until a storm is over, where there are any.
func (r *budgetRun) calm() (c cell, err error) {
	r.p.Drop()
	for last := (cell{}); ; last = c {
		if c, err = readCell(r.p); err != nil || !r.storms || c.Storm == 0 && last.Storm > 0 {
			return c, err
		}
	}
}

// until reads the log up to a moment.
func (r *budgetRun) until(end int64) (cells []cell, err error) {
	for {
		c, err := readCell(r.p)
		if err != nil || c.At > end {
			return cells, err
		}
		cells = append(cells, c)
	}
}

func (r *budgetRun) untreated() ([]cell, error) {
	c, err := r.calm()
	if err != nil {
		return nil, err
	}
	return r.until(c.At + int64(budgetCapture))
}

// treated is the log of a capture, from soon after its begin to its end.
func (r *budgetRun) treated() (cells []cell, err error) {
	if _, err = r.calm(); err != nil {
		return nil, err
	}
	dir := filepath.Join(r.b.work, "budget")
	os.RemoveAll(dir)
	cmd := exec.Command(r.b.tool, "record", "-q", "--raw", "-p", pidOf(r.p), "-o", dir, "-d", budgetCapture.String(), "--mode", "auto",
		"--max-overhead", fmt.Sprint(100*r.budget))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %s", err, out)
	}
	begin, _, err := rawTimes(filepath.Join(dir, "capture.raw"))
	if err != nil {
		return nil, err
	}
	doc, err := lab.ReadJSON(filepath.Join(dir, "summary.json"))
	if err != nil {
		return nil, err
	}
	var figures [3]float64
	for i, key := range []string{"capture_ns", "slices", "sliced_ns"} {
		if figures[i], err = doc.Number(key); err != nil {
			return nil, err
		}
	}
	r.slices += figures[1] / budgetPairs
	r.sliced += figures[2] / figures[0] / budgetPairs
	all, err := r.until(lab.Monotonic())
	for _, c := range all {
		if c.begin() >= begin+int64(settled) && c.At <= begin+int64(figures[0]) {
			cells = append(cells, c)
		}
	}
	return cells, err
}

func (r *budgetRun) tell(name string, all []held) {
	var second, six, untreatedSecond, untreatedSix []float64
	for _, h := range all {
		second, six = append(second, h.second), append(six, h.six)
		untreatedSecond, untreatedSix = append(untreatedSecond, h.untreatedSecond), append(untreatedSix, h.untreatedSix)
	}
	r.row(name+", the worst 6 s", six, untreatedSix, 100*r.budget)
	r.row(name+", the worst second", second, untreatedSecond, 200*r.budget)
	// one that saw nothing keeps below anything
	r.b.row(name+", seen", fmt.Sprintf("%.1f slices, %.1f %% of the time", r.slices, 100*r.sliced), "≥ 2 slices", r.slices >= 2)
}

func (r *budgetRun) row(name string, treated, untreated []float64, promise float64) {
	t, u, limit := lab.Median(treated), lab.Median(untreated), tolerated(promise)
	text := fmt.Sprintf("%+.2f %%, untreated %+.2f %%, of %d pairs", t, u, len(treated))
	ok, resolved := promised(t, u, limit)
	if !resolved {
		text = "not resolved: " + text
	}
	r.b.row(name, text, fmt.Sprintf("≤ +%g %% (measured: %.1f) above untreated", promise, limit), resolved && ok)
}
