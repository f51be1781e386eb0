// Bench measures what the tool and others of its kind cost a target, and the tool's own time and memory
// against their targets. One report, DIR/report.txt and DIR/report.json.
//
//	bench -tool FILE -drivers DIR -fixtures DIR -prometheus FILE -serving FILE -counter FILE -summer FILE [-out DIR]
//	      [-w WORKLOAD,…] [-t TREATMENT,…] [ROW…]
//
// Without names everything is measured. With -w or -t only such pairs are, with ROWs only these.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type bench struct {
	tool, drivers, fixtures, prometheus, serving, counter, summer string
	work                                                          string
	rounds                                                        int
	plan                                                          plan
	report                                                        *report
}

var rows = []struct {
	name string
	run  func(*bench)
}{
	{"hit", hitRows}, {"price", priceRows}, {"attach", attachRows}, {"lost", lostRows},
	{"producer", producerRow}, {"size", sizeRow}, {"end", endRow}, {"consumer", consumerRows},
	{"dump", dumpRows}, {"wall", wallRows}, {"sampler", samplerRows}, {"block", blockRow},
	{"written", writtenRows}, {"capture", captureRows}, {"budget", budgetRows},
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(2)
}

// names is a set of what stands between commas or blanks.
func names(list string) map[string]bool {
	set := map[string]bool{}
	for _, n := range strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' }) {
		set[n] = true
	}
	return set
}

func (b *bench) runRows(chosen map[string]bool) {
	for _, r := range rows {
		if len(chosen) == 0 || chosen[r.name] {
			r.run(b)
		}
	}
}

func checkRows(chosen map[string]bool) error {
	known := map[string]bool{}
	for _, r := range rows {
		known[r.name] = true
	}
	for n := range chosen {
		if !known[n] {
			return fmt.Errorf("no row is called %q", n)
		}
	}
	return nil
}

func main() {
	b := &bench{}
	flag.StringVar(&b.tool, "tool", "build/gobpftrace", "the tool")
	flag.StringVar(&b.drivers, "drivers", "build/bench", "folder of the programs of tests/bench")
	flag.StringVar(&b.fixtures, "fixtures", "", "folder of the Go programs of the newest version")
	flag.StringVar(&b.prometheus, "prometheus", "", "Debian 12's prometheus, which is attached to")
	flag.StringVar(&b.serving, "serving", "", "the prometheus that is a workload")
	flag.StringVar(&b.counter, "counter", "", "tracesize of tests/referee")
	flag.StringVar(&b.summer, "summer", "", "pprofsum of tests/referee")
	flag.IntVar(&b.rounds, "rounds", 7, "rounds of what is alternated in single rows")
	b.plan.flags()
	out := flag.String("out", "build/bench", "folder of the report")
	flag.Parse()
	chosen := names(strings.Join(flag.Args(), ","))
	err := checkRows(chosen)
	if err == nil {
		err = b.plan.choose()
	}
	if err == nil {
		b.work, err = os.MkdirTemp("", "gobpftrace-bench-")
	}
	if err != nil {
		fatal(err)
	}
	if b.report, err = newReport(*out); err != nil {
		os.RemoveAll(b.work)
		fatal(err)
	}
	begin := time.Now()
	if b.plan.some || len(chosen) == 0 {
		b.compareAll()
	}
	if !b.plan.some || len(chosen) > 0 {
		b.runRows(chosen)
	}
	os.RemoveAll(b.work)
	r := b.report
	r.Seconds = time.Since(begin).Seconds()
	fmt.Fprintf(r.out, "\nbench: %d figures fall short, %v\n", r.Short, time.Since(begin).Round(time.Second))
	if err := r.writeJSON(filepath.Join(*out, "report.json")); err != nil {
		fatal(err)
	}
	if r.Short > 0 || len(r.Rows) == 0 && len(r.Work) == 0 {
		os.Exit(1)
	}
}
