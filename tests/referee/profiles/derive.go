package profiles

import (
	"fmt"
	"strings"

	"golang.org/x/exp/trace"

	"gobpftrace.test/referee/compare"
	"gobpftrace.test/referee/timeline"
)

// Source is a trace from which profiles are summed.
type Source struct {
	T *timeline.Trace
	// Corrections of its times: where the kernel took a thread off its processor between two recorders'
	// stamps, both are given one time; and of its stacks, where this recorder lost frames.
	Moved     map[*timeline.Event]int64
	Restacked map[*timeline.Event][]timeline.Frame
	// As `go tool trace` sums: times as its reader tells them, a goroutine only from its first start.
	AsViewed bool
	// Whether the wakes without a stack of this program's recorder and runtime are summed, or those of
	// all others. They come with every window, and a profile does not tell whose they are.
	OwnWakes bool
	AllWakes bool // both

	keys map[timeline.StackID]Stack
}

// own tells goroutines that are there because the program records itself, obeys, or is written in Go.
func (s *Source) own(g int64) bool {
	root := s.T.Root[g]
	return compare.IsTracer(root) || strings.HasPrefix(root, controlPackage) || strings.HasPrefix(root, "runtime.") || root == "main.main"
}

func (s *Source) at(e *timeline.Event) int64 {
	if s.AsViewed {
		return e.Told
	}
	if t, ok := s.Moved[e]; ok {
		return t
	}
	return e.Time
}

// Stamps of one list that are nearer than this follow each other.
const listGap = int64(20e3)

// lists gives the goroutines that become runnable as one list (injectglist: those that the network poller
// found, and all that wait to assist when marking ends) the time of the first. The tracer writes all of them, a stack walk each, before the
// runtime makes the first one runnable: 40 take it 30 µs, which without a tracer nobody waits.
func lists(t *timeline.Trace, at map[*timeline.Event]int64) {
	last := map[int64]*timeline.Event{} // by thread: the one before, if it was of a list
	network := map[int64]bool{}         // goroutines that wait for it
	for i := range t.Events {
		e := &t.Events[i]
		if e.To == trace.GoWaiting {
			network[e.G] = e.Reason == "network"
		}
		b := last[e.M]
		polled := e.Actor < 0 && network[e.G]
		if e.From != trace.GoWaiting || e.To != trace.GoRunnable || !polled && !wakesAssists(t, e) {
			delete(last, e.M)
			continue
		}
		last[e.M] = e
		if _, moved := at[e]; moved || b == nil || e.Time-b.Time > listGap {
			continue
		}
		if first, ok := at[b]; ok {
			at[e] = first
		} else {
			at[e] = b.Time
		}
	}
}

func wakesAssists(t *timeline.Trace, e *timeline.Event) bool {
	for _, f := range t.Stacks[e.Stack] {
		if f.Func == "runtime.gcWakeAllAssists" {
			return true
		}
	}
	return false
}

func (s *Source) stackAt(e *timeline.Event) Stack {
	if f, ok := s.Restacked[e]; ok {
		return traceStack(f)
	}
	return s.stack(e.Stack)
}

func (s *Source) stack(id timeline.StackID) Stack {
	if id == 0 {
		return ""
	}
	if s.keys == nil {
		s.keys = map[timeline.StackID]Stack{}
	}
	k, ok := s.keys[id]
	if !ok {
		k = traceStack(s.T.Stacks[id])
		s.keys[id] = k
	}
	return k
}

// spent sums the time in a state by the stack of the transition to it: what begins and ends
// within the file, as `go tool trace -pprof=` has it.
func (s *Source) spent(state timeline.State, wants func(*timeline.Event) bool) Profile {
	p := Profile{}
	open, started := map[int64]*timeline.Event{}, map[int64]bool{}
	for i := range s.T.Events {
		e := &s.T.Events[i]
		started[e.G] = started[e.G] || e.From == trace.GoRunning || e.From == trace.GoSyscall
		if b := open[e.G]; b != nil && e.To != state {
			// a switch of coroutines is one event that the reader tells as several
			if e.Time != b.Time {
				p.add(s.stackAt(b), 1, s.at(e)-s.at(b))
			}
			delete(open, e.G)
		}
		if e.To == state && wants(e) && (s.stackAt(e) != "" || s.AllWakes || s.own(e.G) == s.OwnWakes) && (started[e.G] || !s.AsViewed) {
			open[e.G] = e
		}
	}
	return p
}

func always(*timeline.Event) bool { return true }

func reasonIs(reasons ...string) func(*timeline.Event) bool {
	return func(e *timeline.Event) bool {
		for _, r := range reasons {
			if e.Reason == r {
				return true
			}
		}
		return false
	}
}

func reasonHas(words ...string) func(*timeline.Event) bool {
	return func(e *timeline.Event) bool {
		for _, w := range words {
			if strings.Contains(e.Reason, w) {
				return true
			}
		}
		return false
	}
}

// runtimeLeaf tells stacks of the runtime's own waits: runtime/pprof leaves its semaphores out.
func runtimeLeaf(s Stack) bool {
	names := s.Funcs()
	return len(names) > 0 && strings.HasPrefix(names[0], "runtime.") &&
		!strings.HasPrefix(names[0], "runtime.chan") && !strings.HasPrefix(names[0], "runtime.select") && names[0] != "runtime.block"
}

// Derive sums the profile of a kind over a trace. end is where a lifetime is cut off that has not
// ended; kinds without lifetimes do not use it.
func (s *Source) Derive(kind string, end int64) (Profile, error) {
	switch kind {
	case "sched":
		return s.spent(trace.GoRunnable, always), nil
	case "syscall":
		return s.spent(trace.GoSyscall, always), nil
	case "net":
		return s.spent(trace.GoWaiting, reasonIs("network")), nil
	case "sync":
		return s.spent(trace.GoWaiting, reasonHas("chan", "sync", "select")), nil
	case "sleep":
		return s.spent(trace.GoWaiting, reasonIs("sleep")), nil
	case "block":
		p, _ := s.spent(trace.GoWaiting, reasonHas("chan", "sync", "select")).Where(func(k Stack) bool { return !runtimeLeaf(k) })
		return p, nil
	case "mutex":
		return s.unlocks(), nil
	case "goroutinecreate":
		return s.created(end), nil
	case "gc-assist":
		return s.ranges(isAssist), nil
	case "gc-pause":
		return s.ranges(isPause), nil
	}
	return nil, fmt.Errorf("a trace has no profile %q", kind)
}

var lockers = map[string]bool{
	"sync.(*Mutex).Lock": true, "internal/sync.(*Mutex).Lock": true, "sync.(*RWMutex).Lock": true,
	"sync.(*RWMutex).RLock": true, "sync.(*Mutex).lockSlow": true, "internal/sync.(*Mutex).lockSlow": true,
}

// locks: the tracer skips as many frames of a wait as lie above sync.(*Mutex).Lock. A map of internal/sync (Go 1.24
// on) has its locks one call lower, so that its own function is left for the leaf.
func (s *Source) locks(e *timeline.Event) bool {
	names := s.stackAt(e).Funcs()
	return e.Reason == "sync" && len(names) > 0 &&
		(lockers[names[0]] || strings.HasPrefix(names[0], "internal/sync.(*HashTrieMap["))
}

// unlocks sums the waits for a lock by the stack that ended them.
func (s *Source) unlocks() Profile {
	p := Profile{}
	open := map[int64]*timeline.Event{}
	for i := range s.T.Events {
		e := &s.T.Events[i]
		if b := open[e.G]; b != nil && e.To != trace.GoWaiting {
			p.add(s.stackAt(e), 1, s.at(e)-s.at(b))
			delete(open, e.G)
		}
		if e.To == trace.GoWaiting && s.locks(e) {
			open[e.G] = e
		}
	}
	return p
}

// created sums lifetimes by the creator's stack.
func (s *Source) created(end int64) Profile {
	p := Profile{}
	open := map[int64]*timeline.Event{}
	for i := range s.T.Events {
		e := &s.T.Events[i]
		if e.From == trace.GoNotExist {
			open[e.G] = e
		} else if b := open[e.G]; b != nil && e.To == trace.GoNotExist {
			p.add(s.stackAt(b), 1, s.at(e)-s.at(b))
			delete(open, e.G)
		}
	}
	for _, b := range open {
		p.add(s.stackAt(b), 1, end-s.at(b))
	}
	return p
}

// ranges sums ranges of one kind by the stack that began them.
func (s *Source) ranges(wants func(name string, k Stack) bool) Profile {
	p := Profile{}
	for _, r := range s.T.Ranges {
		if k := s.stack(r.Stack); r.End != 0 && wants(r.Name, k) {
			p.add(k, 1, r.End-r.Begin)
		}
	}
	return p
}

func isAssist(name string, _ Stack) bool { return name == "GC mark assist" }

// isPause tells the stopped worlds of a collection.
func isPause(name string, k Stack) bool {
	return strings.HasPrefix(name, "stop-the-world (GC ") || name == "stop-the-world (unknown)" && stopsForGC[k.leaf()]
}

// Who calls gcStart and gcMarkDone, which are skipped: up to Go 1.20 only the stack tells what the world
// is stopped for.
var stopsForGC = map[string]bool{
	"runtime.mallocgc": true, "runtime.GC": true, "runtime.forcegchelper": true,
	"runtime.gcBgMarkWorker": true, "runtime.gcAssistAlloc": true,
}
