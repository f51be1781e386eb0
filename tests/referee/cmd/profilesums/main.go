// SPDX-License-Identifier: GPL-2.0-only

// profilesums holds the profiles of a capture against its own trace, summed once more with Go's reader:
//
//	profilesums DIR        DIR/*.pprof against DIR/trace.out
//
// Both are made from the same transitions: every stack must be there with its count, and with its time
// but for what the trace's resolution and its ties take of each event. It exits 1 when one is not.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"gobpftrace.test/referee/profiles"
	"gobpftrace.test/referee/timeline"
)

// perEvent is what the time between two events of the trace may be off: both are rounded down to units, and
// the writer moves ties (one record may tell several transitions; all Ps stop at once).
func perEvent(t *timeline.Trace) int64 { return t.Unit * int64(t.LongestRun+1) }

// deepest is what tracers keep of a stack up to Go 1.25; ours writes as much, and a profile all.
const deepest = 100

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: profilesums DIR")
		os.Exit(2)
	}
	dir := os.Args[1]
	t, err := timeline.Load(filepath.Join(dir, "trace.out"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var kinds []string
	for kind := range profiles.Kinds {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	failed := false
	for _, kind := range kinds {
		if err := check(t, dir, kind); err != nil {
			fmt.Printf("FAIL %s: %v\n", kind, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func check(t *timeline.Trace, dir, kind string) error {
	ours, err := profiles.FromFile(dir, kind)
	if err != nil {
		return err
	}
	source := profiles.Source{T: t, AllWakes: true}
	want, err := source.Derive(kind, t.Last)
	if err != nil {
		return err
	}
	have := ours.Plain().WithoutMain().Cut(deepest)
	r := profiles.Judge(want.Plain().WithoutMain().Cut(deepest), have, profiles.Rule{Time: 1e-9, PerEvent: perEvent(t)})
	fmt.Printf("%s: %d stacks, %d events, ±%d ns each\n", kind, len(have), have.Total().Count, perEvent(t))
	if len(r.Diffs) > 0 {
		r.Report(os.Stdout, 10)
		return fmt.Errorf("%d stacks differ", len(r.Diffs))
	}
	return nil
}
