package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// callKinds are the kinds of outgoing calls that tests/fixtures/calls logs and a trace has as tasks.
var callKinds = []string{"client", "sql"}

func callCases() {
	for _, version := range []string{cfg.versions[0], "1.22.12", cfg.newest} {
		add("calls are tasks of their requests, go"+version, callTasksCase(version+"/calls"))
	}
	addBeside("calls without names: --no-labels", callNamesCase)
	addBeside("conditions on calls that a program cannot make", callNoneCase)
	for _, c := range slowCalls {
		add("watch: slow calls, "+c.condition, watchCallCase(c))
	}
}

// The program's own log is the referee; beside others on this machine both clocks may stand further apart than they
// should (the judge's own bounds).
func callTasksCase(fixture string) func(*T) {
	return func(t *T) {
		p := t.fixture(fixture, "-log", t.Path("log"))
		time.Sleep(500 * time.Millisecond)
		t.status(t.gobpftrace("-p", pidOf(p), "-d", "2s", "--mode", "full", "--requests", "-q", "-o", "out"), 0)
		time.Sleep(300 * time.Millisecond) // the log follows
		t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 20})
		for _, kind := range callKinds {
			out, err := output(filepath.Join(cfg.judges, "calls"), "-log", t.Path("log"), "-kind", kind, "-median", "20us", "-p99", "500us", t.Path("out/trace.out"))
			if err != nil {
				t.Errorf("%s: %v\n%s", kind, err, out)
			}
		}
		if strings.Contains(t.read(t.Path("out/trace.out")), "secret") {
			t.Harmf("the trace has a query string, or what a statement holds")
		}
	}
}

func callNamesCase(t *T) {
	p := t.fixture(cfg.newest + "/calls")
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "1s", "--requests", "--no-labels", "-q", "-o", "out"), 0)
	trace := t.read(t.Path("out/trace.out"))
	if !strings.Contains(trace, "client") || strings.Contains(trace, "client GET") || strings.Contains(trace, "SELECT") || strings.Contains(trace, "/moved/") {
		t.Errorf("no calls are told, or where they go to")
	}
}

func callNoneCase(t *T) {
	p := t.fixture(cfg.newest + "/zoo")
	t.refused(t.gobpftrace("watch", "-p", pidOf(p), "-o", "captures", "--on", "client > 1s"), []int{3}, "no calls by net/http that can be seen")
	t.refused(t.gobpftrace("watch", "-p", pidOf(p), "-o", "captures", "--on", "sql > 1s"), []int{3}, "no calls by database/sql that can be seen")
}

// callTold is what a condition's capture has to tell of the call that is planted.
type callTold struct{ condition, name, ending, caller string }

var slowCalls = []callTold{
	{"client match 'GET */slow/*' > 60ms", "/slow/", "200", "main.ask"},
	{"sql match 'SELECT' > 60ms", "SELECT", "ok", "main.query"},
}

// One condition each: triggers within a second are one capture.
func watchCallCase(want callTold) func(*T) {
	return func(t *T) {
		p := t.fixture(cfg.newest+"/calls", "-slow", "1100ms")
		r := t.watch("-p", pidOf(p), "--keep", "1s", "--on", want.condition)
		time.Sleep(3 * time.Second)
		got := of(t.ends(r), "capture")
		if len(got) != 1 {
			t.Fatalf("%d captures, wanted 1: %v", len(got), got)
		}
		dir := t.Path(got[0].Folder)
		reason := t.json(t.read(filepath.Join(dir, "reason.json")))
		name := strings.TrimSpace(fmt.Sprint(reason["method"], " ", reason["path"]))
		if !strings.Contains(name, want.name) || reason["ending"] != want.ending || !strings.Contains(fmt.Sprint(reason["stack"]), want.caller) {
			t.Errorf("not the one that was planted: %v", reason)
		}
		if took := reason["value_raw"].(float64); took < 80e6 || took > 400e6 {
			t.Errorf("%s took %v ns", name, took)
		}
		if summary := t.read(filepath.Join(dir, "summary.txt")); !strings.Contains(summary, name+": "+want.ending) {
			t.Errorf("the summary does not name %s", name)
		}
	}
}
