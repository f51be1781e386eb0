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
	"strconv"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"gobpftrace.test/referee/rows"
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
	rows.Check("requests", err)
	defer f.Close()
	all := map[string]request{}
	isCut := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if isCut {
			rows.Check("requests", fmt.Errorf("%s: a line that is not the last is cut", path))
		}
		w := strings.Fields(lines.Text())
		if isCut = len(w) != 5; isCut {
			continue
		}
		begin, err := strconv.ParseInt(w[3], 10, 64)
		rows.Check("requests", err)
		end, err := strconv.ParseInt(w[4], 10, 64)
		rows.Check("requests", err)
		all[w[0]+" "+w[1]] = request{ended: w[2], begin: begin, end: end}
	}
	return all
}

// readTrace has the tasks by name, which has a number in it; those that did not end have end 0.
func readTrace(path string) (all map[string]request, first, last int64) {
	f, err := os.Open(path)
	rows.Check("requests", err)
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReader(f))
	rows.Check("requests", err)
	all = map[string]request{}
	names := map[trace.TaskID]string{}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return all, first, last
		}
		rows.Check("requests", err)
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
				rows.Differ("%s begins twice", name)
			}
			all[name] = request{begin: int64(ev.Time()), goroutine: ev.Goroutine()}
		case trace.EventRegionBegin, trace.EventRegionEnd:
			name, known := names[ev.Region().Task]
			if !known {
				continue
			}
			q := all[name]
			if ev.Region().Type != name || ev.Goroutine() != q.goroutine {
				rows.Differ("region %s of task %s on goroutine %d", ev.Region().Type, name, ev.Goroutine())
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
				rows.Differ("task %q ends without a begin, twice or elsewhere", name)
			}
			q.end = int64(ev.Time())
			all[name] = q
		}
	}
}

func main() {
	flag.Parse()
	log := readLog(*logFile)
	ours, first, last := readTrace(flag.Arg(0))
	const edge = int64(20 * time.Millisecond)
	var found, missing, wrong, extra int
	var lastLogged int64
	var off, offBegin rows.Spread
	byEnd := map[string]rows.Spread{}
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
			rows.Differ("missing: %s, which ended %s", name, l.ended)
			continue
		case q.ended != l.ended || q.regions != 2:
			wrong++
			rows.Differ("%s ended %q with %d ends of regions, the log has %q", name, q.ended, q.regions, l.ended)
		}
		found++
		d := (q.end - q.begin) - (l.end - l.begin)
		off = append(off, max(d, -d))
		byEnd[l.ended] = append(byEnd[l.ended], max(d, -d))
		offBegin = append(offBegin, max(l.begin-q.begin, q.begin-l.begin))
	}
	for name, q := range ours {
		if _, ok := log[name]; !ok && q.end != 0 && q.end < lastLogged-edge {
			extra++
			rows.Differ("extra: %s", name)
		}
	}
	rows.Row(found > 0 && missing == 0, "found    %d of %d", found, found+missing)
	rows.Row(extra == 0, "extra    %d", extra)
	rows.Row(wrong == 0, "ended as the log says   all but %d", wrong)
	rows.Within(off, byEnd, *median, *p99)
	offBegin.Sorted()
	fmt.Printf("     begin off by             median %v, p99 %v\n", offBegin.At(0.5), offBegin.At(0.99))
	rows.End()
}
