// SPDX-License-Identifier: GPL-2.0-only

// pprofcheck says whether profiles are what Go's own writer could have written: it reads them with
// the library behind `go tool pprof` and checks what that library takes on trust. It exits 1 when
// a file breaks a rule.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/google/pprof/profile"
)

// What runtime/pprof writes for each kind: sample types, then the period's.
var kinds = map[string][]string{
	"cpu":       {"samples/count", "cpu/nanoseconds", "cpu/nanoseconds"},
	"goroutine": {"goroutine/count", "goroutine/count"},
	"block":     {"contentions/count", "delay/nanoseconds", "contentions/count"},
	"mutex":     {"contentions/count", "delay/nanoseconds", "contentions/count"},
	// internal/trace/traceviewer/pprof.go
	"sched":   {"contentions/count", "delay/nanoseconds", "trace/count"},
	"net":     {"contentions/count", "delay/nanoseconds", "trace/count"},
	"sync":    {"contentions/count", "delay/nanoseconds", "trace/count"},
	"syscall": {"contentions/count", "delay/nanoseconds", "trace/count"},
	"sleep":   {"contentions/count", "delay/nanoseconds", "trace/count"},
	// ours alone
	"goroutinecreate": {"goroutines/count", "lifetime/nanoseconds", "goroutines/count"},
	"gc":              {"assists/count", "assist/nanoseconds", "pauses/count", "pause/nanoseconds", "gc/count"},
	"threadcreate":    {"threadcreate/count", "threadcreate/count"},
	"wall":            {"samples/count", "time/nanoseconds", "wallclock/nanoseconds"}, // felixge/fgprof
	"heap":            {"alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes", "space/bytes"},
	"stops":           {"stops/count", "off_at_least/nanoseconds", "off_at_most/nanoseconds", "stops/count"},
	// sampled by us where the runtime keeps no profile
	"allocs-estimate": {"alloc_objects/count", "alloc_space/bytes", "space/bytes"},
	"allocs":          {"alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes", "space/bytes"},
}

type checker struct {
	path string
	bad  int
}

func (c *checker) errorf(format string, args ...any) {
	c.bad++
	if c.bad <= 20 {
		fmt.Fprintf(os.Stderr, "%s: %s\n", c.path, fmt.Sprintf(format, args...))
	}
}

func typeName(v *profile.ValueType) string {
	if v == nil {
		return "none"
	}
	return v.Type + "/" + v.Unit
}

func (c *checker) types(p *profile.Profile, kind string) {
	var got []string
	for _, v := range p.SampleType {
		got = append(got, typeName(v))
	}
	got = append(got, typeName(p.PeriodType))
	if want := kinds[kind]; strings.Join(got, " ") != strings.Join(want, " ") {
		c.errorf("types are %v, a %s profile has %v", got, kind, want)
	}
	if p.Period <= 0 {
		c.errorf("period is %d", p.Period)
	}
	if p.TimeNanos <= 0 {
		c.errorf("it has no time")
	}
}

func (c *checker) locations(p *profile.Profile) {
	at := map[uint64]uint64{}
	for _, l := range p.Location {
		if l.Address != 0 {
			if other, ok := at[l.Address]; ok {
				c.errorf("locations %d and %d have address %#x", other, l.ID, l.Address)
			}
			at[l.Address] = l.ID
		}
		if m := l.Mapping; m != nil && l.Address != 0 && m.Limit != 0 &&
			(l.Address < m.Start || l.Address >= m.Limit) {
			c.errorf("location %d at %#x is outside of its mapping", l.ID, l.Address)
		}
		for i, line := range l.Line {
			switch {
			case line.Function == nil || line.Function.Name == "":
				c.errorf("location %d has a line without a function", l.ID)
			case line.Function.Name == "runtime.goexit":
				c.errorf("location %d is runtime.goexit", l.ID)
			case i+1 < len(l.Line) && line.Line == 0:
				c.errorf("location %d has an inlined frame without a line", l.ID)
			}
		}
		if l.Mapping != nil && l.Mapping.HasFunctions && len(l.Line) == 0 {
			c.errorf("location %d has no function in a mapping that is said to have all", l.ID)
		}
	}
}

func labels(s *profile.Sample) string {
	var all []string
	for k, v := range s.Label {
		all = append(all, fmt.Sprintf("%q=%q", k, v))
	}
	for k, v := range s.NumLabel {
		all = append(all, fmt.Sprintf("%q=%d", k, v))
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

func (c *checker) samples(p *profile.Profile, kind string) {
	seen := map[string]bool{}
	for i, s := range p.Sample {
		key := labels(s)
		for _, l := range s.Location {
			key += fmt.Sprintf(" %d", l.ID)
		}
		if seen[key] {
			c.errorf("sample %d repeats a stack with the same labels", i)
		}
		seen[key] = true
		if len(s.Location) == 0 {
			c.errorf("sample %d has no stack", i)
		}
		for k, v := range s.Value {
			// a stack of the gc profile assists, or stops the world, or both; in those of the heap
			// objects may all be freed, or not published yet; of those of the wall profile one may
			// have less time than half a sample
			zero := kind == "gc" && s.Value[k^2] > 0 || strings.HasPrefix(kind, "heap") || strings.HasPrefix(kind, "allocs") ||
				kind == "wall" && k == 0 && s.Value[1] > 0
			if v < 0 || v == 0 && !zero {
				c.errorf("sample %d has the values %v", i, s.Value)
			}
		}
		if kind == "cpu" && len(s.Value) == 2 && s.Value[1] != s.Value[0]*p.Period {
			c.errorf("sample %d: %d ns are not %d times the period", i, s.Value[1], s.Value[0])
		}
	}
}

func (c *checker) executable(p *profile.Profile, exe string) {
	if exe == "" {
		return
	}
	if len(p.Mapping) == 0 || !strings.HasSuffix(p.Mapping[0].File, "/"+exe) {
		c.errorf("the first mapping is not %s", exe)
	}
}

func (c *checker) functions(p *profile.Profile, want string) {
	if want == "" {
		return
	}
	have := map[string]bool{}
	for _, f := range p.Function {
		have[f.Name] = true
	}
	for _, name := range strings.Split(want, ",") {
		if !have[name] {
			c.errorf("it has no function %s", name)
		}
	}
}

func (c *checker) check(kind, exe, want string, atLeast int64) {
	f, err := os.Open(c.path)
	if err != nil {
		c.errorf("%v", err)
		return
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err == nil {
		err = p.CheckValid()
	}
	if err != nil {
		c.errorf("%v", err)
		return
	}
	c.types(p, kind)
	c.locations(p)
	c.samples(p, kind)
	c.executable(p, exe)
	c.functions(p, want)
	var total int64
	for _, s := range p.Sample {
		total += s.Value[0]
	}
	if total < atLeast {
		c.errorf("%d in sum, expected at least %d", total, atLeast)
	}
	fmt.Printf("%s: %s: %d samples, %d in sum, %d locations, %d functions, %d mappings\n",
		c.path, kind, len(p.Sample), total, len(p.Location), len(p.Function), len(p.Mapping))
}

func main() {
	kind := flag.String("type", "cpu", "a name of a profile")
	exe := flag.String("exe", "", "base name of the executable, whose mapping comes first")
	want := flag.String("functions", "", "functions that must be there, comma separated")
	atLeast := flag.Int64("at-least", 1, "what the first value must be in sum")
	flag.Parse()
	if flag.NArg() == 0 || kinds[*kind] == nil {
		flag.Usage()
		os.Exit(2)
	}
	bad := 0
	for _, path := range flag.Args() {
		c := &checker{path: path}
		c.check(*kind, *exe, *want, *atLeast)
		bad += c.bad
	}
	if bad > 0 {
		fmt.Fprintf(os.Stderr, "%d violations\n", bad)
		os.Exit(1)
	}
}
