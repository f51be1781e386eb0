package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// capture records a fixture for a second and judges the folder.
func capture(fixture string, fixtureArgs []string, w wants, options ...string) func(*T) {
	return func(t *T) {
		p := t.fixture(fixture, fixtureArgs...)
		r := t.gobpftrace(append([]string{"record", "-p", pidOf(p), "-d", "1s", "-o", "out"}, options...)...)
		t.status(r, 0)
		t.whole(t.Path("out"), w)
	}
}

var (
	busy     = []string{"-kinds", "channels,mutex,timers,files"}
	busyWant = wants{transitions: 8000, goroutines: 300}
)

func captureCases() {
	for _, attach := range []string{"multi", "perf"} {
		for _, v := range cfg.versions {
			addBeside("record go"+v+" "+attach, capture(v+"/workload", busy, busyWant, "--attach", attach))
		}
		for _, mode := range cfg.modes {
			fixture := cfg.newest + "/workload-" + mode
			addBeside("record "+mode+" "+attach, capture(fixture, busy, busyWant, "--attach", attach))
		}
		for _, mode := range []string{"", "-stripped", "-pie", "-static-pie"} {
			addBeside("record cgo callbacks"+mode+" "+attach, capture(cfg.newest+"/cgo"+mode, nil,
				wants{transitions: 3000, goroutines: 200}, "--attach", attach))
		}
	}
	addBeside("record stripped pie", capture(cfg.newest+"/workload-stripped-pie", busy, busyWant))
	addBeside("record without optimisation", capture(cfg.newest+"/workload-noopt", busy, busyWant))
	addBeside("record every kind of work at once", capture(cfg.newest+"/workload", []string{"-kinds", "all", "-n", "60"}, busyWant))
	addBeside("record -race", raceCase)
	addBeside("record the demo service idle", idleCase)
	addBeside("record without nop5", capture(cfg.newest+"/workload", busy, busyWant, "--no-nop5"))
	addBeside("record without labels", capture(cfg.newest+"/workload", []string{"-kinds", "tasks"}, wants{transitions: 1000, goroutines: 300}, "--no-labels"))
	for _, v := range []string{cfg.versions[0], cfg.newest} {
		addBeside("user regions while nobody traces go"+v, regionsCase(v+"/workload"))
	}
	addBeside("user regions while nobody traces stripped-pie perf", regionsCase(cfg.newest+"/workload-stripped-pie", "--attach", "perf"))
	addBeside("trace format 26", formatCase)
	addBeside("trace format 23 in go 1.23's own viewer", oldViewerCase)
	addBeside("summary goes to standard output", stdoutCase)
	addBeside("--json", jsonCase)
	add("the cost is told with its bounds", costCase)
	addBeside("-q", quietCase)
	addBeside("--hz 0", noSamplesCase)
	addBeside("--max-size ends a capture cleanly", maxSizeCase)
	addBeside("--raw and replay give the same bytes", replayCase)
	add("several targets", severalCase)
	addBeside("an unknown patch release, stripped", patchedVersion(cfg.newest+"/workload-stripped", cfg.newest, "1.27.9"))
	addBeside("an unknown patch release, with DWARF", patchedVersion(cfg.newest+"/workload", cfg.newest, "1.27.9"))
	addBeside("no section headers", noSectionsCase)
	add("list", listCase)
	add("check a target", checkCase)
	add("goroutines", goroutinesCase)
}

// -race works, or is refused by that name.
func raceCase(t *T) {
	p := t.fixture(cfg.newest+"/workload-race", "-kinds", "channels", "-n", "60")
	r := t.gobpftrace("record", "-p", pidOf(p), "-d", "1s", "-o", "out")
	if r.status != 0 {
		t.refused(r, []int{1, 3}, "-race")
		return
	}
	t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 50})
}

// The program traces itself in the middle of our window: before and after, regions by StartRegion must be
// what they are in its own file.
func regionsCase(fixture string, options ...string) func(*T) {
	return func(t *T) {
		p := t.fixture(fixture, "-kinds", "regions")
		ref := t.Path("ref.trace")
		r := t.recording(p, append([]string{"record", "-p", pidOf(p), "-d", "2s", "-o", "out", "--hz", "0"}, options...)...)
		if answer := p.Ask("trace " + ref + " 200ms"); !strings.HasPrefix(answer, "begun") {
			t.Fatalf("the program does not trace itself: %s", answer)
		}
		if answer, err := p.Line(patience); err != nil || !strings.HasPrefix(answer, "done") {
			t.Fatalf("the program does not trace itself: %s %v", answer, err)
		}
		t.status(t.wait(r), 0)
		out, err := output(filepath.Join(cfg.judges, "regioncheck"), "-more", "50", "-ref", ref, "-ours", filepath.Join(t.Path("out"), "trace.out"))
		if err != nil {
			t.Errorf("%s", clip(out))
		}
		// those whose contexts do not tell their task are left out, and counted
		if text := t.read(filepath.Join(t.Path("out"), "summary.txt")); !strings.Contains(text, "regions whose context does not tell their task") {
			t.Errorf("regions that were left out are not counted:\n%s", text)
		}
	}
}

func idleCase(t *T) {
	p := t.program(cfg.newest + "/demo-stripped")
	r := t.gobpftrace("record", "-p", pidOf(p), "-d", "1s", "-o", "out")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 10, goroutines: 5, noSamples: true})
}

func formatCase(t *T) {
	capture(cfg.newest+"/workload", busy, busyWant, "--trace-format", "26")(t)
	if head := t.read(t.Path("out/trace.out")); !strings.HasPrefix(head, "go 1.26 trace") {
		t.Errorf("header is %q", head[:min(16, len(head))])
	}
}

func oldViewerCase(t *T) {
	capture(cfg.newest+"/workload", busy, busyWant)(t)
	if head := t.read(t.Path("out/trace.out")); !strings.HasPrefix(head, "go 1.23 trace") {
		t.Errorf("header is %q", head[:min(16, len(head))])
	}
	t.goToolTrace("1.23.12", "-d=1", t.Path("out/trace.out"))
}

func recordBusy(t *T, options ...string) *result {
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace(append([]string{"-p", pidOf(p), "-d", "600ms", "-o", "out"}, options...)...)
	t.status(r, 0)
	return r
}

// figures is a summary without its last part, the commands that open the files by their paths.
func figures(summary string) string {
	text, _, _ := strings.Cut(summary, "\nOPEN\n")
	return text
}

func stdoutCase(t *T) {
	r := recordBusy(t)
	if figures(r.stdout) != figures(t.read(t.Path("out/summary.txt"))) {
		t.Errorf("standard output is not summary.txt: %q", clip(r.stdout))
	}
	if !strings.Contains(r.stdout, "go tool trace") || !strings.Contains(r.stdout, "go tool pprof") {
		t.Errorf("the summary does not name the commands that open the files")
	}
}

func jsonCase(t *T) {
	r := recordBusy(t, "--json")
	if r.stdout != t.read(t.Path("out/summary.json")) {
		t.Errorf("standard output is not summary.json: %q", clip(r.stdout))
	}
	t.json(r.stdout)
}

// The price is measured on this machine, travels in the raw stream, and never makes more than the target used.
func costCase(t *T) {
	r := recordBusy(t, "--json")
	cost, ok := t.json(r.stdout)["cost"].(map[string]any)
	if !ok {
		t.Fatalf("no cost in %q", clip(r.stdout))
	}
	figure := func(key string) float64 {
		v, ok := cost[key].(float64)
		if !ok || v <= 0 {
			t.Errorf("cost.%s is %v", key, cost[key])
		}
		return v
	}
	if low, share, high := figure("share_low"), figure("share"), figure("share_high"); low > share || share > high || high > 1 {
		t.Errorf("a share of %v between %v and %v", share, low, high)
	}
	if hot, cold := figure("price_hot_ns"), figure("price_cold_ns"); hot < 100 || cold < hot || cold > 100_000 {
		t.Errorf("a hit costs %v to %v ns", hot, cold)
	}
	figure("tool_rss_max_bytes")
	if from, _ := cost["price_from"].(string); !strings.Contains(from, "measured here") {
		t.Errorf("the price comes from %q", from)
	}
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "measured here") {
		t.Errorf("the summary does not say where the price comes from")
	}
}

func quietCase(t *T) {
	if r := recordBusy(t, "-q"); r.stdout != "" || r.stderr != "" {
		t.Errorf("said %q and %q", clip(r.stdout), clip(r.stderr))
	}
}

func noSamplesCase(t *T) {
	recordBusy(t, "--hz", "0")
	t.whole(t.Path("out"), wants{transitions: 3000, goroutines: 300, noSamples: true})
}

func maxSizeCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "60s", "--max-size", "4MiB", "-o", "out")
	t.status(r, 0)
	if r.took.Seconds() > 45 {
		t.Errorf("took %v: the limit did not end it", r.took)
	}
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300, noSamples: true})
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "max-size") {
		t.Errorf("the summary does not say that --max-size ended it")
	}
}

// Replay needs neither privilege nor the target.
func replayCase(t *T) {
	p := t.program(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "800ms", "-o", "out", "--raw")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 3000, goroutines: 300})
	p.Stop()
	if err := os.Chmod(t.dir, 0o777); err != nil {
		t.Fatalf("%v", err)
	}
	t.giveToNobody(t.Path("out"))
	again := t.wait(t.startAs(nobody(), nil, cfg.tool, "replay", t.Path("out/capture.raw"), "-o", t.Path("again")))
	t.status(again, 0)
	list, err := os.ReadDir(t.Path("out"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, e := range list {
		if e.Name() == "capture.raw" {
			continue
		}
		if a, b := t.read(t.Path("out/"+e.Name())), t.read(t.Path("again/"+e.Name())); a != b {
			t.Errorf("%s differs after replay: %d and %d bytes", e.Name(), len(a), len(b))
		}
	}
	if figures(again.stdout) != figures(r.stdout) {
		t.Errorf("replay prints another summary: %q, was %q", clip(again.stdout), clip(r.stdout))
	}
}

func (t *T) giveToNobody(dir string) {
	err := filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobodyID, nobodyID)
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func severalCase(t *T) {
	a, b := t.fixture(cfg.newest+"/workload", busy...), t.program(cfg.newest+"/bench", "-do", "yield")
	r := t.gobpftrace("-p", pidOf(a)+","+pidOf(b), "-d", "600ms", "-o", "out")
	t.status(r, 0)
	t.whole(t.Path("out/workload-"+pidOf(a)), wants{transitions: 2000, goroutines: 300})
	t.whole(t.Path("out/bench-"+pidOf(b)), wants{transitions: 2000, goroutines: 5})
}

// patched is a copy of a fixture with bytes replaced by others of the same length.
func (t *T) patched(fixture, old, replacement string) string {
	if len(old) != len(replacement) {
		t.Fatalf("%q and %q differ in length", old, replacement)
	}
	text := t.read(filepath.Join(cfg.fixtures, fixture))
	if !strings.Contains(text, old) {
		t.Fatalf("%s does not contain %q", fixture, old)
	}
	path := t.Path("patched")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, old, replacement)), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

// The layouts of the minor release are tried, and the summary says so.
func patchedVersion(fixture, from, to string) func(*T) {
	return func(t *T) {
		p := t.fixture(t.patched(fixture, "go"+from, "go"+to), busy...)
		r := t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "out")
		t.status(r, 0)
		t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
		if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "go"+to) {
			t.Errorf("the summary does not name go%s", to)
		}
	}
}

// The ELF header says that there are no sections; the loader does not care.
func noSectionsCase(t *T) {
	text := []byte(t.read(filepath.Join(cfg.fixtures, cfg.newest, "workload-stripped")))
	for i := 0x28; i < 0x30; i++ { // e_shoff
		text[i] = 0
	}
	for i := 0x3c; i < 0x40; i++ { // e_shnum, e_shstrndx
		text[i] = 0
	}
	path := t.Path("nosections")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	p := t.fixture(path, busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "out")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
}

func listCase(t *T) {
	p := t.fixture(cfg.newest+"/workload-stripped", busy...)
	r := t.gobpftrace("list")
	t.status(r, 0)
	for _, l := range strings.Split(r.stdout, "\n") {
		f := strings.Fields(l)
		if len(f) > 0 && f[0] == pidOf(p) {
			if !strings.Contains(l, "go"+cfg.newest) || !strings.Contains(l, "stripped") {
				t.Errorf("the line does not say version or stripped: %q", l)
			}
			return
		}
	}
	t.Errorf("process %s is not in the list: %q", pidOf(p), clip(r.stdout))
}

func checkCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("check", "-p", pidOf(p))
	t.status(r, 0)
	if strings.Count(r.stdout, "\n") < 5 || !strings.Contains(r.stdout, "uprobe") {
		t.Errorf("says too little: %q", clip(r.stdout))
	}
	t.status(t.gobpftrace("check"), 0)
	watched, tried := hitsOf(t, r.stdout), hitsOf(t, t.gobpftrace("check", "--trial", "-p", pidOf(p)).stdout)
	// the one with the probes' cost, the other without; and other programs on the machine
	if watched < tried/8 || watched > tried*8 {
		t.Errorf("%.0f hits/s seen from outside, %.0f with probes", watched, tried)
	}
	t.refused(t.gobpftrace("check", "--trial"), []int{2}, "needs a target")
}

// hitsOf is the rate that check tells; what it says of the price must be there too.
func hitsOf(t *T, text string) (rate float64) {
	if !strings.Contains(text, "price of a hit") || !strings.Contains(text, "more CPU") {
		t.Errorf("says nothing of what a capture costs: %q", clip(text))
	}
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		for i := range f {
			if f[i] == "hits/s" && i > 0 {
				fmt.Sscan(f[i-1], &rate)
			}
		}
	}
	if rate <= 0 {
		t.Errorf("no rate in %q", clip(text))
	}
	return rate
}

func goroutinesCase(t *T) {
	p := t.fixture(cfg.newest + "/zoo")
	r := t.gobpftrace("goroutines", "-p", pidOf(p))
	t.status(r, 0)
	if n := strings.Count("\n"+r.stdout, "\ngoroutine "); n < 1000 {
		t.Errorf("%d goroutines, wanted 1000", n)
	}
}
