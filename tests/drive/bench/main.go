// Bench measures the tool's time and memory against their targets and prints a row each.
//
//	bench -tool FILE -drivers DIR -fixtures DIR -prometheus FILE -counter FILE [ROW…]
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

type bench struct {
	tool, drivers, fixtures, prometheus, counter string
	work                                         string
	rounds                                       int
	short                                        int
}

// row prints one measured figure; it falls short unless ok.
func (b *bench) row(name, measured, target string, ok bool) {
	verdict := "ok"
	if !ok {
		verdict = "FAIL"
		b.short++
	}
	fmt.Printf("| %s | %s | %s | %s |\n", name, measured, target, verdict)
}

// failed is a row that could not be measured, which is not a pass.
func (b *bench) failed(name, target string, err error) {
	b.row(name, "not measured: "+err.Error(), target, false)
}

// note is a figure without a target.
func (b *bench) note(name, measured string) { fmt.Printf("| %s | %s | | |\n", name, measured) }

var rows = []struct {
	name string
	run  func(*bench)
}{
	{"hit", hitRows}, {"price", priceRows}, {"attach", attachRows}, {"lost", lostRows},
	{"producer", producerRow}, {"size", sizeRow}, {"end", endRow}, {"consumer", consumerRows},
	{"dump", dumpRows}, {"wall", wallRows},
}

func main() {
	b := &bench{}
	flag.StringVar(&b.tool, "tool", "build/gobpftrace", "the tool")
	flag.StringVar(&b.drivers, "drivers", "build/bench", "folder of the programs of tests/bench")
	flag.StringVar(&b.fixtures, "fixtures", "", "folder of the Go programs of the newest version")
	flag.StringVar(&b.prometheus, "prometheus", "", "Debian 12's prometheus")
	flag.StringVar(&b.counter, "counter", "", "tracesize of tests/referee")
	flag.IntVar(&b.rounds, "rounds", 7, "rounds of what is alternated")
	flag.Parse()
	chosen := map[string]bool{}
	for _, name := range flag.Args() {
		chosen[name] = true
	}
	var err error
	if b.work, err = os.MkdirTemp("", "gobpftrace-bench-"); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(b.work)
	fmt.Println("| what | measured | target | |\n|---|---|---|---|")
	begin, ran := time.Now(), 0
	for _, r := range rows {
		if len(chosen) == 0 || chosen[r.name] {
			r.run(b)
			ran++
		}
	}
	fmt.Printf("bench: %d figures fall short, %v\n", b.short, time.Since(begin).Round(time.Second))
	if b.short > 0 || ran == 0 {
		os.RemoveAll(b.work)
		os.Exit(1)
	}
}
