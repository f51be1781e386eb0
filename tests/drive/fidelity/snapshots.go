package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A program at rest, of which what the runtime says and what we read must be equal.
type resting struct {
	name    string
	env     string
	program []string
	work    time.Duration // that it does before
	least   map[string]int
}

var restingPrograms = []resting{
	{"zoo", "", []string{"zoo"}, 0, map[string]int{"goroutine": 25, "threadcreate": 1}},
	{"memory", "GODEBUG=memprofilerate=1", []string{"workload", "-kinds", "gc,spawn,nethttp,stacks", "-gated"}, time.Second,
		map[string]int{"goroutine": 20, "threadcreate": 1, "heap": 20, "allocs": 20}},
	{"memory512k", "", []string{"workload", "-kinds", "gc,spawn,nethttp,stacks", "-gated"}, time.Second, map[string]int{"heap": 3, "allocs": 3}},
}

// snapshots judges the profiles that are a state, not events.
func (r *runner) snapshots(version, attach string) {
	for i := range restingPrograms {
		p := &restingPrograms[i]
		if !r.wanted(p.name) {
			continue
		}
		name := strings.Join([]string{version, "profiles", p.name, attach}, " ")
		r.comparison(name, func() { r.snapshotOf(name, version, attach, p) })
	}
}

func (r *runner) snapshotOf(name, version, attach string, p *resting) {
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	report, err := r.snapshot(version, attach, p, dir)
	if err != nil {
		r.verdict(name, "not recorded", err)
		return
	}
	failed := r.failed
	r.each(version, p.name, attach, report)
	if r.failed == failed {
		os.RemoveAll(dir)
	}
}

// ask sends a command that is done at once.
func ask(p interface{ Ask(string) string }, command string) error {
	if said := p.Ask(command); !strings.HasPrefix(said, "done ") {
		return fmt.Errorf("to %q the program said %q", command, said)
	}
	return nil
}

func (r *runner) snapshot(version, attach string, rest *resting, dir string) (string, error) {
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(r.fixtures, version, rest.program[0])
	p, err := start("/usr/bin/env", append(strings.Fields(rest.env), append([]string{path}, rest.program[1:]...)...)...)
	if err != nil {
		return "", err
	}
	defer p.Stop()
	commands := []string{"nogc", "heap " + filepath.Join(dir, "ref.heap"), "threads " + filepath.Join(dir, "ref.threadcreate"),
		"goroutines " + filepath.Join(dir, "ref.goroutine") + " 0"}
	if rest.work > 0 {
		if err := ask(p, "resume"); err != nil {
			return "", err
		}
		time.Sleep(rest.work)
		commands = append([]string{"pause"}, commands...)
	}
	for _, c := range commands {
		if err := ask(p, c); err != nil {
			return "", err
		}
		if c == "pause" {
			time.Sleep(500 * time.Millisecond) // until all wait at the gate
		}
	}
	ours := filepath.Join(dir, "ours")
	options := []string{"--attach", attach, "--hz", "0", "--profiles", "goroutine,threadcreate,heap,allocs"}
	if err := r.record(p, ours, 300*time.Millisecond, options, func() error { return nil }); err != nil {
		return "", err
	}
	var reports []string
	for _, kind := range []string{"goroutine", "threadcreate", "heap", "allocs"} {
		least, wanted := rest.least[kind]
		if !wanted {
			continue
		}
		file := kind
		if kind == "allocs" {
			file = "heap" // the same buckets
		}
		depth := 128
		if minor(version) < 23 {
			depth = 32 // runtime/pprof keeps no more
		}
		report, err := run(filepath.Join(r.judges, "profiles"), "-ref", filepath.Join(dir, "ref."+file), "-ours", filepath.Join(ours, kind+".pprof"),
			"-equal", kind, "-least", fmt.Sprint(least), "-depth", fmt.Sprint(depth), "-diffs", "3")
		if report == "" {
			return "", fmt.Errorf("the judge says nothing: %v", err)
		}
		reports = append(reports, report)
	}
	all := strings.Join(reports, "\n")
	return all, os.WriteFile(filepath.Join(dir, "report.txt"), []byte(all), 0o644)
}
