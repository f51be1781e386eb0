// Calls holds the outgoing calls that a trace has as user tasks against the log that the program itself kept
// (tests/fixtures/calls): none may be missing, none too many, each must have ended as the log says and have taken
// as long by our clock as by the program's; and those that a request's handler made are tasks of its task. It exits 1
// when a row fails.
//
//	calls -log FILE -kind client [-median D] [-p99 D] TRACE
//
// Of kind grpc they are those that are served (tests/fixtures/grpcserver): tasks of their own, without a stack.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"gobpftrace.test/referee/rows"
)

var (
	logFile = flag.String("log", "", "the program's log")
	kind    = flag.String("kind", "client", "the calls of this `kind`")
	median  = flag.Duration("median", 5*time.Microsecond, "durations may differ by so much in the median")
	p99     = flag.Duration("p99", 50*time.Microsecond, "and in the 99th percentile")
)

// taskName of a call that the log has by that name.
func taskName(name string) string {
	if *kind == "grpc" {
		return name
	}
	return strings.TrimSpace(*kind + " " + name)
}

func isOfKind(task string) bool {
	if *kind == "grpc" {
		return strings.HasPrefix(task, "/")
	}
	return strings.HasPrefix(task+" ", *kind+" ")
}

// call by one of the two; times in ns of CLOCK_MONOTONIC.
type call struct {
	name, ended string
	begin, end  int64
	regions     int
	isInner     bool // its task has a parent
	hasStack    bool
	taken       bool
}

// readLog has lines "KIND NAME ENDED BEGIN END" with tabs between; a last one may be cut.
func readLog(path string) []*call {
	f, err := os.Open(path)
	rows.Check("calls", err)
	defer f.Close()
	var all []*call
	isCut := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if isCut {
			rows.Check("calls", fmt.Errorf("%s: a line that is not the last is cut", path))
		}
		w := strings.Split(lines.Text(), "\t")
		if isCut = len(w) != 5; isCut {
			continue
		}
		begin, err := strconv.ParseInt(w[3], 10, 64)
		rows.Check("calls", err)
		end, err := strconv.ParseInt(w[4], 10, 64)
		rows.Check("calls", err)
		if w[0] == *kind {
			all = append(all, &call{name: taskName(w[1]), ended: w[2], begin: begin, end: end})
		}
	}
	return all
}

type reading struct {
	tasks       map[trace.TaskID]*call
	first, last int64
}

func (r *reading) event(ev *trace.Event) {
	switch ev.Kind() {
	case trace.EventTaskBegin:
		if t := ev.Task(); isOfKind(t.Type) {
			stack := false
			for range ev.Stack().Frames() {
				stack = true
			}
			r.tasks[t.ID] = &call{name: t.Type, begin: int64(ev.Time()), isInner: t.Parent != trace.NoTask && t.Parent != trace.BackgroundTask, hasStack: stack}
		}
	case trace.EventRegionBegin, trace.EventRegionEnd:
		if c := r.tasks[ev.Region().Task]; c != nil {
			if c.name != ev.Region().Type {
				rows.Differ("region %s of task %s", ev.Region().Type, c.name)
			}
			c.regions++
		}
	case trace.EventLog:
		if c := r.tasks[ev.Log().Task]; c != nil && ev.Log().Category == "status" {
			c.ended = ev.Log().Message
		}
	case trace.EventTaskEnd:
		if c := r.tasks[ev.Task().ID]; c != nil {
			c.end = int64(ev.Time())
		}
	}
}

func readTrace(path string) *reading {
	f, err := os.Open(path)
	rows.Check("calls", err)
	defer f.Close()
	in, err := trace.NewReader(bufio.NewReader(f))
	rows.Check("calls", err)
	r := &reading{tasks: map[trace.TaskID]*call{}}
	for {
		ev, err := in.ReadEvent()
		if err == io.EOF {
			return r
		}
		rows.Check("calls", err)
		if r.first == 0 {
			r.first = int64(ev.Time())
		}
		r.last = int64(ev.Time())
		r.event(&ev)
	}
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// nearest of that name in time that is not taken. One of many (a statement) that is further off is another: those of
// the log that do not fit are missing.
func nearest(list []*call, l *call) *call {
	const apart = int64(2 * time.Millisecond)
	var best *call
	for _, c := range list {
		if c.taken || c.end == 0 {
			continue
		}
		if len(list) > 1 && (distance(c.begin, l.begin) > apart || distance(c.end, l.end) > apart) {
			continue
		}
		if best == nil || distance(c.begin, l.begin)+distance(c.end, l.end) < distance(best.begin, l.begin)+distance(best.end, l.end) {
			best = c
		}
	}
	if best != nil {
		best.taken = true
	}
	return best
}

func main() {
	flag.Parse()
	log := readLog(*logFile)
	r := readTrace(flag.Arg(0))
	const edge = int64(50 * time.Millisecond)
	var found, missing, wrong, extra, outer int
	var lastLogged int64
	var off rows.Spread
	byName := map[string][]*call{}
	byEnd := map[string]rows.Spread{}
	for _, c := range r.tasks {
		byName[c.name] = append(byName[c.name], c)
	}
	for _, l := range log {
		lastLogged = max(lastLogged, l.end)
		inside := l.begin > r.first+edge && l.end < r.last-edge
		c := nearest(byName[l.name], l)
		switch {
		case c == nil && inside:
			missing++
			rows.Differ("missing: %s, which ended %s", l.name, l.ended)
		case c == nil || !inside:
			continue
		case c.ended != l.ended || c.regions != 2 || c.hasStack != (*kind != "grpc"):
			wrong++
			rows.Differ("%s ended %q with %d ends of regions, the log has %q (with a stack: %v)", c.name, c.ended, c.regions, l.ended, c.hasStack)
		}
		if c == nil {
			continue
		}
		found++
		if !c.isInner {
			outer++
		}
		d := distance(c.end-c.begin, l.end-l.begin)
		off = append(off, d)
		byEnd[l.ended] = append(byEnd[l.ended], d)
	}
	for _, c := range r.tasks {
		if !c.taken && c.end != 0 && c.begin > r.first+edge && c.end < lastLogged-edge {
			extra++
			rows.Differ("extra: %s", c.name)
		}
		if c.end == 0 && c.begin < r.last-int64(time.Second)/2 {
			extra++
			rows.Differ("without an end: %s", c.name)
		}
	}
	rows.Row(found > 0 && missing == 0, "found    %d of %d", found, found+missing)
	rows.Row(extra == 0, "extra    %d", extra)
	rows.Row(wrong == 0, "ended as the log says   all but %d", wrong)
	rows.Row(outer <= found/20 || *kind == "grpc", "task of a request       all but %d", outer) // one that began before the window is not told
	rows.Within(off, byEnd, *median, *p99)
	rows.End()
}
