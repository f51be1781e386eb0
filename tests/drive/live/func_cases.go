package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

func funcCases() {
	for _, v := range []string{cfg.versions[0], cfg.newest} {
		add("watch: a thread without a CPU, go"+v, watchOffCPUCase(v))
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

// A goroutine that never stops logs when its thread did not run. On a busy machine others are without a CPU as long,
// of whom the log knows nothing. The thread may go again at once when it comes back: then the goroutine sees one gap
// where the kernel had two.
func watchOffCPUCase(v string) func(*T) {
	return func(t *T) {
		p := t.fixture(v+"/slowfuncs", "-hog", "-log", t.Path("log"))
		r := t.watch("-p", pidOf(p), "--keep", "1s", "--cool-down", "0", "--on", "offcpu-running > 55ms")
		time.Sleep(5 * time.Second)
		got := of(t.ends(r), "capture")
		gaps, spinner, seen := t.loggedCalls(t.Path("log"), "offcpu"), t.loggedCalls(t.Path("log"), "goroutine"), 0
		for _, c := range got {
			its := c.Goroutine == uint64(spinner[0].begin)
			if its {
				seen++
			}
			if its && !logged(gaps, c.ValueRaw, 1e5, 5e6) {
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
			t.Errorf("%d captures of goroutine %d, wanted one a second: %v", seen, spinner[0].begin, got)
		}
	}
}
