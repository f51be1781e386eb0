// Package compare judges our trace of a process against the one that the process's own
// runtime/trace wrote in the same time.
package compare

import (
	"fmt"
	"sort"
	"strings"

	"gobpftrace.test/referee/timeline"
	"golang.org/x/exp/trace"
)

// Edge is left aside at both ends of the time that both files cover.
const Edge = int64(10e6)

// Time that may pass between the probe and the tracer's own stamp, a transition.
const timePerTransition = int64(2e3)

// Where the two stamps of a transition are further apart than this, the kernel took the thread off
// the processor in between. Both are right; such pauses are left out of the times in states, and may
// be a thousandth of all transitions at most.
const pauseApart = int64(100e3)

// Options of a comparison.
type Options struct {
	MinTransitions int // of the reference within the window; fewer proves too little
	MinGoroutines  int
}

// Row is one line of the table that a comparison must satisfy.
type Row struct {
	Name      string
	Short     string // its name in Result.Line; "" for rows that are not in it
	Value     float64
	Limit     float64
	AtMost    bool // Value must be at most Limit instead of at least
	Info      bool // shown, not enforced
	Unit      string
	Of        string // what Value is a share of
	Undecided bool   // nothing to judge
}

// OK tells whether the row is satisfied.
func (r *Row) OK() bool {
	if r.Info || r.Undecided {
		return true
	}
	if r.AtMost {
		return r.Value <= r.Limit
	}
	return r.Value >= r.Limit
}

// Mismatch is one difference, with what is needed to show it.
type Mismatch struct {
	What      string // "missing", "extra", "reason", "stack"
	G         int64
	Index     int // of Goroutine.Pairs
	Class     string
	Ref, Ours *timeline.Event
}

// Goroutine is the alignment of one goroutine.
type Goroutine struct {
	ID        int64
	Ref, Ours []*timeline.Event
	Pairs     []Pair
}

// Result is a whole comparison.
type Result struct {
	Ref, Ours  *timeline.Trace
	Lo, Hi     int64 // time that both files cover
	InLo, InHi int64 // without the edges: what is judged
	Rows       []Row
	Goroutines map[int64]*Goroutine
	Mismatches []Mismatch
	Apart      []int64 // ours minus reference, of every match
	Ignored    []string
	TimeNotes  []string
}

// Tracer goroutines exist because of the reference: they write its file and turn its
// generations over. Both files hold them, but what they do depends on the recording itself.
var tracerRoots = map[string]bool{
	"runtime/trace.Start.func1":                           true,
	"runtime/trace.(*traceMultiplexer).startLocked.func1": true,
	"runtime.(*traceAdvancerState).start.func1":           true,
	"runtime.traceStartReadCPU.func1":                     true,
}

// IsTracer tells by a goroutine's root function whether it belongs to the reference's own recorder.
func IsTracer(root string) bool {
	return tracerRoots[root] || strings.HasPrefix(root, "runtime/trace.")
}

// Ranges that the reference's own start and stop make.
func isTracerRange(name string) bool {
	return strings.Contains(name, "start trace") || strings.Contains(name, "stop trace")
}

// Traces compares two files of format 1.22 or newer.
func Traces(ref, ours *timeline.Trace, o Options) *Result {
	r := &Result{Ref: ref, Ours: ours, Goroutines: map[int64]*Goroutine{}}
	r.Lo, r.Hi = max(ref.First, ours.First), min(ref.Last, ours.Last)
	r.InLo, r.InHi = r.Lo+Edge, r.Hi-Edge
	if r.InLo >= r.InHi {
		r.Rows = append(r.Rows, Row{Name: "seconds that both files cover", Value: float64(r.Hi-r.Lo) / 1e9,
			Limit: 2 * float64(Edge) / 1e9, Unit: "s"})
		return r
	}
	var s scores
	for _, g := range r.ids() {
		r.goroutine(g, &s)
	}
	r.transitionRows(&s, o)
	r.timeRows(&s)
	r.rangeRows()
	r.sizeRow()
	return r
}

func (r *Result) ids() []int64 {
	var ids []int64
	seen := map[int64]bool{}
	for _, t := range []*timeline.Trace{r.Ref, r.Ours} {
		for g := range t.Initial {
			if seen[g] {
				continue
			}
			seen[g] = true
			root := r.Ref.Root[g]
			if root == "" {
				root = r.Ours.Root[g]
			}
			if IsTracer(root) {
				r.Ignored = append(r.Ignored, fmt.Sprintf("goroutine %d (%s)", g, root))
				continue
			}
			ids = append(ids, g)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	sort.Strings(r.Ignored)
	return ids
}

type scores struct {
	ref, found, extra             int
	goroutines                    int
	reasons, reasonsEqual         int
	stacks, stacksEqual, pcsEqual int
	withStackRef, withStackOurs   int
	wakers, wakersEqual           int
	procs, procsEqual, threads    int
	threadsEqual                  int
	timed, timedEqual             int
	pauses, slow                  int
	totalRef, totalOurs           [8]int64
	transitions                   map[int64]int
}

func (r *Result) window(t *timeline.Trace, g int64) []*timeline.Event {
	var list []*timeline.Event
	for _, i := range t.ByG[g] {
		if e := &t.Events[i]; e.Time >= r.Lo && e.Time <= r.Hi {
			list = append(list, e)
		}
	}
	return list
}

func (r *Result) inside(e *timeline.Event) bool { return e.Time >= r.InLo && e.Time <= r.InHi }

func class(e *timeline.Event) string {
	c := e.From.String() + "→" + e.To.String()
	if e.Reason != "" {
		c += " (" + e.Reason + ")"
	}
	return c
}

func (r *Result) goroutine(id int64, s *scores) {
	g := &Goroutine{ID: id, Ref: r.window(r.Ref, id), Ours: r.window(r.Ours, id)}
	g.Pairs = align(g.Ref, g.Ours)
	r.Goroutines[id] = g
	before := s.ref
	for n, p := range g.Pairs {
		switch {
		case p.Ours < 0:
			if e := g.Ref[p.Ref]; r.inside(e) {
				s.ref++
				r.Mismatches = append(r.Mismatches, Mismatch{"missing", id, n, class(e), e, nil})
			}
		case p.Ref < 0:
			if e := g.Ours[p.Ours]; r.inside(e) {
				s.extra++
				r.Mismatches = append(r.Mismatches, Mismatch{"extra", id, n, class(e), nil, e})
			}
		default:
			if e := g.Ref[p.Ref]; r.inside(e) {
				s.ref++
				s.found++
				r.Apart = append(r.Apart, g.Ours[p.Ours].Time-e.Time)
				r.pair(id, n, e, g.Ours[p.Ours], s)
			}
		}
	}
	if s.ref > before || r.Ref.Initial[id] != trace.GoNotExist {
		s.goroutines++
	}
	r.times(id, g, s)
}

func (r *Result) pair(id int64, n int, a, b *timeline.Event, s *scores) {
	if a.Reason != "" || b.Reason != "" {
		s.reasons++
		if a.Reason == b.Reason {
			s.reasonsEqual++
		} else {
			c := fmt.Sprintf("%s→%s: reference %q, ours %q", a.From, a.To, a.Reason, b.Reason)
			r.Mismatches = append(r.Mismatches, Mismatch{"reason", id, n, c, a, b})
		}
	}
	if a.Stack != 0 || b.Stack != 0 || a.Entry != 0 || b.Entry != 0 {
		s.stacks++
		equal, pcs := r.stacksEqual(a, b)
		if equal {
			s.stacksEqual++
		} else {
			r.Mismatches = append(r.Mismatches, Mismatch{"stack", id, n, r.stackClass(a, b), a, b})
		}
		if pcs {
			s.pcsEqual++
		}
	}
	if a.From == trace.GoWaiting && a.To == trace.GoRunnable {
		s.wakers++
		if a.Actor == b.Actor {
			s.wakersEqual++
		}
	}
	if a.P >= 0 {
		s.procs++
		if a.P == b.P {
			s.procsEqual++
		}
	}
	if a.M >= 0 {
		s.threads++
		if a.M == b.M {
			s.threadsEqual++
		}
	}
}

// refStack is a stack of the reference without the tracer's own frames. Where injectglist runs on
// a goroutine's stack, the tracer begins inside itself: traceLocker.stack < GoUnpark < injectglist
// < who called it. The caller is where a stack without a tracer begins. And where nothing is left of a
// stack, tracers up to Go 1.24 write a frame without PC or name.
func (r *Result) refStack(id timeline.StackID) []timeline.Frame {
	f := r.Ref.Stacks[id]
	if len(f) > 0 && f[0].Func == "runtime.traceLocker.stack" {
		for i := range f {
			if f[i].Func == "runtime.injectglist" {
				return f[i+1:]
			}
		}
	}
	if len(f) == 1 && f[0].PC == 0 && f[0].Func == "" {
		return nil
	}
	return f
}

// stacksEqual compares function, file and line of every frame, and apart from that the PCs.
func (r *Result) stacksEqual(a, b *timeline.Event) (equal, pcs bool) {
	fa, fb := r.refStack(a.Stack), r.Ours.Stacks[b.Stack]
	// Tracers up to Go 1.24 drop top frames of a goroutine that morestack preempted.
	if r.Ref.Version <= 23 && a.Reason == "preempted" && len(fb) > len(fa) {
		fb = fb[len(fb)-len(fa):]
	}
	equal, pcs = framesEqual(fa, fb)
	e2, p2 := framesEqual(r.Ref.Stacks[a.Entry], r.Ours.Stacks[b.Entry])
	return equal && e2, pcs && p2
}

func framesEqual(a, b []timeline.Frame) (equal, pcs bool) {
	if len(a) != len(b) {
		return false, false
	}
	pcs = true
	for i := range a {
		if a[i].Func != b[i].Func || a[i].File != b[i].File || a[i].Line != b[i].Line {
			return false, false
		}
		pcs = pcs && a[i].PC == b[i].PC
	}
	return true, pcs
}

// stackClass groups differences of one cause: the kind of transition, and what the first frame
// that differs is on either side.
func (r *Result) stackClass(a, b *timeline.Event) string {
	fa, fb := r.refStack(a.Stack), r.Ours.Stacks[b.Stack]
	if e, _ := framesEqual(fa, fb); e {
		fa, fb = r.Ref.Stacks[a.Entry], r.Ours.Stacks[b.Entry]
	}
	kind := class(a)
	switch {
	case len(fa) == 0:
		return kind + ": reference has no stack, ours begins " + fb[0].Func
	case len(fb) == 0:
		return kind + ": ours has no stack, reference begins " + fa[0].Func
	}
	for i := range fa {
		if i >= len(fb) {
			return fmt.Sprintf("%s: ours ends %d frames early, before %s", kind, len(fa)-i, fa[i].Func)
		}
		if fa[i].Func != fb[i].Func {
			return fmt.Sprintf("%s: frame %d is %s, ours %s", kind, i, fa[i].Func, fb[i].Func)
		}
		if fa[i].File != fb[i].File {
			return fmt.Sprintf("%s: frame %d (%s) is in file %s, ours %s", kind, i, fa[i].Func, fa[i].File, fb[i].File)
		}
		if fa[i].Line != fb[i].Line {
			return fmt.Sprintf("%s: frame %d (%s) is line %d, ours %d", kind, i, fa[i].Func, fa[i].Line, fb[i].Line)
		}
	}
	return fmt.Sprintf("%s: ours has %d frames more, from %s", kind, len(fb)-len(fa), fb[len(fa)].Func)
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

func (r *Result) transitionRows(s *scores, o Options) {
	rule := "equal frame by frame"
	if r.Ref.Version <= 23 {
		rule += " (preempted: a suffix)"
	}
	r.Rows = append(r.Rows,
		Row{Name: "transitions of the reference", Short: "transitions", Value: float64(s.ref), Limit: float64(max(1, o.MinTransitions))},
		Row{Name: "goroutines of the reference", Short: "goroutines", Value: float64(s.goroutines), Limit: float64(max(1, o.MinGoroutines))},
		Row{Name: "found in ours, in order", Short: "found", Value: share(s.found, s.ref), Limit: 99.9, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.found, s.ref), Undecided: s.ref == 0},
		Row{Name: "extra in ours", Short: "extra", Value: 100 * float64(s.extra) / float64(max(1, s.ref)), Limit: 0.1, AtMost: true,
			Unit: "%", Of: fmt.Sprintf("%d", s.extra)},
		Row{Name: "reason equal", Short: "reason", Value: share(s.reasonsEqual, s.reasons), Limit: 100, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.reasonsEqual, s.reasons), Undecided: s.reasons == 0},
		Row{Name: "stack " + rule, Short: "stack", Value: share(s.stacksEqual, s.stacks), Limit: 99.9, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.stacksEqual, s.stacks), Undecided: s.stacks == 0},
		Row{Name: "PCs equal too", Value: share(s.pcsEqual, s.stacks), Info: true, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.pcsEqual, s.stacks)},
		Row{Name: "waker equal", Value: share(s.wakersEqual, s.wakers), Info: true, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.wakersEqual, s.wakers)},
		Row{Name: "P equal", Value: share(s.procsEqual, s.procs), Info: true, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.procsEqual, s.procs)},
		Row{Name: "thread equal", Value: share(s.threadsEqual, s.threads), Info: true, Unit: "%",
			Of: fmt.Sprintf("%d of %d", s.threadsEqual, s.threads)})
}

// sizeRow compares bytes an event; both files whole, since both pay for their tables once.
func (r *Result) sizeRow() {
	a, b := float64(r.Ref.Size)/float64(r.Ref.Parsed), float64(r.Ours.Size)/float64(r.Ours.Parsed)
	r.Rows = append(r.Rows, Row{Name: "bytes an event, to the reference's", Value: b / a, Limit: 1.1, AtMost: true,
		Unit: "×", Of: fmt.Sprintf("%.2f to %.2f", b, a)})
}

// Failed are the rows that are not satisfied.
func (r *Result) Failed() []Row {
	var f []Row
	for _, row := range r.Rows {
		if !row.OK() {
			f = append(f, row)
		}
	}
	return f
}
