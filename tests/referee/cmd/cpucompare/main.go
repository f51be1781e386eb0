// Cpucompare judges one of our CPU profiles against two of runtime/pprof from the same process:
// one of the same time, one of about the same length before or after, whose likeness to the
// first is what chance allows.
//
//	cpucompare -ref pprof1 -again pprof2 -ours DIR/cpu.pprof
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/google/pprof/profile"
	"gobpftrace.test/referee/cpu"
)

func fail(status int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "cpucompare: "+format+"\n", args...)
	os.Exit(status)
}

func load(path string) *profile.Profile {
	f, err := os.Open(path)
	if err != nil {
		fail(1, "%v", err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err == nil {
		err = p.CheckValid()
	}
	if err != nil {
		fail(1, "%s: %v", path, err)
	}
	return p
}

func main() {
	ref := flag.String("ref", "", "runtime/pprof's profile of the same time")
	again := flag.String("again", "", "another one of the same process")
	ours := flag.String("ours", "", "our profile")
	least := flag.Int("min-samples", 1000, "of each profile; fewer is a failure")
	flag.Parse()
	if *ref == "" || *again == "" || *ours == "" || flag.NArg() > 0 {
		fail(2, "-ref, -again and -ours are needed")
	}
	r := cpu.Compare(load(*ref), load(*again), load(*ours), *least)
	fmt.Print(r.Table())
	if why := r.Failed(); why != "" {
		fail(1, "%s", why)
	}
}
