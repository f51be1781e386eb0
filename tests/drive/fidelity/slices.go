package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// A slice of a capture below a budget is a whole trace, so it has to be as right as one: all of a busy HTTP service are
// judged against one trace of its own, which the program writes through the whole capture.
const (
	sliceBudget    = "10"
	sliceReference = 6 * time.Second // the price of a hit, attaching, the capture and its files
	slicesLeast    = 2
)

// errPaused: a thread was off its processor between the two recorders' stamps, which is much of so short a time.
type errPaused struct{ error }

func (r *runner) slices(version, attach string) {
	name := strings.Join([]string{version, "slices", attach}, " ")
	for n := 1; ; n++ {
		line, err := r.compareSlices(name, version, attach)
		var paused errPaused
		if n == recordings || !errors.As(err, &paused) {
			r.verdict(name, line, err)
			return
		}
		fmt.Printf("     %s: recorded again, with pauses in it: %s\n", name, line)
	}
}

var pauses = regexp.MustCompile(`stamps more than 100 µs apart.* ([0-9]+) of [0-9]+`)

// judgeSlice: what a slice without a pause falls short of, it falls short of for good.
func (r *runner) judgeSlice(ref, trace, report string) (string, error) {
	line, err := run(filepath.Join(r.judges, "fidelity"), "-ref", ref, "-ours", trace, "-line", "-diffs", "12",
		"-report", report, "-min-transitions", "1000", "-min-goroutines", "10")
	if err == nil {
		return line, nil
	}
	text, _ := os.ReadFile(report)
	if m := pauses.FindSubmatch(text); m != nil && string(m[1]) != "0" {
		err = errPaused{err}
	}
	return filepath.Base(trace) + ": " + line, err
}

func (r *runner) compareSlices(name, version, attach string) (string, error) {
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "no folder", err
	}
	path, args := r.program(version, "nethttp")
	p, err := start(path, args...)
	if err != nil {
		return "the program does not start", err
	}
	defer p.Stop()
	ref, ours := filepath.Join(dir, "ref.trace"), filepath.Join(dir, "ours")
	if err := r.withinOwn(p, ref, ours, attach); err != nil {
		return "not recorded", err
	}
	traces, _ := filepath.Glob(filepath.Join(ours, "trace*.out"))
	if err := enoughSlices(ours, len(traces)); err != nil {
		return "too little", err
	}
	lines := []string{fmt.Sprintf("%d slices", len(traces))}
	for _, t := range traces {
		line, err := r.judgeSlice(ref, t, filepath.Join(dir, filepath.Base(t)+".txt"))
		if err != nil {
			return line, err
		}
		lines = append(lines, line)
	}
	os.RemoveAll(dir)
	return strings.Join(lines, "; "), nil
}

// withinOwn captures a program while it traces itself, from before the capture until behind its end.
func (r *runner) withinOwn(p *lab.Program, ref, ours, attach string) error {
	begun := p.Ask(fmt.Sprintf("trace %s %s", ref, sliceReference))
	if !strings.HasPrefix(begun, "begun trace") {
		return fmt.Errorf("the program said %q", begun)
	}
	if _, err := run(r.tool, "record", "-q", "-p", fmt.Sprint(p.Pid()), "-d", "1500ms", "-o", ours, "--attach", attach, "--hz", "0",
		"--mode", "auto", "--max-overhead", sliceBudget); err != nil {
		return err
	}
	done, err := p.Line(sliceReference + time.Minute)
	if err != nil {
		return err
	}
	var a, b int64
	if _, err := fmt.Sscanf(done, "done trace %d %d", &a, &b); err != nil {
		return fmt.Errorf("the program said %q", done)
	}
	end, err := windowEnd(ours)
	if err != nil {
		return err
	}
	if left := time.Until(end) + time.Duration(lab.Monotonic()-b); left > 0 {
		return fmt.Errorf("its own trace ended %v before the capture's window", left)
	}
	return nil
}

// windowEnd is when a capture's window ended, by the clock on the wall.
func windowEnd(dir string) (time.Time, error) {
	var s struct {
		Start   time.Time
		Capture int64 `json:"capture_ns"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s.Start.Add(time.Duration(s.Capture)), err
}

// enoughSlices: were there slices at all, and a file of each?
func enoughSlices(dir string, files int) error {
	var s struct {
		Mode   string
		Slices int
	}
	text, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && (s.Mode != "burst" || s.Slices < slicesLeast || files != min(s.Slices, 10)) {
		err = fmt.Errorf("mode %s, %d slices, %d traces", s.Mode, s.Slices, files)
	}
	return err
}
