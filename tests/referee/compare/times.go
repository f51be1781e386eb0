package compare

import (
	"fmt"
	"sort"
	"strings"

	"gobpftrace.test/referee/timeline"
	"golang.org/x/exp/trace"
)

var timedStates = []timeline.State{trace.GoRunnable, trace.GoRunning, trace.GoSyscall, trace.GoWaiting}

// unpaused gives the events that a pause separates one time for both files: ours, which is the
// earlier. A pair that precedes another cannot be later.
func (g *Goroutine) unpaused() map[*timeline.Event]int64 {
	at := map[*timeline.Event]int64{}
	for _, p := range g.Pairs {
		if p.Ref >= 0 && p.Ours >= 0 && abs(g.Ref[p.Ref].Time-g.Ours[p.Ours].Time) > pauseApart {
			at[g.Ref[p.Ref]] = g.Ours[p.Ours].Time
		}
	}
	return at
}

// In a callback from C the tracer cannot walk by frame pointers (traceStack in runtime/tracestack.go:
// hasCgoOnStack). Its unwinder takes a microsecond more, before it reads the clock, and that is spent
// in the state that ends. At most this much is taken for it.
const slowWalk = int64(5e3)

func (r *Result) inCallback(e *timeline.Event) bool {
	for _, f := range r.Ref.Stacks[e.Stack] {
		if f.Func == "runtime.cgocallbackg" {
			return true
		}
	}
	return false
}

// unwalked adds, for the reference's events in callbacks, the time that is as far behind ours as its
// other events of that goroutine mostly are. They are counted. The end of a callback has the stack of
// the call that it came from: it is what follows in a goroutine that was seen in one.
func (r *Result) unwalked(g *Goroutine, at map[*timeline.Event]int64) (n int) {
	var slow []Pair
	var lags []int64
	callback := false
	for _, p := range g.Pairs {
		if p.Ref < 0 || p.Ours < 0 {
			continue
		}
		e := g.Ref[p.Ref]
		in := r.inCallback(e)
		ends := callback && e.To == trace.GoSyscall
		if in || ends {
			slow = append(slow, p)
		} else {
			lags = append(lags, e.Time-g.Ours[p.Ours].Time)
		}
		if e.From == trace.GoRunning {
			callback = in
		}
	}
	if len(lags) == 0 {
		return 0
	}
	sort.Slice(lags, func(i, j int) bool { return lags[i] < lags[j] })
	lag := lags[len(lags)/2]
	for _, p := range slow {
		a, b := g.Ref[p.Ref], g.Ours[p.Ours]
		if late := a.Time - b.Time - lag; late > 0 && late <= slowWalk {
			at[a] = b.Time + lag
			n++
		}
	}
	return n
}

// Unpaused are the times of the reference's events that a pause moved, as times are judged.
func (r *Result) Unpaused() map[*timeline.Event]int64 {
	all := map[*timeline.Event]int64{}
	for _, g := range r.Goroutines {
		for e, at := range g.unpaused() {
			all[e] = at
		}
	}
	return all
}

// Restacked are the stacks of ours that stand for those of the reference's events where both count
// as equal, and the reference's lacks frames.
func (r *Result) Restacked() map[*timeline.Event][]timeline.Frame {
	all := map[*timeline.Event][]timeline.Frame{}
	for _, g := range r.Goroutines {
		for _, p := range g.Pairs {
			if p.Ref < 0 || p.Ours < 0 {
				continue
			}
			a, b := g.Ref[p.Ref], g.Ours[p.Ours]
			same, _ := framesEqual(r.Ref.Stacks[a.Stack], r.Ours.Stacks[b.Stack])
			if accepted, _ := r.stacksEqual(a, b); accepted && !same {
				all[a] = r.Ours.Stacks[b.Stack]
			}
		}
	}
	return all
}

// durations is the time that a goroutine spent in each state within the judged window; moved holds
// times that replace those of the file.
func (r *Result) durations(t *timeline.Trace, g int64, moved map[*timeline.Event]int64) (d [8]int64) {
	state, since := t.Initial[g], r.InLo
	if _, told := t.Initial[g]; !told {
		state = trace.GoNotExist
	}
	for _, i := range t.ByG[g] {
		e := &t.Events[i]
		at, ok := moved[e]
		if !ok {
			at = e.Time
		}
		at = min(max(at, r.InLo), r.InHi)
		d[state] += at - since
		state, since = e.To, at
	}
	d[state] += r.InHi - since
	return d
}

// times judges one goroutine: each state within 1 % or 2 µs a transition, whichever is larger.
func (r *Result) times(id int64, g *Goroutine, s *scores) {
	moved := g.unpaused()
	s.pauses += len(moved)
	s.slow += r.unwalked(g, moved)
	a, b := r.durations(r.Ref, id, moved), r.durations(r.Ours, id, nil)
	exists := false
	transitions := int64(max(len(g.Ref), 1))
	var bad []string
	for _, st := range timedStates {
		s.totalRef[st] += a[st]
		s.totalOurs[st] += b[st]
		exists = exists || a[st] > 0 || b[st] > 0
		if abs(a[st]-b[st]) > max(a[st]/100, timePerTransition*transitions) {
			bad = append(bad, fmt.Sprintf("%s %s, ours %s", st, ms(a[st]), ms(b[st])))
		}
	}
	if !exists {
		return
	}
	s.timed++
	if len(bad) == 0 {
		s.timedEqual++
		return
	}
	r.TimeNotes = append(r.TimeNotes, fmt.Sprintf("%s, %d transitions: %s", r.name(id), len(g.Ref), strings.Join(bad, "; ")))
}

func ms(ns int64) string { return fmt.Sprintf("%.3f ms", float64(ns)/1e6) }

func (r *Result) name(id int64) string {
	if r.Ref.Root[id] == "" {
		return r.Ours.Name(id)
	}
	return r.Ref.Name(id)
}

func (r *Result) timeRows(s *scores) {
	r.Rows = append(r.Rows, Row{Name: "stamps more than 100 µs apart (a thread was off its processor)",
		Value: 100 * float64(s.pauses) / float64(max(1, s.found)), Limit: 0.1, AtMost: true, Unit: "%",
		Of: fmt.Sprintf("%d of %d", s.pauses, s.found), Undecided: s.found == 0})
	r.Rows = append(r.Rows, Row{Name: "stamps behind the tracer's slow walk of a stack with C on it",
		Value: float64(s.slow), Info: true, Undecided: s.slow == 0})
	r.Rows = append(r.Rows, Row{Name: "goroutines whose time in each state is equal", Short: "times", Value: share(s.timedEqual, s.timed),
		Limit: 99, Unit: "%", Of: fmt.Sprintf("%d of %d", s.timedEqual, s.timed), Undecided: s.timed == 0})
	for _, st := range timedStates {
		a, b := s.totalRef[st], s.totalOurs[st]
		row := Row{Name: "total time " + st.String() + ", difference", Limit: 1, AtMost: true, Unit: "%",
			Of: fmt.Sprintf("%s to %s", ms(b), ms(a)), Undecided: a == 0 && b == 0}
		if a > 0 {
			row.Value = 100 * float64(abs(a-b)) / float64(a)
		} else if b > 0 {
			row.Value = 100
		}
		r.Rows = append(r.Rows, row)
	}
}

// rangeRows compares how often GC, stop-the-world and mark assist began. Sweep has no probe. An assist
// that was on when the tracer started did not begin then: it is told with what its goroutine does first.
func (r *Result) rangeRows() {
	count := func(t *timeline.Trace) map[string]int {
		n := map[string]int{}
		for _, x := range t.Ranges {
			before := x.Active && x.Name == "GC mark assist"
			if x.Begin >= r.InLo && x.Begin <= r.InHi && x.Name != "GC incremental sweep" && !isTracerRange(x.Name) && !before {
				n[x.Name]++
			}
		}
		return n
	}
	a, b := count(r.Ref), count(r.Ours)
	var names []string
	for n := range a {
		names = append(names, n)
	}
	for n := range b {
		if _, ok := a[n]; !ok {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	for _, n := range names {
		apart := float64(abs(int64(a[n] - b[n])))
		r.Rows = append(r.Rows, Row{Name: "ranges: " + n + ", difference", Value: 100 * apart / float64(max(1, a[n])),
			Limit: 1, AtMost: true, Unit: "%", Of: fmt.Sprintf("%d to %d", b[n], a[n])})
	}
}
