// SPDX-License-Identifier: GPL-2.0-only

// summarycheck adds up a trace once more, with Go's own reader, and compares the sums with the
// summary that the tool wrote beside it:
//
//	summarycheck DIR        DIR/trace.out against DIR/summary.json
//
// It exits 1 when a figure differs by more than what the trace's resolution explains.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/exp/trace"

	"gobpftrace.test/referee/timeline"
)

type frame struct {
	Func string `json:"func"`
	Line uint64 `json:"line"`
}

type latency struct {
	Count int64 `json:"count"`
	P50   int64 `json:"p50_ns"`
	P99   int64 `json:"p99_ns"`
	Max   int64 `json:"max_ns"`
}

type summary struct {
	Schema   int   `json:"schema"`
	WindowNs int64 `json:"window_ns"`
	States   []struct {
		State   string `json:"state"`
		Blocked bool   `json:"blocked"`
		TotalNs int64  `json:"total_ns"`
		Count   int64  `json:"count"`
	} `json:"states"`
	Goroutines struct {
		Start, End, Min, Max, Created, Exited int64
	} `json:"goroutines"`
	Sites []struct {
		Reason  string `json:"reason"`
		TotalNs int64  `json:"total_ns"`
		Count   int64  `json:"count"`
		At      frame  `json:"at"`
		In      frame  `json:"in"`
		Wakers  []struct {
			Count int64 `json:"count"`
			At    frame `json:"at"`
			In    frame `json:"in"`
		} `json:"wakers"`
	} `json:"sites"`
	Latency latency `json:"scheduler_latency"`
	GC      struct {
		Cycles   int64 `json:"cycles"`
		ActiveNs int64 `json:"active_ns"`
		Assists  int64 `json:"assists"`
		Stopped  []struct {
			Kind    string `json:"kind"`
			Count   int64  `json:"count"`
			TotalNs int64  `json:"total_ns"`
		} `json:"world_stopped"`
	} `json:"gc"`
	Processors struct {
		GOMAXPROCS uint64 `json:"gomaxprocs"`
	} `json:"processors"`
	Creators []struct {
		Created int64 `json:"created"`
		Alive   int64 `json:"alive"`
		Entry   frame `json:"entry"`
		At      frame `json:"at"`
	} `json:"creators"`
	Capture struct {
		CPUSamples int64 `json:"cpu_samples"`
	} `json:"capture"`
	Repairs map[string]int64 `json:"repairs"`
	// until a goroutine's root function is known
	UnknownNs        int64 `json:"unknown_goroutines_ns"`
	UnknownIntervals int64 `json:"unknown_goroutines_intervals"`
}

// resolution: a time in the file is a multiple of 64 ns, and the writer moves ties by one more.
const resolution = 64

type sum struct{ total, count int64 }

func (s *sum) add(ns int64) { s.total += ns; s.count++ }

type siteKey struct {
	reason, at, in string
	line           uint64
}

type site struct {
	sum
	wakers map[wakerKey]int64
}

// wakerKey is a place as the summary adds them up: the line inside of the callee is not part of it.
type wakerKey struct {
	at frame
	in string
}

type creatorKey struct {
	entry, at string
	line      uint64
}

type tally struct {
	t         *timeline.Trace
	states    map[string]*sum
	waiting   sum
	sites     map[siteKey]*site
	latencies []int64
	creators  map[creatorKey]*sum // total: those alive
	closes    int64               // when the window does: the last event may be earlier
	start     int64
	end       int64
	created   int64
	exited    int64
}

var stdRoots = map[string]bool{}

func init() {
	for _, r := range strings.Fields(`archive bufio bytes cmp compress container context crypto
		database debug embed encoding errors expvar flag fmt go hash html image index internal
		io iter log maps math mime net os path plugin reflect regexp runtime slices sort strconv
		strings structs sync syscall testing text time unicode unique unsafe uuid vendor weak`) {
		stdRoots[r] = true
	}
}

func pkgOf(fn string) string {
	end := strings.IndexAny(fn, "[(")
	if end < 0 {
		end = len(fn)
	}
	slash := strings.LastIndexByte(fn[:end], '/') + 1
	if dot := strings.IndexByte(fn[slash:end], '.'); dot >= 0 {
		return fn[:slash+dot]
	}
	return fn[:end]
}

func isStd(fn string) bool {
	first := pkgOf(fn)
	if i := strings.IndexAny(first, "/."); i >= 0 {
		first = first[:i]
	}
	return stdRoots[first]
}

func isMachinery(fn string) bool {
	switch p := pkgOf(fn); p {
	case "runtime", "sync", "syscall", "time":
		return true
	default:
		return strings.HasPrefix(p, "internal/") || strings.HasPrefix(p, "runtime/")
	}
}

// place is stackset__place of user/analysis/stackset.c, written again from docs/findings.md.
func place(frames []timeline.Frame) (at, in frame) {
	if len(frames) == 0 {
		return
	}
	for i, f := range frames {
		if !isStd(f.Func) {
			below := frames[max(i-1, 0)]
			return frame{f.Func, f.Line}, frame{below.Func, below.Line}
		}
	}
	k := 0
	for k+1 < len(frames) && isMachinery(frames[k].Func) {
		k++
	}
	root := frames[len(frames)-1]
	return frame{root.Func, root.Line}, frame{frames[k].Func, frames[k].Line}
}

func isUser(g int64, root string) bool {
	return g == 1 || root != "" && (root == "runtime.main" || !strings.HasPrefix(root, "runtime."))
}

func (c *tally) state(name string) *sum {
	if c.states[name] == nil {
		c.states[name] = &sum{}
	}
	return c.states[name]
}

func (c *tally) site(reason string, stack timeline.StackID) *site {
	at, in := place(c.t.Stacks[stack])
	k := siteKey{reason, at.Func, in.Func, at.Line}
	if c.sites[k] == nil {
		c.sites[k] = &site{wakers: map[wakerKey]int64{}}
	}
	return c.sites[k]
}

// goroutine adds up one goroutine's life inside the file.
func (c *tally) goroutine(g int64) {
	t := c.t
	state, since, begun := t.Initial[g], t.First, false
	var reason string
	var where timeline.StackID
	var ck *creatorKey
	if state != trace.GoNotExist {
		c.start++
	}
	closeState := func(now int64, next trace.GoState, waker timeline.StackID) {
		d := now - since
		switch state {
		case trace.GoRunning:
			c.state("running").add(d)
		case trace.GoRunnable:
			// the reader makes three events of a coroutine switch, within 2 ns
			if begun && d <= 2 {
				return
			}
			c.state("runnable").add(d)
			if begun && next == trace.GoRunning {
				c.latencies = append(c.latencies, d)
			}
		case trace.GoSyscall:
			c.state("syscall").add(d)
			if begun {
				c.site("syscall", where).add(d)
			}
		case trace.GoWaiting:
			c.waiting.add(d)
			if !begun {
				break
			}
			c.state(reason).add(d)
			s := c.site(reason, where)
			s.add(d)
			if next == trace.GoRunnable {
				at, in := place(t.Stacks[waker])
				s.wakers[wakerKey{at, in.Func}]++
			}
		}
	}
	for _, i := range t.ByG[g] {
		e := &t.Events[i]
		closeState(e.Time, e.To, e.Stack)
		if e.From == trace.GoNotExist {
			c.created++
			if e.Entry != 0 && isUser(0, t.Root[g]) {
				at := frame{}
				if f := t.Stacks[e.Stack]; len(f) > 0 {
					at = frame{f[0].Func, f[0].Line}
				}
				ck = &creatorKey{t.Stacks[e.Entry][0].Func, at.Func, at.Line}
				if c.creators[*ck] == nil {
					c.creators[*ck] = &sum{}
				}
				c.creators[*ck].add(1)
			}
		}
		if e.To == trace.GoNotExist {
			c.exited++
			if ck != nil {
				c.creators[*ck].total--
			}
		}
		state, since, begun = e.To, e.Time, true
		reason, where = e.Reason, e.Stack
		if state == trace.GoWaiting && reason == "" {
			reason = "coroutine"
		}
	}
	if state != trace.GoNotExist {
		c.end++
		closeState(c.closes, trace.GoUndetermined, 0)
	}
}

func newTally(t *timeline.Trace, window int64) *tally {
	return &tally{t: t, closes: max(t.Last, t.First+window), states: map[string]*sum{}, sites: map[siteKey]*site{},
		creators: map[creatorKey]*sum{}}
}

type judge struct{ bad, checked int }

func (j *judge) near(what string, got, want, slack int64) {
	j.checked++
	if d := got - want; d > slack || d < -slack {
		j.bad++
		fmt.Printf("DIFFERS  %s: summary %d, trace %d (allowed %d)\n", what, got, want, slack)
	}
}

// slack: each interval may be off by the resolution at both ends; a storm of ties moves more.
func slack(s *sum) int64 { return 4*resolution*(s.count+1) + s.total/1000 }

// states allows for goroutines whose root function the trace does not have, but the raw stream
// does: whether they count is the summary's to know.
func (j *judge) states(s *summary, c, rootless *tally) {
	var waiting sum
	for _, st := range s.States {
		if st.Blocked {
			waiting.total += st.TotalNs
			waiting.count += st.Count
			continue
		}
		want, more := c.state(st.State), rootless.state(st.State)
		j.near(st.State+" intervals", st.Count, want.count, more.count+s.UnknownIntervals)
		j.near(st.State+" ns", st.TotalNs, want.total,
			slack(want)+more.total+s.UnknownNs)
	}
	more := &rootless.waiting
	j.near("waiting intervals", waiting.count, c.waiting.count, more.count+s.UnknownIntervals)
	j.near("waiting ns", waiting.total, c.waiting.total,
		slack(&c.waiting)+more.total+s.UnknownNs)
}

func (j *judge) goroutines(s *summary, c, rootless *tally) {
	j.near("goroutines at the start", s.Goroutines.Start, c.start, rootless.start)
	j.near("goroutines at the end", s.Goroutines.End, c.end, rootless.end)
	j.near("goroutines created", s.Goroutines.Created, c.created, rootless.created)
	j.near("goroutines ended", s.Goroutines.Exited, c.exited, rootless.exited)
	for _, row := range s.Creators {
		want := c.creators[creatorKey{row.Entry.Func, row.At.Func, row.At.Line}]
		if want == nil {
			want = &sum{}
		}
		j.near("created by "+row.At.Func, row.Created, want.count, 0)
		j.near("alive of "+row.At.Func, row.Alive, want.total, 0)
	}
}

func (j *judge) latency(s *summary, c, rootless *tally) {
	// what the model made up is in the trace, but not in the percentiles
	made := s.Repairs["start"] + s.Repairs["unblock"] + s.Repairs["stop"] + s.Repairs["status"] +
		int64(len(rootless.latencies)) + s.UnknownIntervals
	j.near("latency count", s.Latency.Count, int64(len(c.latencies)), made)
	if len(c.latencies) == 0 || made > 0 {
		return
	}
	sort.Slice(c.latencies, func(a, b int) bool { return c.latencies[a] < c.latencies[b] })
	n := len(c.latencies)
	rank := func(p int) int64 { return c.latencies[(n*p+99)/100-1] }
	j.near("latency p50", s.Latency.P50, rank(50), 2*resolution+rank(50)/20)
	j.near("latency p99", s.Latency.P99, rank(99), 2*resolution+rank(99)/20)
	j.near("latency max", s.Latency.Max, c.latencies[n-1], 4*resolution+c.latencies[n-1]/100)
}

func (j *judge) sites(s *summary, c *tally) {
	for _, row := range s.Sites {
		want := c.sites[siteKey{row.Reason, row.At.Func, row.In.Func, row.At.Line}]
		if want == nil {
			want = &site{}
		}
		name := fmt.Sprintf("%s at %s:%d in %s", row.Reason, row.At.Func, row.At.Line, row.In.Func)
		// waits from before the window have a reason in the summary only: it may have more
		before := int64(len(c.t.Initial))
		if row.Count < want.count || row.Count > want.count+before {
			j.near(name+" waits", row.Count, want.count, 0)
		}
		j.checked++
		if row.Count != want.count {
			continue
		}
		j.near(name+" ns", row.TotalNs, want.total, slack(&want.sum))
		if row.Reason == "coroutine" {
			continue // the reader's unblock of a switch has no stack
		}
		for _, w := range row.Wakers {
			told := want.wakers[wakerKey{w.At, w.In.Func}]
			j.near(name+" woken by "+w.At.Func, w.Count, told, 0)
		}
	}
}

func (j *judge) ranges(s *summary, t *timeline.Trace, closes int64) {
	var cycles, assists sum
	stopped := map[string]*sum{}
	for _, r := range t.Ranges {
		end := r.End
		if end == 0 {
			end = closes
		}
		kind, isStop := strings.CutPrefix(r.Name, "stop-the-world (")
		switch {
		case r.Name == "GC concurrent mark phase":
			cycles.add(end - r.Begin)
		case r.Name == "GC mark assist":
			assists.add(end - r.Begin)
		case isStop:
			kind = strings.TrimSuffix(kind, ")")
			if stopped[kind] == nil {
				stopped[kind] = &sum{}
			}
			stopped[kind].add(end - r.Begin)
		}
	}
	j.near("GC cycles", s.GC.Cycles, cycles.count, 0)
	j.near("GC ns", s.GC.ActiveNs, cycles.total, slack(&cycles))
	j.near("mark assists", s.GC.Assists, assists.count, 0)
	j.near("kinds of stopped world", int64(len(s.GC.Stopped)), int64(len(stopped)), 0)
	for _, st := range s.GC.Stopped {
		want := stopped[st.Kind]
		if want == nil {
			want = &sum{}
		}
		j.near(st.Kind, st.Count, want.count, 0)
		j.near(st.Kind+" ns", st.TotalNs, want.total, slack(want))
	}
}

func check(dir string) (*judge, error) {
	var s summary
	text, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return nil, err
	}
	t, err := timeline.Load(filepath.Join(dir, "trace.out"))
	if err != nil {
		return nil, err
	}
	c, rootless := newTally(t, s.WindowNs), newTally(t, s.WindowNs)
	for g := range t.Initial {
		if isUser(g, t.Root[g]) {
			c.goroutine(g)
		} else if t.Root[g] == "" {
			rootless.goroutine(g)
		}
	}
	j := &judge{}
	j.near("schema", int64(s.Schema), 1, 0)
	j.near("window", s.WindowNs, t.Last-t.First, s.WindowNs/1000+100000)
	j.near("GOMAXPROCS", int64(s.Processors.GOMAXPROCS), int64(t.ProcsCount), 0)
	j.near("CPU samples", s.Capture.CPUSamples, int64(t.Samples), 0)
	j.states(&s, c, rootless)
	j.goroutines(&s, c, rootless)
	j.latency(&s, c, rootless)
	j.sites(&s, c)
	j.ranges(&s, t, c.closes)
	return j, nil
}

func main() {
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: summarycheck DIR…")
		os.Exit(2)
	}
	failed := false
	for _, dir := range flag.Args() {
		j, err := check(dir)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", dir, err)
			failed = true
			continue
		}
		fmt.Printf("%s: %d figures compared, %d differ\n", dir, j.checked, j.bad)
		failed = failed || j.bad > 0
	}
	if failed {
		os.Exit(1)
	}
}
