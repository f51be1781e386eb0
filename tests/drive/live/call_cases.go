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
	{"client match 'GET */slow/*' > 300ms", "/slow/", "200", "main.ask"},
	{"sql match 'SELECT' > 300ms", "SELECT", "ok", "main.query"},
}

// callsLogged are the calls of that kind and name in the log of tests/fixtures/calls, which has tabs between; it is
// written ten times a second, and its last line may be cut.
func (t *T) callsLogged(kind, name string) (list []loggedCall) {
	for _, line := range strings.SplitAfter(t.read(t.Path("log")), "\n") {
		w, c := strings.Split(line, "\t"), loggedCall{name: name}
		if len(w) != 5 || w[0] != kind || w[1] != name || !strings.HasSuffix(line, "\n") {
			continue
		}
		if n, _ := fmt.Sscan(w[3]+" "+w[4], &c.begin, &c.end); n == 2 {
			list = append(list, c)
		}
	}
	return list
}

// longest of them, of which there may be thousands.
func longest(list []loggedCall) (c loggedCall) {
	for _, l := range list {
		if l.end-l.begin > c.end-c.begin {
			c = l
		}
	}
	return c
}

// One condition each: triggers within a second are one capture. What is planted takes so long that no stall of a busy
// machine is taken for it: the condition cools down behind the first. The program's own log is the referee.
func watchCallCase(want callTold) func(*T) {
	return func(t *T) {
		p := t.fixture(cfg.newest+"/calls", "-slow", "1100ms", "-slow-for", "400ms", "-log", t.Path("log"))
		r := t.watch("-p", pidOf(p), "--keep", "1s", "--on", want.condition)
		got, _ := t.captures(r, 1)
		if len(got) != 1 {
			t.Fatalf("%d captures, wanted 1: %v", len(got), got)
		}
		dir := t.Path(got[0].Folder)
		reason := t.json(t.read(filepath.Join(dir, "reason.json")))
		name := strings.TrimSpace(fmt.Sprint(reason["method"], " ", reason["path"]))
		if !strings.Contains(name, want.name) || reason["ending"] != want.ending || !strings.Contains(fmt.Sprint(reason["stack"]), want.caller) {
			t.Errorf("not the one that was planted: %v", reason)
		}
		kind, _, _ := strings.Cut(want.condition, " ")
		time.Sleep(300 * time.Millisecond) // the log follows
		if took, list := reason["value_raw"].(float64), t.callsLogged(kind, name); !logged(list, took, 1e5, 20e6) {
			t.Errorf("no %s %s of %v ms in the log: %v", kind, name, took/1e6, longest(list))
		}
		if summary := t.read(filepath.Join(dir, "summary.txt")); !strings.Contains(summary, name+": "+want.ending) {
			t.Errorf("the summary does not name %s", name)
		}
	}
}
