package main

import (
	"os"
	"testing"

	"gobpftrace.test/drive/attempts"
)

// A case is judged anew by each attempt: what the first found is not the second's.
func TestCaseThatFailsOnce(t *testing.T) {
	t.Setenv("AGAIN_FILE", "")
	calls := 0
	c := testcase{"fails once", func(t *T) {
		if calls++; calls == 1 {
			t.Fatalf("a time is too long")
		}
		if list := t.Path("left"); exists(list) || len(t.problems) > 0 {
			t.Errorf("the first attempt's things are here")
		}
	}}
	if v := attempts.Twice(c.name, c.attempt); v != attempts.Passed || calls != 2 {
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
		c := testcase{name, func(t *T) {
			calls++
			run(t)
		}}
		if v := attempts.Twice(name, c.attempt); v != attempts.Harmed || calls != 1 {
			t.Errorf("%s: verdict %d after %d calls", name, v, calls)
		}
	}
}
