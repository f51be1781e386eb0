package profiles

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/google/pprof/profile"

	"gobpftrace.test/referee/compare"
)

// Same is a comparison of two profiles that must be equal, value by value.
type Same struct {
	Rows  []compare.Row
	Diffs []string
}

var initFile = regexp.MustCompile(`(?m)^(\S*\.init) .*:(\d+)$`)

// tagged is a stack and its labels.
func tagged(s *profile.Sample, depth int) string {
	var labels []string
	for k, v := range s.Label {
		labels = append(labels, fmt.Sprintf("%q=%q", k, v))
	}
	for k, v := range s.NumLabel {
		labels = append(labels, fmt.Sprintf("%q=%d", k, v))
	}
	sort.Strings(labels)
	// A package's init has code of several files; runtime/pprof has one file a function, the first seen.
	stack := initFile.ReplaceAllString(string(SampleStack(s)), "$1 $2")
	if lines := strings.SplitAfterN(stack, "\n", depth+1); len(lines) > depth {
		stack = strings.Join(lines[:depth], "")
	}
	return stack + strings.Join(labels, " ")
}

// valuesOf is without rows that say nothing: runtime/pprof writes those of memory that is freed again.
func valuesOf(p *profile.Profile, leftOut func(Stack) bool, depth int) map[string][]int64 {
	all := map[string][]int64{}
	for _, s := range p.Sample {
		if leftOut(SampleStack(s)) {
			continue
		}
		if !slices.ContainsFunc(s.Value, func(v int64) bool { return v != 0 }) {
			continue
		}
		k := tagged(s, depth)
		if all[k] == nil {
			all[k] = make([]int64, len(p.SampleType))
		}
		for i, v := range s.Value {
			all[k][i] += v
		}
	}
	return all
}

func typesOf(p *profile.Profile) string {
	var names []string
	for _, t := range p.SampleType {
		names = append(names, t.Type+"/"+t.Unit)
	}
	return strings.Join(names, " ")
}

// JudgeEqual compares every value of every stack and set of labels; ours must have what ref has, and
// nothing else. Only the depth frames nearest to the leaf count.
func JudgeEqual(ref, ours *profile.Profile, leftOut func(Stack) bool, depth, least int) *Same {
	r := &Same{}
	a, b := valuesOf(ref, leftOut, depth), valuesOf(ours, leftOut, depth)
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	equal := 0
	for k := range all {
		if fmt.Sprint(a[k]) == fmt.Sprint(b[k]) {
			equal++
			continue
		}
		r.Diffs = append(r.Diffs, fmt.Sprintf("%v, ours %v\n      %s", a[k], b[k], strings.ReplaceAll(strings.TrimSpace(k), "\n", "\n      ")))
	}
	sort.Strings(r.Diffs)
	types := typesOf(ref)
	r.Rows = []compare.Row{
		{Name: "stacks of the reference", Short: "stacks", Value: float64(len(a)), Limit: float64(max(1, least))},
		{Name: "stacks equal in every value (" + types + ")", Short: "equal", Value: percent(equal, len(all)), Limit: 100, Unit: "%",
			Of: fmt.Sprintf("%d of %d", equal, len(all))},
		{Name: "types of values equal", Value: percent(btoi(types == typesOf(ours)), 1), Limit: 100, Unit: "%", Of: typesOf(ours)},
	}
	return r
}

// JudgeTotal compares the sum of the first value alone.
func JudgeTotal(ref, ours *profile.Profile) *Same {
	var sum [2]int64
	for i, p := range []*profile.Profile{ref, ours} {
		for _, s := range p.Sample {
			sum[i] += s.Value[0]
		}
	}
	return &Same{Rows: []compare.Row{
		{Name: "count of the reference", Short: "in all", Value: float64(sum[0]), Limit: 1},
		{Name: "ours equal", Short: "equal", Value: percent(btoi(sum[0] == sum[1]), 1), Limit: 100, Unit: "%", Of: fmt.Sprintf("%d to %d", sum[1], sum[0])},
	}}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Failed are the rows that do not hold.
func (r *Same) Failed() []compare.Row { return (&compare.Result{Rows: r.Rows}).Failed() }

// Line is the result in one line.
func (r *Same) Line() string { return (&compare.Result{Rows: r.Rows}).Line() }

// Report prints the rows, then at most most stacks that differ.
func (r *Same) Report(w io.Writer, most int) {
	compare.Table(w, r.Rows)
	for i, d := range r.Diffs {
		if i == most {
			fmt.Fprintf(w, "  … and %d more\n", len(r.Diffs)-i)
			break
		}
		fmt.Fprintln(w, "  "+d)
	}
}
