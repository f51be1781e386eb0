// Package timeline reads a Go execution trace (either format) into the transitions of each
// goroutine, with stacks as lists of frames that can be compared between files.
package timeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/exp/trace"
)

// State is a goroutine's state, as Go's trace reader names it.
type State = trace.GoState

// StackID is an index of Trace.Stacks; 0 is "no stack".
type StackID uint32

// Event is one transition of one goroutine.
type Event struct {
	Time     int64 // ns; CLOCK_MONOTONIC in files of Go 1.22 and newer
	Told     int64 // the same as Go's reader tells it: it never falls (raw.go)
	G        int64 // the goroutine that changes
	Actor    int64 // the goroutine that was running there, -1 none
	M        int64 // -1 none
	P        int32 // -1 none
	From, To State
	Stack    StackID // of the actor: its own for a block, the waker's for an unblock
	Entry    StackID // of a created goroutine: its first function
	Reason   string
}

// Frame is one logical frame, leaf first in a stack.
type Frame struct {
	PC   uint64
	Func string
	File string
	Line uint64
}

// Range is a stretch of GC, stop-the-world or mark assist.
type Range struct {
	Name       string
	Begin, End int64 // End is 0 for one that was open when the file ended
	Active     bool  // it was on before the file, which says so at Begin
	Stack      StackID
}

// Trace is a whole file.
type Trace struct {
	Path    string
	Size    int64
	Version int // of the header: 11, 19, 21 (old format), 22, 23, 25, 26
	Parsed  int // events that the reader gave, of any kind

	// Writers move what would have the time of the event before by a unit: no event was moved by more
	// units than the longest run of times has that are one unit apart. Not known of old files.
	Unit       int64 // ns
	LongestRun int

	First, Last int64
	Events      []Event
	ByG         map[int64][]int // indices of Events, in time order
	Initial     map[int64]State // state at the file's begin, of goroutines that it tells of
	Root        map[int64]string
	Stacks      [][]Frame
	Ranges      []Range
	ProcsCount  uint64
	Labels      map[string]int
	Samples     int
	User        map[string]int // user tasks, regions and logs by name
}

// Old tells whether the file is of Go 1.21 or older.
func (t *Trace) Old() bool { return t.Version < 22 }

// Load reads the file at path to its end; a file that the reader refuses is an error.
func Load(path string) (*Trace, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.Path = path
	return t, nil
}

type loader struct {
	t      *Trace
	known  map[trace.Stack]StackID
	byText map[string]StackID
	open   map[string]int // open ranges: index of t.Ranges
}

// Read reads a trace to its end.
func Read(file []byte) (*Trace, error) {
	if len(file) < 16 {
		return nil, errors.New("no trace header")
	}
	head := file[:16]
	l := &loader{
		t: &Trace{
			ByG: map[int64][]int{}, Initial: map[int64]State{}, Root: map[int64]string{},
			Stacks: [][]Frame{nil}, Labels: map[string]int{}, User: map[string]int{},
		},
		known:  map[trace.Stack]StackID{trace.NoStack: 0},
		byText: map[string]StackID{"": 0},
		open:   map[string]int{},
	}
	if _, err := fmt.Sscanf(string(bytes.TrimRight(head, "\x00")), "go 1.%d trace", &l.t.Version); err != nil {
		return nil, fmt.Errorf("bad trace header %q", head)
	}
	tr, err := trace.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		ev, err := tr.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", l.t.Parsed, err)
		}
		l.event(&ev)
	}
	if l.t.Parsed == 0 {
		return nil, errors.New("no events")
	}
	l.t.Size = int64(len(file))
	if !l.t.Old() {
		if err := l.t.asWritten(file); err != nil {
			return nil, err
		}
	}
	return l.t, nil
}

func (l *loader) event(ev *trace.Event) {
	t := l.t
	now := int64(ev.Time())
	// The reader gives EventSync at a generation's begin without a place in time.
	if ev.Kind() == trace.EventSync {
		return
	}
	if t.Parsed == 0 {
		t.First = now
	}
	t.Parsed++
	t.Last = now
	switch ev.Kind() {
	case trace.EventStateTransition:
		l.transition(ev, now)
	case trace.EventRangeBegin, trace.EventRangeActive:
		r := ev.Range()
		if _, ok := l.open[rangeKey(&r)]; ok {
			break // declared again at a generation's begin
		}
		l.open[rangeKey(&r)] = len(t.Ranges)
		t.Ranges = append(t.Ranges, Range{Name: r.Name, Begin: now, Stack: l.stack(ev.Stack()), Active: ev.Kind() == trace.EventRangeActive})
	case trace.EventRangeEnd:
		r := ev.Range()
		if i, ok := l.open[rangeKey(&r)]; ok {
			t.Ranges[i].End = now
			delete(l.open, rangeKey(&r))
		}
	case trace.EventMetric:
		if m := ev.Metric(); m.Name == "/sched/gomaxprocs:threads" {
			t.ProcsCount = m.Value.Uint64()
		}
	case trace.EventLabel:
		t.Labels[ev.Label().Label]++
	case trace.EventStackSample:
		t.Samples++
	case trace.EventTaskBegin:
		t.User["task "+ev.Task().Type]++
	case trace.EventRegionBegin:
		t.User["region "+ev.Region().Type]++
	case trace.EventLog:
		t.User["log "+ev.Log().Category]++
	}
}

func rangeKey(r *trace.Range) string { return r.Name + r.Scope.String() }

func (l *loader) transition(ev *trace.Event, now int64) {
	st := ev.StateTransition()
	if st.Resource.Kind != trace.ResourceGoroutine {
		return
	}
	t := l.t
	from, to := st.Goroutine()
	g := int64(st.Resource.Goroutine())
	own := l.stack(st.Stack)
	if own != 0 && t.Root[g] == "" {
		frames := t.Stacks[own]
		t.Root[g] = frames[len(frames)-1].Func
	}
	if _, told := t.Initial[g]; !told {
		// A status may come late in the file; it holds from the begin.
		if from == trace.GoUndetermined {
			t.Initial[g] = to
		} else {
			t.Initial[g] = from
		}
	}
	if from == trace.GoUndetermined || from == to {
		return
	}
	e := Event{
		Time: now, Told: now, G: g, Actor: int64(ev.Goroutine()), M: int64(ev.Thread()), P: int32(ev.Proc()),
		From: from, To: to, Reason: st.Reason, Stack: l.stack(ev.Stack()),
	}
	if from == trace.GoNotExist {
		e.Entry = own
	}
	t.ByG[g] = append(t.ByG[g], len(t.Events))
	t.Events = append(t.Events, e)
}

// stack interns by content: the same frames have the same id wherever they come from.
func (l *loader) stack(s trace.Stack) StackID {
	if id, ok := l.known[s]; ok {
		return id
	}
	var frames []Frame
	var text strings.Builder
	for f := range s.Frames() {
		frames = append(frames, Frame{f.PC, f.Func, f.File, f.Line})
		fmt.Fprintf(&text, "%x %s %s %d\n", f.PC, f.Func, f.File, f.Line)
	}
	id, ok := l.byText[text.String()]
	if !ok {
		id = StackID(len(l.t.Stacks))
		l.t.Stacks = append(l.t.Stacks, frames)
		l.byText[text.String()] = id
	}
	l.known[s] = id
	return id
}

// Name is how a goroutine is shown: its id and its root function.
func (t *Trace) Name(g int64) string {
	if r := t.Root[g]; r != "" {
		return fmt.Sprintf("goroutine %d (%s)", g, r)
	}
	return fmt.Sprintf("goroutine %d", g)
}
