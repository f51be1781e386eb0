package main

import (
	"math"
	"testing"
	"time"
)

const tenth = 0.1

// logOf is a log of lines of 100 ms: seconds of calm, of storm, of calm; added is what a capture takes of each
// line's own work.
func logOf(calm, storm int, added func(line int) float64) (cells []cell) {
	for i := 0; i < 20*calm+10*storm; i++ {
		c := cell{At: int64(i+1) * 1e8, Seconds: tenth, CPU: 0.0003, Ops: 10}
		if i >= 10*calm && i < 10*(calm+storm) {
			c.CPU, c.Ops, c.Storm = 0.2, 1000, 1000
		}
		c.CPU *= 1 + added(i)
		cells = append(cells, c)
	}
	return cells
}

func none(int) float64 { return 0 }

func near(t *testing.T, what string, is, want float64) {
	t.Helper()
	if math.Abs(is-want) > 0.01 {
		t.Errorf("%s: %.3f, wanted %.3f", what, is, want)
	}
}

func TestWorst(t *testing.T) {
	untreated := logOf(2, 6, none)
	own := perOpOf(untreated)
	near(t, "calm", own.calm*1e6, 30)
	near(t, "storm", own.storm*1e6, 200)
	near(t, "nothing added", worst(untreated, own, 0.05, time.Second), 0)

	even := logOf(2, 6, func(int) float64 { return 0.04 })
	near(t, "evenly, 1 s", worst(even, own, 0.05, time.Second), 4)
	near(t, "evenly, 6 s", worst(even, own, 0.05, 6*time.Second), 4)

	burst := logOf(2, 6, func(i int) float64 {
		if i >= 40 && i < 45 {
			return 0.6
		}
		return 0
	})
	near(t, "half a second of 60 %, by 1 s", worst(burst, own, 0.05, time.Second), 30)
	// with all of the calm, so that there is least of the target's own work: 3.9 s of the storm, two processors
	near(t, "half a second of 60 %, by 6 s", worst(burst, own, 0.05, 6*time.Second), 100*0.6/(3.9*2+0.006))

	// in the calm, of 3 ms a second, 5 ms more are the floor, and so the whole of any budget
	calm := logOf(2, 6, func(i int) float64 {
		if i < 10 {
			return 5. / 3
		}
		return 0
	})
	near(t, "the floor", worst(calm, own, 0.02, time.Second), 2)
	if w := worst(untreated[:5], own, 0.05, time.Second); !math.IsInf(w, -1) {
		t.Errorf("of half a second: %v", w)
	}
}

func TestPromise(t *testing.T) {
	for _, c := range []struct {
		treated, untreated, limit float64
		ok, resolved              bool
	}{
		{4, 0.5, 6, true, true},
		{6.4, 0.5, 6, true, true},
		{6.6, 0.5, 6, false, true},
		{4, 3.1, 6, true, false},
		{math.Inf(-1), 0, 6, false, false}, // no part was that long
	} {
		ok, resolved := promised(c.treated, c.untreated, c.limit)
		if resolved != c.resolved || resolved && ok != c.ok {
			t.Errorf("%v: %v, %v", c, ok, resolved)
		}
	}
}
