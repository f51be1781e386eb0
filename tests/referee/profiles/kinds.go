package profiles

import (
	"fmt"
	"strings"

	"gobpftrace.test/referee/compare"
)

const controlPackage = "gobpftrace.test/fixtures/control."

// leftOut tells stacks that are no part of the comparison: the recording's own; the runtime's own
// goroutines except in what is theirs; the locks inside of the runtime.
func leftOut(kind string, s Stack) bool {
	if OfRecording(s) {
		return true
	}
	names := s.Funcs()
	if strings.HasPrefix(kind, "gc-") || len(names) == 0 {
		return false
	}
	if kind == "mutex" && strings.HasPrefix(names[0], "runtime.") {
		return true
	}
	root := names[len(names)-1]
	return strings.HasPrefix(root, "runtime.") && root != "runtime.main"
}

// OfRecording tells stacks that exist because the program records itself.
func OfRecording(s Stack) bool {
	for _, f := range s.Funcs() {
		switch {
		case strings.HasPrefix(f, "runtime/trace."), strings.HasPrefix(f, "runtime.trace"), strings.HasPrefix(f, "runtime.(*trace"),
			strings.HasPrefix(f, "runtime.StartTrace"), strings.HasPrefix(f, "runtime.StopTrace"), strings.HasPrefix(f, "runtime.ReadTrace"):
			return true
		case strings.HasPrefix(f, controlPackage) && !strings.HasSuffix(f, ".Gate") && !strings.HasSuffix(f, ".Work"):
			return true
		}
	}
	return false
}

// Judge holds our profile of a kind against Go's.
func (r *Recording) Judge(kind string) (*Result, error) {
	if kind == "stops" { // beside which there is no trace of ours
		return r.judgeStops()
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	rule := Rule{Count: 0.01, Time: 0.01, PerEvent: 2000, Events: r.Events}
	if r.ref.Old() || r.CountsOnly {
		rule.Time = 0
	}
	ours, err := r.Ours(kind)
	if err != nil {
		return nil, err
	}
	waits, err := r.Waits(kind)
	if err != nil {
		return nil, err
	}
	ours, waits = clean(kind, ours).Cut(traceDepth), clean(kind, waits).Cut(traceDepth)
	switch {
	case kind == "block", kind == "mutex":
		return r.judgeCounted(kind, waits, ours, rule)
	case r.ref.Old(): // its stacks are other ones
		return Judge(waits.sum(), ours.sum(), rule), nil
	case kind == "sched", kind == "net", kind == "sync", kind == "syscall":
		return r.judgeViewed(kind, waits, ours.Plain(), rule)
	}
	return Judge(waits.WithoutLeafLine(), ours.Plain().WithoutLeafLine(), rule), nil
}

func clean(kind string, p Profile) Profile {
	p, _ = p.Where(func(s Stack) bool { return !leftOut(kind, s) })
	return p
}

// traceDepth is how many frames of a stack are compared: runtime/trace keeps 128 with those that it
// skips, ours has them all.
const traceDepth = 120

// pprofDepth is how many frames of a stack runtime/pprof keeps in the block and mutex profiles.
func pprofDepth(minor int) int {
	if minor < 23 {
		return 32
	}
	return traceDepth
}

// judgeCounted is for what runtime/pprof counts.
func (r *Recording) judgeCounted(kind string, waits, ours Profile, rule Rule) (*Result, error) {
	counted, err := r.Counted(kind)
	if err != nil {
		return nil, err
	}
	depth := pprofDepth(r.ref.Version)
	counted, ours, waits = clean(kind, counted).Cut(depth).WithoutLeafLine(), ours.Cut(depth).WithoutLeafLine(), waits.WithoutLeafLine()
	exact := Judge(counted, ours, Rule{Count: 0.99}) // there at all
	counted, waits, ours = counted.Plain(), waits.Cut(depth), ours.Plain()
	var result *Result
	if kind == "mutex" {
		result = judgeMutex(counted, waits, ours, rule)
	} else {
		result = JudgeTwo(counted, waits, ours, rule)
	}
	result.Rows = append(result.Rows, compare.Row{Name: "stacks that both have, the compiler's wrappers included", Value: percent(exact.counts, exact.all),
		Limit: 100, Unit: "%", Of: fmt.Sprintf("%d of %d", exact.counts, exact.all)})
	return result, nil
}

// oneWaiter is the fixture's function that gives locks back for which at most one goroutine waits.
const oneWaiter = "main.oneWaiter"

// judgeMutex: the count is runtime/pprof's. So is the delay where one goroutine at most waits for the
// lock, within 2 %; with more, the runtime estimates it, and what runtime/trace saw them wait is right.
func judgeMutex(counted, waits, ours Profile, rule Rule) *Result {
	single := func(s Stack) bool { return s.Has(oneWaiter) }
	one, many := counted.Where(single)
	waitsOfOne, _ := waits.Where(single)
	oursOne, oursMany := ours.Where(single)
	for s, v := range many {
		many[s] = Value{v.Count, waits[s].Time}
	}
	r := Judge(many, oursMany, rule)
	if rule.Time > 0 {
		rule.Time = 0.02
	}
	r.join(JudgeTwo(one, waitsOfOne, oursOne, rule))
	for s, v := range one {
		many[s] = v
	}
	r.rows(many, ours, rule)
	return r
}

// judgeViewed: what `go tool trace` says and what we sum over the same file must be one, so that
// our sums can stand for it: they can be freed of pauses, and have the wait of new goroutines for
// their first start, which it leaves out.
func (r *Recording) judgeViewed(kind string, waits, ours Profile, rule Rule) (*Result, error) {
	viewed, err := r.Viewed(kind)
	if err != nil {
		return nil, err
	}
	summed, err := r.AsViewed(kind)
	if err != nil {
		return nil, err
	}
	viewed = clean(kind, viewed).Cut(traceDepth)
	delete(viewed, "") // has the recording's own
	same, _ := clean(kind, summed).Cut(traceDepth).Where(func(s Stack) bool { _, ok := viewed[s]; return ok })
	check := Judge(viewed, same, Rule{Count: 1e-9, Time: 1e-9, PerEvent: 1})
	result := Judge(waits, ours, rule)
	result.Rows = append(result.Rows, compare.Row{Name: "stacks of `go tool trace` that our sums over the reference equal",
		Value: percent(check.good, check.all), Limit: 100, Unit: "%", Of: fmt.Sprintf("%d of %d", check.good, check.all),
		Undecided: check.all == 0})
	return result, nil
}
