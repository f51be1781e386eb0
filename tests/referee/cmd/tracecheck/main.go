// Tracecheck reads execution traces with Go's own reader and prints what is in them. Beyond what
// the reader demands it checks what viewers take for granted: states that follow each other, no
// P beyond GOMAXPROCS once that is known, and whole frames. It exits 1 when a file is not in order.
//
//	tracecheck [-min-transitions N] [-min-sum N] [-min-goroutines N] [-ends-from NS] [-ends-until NS] FILE...
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

// Tally is what a trace holds.
type tally struct {
	events, transitions, samples, ranges int
	moves                                int // transitions of goroutines, statuses aside
	seen                                 map[trace.GoID]bool
	goroutines                           map[trace.GoID]trace.GoState
	procs                                map[trace.ProcID]trace.ProcState
	labels                               map[string]int
	reasons                              map[string]int
	gomaxprocs                           uint64
	first, last                          trace.Time
}

func newTally() *tally {
	return &tally{
		seen:       map[trace.GoID]bool{},
		goroutines: map[trace.GoID]trace.GoState{},
		procs:      map[trace.ProcID]trace.ProcState{},
		labels:     map[string]int{},
		reasons:    map[string]int{},
	}
}

func (t *tally) goroutine(st trace.StateTransition) error {
	from, to := st.Goroutine()
	id := st.Resource.Goroutine()
	if was, ok := t.goroutines[id]; ok && from != was && from != trace.GoUndetermined {
		return fmt.Errorf("goroutine %d goes %v->%v but was %v", id, from, to, was)
	}
	t.goroutines[id] = to
	t.seen[id] = true
	if from != to && from != trace.GoUndetermined {
		t.moves++
	}
	if to == trace.GoNotExist {
		delete(t.goroutines, id)
	}
	if to == trace.GoWaiting && from == trace.GoRunning {
		t.reasons[st.Reason]++
	}
	return nil
}

func (t *tally) proc(st trace.StateTransition) error {
	from, to := st.Proc()
	id := st.Resource.Proc()
	if was, ok := t.procs[id]; ok && from != was && from != trace.ProcUndetermined {
		return fmt.Errorf("P %d goes %v->%v but was %v", id, from, to, was)
	}
	if t.gomaxprocs > 0 && to == trace.ProcRunning && uint64(id) >= t.gomaxprocs {
		// A viewer indexes by it; tolerated up to the next running goroutine, which must tell.
		t.labels["P beyond GOMAXPROCS"]++
	}
	t.procs[id] = to
	return nil
}

func checkStack(s trace.Stack) error {
	leaf := true
	for f := range s.Frames() {
		if f.PC == 0 {
			return fmt.Errorf("a frame without PC (%s)", f.Func)
		}
		if !leaf && (f.Func == "" || f.File == "" || f.Line == 0) {
			return fmt.Errorf("an incomplete frame at pc %#x", f.PC)
		}
		leaf = false
	}
	return nil
}

func (t *tally) add(ev trace.Event) error {
	if t.events > 0 && ev.Time() < t.last {
		return fmt.Errorf("time falls from %d to %d", t.last, ev.Time())
	}
	if ev.Kind() != trace.EventSync {
		if t.events == 0 {
			t.first = ev.Time()
		}
		t.last = ev.Time()
		t.events++
	}
	if err := checkStack(ev.Stack()); err != nil {
		return err
	}
	switch ev.Kind() {
	case trace.EventStateTransition:
		t.transitions++
		st := ev.StateTransition()
		if err := checkStack(st.Stack); err != nil {
			return err
		}
		switch st.Resource.Kind {
		case trace.ResourceGoroutine:
			return t.goroutine(st)
		case trace.ResourceProc:
			return t.proc(st)
		}
	case trace.EventMetric:
		if m := ev.Metric(); m.Name == "/sched/gomaxprocs:threads" {
			t.gomaxprocs = m.Value.Uint64()
		}
	case trace.EventStackSample:
		t.samples++
	case trace.EventLabel:
		t.labels[ev.Label().Label]++
	case trace.EventRangeBegin:
		t.ranges++
		t.labels[ev.Range().Name]++
	}
	return nil
}

func check(path string) (*tally, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, err
	}
	t := newTally()
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t, err
		}
		if err := t.add(ev); err != nil {
			return t, fmt.Errorf("%w, at %v", err, ev)
		}
	}
	if t.events == 0 {
		return t, fmt.Errorf("no events")
	}
	return t, nil
}

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d events, %d transitions, %d samples, %d ranges, %.6f s, %d goroutines at the end",
		t.events, t.transitions, t.samples, t.ranges, float64(t.last-t.first)/1e9, len(t.goroutines))
	for _, m := range []map[string]int{t.reasons, t.labels} {
		names := make([]string, 0, len(m))
		for n := range m {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			fmt.Fprintf(&b, "\n  %7d %q", m[n], n)
		}
	}
	return b.String()
}

func main() {
	transitions := flag.Int("min-transitions", 0, "of goroutines, in each file; fewer is a failure")
	least := flag.Int("min-sum", 0, "of goroutines, in all files together; fewer is a failure")
	goroutines := flag.Int("min-goroutines", 0, "in each file; fewer is a failure")
	from := flag.Int64("ends-from", 0, "the last event must not be before this `time`")
	until := flag.Int64("ends-until", 0, "nor behind this one")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "tracecheck: give it trace files")
		os.Exit(2)
	}
	status, sum := 0, 0
	for _, path := range flag.Args() {
		t, err := check(path)
		if err == nil && (t.moves < *transitions || len(t.seen) < *goroutines) {
			err = fmt.Errorf("%d transitions of %d goroutines, wanted %d of %d", t.moves, len(t.seen), *transitions, *goroutines)
		}
		if err == nil && (int64(t.last) < *from || *until > 0 && int64(t.last) > *until) {
			err = fmt.Errorf("the last event is at %d, wanted it from %d to %d", t.last, *from, *until)
		}
		if err != nil {
			fmt.Printf("%s: %v\n", path, err)
			status = 1
			continue
		}
		fmt.Printf("%s: %s\n", path, t)
		sum += t.moves
	}
	if sum < *least {
		fmt.Printf("%d transitions in all files, wanted %d\n", sum, *least)
		status = 1
	}
	os.Exit(status)
}
