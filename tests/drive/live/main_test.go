package main

import (
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"gobpftrace.test/drive/attempts"
)

// A case is judged anew by each attempt: what the first found is not the second's.
func TestCaseThatFailsOnce(t *testing.T) {
	t.Setenv("AGAIN_FILE", "")
	calls := 0
	c := testcase{name: "fails once", run: func(t *T) {
		if calls++; calls == 1 {
			t.Fatalf("a time is too long")
		}
		if list := t.Path("left"); exists(list) || len(t.problems) > 0 {
			t.Errorf("the first attempt's things are here")
		}
	}}
	if v := c.judge(io.Discard); v != attempts.Passed || calls != 2 {
		t.Errorf("verdict %d after %d calls", v, calls)
	}
}

// What no busy machine excuses fails at once, wherever in the case it is found.
func TestCaseThatHarms(t *testing.T) {
	for name, run := range map[string]func(*T){
		"says so":               func(t *T) { t.Harmf("the target is gone") },
		"fails and says so":     func(t *T) { t.Cleanup(func() { t.Harmf("its text has changed") }); t.Fatalf("too late") },
		"is not refused":        func(t *T) { t.refused(&result{status: 0}, []int{3}, "") },
		"has another status":    func(t *T) { t.status(&result{status: 0}, 2) },
		"leaves a hidden file":  func(t *T) { os.WriteFile(t.Path(".partial"), nil, 0o600); t.noLeftovers(t.dir) },
		"prints a control byte": func(t *T) { t.printable("a line", "\x1b[2J") },
	} {
		calls := 0
		c := testcase{name: name, run: func(t *T) {
			calls++
			run(t)
		}}
		if v := c.judge(io.Discard); v != attempts.Harmed || calls != 1 {
			t.Errorf("%s: verdict %d after %d calls", name, v, calls)
		}
	}
}

// Cases that may run beside others do, as many as allowed; one that may not is alone. All are counted.
func TestRunAll(t *testing.T) {
	var now, most atomic.Int32
	work := func(*T) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
	}
	var list []*testcase
	for i := 0; i < 12; i++ {
		list = append(list, &testcase{name: "beside", run: work, beside: true})
	}
	list = append(list, &testcase{name: "alone", run: func(t *T) {
		if n := now.Load(); n != 0 {
			t.Harmf("%d others run", n)
		}
		time.Sleep(20 * time.Millisecond)
		if n := now.Load(); n != 0 {
			t.Harmf("%d others began", n)
		}
	}}, &testcase{name: "skips", run: func(t *T) { t.Skipf("why") }, beside: true},
		&testcase{name: "fails", run: func(t *T) { t.Harmf("why") }, beside: true})
	counts := runAll(list, 3)
	if want := [...]int{attempts.Passed: 13, attempts.Skipped: 1, attempts.Failed: 0, attempts.Harmed: 1}; counts != want {
		t.Errorf("counts %v, wanted %v", counts, want)
	}
	if n := most.Load(); n != 3 {
		t.Errorf("%d ran at once, wanted 3", n)
	}
}

func TestFair(t *testing.T) {
	for _, c := range []struct {
		want int
		cpu  float64
		fair int
	}{{8000, 0, 8000}, {8000, 1e9, 8000}, {8000, 100e6, 8000}, {8000, 50e6, 4000}, {8000, 1e3, 400}} {
		if n := fair(c.want, c.cpu); n != c.fair {
			t.Errorf("%d in %v ns: %d, wanted %d", c.want, c.cpu, n, c.fair)
		}
	}
}
