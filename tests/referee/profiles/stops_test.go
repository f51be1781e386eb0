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
	if f := failed(JudgeStops(offTruth, onTruth, leastOf, mostOf, 2000, 1000, true)); f != "" {
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
		if got := failed(JudgeStops(offTruth, onTruth, c.least, c.most, 2000, 1000, true)); got != c.want {
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
	if want := "main.f /m.go:7\n"; err != nil || unknown != 2 || least[Stack(want)] != (Value{3, 10}) || most[Stack(want)] != (Value{3, 20}) || len(least) != 1 {
		t.Errorf("%v to %v, %v", least, most, err)
	}
	p.Sample[0].Label = nil
	if _, _, _, err := StopsOf(p); err == nil {
		t.Error("a sample without a reason passes")
	}
}

func TestUnknownStops(t *testing.T) {
	least, most := with(leastOf, "a.f /a.go:1\n", 999, 49e9), with(mostOf, "a.f /a.go:1\n", 999, 49e9+29e6)
	withUnknown(offTruth, least, most, 1)
	if least["a.f /a.go:1\n"].Count != 1000 || most["a.f /a.go:1\n"].Time < offTruth["a.f /a.go:1\n"].Time {
		t.Errorf("%v to %v", least, most)
	}
	least = with(leastOf, "a.f /a.go:1\n", 998, 49e9)
	withUnknown(offTruth, least, most, 1) // more are missing than are not known
	if least["a.f /a.go:1\n"].Count != 998 {
		t.Errorf("%v", least)
	}
	withUnknown(offTruth, least, most, 2) // more than one in a thousand
	if least["a.f /a.go:1\n"].Count != 998 {
		t.Errorf("%v", least)
	}
}
