package profiles

import (
	"fmt"
	"io"
	"math"
	"sort"

	"gobpftrace.test/referee/compare"
)

// Rule is how near two profiles have to be, stack by stack.
type Rule struct {
	Count    float64 // share of the reference's count
	Time     float64 // share of the reference's time; 0: times are not judged
	PerEvent int64   // ns an event, where that is more than the share
	Events   int64   // the reference's count must be at least this
}

// Of the reference's events, and of its time, this many percent are in stacks whose time agrees. The
// rest is for stacks of a few events: one that met a cache miss or an interrupt is 2 µs off.
const timesAgree = 99.9

// Result is a judgement: rows that must hold, and what differs.
type Result struct {
	Rows  []compare.Row
	Diffs []Diff

	all, counts, good int             // stacks, and of these whose count agrees, and whose time too
	late              map[Stack]int64 // of stops: by how much the truth is beyond the most
	seen, agreed      Value           // of the reference, and of that in stacks whose time agrees
}

// Diff is a stack whose values are too far apart.
type Diff struct {
	What      string // "count" or "time"
	Stack     Stack
	Ref, Ours Value
	Apart     float64 // in allowances: 1 would just do
}

func (r *Rule) countApart(ref, ours Value) float64 {
	return float64(abs(ref.Count-ours.Count)) / math.Max(r.Count*float64(ref.Count), 0.5)
}

func (r *Rule) timeApart(ref, ours Value) float64 {
	allowed := math.Max(r.Time*float64(ref.Time), float64(r.PerEvent*ref.Count))
	return float64(abs(ref.Time-ours.Time)) / math.Max(allowed, 1)
}

func abs(x int64) int64 { return max(x, -x) }

// equal tells whether two values agree in all that the rule judges.
func (r *Rule) equal(a, b Value) bool {
	return r.countApart(a, b) <= 1 && (r.Time == 0 || r.timeApart(a, b) <= 1)
}

// Judge compares ours with ref: every stack of either must agree.
func Judge(ref, ours Profile, rule Rule) *Result {
	r := &Result{}
	all := Profile{}
	for _, p := range []Profile{ref, ours} {
		for s := range p {
			all[s] = Value{}
		}
	}
	for _, s := range all.stacks() {
		r.stack(s, ref[s], ours[s], &rule)
	}
	r.rows(ref, ours, rule)
	return r
}

func (r *Result) stack(s Stack, a, b Value, rule *Rule) {
	r.all++
	count, time := rule.countApart(a, b), 0.0
	if rule.Time > 0 {
		time = rule.timeApart(a, b)
	}
	if count > 1 {
		r.Diffs = append(r.Diffs, Diff{"count", s, a, b, count})
	} else {
		r.counts++
	}
	r.seen = r.seen.plus(a)
	if time > 1 {
		r.Diffs = append(r.Diffs, Diff{"time", s, a, b, time})
	} else {
		r.agreed = r.agreed.plus(a)
	}
	if count <= 1 && time <= 1 {
		r.good++
	}
}

// join adds the stacks of another judgement.
func (r *Result) join(o *Result) {
	r.all, r.counts, r.good = r.all+o.all, r.counts+o.counts, r.good+o.good
	r.seen, r.agreed = r.seen.plus(o.seen), r.agreed.plus(o.agreed)
	r.Diffs = append(r.Diffs, o.Diffs...)
}

// JudgeTwo compares ours with two recorders of Go's. Where they say the same of a stack, within the
// rule, the first is what ours is held against. Where they do not, ours must agree with either.
func JudgeTwo(first, second, ours Profile, rule Rule) *Result {
	ref, disputed, events := Profile{}, 0, int64(0)
	for s, v := range first {
		ref[s] = v
	}
	for s, v := range second {
		if rule.equal(first[s], v) {
			continue
		}
		disputed++
		events += v.Count
		if !rule.equal(first[s], ours[s]) {
			ref[s] = v
		}
	}
	r := Judge(ref, ours, rule)
	r.Rows = append(r.Rows, compare.Row{Name: "events in stacks that runtime/pprof and runtime/trace tell apart", Short: "disputed",
		Value: 100 * float64(events) / float64(max(1, second.Total().Count)), Info: true, Unit: "%",
		Of: fmt.Sprintf("%d stacks", disputed)})
	return r
}

func percent[T int | int64](part, whole T) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

// off is how far b is from a, in percent.
func off(a, b int64) float64 { return 100 * float64(abs(a-b)) / float64(max(1, a)) }

func (r *Result) rows(ref, ours Profile, rule Rule) {
	a, b := ref.Total(), ours.Total()
	r.Rows = []compare.Row{
		{Name: "events of the reference", Short: "events", Value: float64(a.Count), Limit: float64(max(1, rule.Events))},
		{Name: "stacks, of either", Short: "stacks", Value: float64(r.all), Limit: 1},
		{Name: fmt.Sprintf("stacks whose count is within %g %%", 100*rule.Count), Short: "count", Value: percent(r.counts, r.all),
			Limit: 100, Unit: "%", Of: fmt.Sprintf("%d of %d", r.counts, r.all)},
		{Name: "all counts, difference", Value: off(a.Count, b.Count), Limit: 100 * rule.Count, AtMost: true, Unit: "%",
			Of: fmt.Sprintf("%d to %d", b.Count, a.Count)},
	}
	if rule.Time == 0 {
		return
	}
	near := fmt.Sprintf("%g %% or %g µs an event", 100*rule.Time, float64(rule.PerEvent)/1e3)
	r.Rows = append(r.Rows,
		compare.Row{Name: "events in stacks whose time is within " + near, Short: "time", Limit: timesAgree, Unit: "%",
			Value: percent(r.agreed.Count, r.seen.Count), Of: fmt.Sprintf("%d of %d", r.agreed.Count, r.seen.Count)},
		compare.Row{Name: "time in stacks whose time is within that", Limit: timesAgree, Unit: "%",
			Value: percent(r.agreed.Time, r.seen.Time), Of: fmt.Sprintf("%s of %s", ms(r.agreed.Time), ms(r.seen.Time))},
		compare.Row{Name: "all times, difference", Short: "in sum", Value: off(a.Time, b.Time), Limit: 100 * rule.Time, AtMost: true,
			Unit: "%", Of: ms(b.Time) + " to " + ms(a.Time), Info: rule.timeApart(a, b) <= 1})
}

func ms(ns int64) string { return fmt.Sprintf("%.3f ms", float64(ns)/1e6) }

// Failed are the rows that do not hold.
func (r *Result) Failed() []compare.Row {
	return (&compare.Result{Rows: r.Rows}).Failed()
}

// Line is the result in one line.
func (r *Result) Line() string { return (&compare.Result{Rows: r.Rows}).Line() }

// Report prints the rows, then at most most stacks that differ, the worst first.
func (r *Result) Report(w io.Writer, most int) {
	compare.Table(w, r.Rows)
	sort.SliceStable(r.Diffs, func(i, j int) bool { return r.Diffs[i].Apart > r.Diffs[j].Apart })
	for i, d := range r.Diffs {
		if i == most {
			fmt.Fprintf(w, "  … and %d more\n", len(r.Diffs)-i)
			break
		}
		fmt.Fprintf(w, "  %-5s %.1f × what is allowed: %d in %s, ours %d in %s: %s\n", d.What, d.Apart, d.Ref.Count, ms(d.Ref.Time), d.Ours.Count, ms(d.Ours.Time), d.Stack.Brief())
	}
}
