// Requests holds the requests that a trace has as user tasks against the log that the server's own handler kept
// (tests/fixtures/requests): none may be missing, none too many, each must have ended as the log says, and take
// as long by our clock as by the handler's. It exits 1 when a row fails.
//
//	requests -log FILE [-median D] [-p99 D] TRACE
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/exp/trace"
)

var (
	logFile = flag.String("log", "", "the server's log")
	median  = flag.Duration("median", 3*time.Microsecond, "durations may differ by so much in the median")
	p99     = flag.Duration("p99", 20*time.Microsecond, "and in the 99th percentile")
)

// request by one of the two; times in ns of CLOCK_MONOTONIC.
type request struct {
	ended      string
	begin, end int64
	regions    int
	goroutine  trace.GoID
}

// readLog has lines "METHOD PATH ENDED BEGIN END"; a last one may be cut.
func readLog(path string) map[string]request {
	f, err := os.Open(path)
	check(err)
	defer f.Close()
	all := map[string]request{}
	isCut := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if isCut {
			check(fmt.Errorf("%s: a line that is not the last is cut", path))
		}
		w := strings.Fields(lines.Text())
		if isCut = len(w) != 5; isCut {
			continue
		}
		begin, err := strconv.ParseInt(w[3], 10, 64)
		check(err)
		end, err := strconv.ParseInt(w[4], 10, 64)
		check(err)
		all[w[0]+" "+w[1]] = request{ended: w[2], begin: begin, end: end}
	}
	return all
}

// readTrace has the tasks by name, which has a number in it; those that did not end have end 0.
func readTrace(path string) (all map[string]request, first, last int64) {
	f, err := os.Open(path)
	check(err)
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReader(f))
	check(err)
	all = map[string]request{}
	names := map[trace.TaskID]string{}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return all, first, last
		}
		check(err)
		if first == 0 {
			first = int64(ev.Time())
		}
		last = int64(ev.Time())
		switch ev.Kind() {
		case trace.EventTaskBegin:
			name := ev.Task().Type
			if strings.HasPrefix(name, "client ") { // what the fixture asks itself
				continue
			}
			names[ev.Task().ID] = name
			if _, twice := all[name]; twice {
				fail("%s begins twice", name)
			}
			all[name] = request{begin: int64(ev.Time()), goroutine: ev.Goroutine()}
		case trace.EventRegionBegin, trace.EventRegionEnd:
			name, known := names[ev.Region().Task]
			if !known {
				continue
			}
			q := all[name]
			if ev.Region().Type != name || ev.Goroutine() != q.goroutine {
				fail("region %s of task %s on goroutine %d", ev.Region().Type, name, ev.Goroutine())
			}
			q.regions++
			all[name] = q
		case trace.EventLog:
			if names[ev.Log().Task] == "" {
				continue
			}
			q := all[names[ev.Log().Task]]
			if ev.Log().Category == "status" {
				q.ended = ev.Log().Message
			}
			all[names[ev.Log().Task]] = q
		case trace.EventTaskEnd:
			name, known := names[ev.Task().ID]
			if !known && strings.HasPrefix(ev.Task().Type, "client ") {
				continue
			}
			q, ok := all[name]
			if !ok || q.end != 0 || q.goroutine != ev.Goroutine() {
				fail("task %q ends without a begin, twice or elsewhere", name)
			}
			q.end = int64(ev.Time())
			all[name] = q
		}
	}
}

var failures int

func fail(format string, args ...any) {
	failures++
	if failures <= 10 {
		fmt.Printf("  "+format+"\n", args...)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "requests:", err)
		os.Exit(1)
	}
}

func row(ok bool, format string, args ...any) {
	verdict := "ok  "
	if !ok {
		verdict = "FAIL"
		failures++
	}
	fmt.Printf("%s %s\n", verdict, fmt.Sprintf(format, args...))
}

func at(sorted []int64, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return time.Duration(sorted[int(float64(len(sorted)-1)*share)])
}

func main() {
	flag.Parse()
	log := readLog(*logFile)
	ours, first, last := readTrace(flag.Arg(0))
	const edge = int64(20 * time.Millisecond)
	var found, missing, wrong, extra int
	var lastLogged int64
	var off, offBegin []int64
	byKind := map[string][]int64{}
	for _, l := range log {
		lastLogged = max(lastLogged, l.end)
	}
	for name, l := range log {
		if l.begin < first+edge || l.end > last-edge {
			continue
		}
		q, ok := ours[name]
		switch {
		case !ok || q.end == 0:
			missing++
			fail("missing: %s, which ended %s", name, l.ended)
			continue
		case q.ended != l.ended || q.regions != 2:
			wrong++
			fail("%s ended %q with %d ends of regions, the log has %q", name, q.ended, q.regions, l.ended)
		}
		found++
		d := (q.end - q.begin) - (l.end - l.begin)
		off = append(off, max(d, -d))
		byKind[l.ended] = append(byKind[l.ended], max(d, -d))
		offBegin = append(offBegin, max(l.begin-q.begin, q.begin-l.begin))
	}
	for name, q := range ours {
		if _, ok := log[name]; !ok && q.end != 0 && q.end < lastLogged-edge {
			extra++
			fail("extra: %s", name)
		}
	}
	sort.Slice(off, func(i, k int) bool { return off[i] < off[k] })
	sort.Slice(offBegin, func(i, k int) bool { return offBegin[i] < offBegin[k] })
	row(found > 0 && missing == 0, "found    %d of %d", found, found+missing)
	row(extra == 0, "extra    %d", extra)
	row(wrong == 0, "ended as the log says   all but %d", wrong)
	row(at(off, 0.5) <= *median, "duration off by          median %v, at most %v", at(off, 0.5), *median)
	row(at(off, 0.99) <= *p99, "duration off by          p99 %v, at most %v", at(off, 0.99), *p99)
	fmt.Printf("     begin off by             median %v, p99 %v\n", at(offBegin, 0.5), at(offBegin, 0.99))
	for kind, list := range byKind {
		sort.Slice(list, func(i, k int) bool { return list[i] < list[k] })
		fmt.Printf("     %-8s %5d off by      median %v, p99 %v\n", kind, len(list), at(list, 0.5), at(list, 0.99))
	}
	if failures > 0 {
		os.Exit(1)
	}
}
