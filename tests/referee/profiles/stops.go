package profiles

import (
	"fmt"
	"strings"

	"github.com/google/pprof/profile"
	"golang.org/x/exp/trace"

	"gobpftrace.test/referee/compare"
	"gobpftrace.test/referee/timeline"
)

// Mode light knows when goroutines start, what they waited for, and between which two moments they stopped. So of each stack that
// waits it has a count, and two sums of the time until they ran again, at least and at most.

// Off sums, by the stack that waits, the time from there until its goroutine runs again, and how long it had been on its
// thread (running or in system calls) before.
func (s *Source) Off() (off, on Profile) {
	off, on = Profile{}, Profile{}
	since, stopped := map[int64]int64{}, map[int64]*timeline.Event{}
	ran := map[int64]int64{}
	for i := range s.T.Events {
		e := &s.T.Events[i]
		running := e.From == trace.GoRunning || e.From == trace.GoSyscall
		switch {
		case e.To == trace.GoRunning && !running:
			if b := stopped[e.G]; b != nil {
				off.add(s.stackAt(b), 1, e.Time-b.Time)
				on.add(s.stackAt(b), 1, ran[e.G])
				delete(stopped, e.G)
			}
			if _, ok := since[e.G]; !ok {
				since[e.G] = e.Time
			}
		case e.To == trace.GoWaiting && running && e.Reason != "preempted":
			if from, ok := since[e.G]; ok {
				stopped[e.G], ran[e.G] = e, e.Time-from
			}
			delete(since, e.G)
		case e.From == trace.GoSyscall && e.To == trace.GoRunnable:
			// mostly it goes on where it is, with another P: no start of ours
		case running && e.To != trace.GoSyscall && e.To != trace.GoRunning:
			delete(since, e.G)
		}
	}
	return off, on
}

// Functions of the runtime, and what other packages know them by; the tracer leaves out as many as it was told at each place,
// and of sync and internal/poll some more.
func ofRuntime(frame string) bool {
	name, _, _ := strings.Cut(frame, " ")
	pkg, fn, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ".")
	return pkg == "runtime" || pkg == "sync" || pkg == "poll" || strings.HasPrefix(fn, "runtime_")
}

// asStops is p by what both recorders have of a stack: they begin at other frames of the runtime.
func asStops(p Profile) Profile {
	p = p.Plain().WithoutMain().each(func(frames []string) []string {
		for len(frames) > 0 && ofRuntime(frames[0]) {
			frames = frames[1:]
		}
		return frames
	})
	p, _ = p.Where(func(s Stack) bool { return s != "" && !leftOut("stops", s) })
	return p.Cut(traceDepth)
}

// Reasons of a stop that are no waits.
var noWait = map[string]bool{"runnable": true, "preempted": true, "coroutine": true, "not known": true}

// StopsOf is the count of waits with the least and the most time until their goroutines ran again, and how many stops nobody knows
// more of, with their most.
func StopsOf(p *profile.Profile) (least, most Profile, unknown Value, err error) {
	waits, others := profile.Profile{SampleType: p.SampleType}, profile.Profile{SampleType: p.SampleType}
	for _, s := range p.Sample {
		if r := s.Label["reason"]; len(r) != 1 {
			return nil, nil, Value{}, fmt.Errorf("a sample with reasons %q", r)
		} else if r[0] == "not known" {
			others.Sample = append(others.Sample, s)
		} else if !noWait[r[0]] {
			waits.Sample = append(waits.Sample, s)
		}
	}
	if least, err = Of(&waits, "stops", "off_at_least"); err != nil {
		return nil, nil, Value{}, err
	}
	if most, err = Of(&waits, "stops", "off_at_most"); err != nil {
		return nil, nil, Value{}, err
	}
	of, err := Of(&others, "stops", "off_at_most")
	return asStops(least), asStops(most), of.Total(), err
}

// lacking are the stacks that lack waits, which are among the stops of which it is not known what they were; most is how long all of
// these were off at most, by our own account.
type lacking struct {
	stacks map[Stack]bool
	most   int64
}

// withUnknown gives stacks that lack waits those of the stops of which it is not known what they were, as far as these go, and which
// may be one in a thousand. It gives them no time: the least and the most stay what was recorded.
func withUnknown(off, least Profile, unknown Value) lacking {
	l := lacking{map[Stack]bool{}, unknown.Time}
	if unknown.Count > off.Total().Count/1000 {
		return l
	}
	for _, s := range off.stacks() {
		if n := off[s].Count - least[s].Count; n > 0 && n <= unknown.Count {
			least[s] = least[s].plus(Value{n, 0})
			unknown.Count -= n
			l.stacks[s] = true
		}
	}
	return l
}

// How much of the true time off the least must be, in sum: bounds that say nothing would always hold.
const leastIs = 0.8

// So many percent of the waits may be in stacks whose most cannot be judged, since it lacks that of an unknown stop.
const leftOutAtMost = 2

// JudgeStops: counts are equal, the truth lies within the bounds, and these are not further apart than goroutines were on their
// threads. Both recorders stamp a start with less than perEvent between them. A stack that lacks waits, and whose truth is beyond its most by
// no more than these can have been, is left out: neither held nor wrong.
func JudgeStops(off, on, least, most Profile, lacks lacking, perEvent, events int64, times bool) *Result {
	r := Judge(off, least, Rule{Count: 0.01, Events: events})
	if !times {
		return r
	}
	held, all, out, seen := int64(0), int64(0), int64(0), int64(0)
	r.late = map[Stack]int64{}
	for s, v := range off {
		slack := perEvent * v.Count
		all += v.Count
		if least[s].Time-slack <= v.Time && v.Time <= most[s].Time+slack {
			held += v.Count
			continue
		}
		if lacks.stacks[s] && v.Time > most[s].Time+slack && v.Time <= most[s].Time+lacks.most+slack {
			out += v.Count
			continue
		}
		if v.Time > most[s].Time+slack {
			r.late[s] = v.Time - most[s].Time - slack
		}
		r.Diffs = append(r.Diffs, Diff{"time", s, v, least[s], float64(abs(v.Time-least[s].Time)) / float64(max(1, slack))})
	}
	for s := range least {
		seen += most[s].Time - least[s].Time
	}
	r.Rows = append(r.Rows,
		compare.Row{Name: "waits in stacks whose true time off is between least and most", Short: "held", Limit: timesAgree, Unit: "%",
			Value: percent(held, all-out), Of: fmt.Sprintf("%d of %d", held, all-out)},
		compare.Row{Name: "waits in stacks left out, which lack stops that are not known", Short: "left out", AtMost: true, Limit: leftOutAtMost, Unit: "%",
			Value: percent(out, all), Of: fmt.Sprintf("%d of %d", out, all)},
		compare.Row{Name: "the least of all, of the true time off", Short: "least", Limit: 100 * leastIs, Unit: "%",
			Value: percent(least.Total().Time, off.Total().Time), Of: ms(off.Total().Time)},
		compare.Row{Name: "between least and most, of the time on threads and what was off meanwhile", Short: "bounds", AtMost: true, Limit: 100, Unit: "%",
			Value: percent(seen, on.Total().Time+off.Total().Time-least.Total().Time+perEvent*all), Of: ms(seen)})
	return r
}

func (r *Recording) judgeStops() (*Result, error) {
	ref, err := timeline.Load(r.Prefix + ".trace")
	if err != nil {
		return nil, fmt.Errorf("the reference cannot be read: %w", err)
	}
	if ref.Old() {
		return nil, fmt.Errorf("a reference of Go 1.%d does not tell waits by stack", ref.Version)
	}
	file, err := Load(r.Dir + "/stops.pprof")
	if err != nil {
		return nil, err
	}
	least, most, unknown, err := StopsOf(file)
	if err != nil {
		return nil, err
	}
	off, on := (&Source{T: ref}).Off()
	off = asStops(off)
	lacks := withUnknown(off, least, unknown)
	result := JudgeStops(off, asStops(on), least, most, lacks, 2000, r.Events, !r.CountsOnly)
	if f := result.Failed(); len(f) == 1 && f[0].Short == "held" && result.onlyLate() {
		return nil, fmt.Errorf("the recording is disturbed: starts were stamped later by the program than by us: %v", result.late)
	} else if len(f) == 1 && f[0].Short == "left out" {
		return nil, fmt.Errorf("the recording is disturbed: %v waits are in stacks that lack stops that are not known", f[0].Of)
	}
	return result, nil
}

// A pause of a thread between our stamp of a start and the tracer's makes the time off longer for the tracer alone. It cannot
// be told from a bound that is wrong, but for its length, and that it does not come again.
const pauseAtMost = int64(60e6)

func (r *Result) onlyLate() bool {
	times := 0
	for _, d := range r.Diffs {
		if d.What != "time" {
			continue
		}
		times++
		if late, ok := r.late[d.Stack]; !ok || late > pauseAtMost {
			return false
		}
	}
	return times > 0
}
