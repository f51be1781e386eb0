// Package rows is what a judge prints of two accounts of the same spans: a line a row, ok or FAIL, and up to ten
// differences.
package rows

import (
	"fmt"
	"os"
	"sort"
	"time"
)

var failures int

// Differ tells of a single one that is not as it should be.
func Differ(format string, args ...any) {
	failures++
	if failures <= 10 {
		fmt.Printf("  "+format+"\n", args...)
	}
}

// Row prints one, and what it found.
func Row(ok bool, format string, args ...any) {
	verdict := "ok  "
	if !ok {
		verdict = "FAIL"
		failures++
	}
	fmt.Printf("%s %s\n", verdict, fmt.Sprintf(format, args...))
}

// Check ends the judge, who can't judge.
func Check(judge string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", judge, err)
		os.Exit(1)
	}
}

// End is the judge's.
func End() {
	if failures > 0 {
		os.Exit(1)
	}
}

// Spread is how far durations are off, in ns: the larger the later.
type Spread []int64

// Sorted puts them in order.
func (s Spread) Sorted() Spread {
	sort.Slice(s, func(i, k int) bool { return s[i] < s[k] })
	return s
}

// At is the value below which a share of them lies; sorted.
func (s Spread) At(share float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	return time.Duration(s[int(float64(len(s)-1)*share)])
}

// Within makes the two rows of durations, and a line of each kind of end.
func Within(off Spread, byEnd map[string]Spread, median, p99 time.Duration) {
	off.Sorted()
	Row(off.At(0.5) <= median, "duration off by          median %v, at most %v", off.At(0.5), median)
	Row(off.At(0.99) <= p99, "duration off by          p99 %v, at most %v", off.At(0.99), p99)
	for end, some := range byEnd {
		some.Sorted()
		fmt.Printf("     %-8s %5d off by      median %v, p99 %v\n", end, len(some), some.At(0.5), some.At(0.99))
	}
}
