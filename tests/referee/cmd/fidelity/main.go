// Fidelity judges one of our traces against the one that runtime/trace wrote in the same process
// at the same time, prints the rows that must hold, and exits 1 naming those that do not.
//
//	fidelity -ref ref.trace -ours DIR/trace.out
//	fidelity -ref ref.trace -ours DIR/trace.out -window BEGIN,END    Go 1.18 to 1.21: counts only
//	fidelity -ref ref.trace -ours DIR/trace.out -goroutine 42        one goroutine, side by side
//	fidelity -ref ref.trace -ours DIR/trace.out -stamps              how far the times of each kind are apart
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"gobpftrace.test/referee/compare"
	"gobpftrace.test/referee/timeline"
)

func fail(status int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "fidelity: "+format+"\n", args...)
	os.Exit(status)
}

func main() {
	ref := flag.String("ref", "", "trace that runtime/trace wrote")
	ours := flag.String("ours", "", "our trace.out of the same process and time")
	window := flag.String("window", "", "CLOCK_MONOTONIC `BEGIN,END` of the reference, for the old format")
	diffs := flag.Int("diffs", 10, "show this many differences in full")
	follow := flag.Int64("goroutine", 0, "show this goroutine's transitions side by side, and nothing else")
	stamps := flag.Bool("stamps", false, "show how far the times of each kind of transition are apart, and nothing else")
	line := flag.Bool("line", false, "print the result as one line")
	report := flag.String("report", "", "write the whole report to this `file`")
	rows := flag.String("rows", "all", "enforce \"all\" rows, or those of \"transitions\" (found, extra, reason, stack)")
	var o compare.Options
	flag.IntVar(&o.MinTransitions, "min-transitions", 1, "of the reference; fewer is a failure")
	flag.IntVar(&o.MinGoroutines, "min-goroutines", 1, "of the reference; fewer is a failure")
	flag.Parse()
	if *ref == "" || *ours == "" || flag.NArg() > 0 || *rows != "all" && *rows != "transitions" {
		fail(2, "-ref and -ours are needed, and -rows is all or transitions")
	}
	a, err := timeline.Load(*ref)
	if err != nil {
		fail(1, "the reference cannot be read: %v", err)
	}
	b, err := timeline.Load(*ours)
	if err != nil {
		fail(1, "ours cannot be read: %v", err)
	}
	var r *compare.Result
	if a.Old() {
		var w compare.Window
		if _, err := fmt.Sscanf(*window, "%d,%d", &w.Begin, &w.End); err != nil {
			fail(2, "a reference of Go 1.21 or older needs -window BEGIN,END")
		}
		r = compare.Counts(a, b, w, 0.1, o)
	} else {
		r = compare.Traces(a, b, o)
	}
	if *follow != 0 {
		r.Follow(os.Stdout, *follow)
		return
	}
	if *stamps {
		r.Stamps(os.Stdout)
		return
	}
	if *report != "" {
		f, err := os.Create(*report)
		if err != nil {
			fail(1, "%v", err)
		}
		r.Report(f, *diffs)
		if err := f.Close(); err != nil {
			fail(1, "%v", err)
		}
	}
	if *line {
		fmt.Println(r.Line())
	} else {
		r.Report(os.Stdout, *diffs)
	}
	var names []string
	for _, row := range r.Failed() {
		if *rows == "transitions" && (row.Short == "" || row.Short == "times") {
			continue
		}
		names = append(names, fmt.Sprintf("%s is %.4g%s", row.Name, row.Value, row.Unit))
	}
	if len(names) > 0 {
		fail(1, "%s", strings.Join(names, "; "))
	}
}
