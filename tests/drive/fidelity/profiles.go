package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Behind it in a list stands what only the new trace format tells.
const traced = ";"

// What each kind of work judges: profile types, and how many events the reference must have of each.
var profileKinds = []struct{ kind, types string }{
	{"contention", "block=2000,mutex=2000,sched=5000,sync=2000,sleep=4000"},
	{"mutex", "block=4000,mutex=2000,sched=10000,sync=4000,sleep=2000,goroutinecreate=500"},
	{"channels", "block=8000,sched=8000,sync=8000"},
	{"select", "block=8000,sched=8000,sync=8000"},
	{"stacks", "block=8000,sched=8000,sync=8000"},
	{"timers", "block=4000,sched=8000,sync=4000,sleep=4000,goroutinecreate=500"},
	{"spawn", "sched=10000,sleep=200,goroutinecreate=10000"},
	{"nethttp", "block=4000,sched=8000,net=2000,sync=4000,syscall=8000,sleep=200,goroutinecreate=500"},
	{"files", "sched=2000,net=200,syscall=20000,sleep=1000"},
	{"gc", "block=4000,sched=4000" + traced + "gc-assist=100"},
	{"cycles", "sleep=1000" + traced + "gc-pause=500"},
	{"tasks", "sched=8000,sleep=8000"}, // with pprof labels, which the reference does not have
}

// What the judge says where the machine stood still too often for times to be compared.
const disturbed = "disturbed"

// profiles judges every profile type that comes from the stream of events.
func (r *runner) profiles(version, attach string) {
	for _, k := range profileKinds {
		if !r.wanted(k.kind) || !r.has(version, k.kind) {
			continue
		}
		types, more, _ := strings.Cut(k.types, traced)
		if more != "" && !old(version) {
			types += "," + more
		}
		name := strings.Join([]string{version, "profiles", k.kind, attach}, " ")
		r.comparison(name, func() { r.profilesOf(name, version, attach, k.kind, types) })
	}
}

// lightKinds: what mode light is held against, and how many waits the reference must have.
var lightKinds = []struct{ kind, types string }{
	{"channels", "stops=8000"}, {"mutex", "stops=2000"}, {"timers", "stops=4000"}, {"nethttp", "stops=4000"}, {"gc", "stops=2000"},
	{"select", "stops=2000"}, {"stacks", "stops=2000"}, {"spawn", "stops=200"}, {"files", "stops=500"}, {"iterpull", "stops=20"}, {"lockosthread", "stops=20"},
}

// light judges captures by --mode light: every wait, and bounds around its time.
func (r *runner) light(version, attach string) {
	for _, k := range lightKinds {
		if !r.wanted("light") || old(version) || !r.has(version, k.kind) {
			continue
		}
		name := strings.Join([]string{version, "light", k.kind, attach}, " ")
		r.comparison(name, func() { r.profilesOf(name, version, attach, k.kind, k.types, "--mode", "light") })
	}
}

func (r *runner) profilesOf(name, version, attach, kind, types string, options ...string) {
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	for n := 1; ; n++ {
		report, err := r.recordProfiles(version, attach, kind, types, dir, options)
		if n < recordings && (strings.Contains(report, disturbed) || old(version) && strings.Contains(report, unreadable)) {
			continue
		}
		if err != nil && report == "" {
			r.verdict(name, "not recorded", err)
			return
		}
		failed := r.failed
		r.each(version, kind, attach, report)
		if r.failed == failed {
			os.RemoveAll(dir)
		}
		return
	}
}

// each gives a verdict for each type in the judge's report: a line a type, what fails with lines below.
func (r *runner) each(version, kind, attach, report string) {
	var title, detail string
	var below []string
	flush := func() {
		if title == "" {
			return
		}
		var err error
		if strings.HasPrefix(title, "FAIL ") {
			err = errors.New(strings.Join(below, "\n"))
		}
		r.verdict(strings.Join([]string{version, title[5:], kind, attach}, " "), detail, err)
	}
	for _, l := range strings.Split(report, "\n") {
		if strings.HasPrefix(l, "type ") {
			flush()
			title, detail, _ = strings.Cut(l[5:], ": ")
			below = nil
		} else {
			below = append(below, l)
		}
	}
	flush()
}

// recordProfiles runs the program, and the judge over what both recorded.
func (r *runner) recordProfiles(version, attach, kind, types, dir string, options []string) (string, error) {
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	const edge = 250 * time.Millisecond
	p, err := start(filepath.Join(r.fixtures, version, "workload"), "-kinds", kind, "-gated", "-edge", edge.String())
	if err != nil {
		return "", err
	}
	defer p.Stop()
	time.Sleep(2 * edge) // until all wait at the gate
	prefix, ours := filepath.Join(dir, "ref"), filepath.Join(dir, "ours")
	err = r.record(p, ours, r.traceFor+2*edge+2*time.Second, append([]string{"--attach", attach, "--hz", "0", "--profiles", "all"}, options...), func() error {
		_, err := own(p, "profiles", prefix, r.traceFor, "")
		return err
	})
	if err != nil {
		return "", err
	}
	report, err := run(filepath.Join(r.judges, "profiles"), "-ref", prefix, "-ours", ours, "-types", types, "-go", r.goTool,
		fmt.Sprintf("-counts=%v", r.counts))
	os.WriteFile(filepath.Join(dir, "report.txt"), []byte(report), 0o644)
	if report == "" && err == nil {
		err = fmt.Errorf("the judge says nothing")
	}
	return report, err
}
