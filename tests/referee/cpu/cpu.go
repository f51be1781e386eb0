// Package cpu compares CPU profiles by the shares of their functions.
package cpu

import (
	"fmt"
	"math/rand"
	"sort"
	"strings"

	"github.com/google/pprof/profile"
)

const (
	margin        = 0.02 // that our overlap may stay below the one of two runtime/pprof runs
	cumulative    = 0.95
	atLeastShare  = 0.01 // of functions that count in the cumulative comparison
	leavesAtLeast = 200
	leafAtMost    = 0.10
)

// Result is what the rows are decided by.
type Result struct {
	Samples             [3]int // reference, again, ours
	Size                int    // all are drawn down to
	Leaves              int
	Biggest             float64
	BiggestName         string
	Overlap, Chance     float64
	Cumulative          float64
	CumulativeFunctions int
	LeastSamples        int
	Worst               []string
}

// stack is one sample's functions, leaf first.
type stack []string

func stacks(p *profile.Profile) []stack {
	var all []stack
	for _, s := range p.Sample {
		var names stack
		for _, l := range s.Location {
			for _, line := range l.Line {
				if line.Function != nil {
					names = append(names, line.Function.Name)
				}
			}
		}
		if len(names) == 0 {
			names = stack{"(no symbol)"}
		}
		for n := int64(0); n < s.Value[0]; n++ {
			all = append(all, names)
		}
	}
	return all
}

// draw takes n of all, the same ones for the same input.
func draw(all []stack, n int) []stack {
	all = append([]stack(nil), all...)
	rand.New(rand.NewSource(1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

func leafShares(all []stack) map[string]float64 {
	m := map[string]float64{}
	for _, s := range all {
		m[s[0]] += 1 / float64(len(all))
	}
	return m
}

func cumulativeShares(all []stack) map[string]float64 {
	m := map[string]float64{}
	for _, s := range all {
		seen := map[string]bool{}
		for _, f := range s {
			if !seen[f] {
				seen[f] = true
				m[f] += 1 / float64(len(all))
			}
		}
	}
	return m
}

func overlap(a, b map[string]float64) float64 {
	sum := 0.0
	for f, x := range a {
		sum += min(x, b[f])
	}
	return sum
}

// Compare judges ours against ref; again is a second profile of the reference's kind.
func Compare(ref, again, ours *profile.Profile, least int) *Result {
	a, b, o := stacks(ref), stacks(again), stacks(ours)
	r := &Result{Samples: [3]int{len(a), len(b), len(o)}, LeastSamples: least}
	r.Size = min(len(a), len(b), len(o))
	if r.Size == 0 {
		return r
	}
	a, b, o = draw(a, r.Size), draw(b, r.Size), draw(o, r.Size)
	la, lo := leafShares(a), leafShares(o)
	r.Leaves = len(la)
	for f, x := range la {
		if x > r.Biggest {
			r.Biggest, r.BiggestName = x, f
		}
	}
	r.Chance, r.Overlap = overlap(la, leafShares(b)), overlap(la, lo)
	r.cumulative(cumulativeShares(a), cumulativeShares(o))
	r.Worst = worst(la, lo)
	return r
}

// cumulative is the part of the reference's shares that ours has too, over functions of at least
// 1 % in either.
func (r *Result) cumulative(a, o map[string]float64) {
	var both, whole float64
	for f, x := range a {
		if x >= atLeastShare || o[f] >= atLeastShare {
			both += min(x, o[f])
			whole += max(x, o[f])
			r.CumulativeFunctions++
		}
	}
	for f, x := range o {
		if _, ok := a[f]; !ok && x >= atLeastShare {
			whole += x
			r.CumulativeFunctions++
		}
	}
	if whole > 0 {
		r.Cumulative = both / whole
	}
}

func worst(a, o map[string]float64) []string {
	type diff struct {
		f string
		d float64
	}
	var list []diff
	for f, x := range a {
		list = append(list, diff{f, o[f] - x})
	}
	for f, x := range o {
		if _, ok := a[f]; !ok {
			list = append(list, diff{f, x})
		}
	}
	size := func(d float64) float64 { return max(d, -d) }
	sort.Slice(list, func(i, j int) bool { return size(list[i].d) > size(list[j].d) })
	var lines []string
	for i := 0; i < min(5, len(list)); i++ {
		f := list[i].f
		lines = append(lines, fmt.Sprintf("%s: reference %.2f %%, ours %.2f %%", f, 100*a[f], 100*o[f]))
	}
	return lines
}

type row struct {
	name, value, limit string
	ok                 bool
}

func (r *Result) rows() []row {
	return []row{
		{"samples of each", fmt.Sprint(r.Size), fmt.Sprintf("≥ %d", r.LeastSamples), r.Size > 0 && r.Size >= r.LeastSamples},
		{"leaves of the reference", fmt.Sprint(r.Leaves), fmt.Sprintf("≥ %d", leavesAtLeast), r.Leaves >= leavesAtLeast},
		{"biggest leaf of the reference", fmt.Sprintf("%.3f", r.Biggest), fmt.Sprintf("≤ %.2f", leafAtMost), r.Biggest <= leafAtMost},
		{"overlap of leaf shares", fmt.Sprintf("%.3f", r.Overlap), fmt.Sprintf("≥ %.3f (two runtime/pprof runs: %.3f)", r.Chance-margin, r.Chance), r.Overlap >= r.Chance-margin},
		{fmt.Sprintf("overlap of cumulative shares, %d functions", r.CumulativeFunctions), fmt.Sprintf("%.3f", r.Cumulative), fmt.Sprintf("≥ %.2f", cumulative), r.Cumulative >= cumulative},
	}
}

// Table is the rows as text, and where the leaves differ most.
func (r *Result) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "samples: reference %d, again %d, ours %d; all drawn down to %d\n", r.Samples[0], r.Samples[1], r.Samples[2], r.Size)
	for _, x := range r.rows() {
		verdict := "ok  "
		if !x.ok {
			verdict = "FAIL"
		}
		fmt.Fprintf(&b, "%s %-48s %8s  %s\n", verdict, x.name, x.value, x.limit)
	}
	for _, l := range r.Worst {
		fmt.Fprintln(&b, "     "+l)
	}
	return b.String()
}

// Failed names the rows that do not hold, "" when all do.
func (r *Result) Failed() string {
	var names []string
	for _, x := range r.rows() {
		if !x.ok {
			names = append(names, x.name+" is "+x.value)
		}
	}
	return strings.Join(names, "; ")
}
