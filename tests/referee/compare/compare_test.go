package compare

import (
	"bytes"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"gobpftrace.test/referee/timeline"
	xtrace "golang.org/x/exp/trace"
)

//go:noinline
func pingpong(rounds int, done *sync.WaitGroup) {
	defer done.Done()
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v
		}
	}()
	for i := 0; i < rounds; i++ {
		a <- i
		<-b
		if i%10 == 0 {
			runtime.Gosched()
			time.Sleep(time.Millisecond)
		}
	}
	close(a)
}

// both records the same work with runtime/trace and a flight recorder at once: two files that
// must be equal to a referee.
func both(t *testing.T) (ref, other []byte) {
	t.Helper()
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: time.Minute, MaxBytes: 256 << 20})
	if err := fr.Start(); err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := trace.Start(&a); err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for i := 0; i < 20; i++ {
		done.Add(1)
		go pingpong(1000, &done)
	}
	done.Wait()
	trace.Stop()
	if _, err := fr.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	fr.Stop()
	return a.Bytes(), b.Bytes()
}

// read ends a trace with the work. What stops the recorders is not the same in both, and takes longer
// than the 10 ms that are left out where the machine is busy.
func read(t *testing.T, raw []byte) *timeline.Trace {
	t.Helper()
	tr, err := timeline.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	end := int64(0)
	for i := range tr.Events {
		if e := &tr.Events[i]; strings.Contains(tr.Root[e.G], "pingpong") {
			end = max(end, e.Time)
		}
	}
	if end == 0 {
		t.Fatal("nobody worked")
	}
	tr.Last = end
	return tr
}

var recorded struct {
	once       sync.Once
	ref, other []byte
}

// load gives fresh copies, so that a test may break its own.
func load(t *testing.T) (ref, other *timeline.Trace) {
	t.Helper()
	recorded.once.Do(func() { recorded.ref, recorded.other = both(t) })
	if recorded.ref == nil {
		t.Fatal("nothing was recorded")
	}
	return read(t, recorded.ref), read(t, recorded.other)
}

func failed(r *Result) string {
	var names []string
	for _, row := range r.Failed() {
		names = append(names, row.Name)
	}
	return strings.Join(names, "; ")
}

func report(t *testing.T, r *Result) {
	t.Helper()
	var b bytes.Buffer
	r.Report(&b, 3)
	t.Log(b.String())
}

func TestTwoRecordersAgree(t *testing.T) {
	ref, other := load(t)
	r := Traces(ref, other, Options{MinTransitions: 20000, MinGoroutines: 20})
	if f := failed(r); f != "" {
		report(t, r)
		t.Fatalf("failed: %s", f)
	}
}

// middle is the index of an event in the judged window for which ok holds.
func middle(t *testing.T, tr *timeline.Trace, ok func(*timeline.Event) bool) int {
	t.Helper()
	at := (tr.First + tr.Last) / 2
	for i := range tr.Events {
		if e := &tr.Events[i]; e.Time > at && ok(e) && !IsTracer(tr.Root[e.G]) {
			return i
		}
	}
	t.Fatal("no such event")
	return 0
}

func drop(tr *timeline.Trace, which func(n int, e *timeline.Event) bool) (dropped int) {
	for g, list := range tr.ByG {
		if IsTracer(tr.Root[g]) {
			continue
		}
		var left []int
		for _, i := range list {
			if which(i, &tr.Events[i]) {
				dropped++
			} else {
				left = append(left, i)
			}
		}
		tr.ByG[g] = left
	}
	return dropped
}

func TestDroppedEventsFail(t *testing.T) {
	ref, ours := load(t)
	n := drop(ours, func(n int, e *timeline.Event) bool { return n%500 == 0 })
	r := Traces(ref, ours, Options{})
	if f := failed(r); !strings.Contains(f, "found in ours") {
		report(t, r)
		t.Fatalf("%d events dropped, failed: %q", n, f)
	}
	missing := 0
	for _, m := range r.Mismatches {
		if m.What == "missing" {
			missing++
		} else {
			t.Errorf("a dropped event became %q: %s", m.What, m.Class)
		}
	}
	if missing == 0 || missing > n {
		t.Errorf("%d dropped, %d missing", n, missing)
	}
}

// One event that is gone is one that is missing: the alignment takes up again after it.
func TestOneDroppedEventIsOneMissing(t *testing.T) {
	ref, ours := load(t)
	at := middle(t, ours, func(e *timeline.Event) bool { return e.Reason == "chan receive" })
	drop(ours, func(n int, _ *timeline.Event) bool { return n == at })
	r := Traces(ref, ours, Options{})
	if len(r.Mismatches) != 1 || r.Mismatches[0].What != "missing" || r.Mismatches[0].G != ours.Events[at].G {
		report(t, r)
		t.Fatalf("%d mismatches", len(r.Mismatches))
	}
	var b bytes.Buffer
	r.Report(&b, 5)
	if !strings.Contains(b.String(), "missing") || !strings.Contains(b.String(), "chan receive") {
		t.Errorf("the report does not show it:\n%s", b.String())
	}
}

func TestExtraEventsFail(t *testing.T) {
	ref, ours := load(t)
	drop(ref, func(n int, e *timeline.Event) bool { return n%300 == 7 })
	if f := failed(Traces(ref, ours, Options{})); !strings.Contains(f, "extra in ours") {
		t.Fatalf("failed: %q", f)
	}
}

func TestWrongReasonFails(t *testing.T) {
	ref, ours := load(t)
	at := middle(t, ours, func(e *timeline.Event) bool { return e.Reason == "chan receive" })
	ours.Events[at].Reason = "chan send"
	if f := failed(Traces(ref, ours, Options{})); f != "reason equal" {
		t.Fatalf("failed: %q", f)
	}
}

func TestWrongStacksFail(t *testing.T) {
	change := map[string]func([]timeline.Frame) []timeline.Frame{
		"line":  func(f []timeline.Frame) []timeline.Frame { f[0].Line++; return f },
		"func":  func(f []timeline.Frame) []timeline.Frame { f[len(f)-1].Func = "main.other"; return f },
		"file":  func(f []timeline.Frame) []timeline.Frame { f[0].File = "other.go"; return f },
		"less":  func(f []timeline.Frame) []timeline.Frame { return f[1:] },
		"none":  func(f []timeline.Frame) []timeline.Frame { return nil },
		"twice": func(f []timeline.Frame) []timeline.Frame { return append(f[:1:1], f...) },
	}
	for name, f := range change {
		t.Run(name, func(t *testing.T) {
			ref, ours := load(t)
			at := middle(t, ours, func(e *timeline.Event) bool { return e.Reason == "chan receive" })
			id := ours.Events[at].Stack
			ours.Stacks[id] = f(append([]timeline.Frame(nil), ours.Stacks[id]...))
			r := Traces(ref, ours, Options{})
			if f := failed(r); !strings.HasPrefix(f, "stack") {
				t.Fatalf("failed: %q", f)
			}
			report(t, r)
		})
	}
}

func TestSuffixRuleIsForOldTracersOnly(t *testing.T) {
	for _, c := range []struct {
		version int
		equal   bool
	}{{23, true}, {25, false}} {
		a, b := &timeline.Event{Reason: "preempted", Stack: 1}, &timeline.Event{Reason: "preempted", Stack: 1}
		root := timeline.Frame{Func: "main.f", Line: 3}
		r := &Result{
			Ref:  &timeline.Trace{Version: c.version, Stacks: [][]timeline.Frame{nil, {root}}},
			Ours: &timeline.Trace{Stacks: [][]timeline.Frame{nil, {{Func: "main.g"}, root}}},
		}
		if equal, _ := r.stacksEqual(a, b); equal != c.equal {
			t.Errorf("format 1.%d: equal is %v", c.version, equal)
		}
		a.Reason, b.Reason = "sync", "sync"
		if equal, _ := r.stacksEqual(a, b); equal {
			t.Errorf("format 1.%d: a block's stack passed as a suffix", c.version)
		}
	}
}

func TestShiftedTimeFails(t *testing.T) {
	ref, ours := load(t)
	for g, list := range ours.ByG {
		if IsTracer(ours.Root[g]) {
			continue
		}
		ready := int64(0)
		for _, i := range list { // runnable half as long, but never so that it passes for a pause
			e := &ours.Events[i]
			switch {
			case e.To.String() == "Runnable":
				ready = e.Time
			case e.To.String() == "Running" && ready > 0:
				e.Time -= min((e.Time-ready)/2, 90e3)
				ready = 0
			}
		}
	}
	if f := failed(Traces(ref, ours, Options{})); !strings.Contains(f, "time in each state") || !strings.Contains(f, "total time Runnable") {
		t.Fatalf("failed: %q", f)
	}
}

// A pause of a thread is forgiven; many are not.
func TestPauses(t *testing.T) {
	ref, ours := load(t)
	at := middle(t, ours, func(e *timeline.Event) bool { return e.To.String() == "Running" })
	ours.Events[at].Time -= 300e3
	if f := failed(Traces(ref, ours, Options{})); f != "" {
		t.Fatalf("one pause, failed: %q", f)
	}
	for i := range ours.Events {
		if i%200 == 0 {
			ours.Events[i].Time -= 300e3
		}
	}
	if f := failed(Traces(ref, ours, Options{})); !strings.Contains(f, "100 µs apart") {
		t.Fatalf("many pauses, failed: %q", f)
	}
}

// What the tracer takes to walk a stack with C on it is forgiven there, and only that.
func TestSlowWalks(t *testing.T) {
	callback := []timeline.Frame{{Func: "main.goCallback"}, {Func: "runtime.cgocallbackg"}}
	r := &Result{Ref: &timeline.Trace{Stacks: [][]timeline.Frame{nil, {{Func: "main.work"}}, callback}}}
	late := []struct {
		by    int64
		stack timeline.StackID
		to    timeline.State
		want  int64 // its time behind ours
	}{
		{300, 1, xtrace.GoWaiting, -1}, {300, 1, xtrace.GoWaiting, -1}, {400, 1, xtrace.GoWaiting, -1}, {300, 1, xtrace.GoSyscall, -1},
		{1700, 2, xtrace.GoWaiting, 300}, {1500, 1, xtrace.GoSyscall, 300}, // which ends the callback
		{1500, 1, xtrace.GoSyscall, -1}, {200, 2, xtrace.GoWaiting, -1}, {1700, 1, xtrace.GoWaiting, -1},
		{5300, 2, xtrace.GoWaiting, 300}, {5301, 2, xtrace.GoWaiting, -1}, {300, 1, xtrace.GoWaiting, -1},
	}
	g := &Goroutine{}
	for i, l := range late {
		at := int64(i) * 100e3
		g.Ours = append(g.Ours, &timeline.Event{Time: at})
		g.Ref = append(g.Ref, &timeline.Event{Time: at + l.by, Stack: l.stack, From: xtrace.GoRunning, To: l.to})
		g.Pairs = append(g.Pairs, Pair{i, i})
	}
	moved := map[*timeline.Event]int64{}
	if n := r.unwalked(g, moved); n != 3 || len(moved) != 3 {
		t.Errorf("%d stamps moved, %d told", len(moved), n)
	}
	for i, l := range late {
		at, ok := moved[g.Ref[i]]
		if ok != (l.want >= 0) || ok && at != g.Ours[i].Time+l.want {
			t.Errorf("stamp %d: %d, %v", i, at-g.Ours[i].Time, ok)
		}
	}
}

// Assists that were on before the reference are no begins; others are.
func TestAssistsFromBefore(t *testing.T) {
	ref, ours := load(t)
	at := (ref.First + ref.Last) / 2
	ref.Ranges = append(ref.Ranges, timeline.Range{Name: "GC mark assist", Begin: at, End: at + 1, Active: true})
	if f := failed(Traces(ref, ours, Options{})); f != "" {
		t.Errorf("one from before, failed: %q", f)
	}
	ref.Ranges[len(ref.Ranges)-1].Active = false
	if f := failed(Traces(ref, ours, Options{})); !strings.Contains(f, "ranges: GC mark assist") {
		t.Errorf("one that is not in ours, failed: %q", f)
	}
}

func TestLostGoroutineFails(t *testing.T) {
	ref, ours := load(t)
	at := middle(t, ours, func(e *timeline.Event) bool { return e.Reason == "chan receive" })
	g := ours.Events[at].G
	delete(ours.ByG, g)
	delete(ours.Initial, g)
	if f := failed(Traces(ref, ours, Options{})); !strings.Contains(f, "found in ours") {
		t.Fatalf("failed: %q", f)
	}
}

func TestTooLittleProvesNothing(t *testing.T) {
	ref, ours := load(t)
	if f := failed(Traces(ref, ours, Options{MinTransitions: 1 << 30, MinGoroutines: 1 << 20})); !strings.Contains(f, "transitions of") || !strings.Contains(f, "goroutines of") {
		t.Fatalf("failed: %q", f)
	}
	ours.First = ref.Last
	if f := failed(Traces(ref, ours, Options{})); !strings.Contains(f, "both files cover") {
		t.Fatalf("no time in common, failed: %q", f)
	}
}

func TestCountsOfTheOldFormat(t *testing.T) {
	ref, ours := load(t)
	w := Window{ref.First, ref.Last}
	if f := failed(Counts(ref, ours, w, 0.1, Options{})); f != "" {
		t.Fatalf("equal files, failed: %s", f)
	}
	for i := range ours.Events {
		if e := &ours.Events[i]; e.Reason == "sleep" && e.Time > (ours.First+ours.Last)/2 {
			e.Reason = "select"
		}
	}
	if f := failed(Counts(ref, ours, w, 0.1, Options{})); !strings.Contains(f, "sleep") || !strings.Contains(f, "select") {
		t.Fatalf("failed: %q", f)
	}
}

func TestBrokenFilesAreRefused(t *testing.T) {
	_, _ = load(t)
	cut := recorded.ref[:len(recorded.ref)/2]
	for name, raw := range map[string][]byte{"empty": nil, "text": []byte("no trace at all, not even a header"), "cut": cut} {
		if tr, err := timeline.Read(raw); err == nil {
			t.Errorf("%s: accepted with %d events", name, tr.Parsed)
		}
	}
	if _, err := timeline.Load(os.DevNull); err == nil {
		t.Error("an empty file was accepted")
	}
}
