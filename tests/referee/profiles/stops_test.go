package profiles

import (
	"testing"

	"github.com/google/pprof/profile"
	"golang.org/x/exp/trace"

	"gobpftrace.test/referee/timeline"
)

var (
	offTruth = Profile{"a.f /a.go:1\n": {1000, 50e9}, "a.g /a.go:2\n": {100, 1e9}}
	onTruth  = Profile{"a.f /a.go:1\n": {1000, 30e6}, "a.g /a.go:2\n": {100, 2e6}}
	leastOf  = Profile{"a.f /a.go:1\n": {1000, 50e9 - 500e3}, "a.g /a.go:2\n": {100, 1e9 - 60e3}}
	mostOf   = Profile{"a.f /a.go:1\n": {1000, 50e9 + 29e6}, "a.g /a.go:2\n": {100, 1e9 + 2e6}}
)

func TestStopsThatHold(t *testing.T) {
	if f := failed(JudgeStops(offTruth, onTruth, leastOf, mostOf, lacking{}, 2000, 1000, true)); f != "" {
		t.Fatal(f)
	}
}

func TestEachWrongStopFails(t *testing.T) {
	const f, g = "a.f /a.go:1\n", "a.g /a.go:2\n"
	for name, c := range map[string]struct {
		least, most Profile
		want        string
	}{
		"a count":            {with(leastOf, g, 98, 1e9), mostOf, "stacks whose count is within 1 %"},
		"a least above":      {with(leastOf, f, 1000, 50e9+3e6), mostOf, "waits in stacks whose true time off is between least and most"},
		"a most below":       {leastOf, with(mostOf, g, 100, 1e9-300e3), "waits in stacks whose true time off is between least and most"},
		"a least of nothing": {with(leastOf, f, 1000, 0), mostOf, "the least of all, of the true time off"},
		"a most without end": {leastOf, with(mostOf, f, 1000, 51e9), "between least and most, of the time on threads and what was off meanwhile"},
		"a stack of our own": {with(leastOf, "a.h /a.go:3\n", 1, 1), mostOf, "stacks whose count is within 1 %"},
	} {
		if got := failed(JudgeStops(offTruth, onTruth, c.least, c.most, lacking{}, 2000, 1000, true)); got != c.want {
			t.Errorf("%s: %q fails, not %q", name, got, c.want)
		}
	}
}

// A wait lasts until its goroutine runs; what it did before, system calls too, was on its thread.
func TestOff(t *testing.T) {
	tr := &timeline.Trace{
		Stacks: [][]timeline.Frame{nil, {{PC: 1, Func: "a.f", File: "/a.go", Line: 1}}},
		Events: []timeline.Event{
			{Time: 50, G: 1, From: trace.GoRunning, To: trace.GoWaiting, Stack: 1}, // its run began before
			{Time: 100, G: 1, From: trace.GoRunnable, To: trace.GoRunning},
			{Time: 110, G: 1, From: trace.GoRunning, To: trace.GoSyscall},
			{Time: 120, G: 1, From: trace.GoSyscall, To: trace.GoRunning},
			{Time: 130, G: 1, From: trace.GoRunning, To: trace.GoWaiting, Stack: 1},
			{Time: 170, G: 1, From: trace.GoWaiting, To: trace.GoRunnable},
			{Time: 190, G: 1, From: trace.GoRunnable, To: trace.GoRunning},
			{Time: 195, G: 1, From: trace.GoRunning, To: trace.GoRunnable},
			{Time: 198, G: 1, From: trace.GoRunnable, To: trace.GoRunning},
			{Time: 199, G: 1, From: trace.GoRunning, To: trace.GoWaiting, Stack: 1, Reason: "preempted"},
		},
	}
	off, on := (&Source{T: tr}).Off()
	if want := (Value{1, 60}); len(off) != 1 || off["a.f /a.go:1\n"] != want {
		t.Errorf("off %v", off)
	}
	if want := (Value{1, 30}); on["a.f /a.go:1\n"] != want {
		t.Errorf("on %v", on)
	}
}

func TestStopsOf(t *testing.T) {
	fn := &profile.Function{ID: 1, Name: "main.f", Filename: "/m.go"}
	park := &profile.Function{ID: 2, Name: "sync.runtime_Semacquire", Filename: "/s.go"}
	loc := []*profile.Location{{ID: 1, Address: 8, Line: []profile.Line{{Function: park, Line: 1}}}, {ID: 2, Address: 16, Line: []profile.Line{{Function: fn, Line: 7}}}}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "stops"}, {Type: "off_at_least"}, {Type: "off_at_most"}},
		Sample: []*profile.Sample{
			{Location: loc, Value: []int64{3, 10, 20}, Label: map[string][]string{"reason": {"sync"}}},
			{Location: loc, Value: []int64{5, 1, 2}, Label: map[string][]string{"reason": {"runnable"}}},
			{Location: loc, Value: []int64{2, 1, 2}, Label: map[string][]string{"reason": {"not known"}}},
		},
	}
	least, most, unknown, err := StopsOf(p)
	if want := "main.f /m.go:7\n"; err != nil || unknown != (Value{2, 2}) || least[Stack(want)] != (Value{3, 10}) || most[Stack(want)] != (Value{3, 20}) || len(least) != 1 {
		t.Errorf("%v to %v, %v", least, most, err)
	}
	p.Sample[0].Label = nil
	if _, _, _, err := StopsOf(p); err == nil {
		t.Error("a sample without a reason passes")
	}
}

func TestUnknownStops(t *testing.T) {
	const f, g = "a.f /a.go:1\n", "a.g /a.go:2\n"
	least := with(leastOf, f, 999, 49e9)
	if l := withUnknown(offTruth, least, Value{1, 5e6}); least[f] != (Value{1000, 49e9}) || !l.stacks[f] || l.stacks[g] || l.most != 5e6 {
		t.Errorf("%v: %v", least, l)
	}
	for name, unknown := range map[string]Value{"more are missing than are not known": {1, 5e6}, "more than one in a thousand": {2, 5e6}} {
		least = with(leastOf, f, 998, 49e9)
		if l := withUnknown(offTruth, least, unknown); least[f].Count != 998 || len(l.stacks) != 0 {
			t.Errorf("%s: %v, %v", name, least, l)
		}
	}
}

// A stack that lacks a wait is left out where its most is too small by what that can have been, and only there.
func TestUnknownStopsExcuseNoMore(t *testing.T) {
	const f, g, small = "a.f /a.go:1\n", "a.g /a.go:2\n", "a.h /a.go:3\n"
	const held, out = "waits in stacks whose true time off is between least and most", "waits in stacks left out, which lack stops that are not known"
	off := with(offTruth, small, 10, 1e9)
	least := with(leastOf, small, 10, 900e6)
	for name, c := range map[string]struct {
		least, most Profile
		lacks       Stack
		want        string
	}{
		"one of ten":             {least, with(mostOf, small, 9, 901e6), small, ""},
		"a most that holds":      {least, with(mostOf, small, 9, 1001e6), small, ""},
		"another stack":          {least, with(mostOf, small, 9, 901e6), g, held},
		"more than that":         {least, with(mostOf, small, 9, 850e6), small, held},
		"a least above":          {with(leastOf, small, 10, 1050e6), with(mostOf, small, 9, 1060e6), small, held},
		"a stack of most waits":  {least, with(with(mostOf, small, 9, 1001e6), f, 999, 49.95e9), f, out},
		"one of most that holds": {least, with(mostOf, small, 9, 1001e6), f, ""},
	} {
		l := lacking{map[Stack]bool{c.lacks: true}, 100e6}
		if got := failed(JudgeStops(off, onTruth, c.least, c.most, l, 2000, 1000, true)); got != c.want {
			t.Errorf("%s: %q fails, not %q", name, got, c.want)
		}
	}
}
