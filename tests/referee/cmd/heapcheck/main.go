// SPDX-License-Identifier: GPL-2.0-only

// Heapcheck compares a heap or allocs profile of ours with one that runtime/pprof wrote of the same
// process, and exits 1 when they differ:
//
//	heapcheck -ref REF -ours OURS               every stack, all four values, types and period
//	heapcheck -ref REF -base BASE -ours OURS -overlap 0.95
//
// The latter holds an estimate of what was allocated between BASE and REF against it: the shares by
// stack, in bytes, must overlap by so much.
//
// Stacks that neither counts anything for do not count.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"

	"github.com/google/pprof/profile"
)

type values [4]int64 // alloc_objects, alloc_space, inuse_objects, inuse_space

// frames is a stack as text, leaf first; with addresses it tells two call sites in a line apart.
func frames(s *profile.Sample, addresses bool) string {
	var b strings.Builder
	for _, l := range s.Location {
		if addresses {
			fmt.Fprintf(&b, "%#x", l.Address)
		}
		for _, n := range l.Line {
			fmt.Fprintf(&b, " %s:%d", n.Function.Name, n.Line)
		}
		b.WriteString("; ")
	}
	return b.String()
}

// sums adds up the samples of each stack and object size.
func sums(p *profile.Profile) map[string]values {
	m := map[string]values{}
	for _, s := range p.Sample {
		key := fmt.Sprintf("%s%v", frames(s, true), s.NumLabel["bytes"])
		v := m[key]
		for i := range v {
			v[i] += s.Value[i]
		}
		if v != (values{}) {
			m[key] = v
		}
	}
	return m
}

func valueTypes(p *profile.Profile) string {
	var b strings.Builder
	for _, t := range p.SampleType {
		fmt.Fprintf(&b, "%s/%s ", t.Type, t.Unit)
	}
	if p.PeriodType != nil {
		fmt.Fprintf(&b, "period %s/%s %d", p.PeriodType.Type, p.PeriodType.Unit, p.Period)
	}
	return b.String()
}

// equal returns what differs, a line each, and how many stacks there are.
func equal(ref, ours *profile.Profile) (diffs []string, cnt int) {
	if a, b := valueTypes(ref), valueTypes(ours); a != b {
		diffs = append(diffs, fmt.Sprintf("types: %s in the reference, %s in ours", a, b))
	}
	a, b := sums(ref), sums(ours)
	for key, v := range a {
		if b[key] != v {
			diffs = append(diffs, fmt.Sprintf("%v in the reference, %v in ours: %s", v, b[key], key))
		}
	}
	for key, v := range b {
		if _, ok := a[key]; !ok {
			diffs = append(diffs, fmt.Sprintf("only ours: %v %s", v, key))
		}
	}
	sort.Strings(diffs)
	return diffs, len(a)
}

// shares is what part of all bytes each stack has allocated since base, which may be nil. What the
// program allocates to write its own profile is no part of it.
func shares(p, base *profile.Profile) map[string]float64 {
	m, total := map[string]float64{}, 0.0
	add := func(p *profile.Profile, factor float64) {
		for _, s := range p.Sample {
			key := frames(s, false)
			if strings.Contains(key, "runtime/pprof.") || strings.Contains(key, "net/http/pprof.") {
				continue
			}
			m[key] += factor * float64(s.Value[1])
			total += factor * float64(s.Value[1])
		}
	}
	add(p, 1)
	if base != nil {
		add(base, -1)
	}
	for key := range m {
		m[key] /= total
	}
	return m
}

// overlap is the part that both agree on: 1 when they are equal; and what differs, most first.
func overlap(ref, base, ours *profile.Profile) (sum float64, diffs []string) {
	a, b := shares(ref, base), shares(ours, nil)
	keys := map[string]bool{}
	for key, v := range a {
		sum += min(v, b[key])
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	order := make([]string, 0, len(keys))
	for key := range keys {
		order = append(order, key)
	}
	sort.Slice(order, func(i, j int) bool {
		di, dj := math.Abs(a[order[i]]-b[order[i]]), math.Abs(a[order[j]]-b[order[j]])
		return di > dj || di == dj && order[i] < order[j]
	})
	for _, key := range order {
		diffs = append(diffs, fmt.Sprintf("%.2f %% in the reference, %.2f %% in ours: %s", 100*a[key], 100*b[key], key))
	}
	return sum, diffs
}

func load(path string) *profile.Profile {
	f, err := os.Open(path)
	if err != nil {
		fail(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		fail(fmt.Errorf("%s: %w", path, err))
	}
	if len(p.SampleType) < 2 {
		fail(fmt.Errorf("%s: no heap profile", path))
	}
	return p
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "heapcheck:", err)
	os.Exit(1)
}

func main() {
	refFile := flag.String("ref", "", "runtime/pprof's `file`")
	oursFile := flag.String("ours", "", "our `file`")
	baseFile := flag.String("base", "", "runtime/pprof's `file` of the window's begin")
	atLeast := flag.Float64("overlap", 0, "judge an estimate: shares must overlap by this much")
	most := flag.Int("diffs", 5, "show this many differences")
	flag.Parse()
	ref, ours := load(*refFile), load(*oursFile)
	if *atLeast > 0 {
		var base *profile.Profile
		if *baseFile != "" {
			base = load(*baseFile)
		}
		got, diffs := overlap(ref, base, ours)
		fmt.Printf("overlap %.3f\n", got)
		if !(got >= *atLeast) {
			for _, d := range diffs[:min(*most, len(diffs))] {
				fmt.Fprintln(os.Stderr, "  "+d)
			}
			fail(fmt.Errorf("overlap %.3f is less than %.3f", got, *atLeast))
		}
		return
	}
	if len(ours.SampleType) != 4 {
		fail(fmt.Errorf("%s: no heap profile", *oursFile))
	}
	diffs, cnt := equal(ref, ours)
	fmt.Printf("%d stacks, %d differ\n", cnt, len(diffs))
	for i, d := range diffs {
		if i < *most {
			fmt.Println("  " + d)
		}
	}
	if len(diffs) > 0 {
		fail(fmt.Errorf("%s and %s differ", *refFile, *oursFile))
	}
	if cnt == 0 {
		fail(fmt.Errorf("%s: nothing in it", *refFile))
	}
}
