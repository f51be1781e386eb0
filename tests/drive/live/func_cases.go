package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func funcCases() {
	for _, v := range []string{cfg.versions[0], cfg.newest} {
		add("watch: a thread without a CPU, go"+v, watchOffCPUCase(v))
		add("watch: slow functions, go"+v, watchFuncCase(v))
		addBeside("watch: functions that cannot be watched, go"+v, watchFuncNoneCase(v))
	}
}

// loggedCall is a line of the log of tests/fixtures/slowfuncs.
type loggedCall struct {
	name       string
	begin, end int64
}

func (t *T) loggedCalls(path, name string) (list []loggedCall) {
	for _, line := range strings.Split(t.read(path), "\n") {
		var c loggedCall
		if n, _ := fmt.Sscan(line, &c.name, &c.begin, &c.end); n == 3 && c.name == name {
			list = append(list, c)
		}
	}
	return list
}

// logged is whether one in the log took as long, within so much more than what we told.
func logged(list []loggedCall, took, less, more float64) bool {
	for _, c := range list {
		if d := float64(c.end-c.begin) - took; d >= -less && d <= more {
			return true
		}
	}
	return false
}

func capturesOf(list []event, goroutine uint64) (found []event) {
	for _, e := range of(list, "capture") {
		if e.Goroutine == goroutine {
			found = append(found, e)
		}
	}
	return found
}

// A goroutine that never stops logs when its thread did not run. On a busy machine others are without a CPU as long,
// of whom the log knows nothing. The thread may go again at once when it comes back: then the goroutine sees one gap
// where the kernel had two.
func watchOffCPUCase(v string) func(*T) {
	return func(t *T) {
		p := t.fixture(v+"/slowfuncs", "-hog", "-log", t.Path("log"))
		r := t.watch("-p", pidOf(p), "--mode", "full", "--keep", "1s", "--cool-down", "0", "--on", "offcpu-running > 55ms")
		var spinner []loggedCall
		comes(func() bool { spinner = t.loggedCalls(t.Path("log"), "goroutine"); return len(spinner) > 0 })
		if len(spinner) == 0 {
			t.ends(r)
			t.Fatalf("the log does not name the goroutine")
		}
		id := uint64(spinner[0].begin)
		comes(func() bool { return len(capturesOf(t.soFar(), id)) >= 2 })
		got := of(t.ends(r), "capture")
		gaps, seen := t.loggedCalls(t.Path("log"), "offcpu"), len(capturesOf(got, id))
		for _, c := range got {
			if c.Goroutine == id && !logged(gaps, c.ValueRaw, 1e5, 5e6) {
				t.Errorf("no gap of %v ms in the log: %v", c.ValueRaw/1e6, gaps)
			}
			dir := t.Path(c.Folder)
			spent := t.json(t.read(filepath.Join(dir, "reason.json")))["spent"].(map[string]any)
			if spent["off_cpu_ns"] != c.ValueRaw || spent["running_ns"].(float64) != 0 {
				t.Errorf("%v ns without a CPU, spent: %v", c.ValueRaw, spent)
			}
			if text := t.read(filepath.Join(dir, "summary.txt")); !strings.Contains(text, "of the trace\n  without a CPU") {
				t.Errorf("the summary does not say first that it had no CPU:\n%s", clip(text))
			}
		}
		if seen < 2 {
			t.Errorf("%d captures of goroutine %d, wanted 2 at least: %v", seen, id, got)
		}
	}
}

// Those that return when they are slow, by which way ever. A panic and Goexit go through the others: none of their
// slow calls is judged, all are counted.
var returning = []string{"main.(*shop).Charge", "main.recurse", "main.recovers", "main.grows", "main.chooses"}

// The program's own log is the referee: it is taken right around each call. The slowest of a recursion is its outermost call.
func watchFuncCase(v string) func(*T) {
	return func(t *T) {
		p := t.fixture(v+"/slowfuncs", "-log", t.Path("log"))
		for i, name := range returning {
			dir := fmt.Sprint("out", i)
			r := t.start(nil, "watch", "-p", pidOf(p), "-o", dir, "--mode", "full", "--keep", "1s", "--cool-down", "0", "-q",
				"--on", "func "+name+" > 50ms", "--on", "func main.panics > 50ms", "--on", "func main.exits > 50ms")
			for begin := time.Now(); time.Since(begin) < patience/4; time.Sleep(50 * time.Millisecond) {
				if done, _ := filepath.Glob(t.Path(dir + "/2*")); len(done) == 2 {
					break
				}
			}
			r.cmd.Process.Signal(os.Interrupt)
			res := t.wait(r)
			t.status(res, 0)
			if !strings.Contains(res.stderr, name+": ") || !strings.Contains(res.stderr, "single-stepped, which takes") {
				t.Errorf("the price of %s is not told: %s", name, res.stderr)
			}
			got, _ := filepath.Glob(t.Path(dir + "/2*"))
			if len(got) < 2 {
				t.Fatalf("%s: %d captures: %v", name, len(got), got)
			}
			for _, c := range got {
				t.slowFunc(c, name)
			}
		}
	}
}

func (t *T) slowFunc(dir, name string) {
	reason := t.json(t.read(filepath.Join(dir, "reason.json")))
	value := reason["value_raw"].(float64)
	if reason["condition"] != "func "+name+" > 50ms" || !strings.Contains(fmt.Sprint(reason["stack"]), name) {
		t.Errorf("%s fired: %v", name, reason)
	}
	// the log's times have the call itself, its probes and, on a busy machine, what came between
	if list := t.loggedCalls(t.Path("log"), name); !logged(list, value, 1e5, 3e6) {
		t.Errorf("%s: no call of %v ms in the log: %v", name, value/1e6, list)
	}
	if spent := reason["spent"].(map[string]any); spent["total_ns"] != value || spent["waits"].([]any)[0].(map[string]any)["reason"] != "sleep" {
		t.Errorf("%s slept, but spent: %v", name, spent)
	}
	lost := t.json(t.read(filepath.Join(dir, "summary.json")))["lost"].(map[string]any)
	if lost["events"].(float64) != 0 || lost["calls"] != nil {
		t.Errorf("%s: losses: %v", name, lost)
	}
}

func watchFuncNoneCase(v string) func(*T) {
	return func(t *T) {
		p := t.fixture(v+"/slowfuncs", "-log", t.Path("log"))
		for name, why := range map[string]string{
			"main.inlined":                     "inlined into its callers: main.call.func1",
			"main.(*shop).Chrge":               "is it main.(*shop).Charge?",
			"main.spins":                       "it never returns",
			"runtime.gopark":                   "functions of the runtime",
			"internal/bytealg.IndexByteString": "assembly",
		} {
			r := t.gobpftrace("watch", "-p", pidOf(p), "-o", "none", "--on", "func "+name+" > 50ms")
			t.refused(r, []int{3}, why)
		}
	}
}
