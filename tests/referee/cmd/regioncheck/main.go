// Regioncheck compares user regions. While runtime/trace is on, StartRegion takes another way through
// the program than while it is off, so no moment is seen by both recorders. But the rounds of the
// workload "regions" are all alike: what the reference tells of its rounds must be what ours tells of
// each of its own, in the reference's time and out of it: begins and ends in their order, whose task
// they belong to, and the stack of each.
//
//	regioncheck -ref ref.trace -ours DIR/trace.out
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"golang.org/x/exp/trace"
)

const roundType = "round" // of the task that a round is

// withRegion is the one region of a round that is not by StartRegion.
const withRegion = "around"

type round struct {
	begin, end trace.Time
	task       trace.TaskID
	nested     map[trace.TaskID]string
	lines      []string
}

// rounds tells how often each text of a whole round is in a file.
type rounds struct {
	open   map[trace.GoID]*round
	whole  []*round
	forms  map[string]int
	stacks bool
	leave  string

	first, last trace.Time // of regions by StartRegion
}

func frames(s trace.Stack) string {
	var b strings.Builder
	for f := range s.Frames() {
		fmt.Fprintf(&b, "\n    %s %s:%d", f.Func, f.File, f.Line)
	}
	return b.String()
}

func (r *rounds) region(ev *trace.Event, what string) {
	o, g := r.open[ev.Goroutine()], ev.Region()
	if o == nil || g.Type == r.leave {
		return
	}
	if g.Type != withRegion {
		r.last = ev.Time()
		if r.first == 0 {
			r.first = ev.Time()
		}
	}
	whose := o.nested[g.Task]
	switch {
	case g.Task == trace.BackgroundTask || g.Task == trace.NoTask:
		whose = "no task"
	case whose == "":
		whose = "an unknown task"
	}
	line := fmt.Sprintf("%s %q of %s", what, g.Type, whose)
	if r.stacks {
		line += frames(ev.Stack())
	}
	o.lines = append(o.lines, line)
}

func (r *rounds) event(ev *trace.Event) {
	switch ev.Kind() {
	case trace.EventTaskBegin:
		t := ev.Task()
		if t.Type == roundType {
			r.open[ev.Goroutine()] = &round{begin: ev.Time(), task: t.ID, nested: map[trace.TaskID]string{t.ID: roundType}}
		} else if o := r.open[ev.Goroutine()]; o != nil {
			o.nested[t.ID] = t.Type
		}
	case trace.EventRegionBegin:
		r.region(ev, "begin")
	case trace.EventRegionEnd:
		r.region(ev, "end")
	case trace.EventTaskEnd:
		if o := r.open[ev.Goroutine()]; o != nil && o.task == ev.Task().ID {
			o.end = ev.Time()
			r.whole = append(r.whole, o)
			delete(r.open, ev.Goroutine())
		}
	}
}

// count fills forms. The runtime's tracer is on a little before and after runtime/trace says so to
// StartRegion: rounds of the reference that reach into that time tell of no such regions.
func (r *rounds) count(ref bool) {
	for _, o := range r.whole {
		if !ref || o.begin >= r.first && o.end <= r.last {
			r.forms[strings.Join(o.lines, "\n")]++
		}
	}
}

func read(path string, stacks, ref bool, leave string) (*rounds, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tr, err := trace.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := &rounds{open: map[trace.GoID]*round{}, forms: map[string]int{}, stacks: stacks, leave: leave}
	for {
		ev, err := tr.ReadEvent()
		if err == io.EOF {
			r.count(ref)
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r.event(&ev)
	}
}

func (r *rounds) total() (n int) {
	for _, c := range r.forms {
		n += c
	}
	return n
}

func (r *rounds) show(title string, except *rounds) (found bool) {
	var list []string
	for form := range r.forms {
		if except.forms[form] == 0 {
			list = append(list, form)
		}
	}
	sort.Slice(list, func(i, j int) bool { return r.forms[list[i]] > r.forms[list[j]] })
	for i, form := range list {
		if i == 3 {
			fmt.Printf("… and %d more\n", len(list)-i)
			break
		}
		fmt.Printf("%d rounds of %s are so:\n%s\n", r.forms[form], title, form)
	}
	return len(list) > 0
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "regioncheck: "+format+"\n", args...)
	os.Exit(1)
}

func main() {
	refPath := flag.String("ref", "", "trace that runtime/trace wrote")
	oursPath := flag.String("ours", "", "our trace.out of the same process, longer than that")
	leave := flag.String("leave", "strange", "regions of this `name` are left out: their contexts do not tell their task")
	stacks := flag.Bool("stacks", true, "compare stacks, too")
	more := flag.Int("more", 100, "rounds that ours must have beyond the reference's: those that it alone saw")
	flag.Parse()
	ref, err := read(*refPath, *stacks, true, *leave)
	if err != nil {
		fail("%v", err)
	}
	ours, err := read(*oursPath, *stacks, false, *leave)
	if err != nil {
		fail("%v", err)
	}
	fmt.Printf("%d rounds of the reference, %d of ours, %d forms and %d\n", ref.total(), ours.total(), len(ref.forms), len(ours.forms))
	missing, extra := ref.show("the reference, none of ours,", ours), ours.show("ours, none of the reference,", ref)
	switch {
	case ref.total() == 0 || ours.total() < ref.total()+*more:
		fail("too few rounds to judge: %d of the reference, %d of ours", ref.total(), ours.total())
	case missing || extra:
		fail("the rounds of ours are not those of the reference")
	case len(ref.forms) != 1:
		fail("the rounds of the reference are not alike: %d forms", len(ref.forms))
	}
	for form := range ref.forms {
		if form == "" {
			fail("the rounds have no regions")
		}
	}
}
