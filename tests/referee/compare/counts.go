package compare

import (
	"fmt"
	"sort"

	"gobpftrace.test/referee/timeline"
	"golang.org/x/exp/trace"
)

// Window is CLOCK_MONOTONIC at the begin and end of a recording, read inside it. The old format
// has no absolute time, so the program that records itself says when it did.
type Window struct{ Begin, End int64 }

// What the old format can tell apart. It has no event for other reasons to block, not for
// suspendG's preemption either.
var oldReasons = map[string]bool{
	"forever": true, "sleep": true, "chan send": true, "chan receive": true,
	"network": true, "sync": true, "sync.(*Cond).Wait": true, "select": true,
	"GC mark assist wait for work": true,
}

// oldClass is the kind of a transition as far as both formats tell it, "" for one that the old
// format does not have: it notes the end of a system call only when that blocked.
func oldClass(e *timeline.Event) string {
	if e.From == trace.GoSyscall && e.To == trace.GoRunning {
		return ""
	}
	if e.To == trace.GoWaiting && !oldReasons[e.Reason] {
		return e.From.String() + "→" + e.To.String()
	}
	return class(e)
}

// Counts compares a file of Go 1.21 or older with ours: how often each kind of transition
// happened while the (gated) program worked.
func Counts(ref, ours *timeline.Trace, w Window, limit float64, o Options) *Result {
	r := &Result{Ref: ref, Ours: ours, Goroutines: map[int64]*Goroutine{}}
	shift := w.Begin - ref.First
	r.Lo, r.Hi = w.Begin, w.End
	r.InLo, r.InHi = max(w.Begin, ours.First)+Edge, min(w.End, ours.Last)-Edge
	refCounts, refNear := r.countKinds(ref, shift)
	ourCounts, ourNear := r.countKinds(ours, 0)
	total := 0
	for _, n := range refCounts {
		total += n
	}
	r.Rows = append(r.Rows,
		Row{Name: "transitions of the reference", Short: "transitions", Value: float64(total), Limit: float64(max(1, o.MinTransitions))},
		Row{Name: "goroutines of the reference", Short: "goroutines", Value: float64(len(ref.Initial)), Limit: float64(max(1, o.MinGoroutines))})
	var kinds []string
	for k := range refCounts {
		kinds = append(kinds, k)
	}
	for k := range ourCounts {
		if _, ok := refCounts[k]; !ok {
			kinds = append(kinds, k)
		}
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		a, b := refCounts[k], ourCounts[k]
		apart := max(0, abs(int64(a-b))-int64(refNear[k]+ourNear[k]))
		r.Rows = append(r.Rows, Row{Name: "count of " + k + ", difference",
			Value: 100 * float64(apart) / float64(max(1, a)), Limit: limit, AtMost: true, Unit: "%",
			Of: fmt.Sprintf("%d to %d", b, a)})
	}
	r.sizeRow()
	r.Rows[len(r.Rows)-1].Info = true // another format: it has no event for the end of a system call
	return r
}

// The begin of an old file is known within this: between trace.Start and the program's own reading of
// the clock. A transition so near to the window's edges may be on either side of it.
const edgeUnsure = int64(5e6)

func (r *Result) countKinds(t *timeline.Trace, shift int64) (kinds, near map[string]int) {
	kinds, near = map[string]int{}, map[string]int{}
	for i := range t.Events {
		e := &t.Events[i]
		at := e.Time + shift
		k := oldClass(e)
		if k == "" || IsTracer(t.Root[e.G]) || IsTracer(r.Ours.Root[e.G]) {
			continue
		}
		if at >= r.InLo && at <= r.InHi {
			kinds[k]++
		}
		if abs(at-r.InLo) < edgeUnsure || abs(at-r.InHi) < edgeUnsure {
			near[k]++
		}
	}
	return kinds, near
}
