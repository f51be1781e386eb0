// Profiles judges our profiles of a recording against what Go says of the same process and window:
// a line a type ("type ok   block: …"), and exit status 1 when a row of one does not hold.
//
//	profiles -ref PREFIX -ours DIR -types block,mutex      PREFIX: of the fixture's command `profiles`
//	profiles -ref PREFIX -ours DIR -types block -table     all rows, and what differs
//	profiles -ref FILE -ours FILE -equal heap              two files with equal values, stack by stack
//	profiles -ref FILE -ours FILE -equal threadcreate      two files with equal sums
//	profiles -ref FILE -again FILE -ours FILE -equal wall  two of the fixture's sampler, and ours
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"gobpftrace.test/referee/compare"
	"gobpftrace.test/referee/profiles"
)

func fail(status int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "profiles: "+format+"\n", args...)
	os.Exit(status)
}

func main() {
	var r profiles.Recording
	flag.StringVar(&r.Prefix, "ref", "", "`prefix` of the reference's files")
	flag.StringVar(&r.Dir, "ours", "", "our folder")
	flag.StringVar(&r.Go, "go", "go", "a Go that has `go tool trace`")
	flag.BoolVar(&r.FromTrace, "from-trace", false, "judge what our trace.out adds up to, not our profiles")
	flag.BoolVar(&r.CountsOnly, "counts", false, "judge no times")
	types := flag.String("types", "", "comma-separated; `TYPE=N`: the reference must have N events")
	table := flag.Bool("table", false, "print every row and the stacks that differ")
	equal := flag.String("equal", "", "compare two files of this `type` for equality")
	again := flag.String("again", "", "with -equal wall: another `file` of the fixture's sampler")
	least := flag.Int("least", 1, "stacks that the reference must have, with -equal")
	depth := flag.Int("depth", 128, "frames that the reference keeps of a stack, with -equal")
	most := flag.Int("diffs", 10, "show this many stacks that differ")
	flag.Parse()
	if r.Prefix == "" || r.Dir == "" || (*types == "") == (*equal == "") || flag.NArg() > 0 {
		fail(2, "-ref, -ours, and -types or -equal are needed")
	}
	failed := 0
	if *equal != "" {
		if *equal == "wall" {
			os.Exit(judgeWall(r.Prefix, *again, r.Dir, *least, *table, *most))
		}
		failed = judgeEqual(*equal, r.Prefix, r.Dir, *depth, *least, *table, *most)
		*types = ""
	}
	for _, kind := range strings.FieldsFunc(*types, func(c rune) bool { return c == ',' }) {
		kind, least, _ := strings.Cut(kind, "=")
		if r.Events = 1; least != "" {
			if _, err := fmt.Sscan(least, &r.Events); err != nil {
				fail(2, "-types %s: %v", *types, err)
			}
		}
		failed += judge(&r, kind, *table, *most)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

type result interface {
	Failed() []compare.Row
	Line() string
	Report(w io.Writer, most int)
}

// say prints "type VERDICT KIND: figures", and below it what fails.
func say(kind string, res result, err error, table bool, most int) (failed int) {
	if err != nil {
		fmt.Printf("type FAIL %s: %v\n", kind, err)
		return 1
	}
	verdict := "ok  "
	if len(res.Failed()) > 0 {
		verdict, failed = "FAIL", 1
	}
	fmt.Printf("type %s %s: %s\n", verdict, kind, res.Line())
	if table || failed > 0 {
		res.Report(os.Stdout, most)
	}
	return failed
}

func judge(r *profiles.Recording, kind string, table bool, most int) int {
	res, err := r.Judge(kind)
	return say(kind, res, err, table, most)
}

func judgeEqual(kind, ref, ours string, depth, least int, table bool, most int) int {
	a, err := profiles.Load(ref)
	if err != nil {
		return say(kind, nil, err, table, most)
	}
	b, err := profiles.Load(ours)
	if err != nil {
		return say(kind, nil, err, table, most)
	}
	if kind == "threadcreate" {
		return say(kind, profiles.JudgeTotal(a, b), nil, table, most)
	}
	leftOut := func(profiles.Stack) bool { return false }
	if kind == "goroutine" {
		leftOut = profiles.OfRecording // it runs, and is somewhere else when we look
	}
	return say(kind, profiles.JudgeEqual(a, b, leftOut, depth, least), nil, table, most)
}

func judgeWall(ref, again, ours string, least int, table bool, most int) int {
	var own [2]map[string]float64
	for i, path := range []string{ref, again} {
		var err error
		if own[i], err = profiles.LoadFolded(path); err != nil {
			return say("wall", nil, err, table, most)
		}
	}
	p, err := profiles.Load(ours)
	if err != nil {
		return say("wall", nil, err, table, most)
	}
	return say("wall", profiles.JudgeWall(own[0], own[1], profiles.FoldedOf(p), float64(least)), nil, table, most)
}
