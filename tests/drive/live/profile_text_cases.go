package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
)

func profileTextCases() {
	for _, v := range []string{cfg.versions[0], "1.22.12", cfg.newest} {
		addBeside("profile --format text is go"+v+"'s own", profileTextCase(v))
	}
	addBeside("record --texts and replay --texts are Go's own", recordTextsCase)
}

// A record of a text is what stands between empty lines.
type textRecord struct {
	count string // "20", of heap and allocs "2: 2048 [3: 4096]"
	time  float64
}

var (
	waitLine  = regexp.MustCompile(`^(\d+) (\d+) (@.*)$`)
	countLine = regexp.MustCompile(`^([^@]+) (@.*)$`)
	cycles    = regexp.MustCompile(`^cycles/second=(\d+)$`)
)

// textRecords are the records of a text by PCs and lines, times in ns, and the lines before them.
func (t *T) textRecords(path string) (head []string, records map[string]textRecord) {
	records = map[string]textRecord{}
	perSecond := 0.0
	text, _, _ := strings.Cut(t.read(path), "\n# runtime.MemStats")
	for _, piece := range strings.Split(text, "\n\n") {
		lines := strings.Split(strings.TrimSpace(piece), "\n")
		for len(lines) > 0 && !strings.Contains(lines[0], " @ 0x") && !strings.HasSuffix(lines[0], " @") && lines[0] != "" {
			if m := cycles.FindStringSubmatch(lines[0]); m != nil {
				perSecond, _ = strconv.ParseFloat(m[1], 64)
			} else {
				head = append(head, lines[0])
			}
			lines = lines[1:]
		}
		if len(lines) == 0 || lines[0] == "" {
			continue
		}
		var r textRecord
		if m := waitLine.FindStringSubmatch(lines[0]); m != nil && perSecond > 0 {
			r.time, _ = strconv.ParseFloat(m[1], 64)
			r.time *= 1e9 / perSecond
			r.count, lines[0] = m[2], m[3]
		} else if m := countLine.FindStringSubmatch(lines[0]); m != nil {
			r.count, lines[0] = m[1], m[2]
		} else {
			t.Errorf("%s: a line %q", path, lines[0])
		}
		key := strings.Join(lines, "\n")
		for records[key].count != "" { // buckets of equal stacks have different sizes
			key += "+"
		}
		records[key] = r
	}
	return head, records
}

// own: what cannot be in both: the goroutine that writes, locks inside of the runtime, stacks of which nothing
// is published yet.
func own(key string, r textRecord) bool {
	return strings.Contains(key, "main.texts") || strings.Contains(key, "bufio.(*Scanner)") && r.count == "1" ||
		strings.Contains(key, "runtime.unlock+") || strings.Contains(key, "runtime._LostContendedRuntimeLock") ||
		strings.HasPrefix(r.count, "0: 0 [0: 0]")
}

// sizes makes keys of buckets with equal stacks comparable, whatever their order.
func sizes(records map[string]textRecord) map[string]textRecord {
	out := map[string]textRecord{}
	for key, r := range records {
		if strings.Contains(r.count, ":") {
			key = r.count + " " + strings.TrimRight(key, "+")
		}
		out[key] = r
	}
	return out
}

func (t *T) sameText(name, ref, ours string) {
	refHead, want := t.textRecords(ref)
	head, got := t.textRecords(ours)
	if strings.Join(refHead, "\n") != strings.Join(head, "\n") {
		t.Errorf("%s: it begins %q, Go's %q", name, head, refHead)
	}
	want, got = sizes(want), sizes(got)
	compared := 0
	for key, w := range want {
		if own(key, w) {
			continue
		}
		g := got[key]
		if g.count != w.count {
			t.Errorf("%s: %q times, Go says %q: %s", name, g.count, w.count, clip(key))
		}
		n, _ := strconv.ParseFloat(w.count, 64)
		if limit := 0.01*w.time + 10e3*n; g.time < w.time-limit || g.time > w.time+limit {
			t.Errorf("%s: %.0f ns, Go says %.0f: %s", name, g.time, w.time, clip(key))
		}
		compared++
	}
	for key, g := range got {
		if want[key].count == "" && !own(key, g) {
			t.Errorf("%s: Go does not have %s", name, clip(key))
		}
	}
	if compared == 0 {
		t.Errorf("%s: there was nothing to compare", name)
	}
}

var memStat = regexp.MustCompile(`(?m)^# (\w+) = (.*)$`)

func (t *T) memStats(path string) map[string]string {
	stats := map[string]string{}
	for _, m := range memStat.FindAllStringSubmatch(t.read(path), -1) {
		stats[m[1]] = m[2]
	}
	return stats
}

// sameMemStats: those of runtime.MemStats that a text of ours has are Go's of the same collection. Two change with
// each stack that is new to the profile: it takes its memory from what was the others'.
func (t *T) sameMemStats(ref, ours string) {
	want, got := t.memStats(ref), t.memStats(ours)
	exact := []string{"NextGC", "LastGC", "PauseNs", "PauseEnd", "NumGC", "NumForcedGC", "GCCPUFraction"}
	moving := []string{"BuckHashSys", "OtherSys"}
	for _, name := range exact {
		if got[name] == "" || got[name] != want[name] {
			t.Errorf("%s: %s is %q, Go says %q", ours, name, clip(got[name]), clip(want[name]))
		}
	}
	for _, name := range moving {
		w, _ := strconv.Atoi(want[name])
		g, err := strconv.Atoi(got[name])
		if err != nil || g < w-1<<18 || g > w+1<<18 {
			t.Errorf("%s: %s is %q, Go says %q", ours, name, got[name], want[name])
		}
	}
	if n, _ := strconv.Atoi(got["NumForcedGC"]); n < 2 || len(got) != len(exact)+len(moving) {
		t.Errorf("%s: %d of runtime.MemStats, %s forced collections", ours, len(got), got["NumForcedGC"])
	}
}

// profileTextCase: the program's own ?debug=1 of the same work, record by record: counts, PCs, labels, functions
// with offsets, lines, and how they are set out.
func profileTextCase(version string) func(*T) {
	return func(t *T) {
		p := t.program(version + "/counts")
		do := func(command string) {
			if a := p.Ask(command); !strings.HasPrefix(a, "done ") {
				t.Fatalf("%s: the fixture says %q", command, a)
			}
		}
		for name, work := range map[string][]string{"block": {"pingpong 50", "contend 20"}, "mutex": {"contend 20"}} {
			r := t.recording(p, "profile", "-p", pidOf(p), "-t", name, "--format", "text", "-o", "our."+name, "-q")
			do("count " + name)
			for _, w := range work {
				do(w)
			}
			do("count memory") // and no waits any more
			r.cmd.Process.Signal(os.Interrupt)
			t.status(t.wait(r), 0)
		}
		do("park 6")
		do("allocate 5000")
		do("texts " + t.Path("go"))
		for _, name := range []string{"heap", "allocs", "threadcreate", "goroutine"} {
			t.status(t.gobpftrace("profile", "-p", pidOf(p), "-t", name, "--format", "text", "-o", "our."+name, "-q"), 0)
		}
		for _, name := range []string{"block", "mutex", "heap", "allocs", "threadcreate", "goroutine"} {
			t.sameText(name, t.Path("go."+name), t.Path("our."+name))
		}
		t.sameMemStats(t.Path("go.allocs"), t.Path("our.allocs"))
		if ref, ours := t.read(t.Path("go.threadcreate")), t.read(t.Path("our.threadcreate")); ref != ours {
			t.Errorf("threadcreate is %q, Go's %q", ours, ref)
		}
		// what Go's own reader makes of it, with the program's symbols
		if out := t.top(t.Path("our.block"), p.Cmd.Path); !strings.Contains(out, "contend") {
			t.Errorf("go tool pprof finds no main.contend: %s", clip(out))
		}
	}
}

// recordTextsCase: the texts beside a trace, of one window with its snapshot at the begin and its memory profile at the
// end; and from its stream.
func recordTextsCase(t *T) {
	p := t.program(cfg.newest + "/counts")
	do := func(commands ...string) {
		for _, c := range commands {
			if a := p.Ask(c); !strings.HasPrefix(a, "done ") {
				t.Fatalf("%s: the fixture says %q", c, a)
			}
		}
	}
	do("count memory", "park 6", "allocate 5000", "texts "+t.Path("before"))
	types := "block,mutex,heap,allocs,threadcreate,goroutine"
	r := t.recording(p, "record", "--mode", "full", "-p", pidOf(p), "--raw", "--texts", "--profiles", types, "-o", "out", "-q")
	do("count waits", "pingpong 50", "contend 20", "count memory")
	r.cmd.Process.Signal(os.Interrupt)
	t.status(t.wait(r), 0)
	do("texts " + t.Path("behind"))
	for name, when := range map[string]string{"block": "behind", "mutex": "behind", "heap": "before", "allocs": "before", "goroutine": "before"} {
		t.sameText(name, t.Path(when+"."+name), t.Path("out/"+name+".txt"))
	}
	t.sameMemStats(t.Path("before.heap"), t.Path("out/heap.txt"))
	t.status(t.gobpftrace("replay", t.Path("out/capture.raw"), "-o", "again", "--texts", "-q"), 0)
	for _, name := range strings.Split(types, ",") {
		ours, again := t.read(t.Path("out/"+name+".txt")), t.read(t.Path("again/"+name+".txt"))
		if ours == "" || ours != again {
			t.Errorf("%s.txt has %d bytes, %d from the stream", name, len(ours), len(again))
		}
	}
	texts, _ := t.json(t.read(t.Path("out/summary.json")))["texts"].([]any)
	if len(texts) != 6 || !strings.Contains(t.read(t.Path("out/summary.txt")), "\n  less block.txt\n") {
		t.Errorf("the summary names %v", texts)
	}
}
