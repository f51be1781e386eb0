package main

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// Captures that cost no more than they may, and say what they could not see.
func modeCases() {
	add("by default a capture of a quiet program is full", quietAutoCase)
	add("by default a storm is bounded", stormCase("--attach", "multi"))
	add("--mode auto by perf events", stormCase("--attach", "perf", "--mode", "auto"))
	add("--mode burst whose probes cannot be put back", probesGoneCase)
	add("--mode burst", burstCase)
	add("--mode burst by perf events is refused", perfBurstCase)
	add("--mode observe", observeCase)
	add("--mode light", lightCase("multi"))
	add("--mode light by perf events", lightCase("perf"))
	add("--mode light with a budget", lightBudgetCase)
	add("--max-overhead ends a full capture", overCase)
}

func (t *T) figures(dir string) map[string]any {
	return t.json(t.read(filepath.Join(dir, "summary.json")))
}

// number is a figure of the summary by its keys.
func (t *T) number(of map[string]any, keys ...string) float64 {
	for _, k := range keys[:len(keys)-1] {
		of, _ = of[k].(map[string]any)
	}
	v, ok := of[keys[len(keys)-1]].(float64)
	if !ok {
		t.Errorf("the summary has no %v", keys)
	}
	return v
}

func quietAutoCase(t *T) {
	p := t.program(cfg.newest + "/demo-stripped")
	r := t.byDefault("record", "-p", pidOf(p), "-d", "1s", "-o", "out")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 10, goroutines: 5, noSamples: true})
	f := t.figures(t.Path("out"))
	if f["mode"] != "full" || f["mode_asked"] != "auto" || t.number(f, "slices") != 0 {
		t.Errorf("mode %v, asked %v, %v slices", f["mode"], f["mode_asked"], f["slices"])
	}
	if strings.HasPrefix(r.stdout, "PARTIAL") {
		t.Errorf("a whole capture is called partial")
	}
}

// sliced judges a capture of which there are only parts: each a whole trace, and a replay gives them again.
func (t *T) sliced(dir string) map[string]any {
	f := t.figures(dir)
	text := t.read(filepath.Join(dir, "summary.txt"))
	if f["mode"] != "burst" || !strings.HasPrefix(text, "PARTIAL: ") || !strings.Contains(strings.SplitN(text, "\n", 2)[0], "--mode full --max-overhead off") {
		t.Errorf("mode %v, the first line is %q", f["mode"], clip(text))
	}
	traces, _ := filepath.Glob(filepath.Join(dir, "trace*.out"))
	if list, _ := f["traces"].([]any); len(list) != len(traces) || len(list) == 0 || len(list) > 10 {
		t.Errorf("%d traces, %d in the summary", len(traces), len(list))
	}
	for _, path := range traces {
		t.judge(path, wants{})
	}
	if t.number(f, "sliced_ns") > t.number(f, "capture_ns") {
		t.Errorf("slices of %v ns in %v ns", f["sliced_ns"], f["capture_ns"])
	}
	again := t.Path("again")
	os.RemoveAll(again)
	t.status(t.gobpftrace("replay", "-q", filepath.Join(dir, "capture.raw"), "-o", again), 0)
	for _, path := range append(traces, filepath.Join(dir, "summary.json"), filepath.Join(dir, "block.pprof")) {
		if t.read(path) != t.read(filepath.Join(again, filepath.Base(path))) {
			t.Errorf("%s differs after replay", filepath.Base(path))
		}
	}
	return f
}

// A program that does nothing but switch goroutines would become several times slower.
func stormCase(options ...string) func(*T) {
	return func(t *T) {
		p := t.program(cfg.newest+"/bench", "-do", "pingpong", "-n", "4")
		time.Sleep(300 * time.Millisecond)
		r := t.byDefault(append([]string{"record", "-p", pidOf(p), "-d", "3s", "--raw", "-o", "out"}, options...)...)
		t.status(r, 0)
		f := t.sliced(t.Path("out"))
		// by the governor's own account: what the programs counted, times the price
		cpu, spent := t.number(f, "cost", "target_cpu_ns"), t.number(f, "cost", "spent_ns")
		limit := 0.05*1.5*(cpu-spent) + 20e6
		if options[1] == "perf" { // taking them away lasts seconds, which no account can help
			limit = cpu
		}
		if spent <= 0 || spent > limit {
			t.Errorf("%.1f ms spent of %.1f ms CPU time", spent/1e6, cpu/1e6)
		}
		if t.number(f, "sliced_ns") > 0.5*t.number(f, "capture_ns") && options[1] == "multi" {
			t.Errorf("probes were in place for %v of %v ns", f["sliced_ns"], f["capture_ns"])
		}
		if t.number(f, "cost", "full_added") < 0.5 {
			t.Errorf("says that everything would have added %v", t.number(f, "cost", "full_added"))
		}
	}
}

// scribble puts other bytes where a function of a program begins that it never calls.
func (t *T) scribble(p *lab.Program, function string) {
	exe := fmt.Sprintf("/proc/%d/exe", p.Pid())
	f, err := elf.Open(exe)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer f.Close()
	symbols, _ := f.Symbols()
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", p.Pid()), os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer mem.Close()
	for _, s := range symbols {
		if s.Name == function {
			if _, err := mem.WriteAt(make([]byte, 32), int64(s.Value)); err != nil {
				t.Fatalf("%s: %v", function, err)
			}
			return
		}
	}
	t.Fatalf("no %s in %s", function, exe)
}

// What was seen until then is written, and why there was no more.
func probesGoneCase(t *T) {
	p := t.program(cfg.newest+"/bench", "-do", "pingpong", "-n", "4")
	run := t.recording(p, "record", "-p", pidOf(p), "-d", "3s", "--raw", "--mode", "burst", "--max-overhead", "1000", "-o", "out")
	t.scribble(p, "runtime.gcSweep")
	r := t.wait(run)
	t.status(r, 0)
	f := t.sliced(t.Path("out"))
	gone, _ := f["capture"].(map[string]any)["probes_gone"].(map[string]any)
	if from, _ := gone["from_ns"].(float64); from <= 0 || from > 3.5e9 || gone["why"] == "" {
		t.Errorf("probes_gone is %v", gone)
	}
	if !strings.Contains(r.stdout, "\nNO PROBES from +") || !strings.Contains(r.stderr, "what was seen is kept") {
		t.Errorf("says %q and %q", clip(r.stdout), clip(r.stderr))
	}
	if top := t.top(t.Path("out/wall.pprof")); !strings.Contains(top, "main.pingpong") {
		t.Errorf("nobody looked: %q", clip(top))
	}
}

func burstCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,timers", "-n", "20")
	r := t.gobpftrace("record", "-p", pidOf(p), "-d", "3s", "--raw", "--mode", "burst", "--max-overhead", "1000%", "-o", "out")
	t.status(r, 0)
	f := t.sliced(t.Path("out"))
	if n := t.number(f, "slices"); n < 2 || n > 4 {
		t.Errorf("%v slices of 300 ms in 3 s, a quarter of the time", n)
	}
	if share := t.number(f, "sliced_ns") / t.number(f, "capture_ns"); share < 0.1 || share > 0.5 {
		t.Errorf("slices are %v of the time", share)
	}
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "an estimate: seen for") {
		t.Errorf("the summary does not say that profiles are scaled")
	}
}

func perfBurstCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	t.refused(t.gobpftrace("record", "-p", pidOf(p), "-d", "1s", "--mode", "burst", "--attach", "perf", "-o", "out"), []int{3}, "observe")
}

func observeCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("record", "-p", pidOf(p), "-d", "1s", "--mode", "observe", "-o", "out")
	t.status(r, 0)
	if exists(t.Path("out/trace.out")) || exists(t.Path("out/block.pprof")) {
		t.Errorf("a trace or a block profile of a capture without transitions")
	}
	f := t.figures(t.Path("out"))
	if f["mode"] != "observe" || f["trace"] != nil || f["scheduler_latency"] != nil || !strings.HasPrefix(r.stdout, "SAMPLED: ") {
		t.Errorf("mode %v, trace %v, says %q", f["mode"], f["trace"], clip(r.stdout))
	}
	if hits := t.number(f, "cost", "hits"); hits != 0 {
		t.Errorf("%v hits without probes", hits)
	}
	if t.number(f, "looks") < 5 {
		t.Errorf("%v looks in a second", f["looks"])
	}
	if top := t.top(t.Path("out/wall.pprof")); !strings.Contains(top, "runtime.gopark") {
		t.Errorf("nobody waits: %q", clip(top))
	}
	t.pprof(t.Path("out/goroutine.pprof"), "goroutine")
}

// A hit is a start; what it was that stopped, and for how long, is told within bounds, and a replay tells the same.
func lightCase(attach string) func(*T) {
	return func(t *T) {
		p := t.fixture(cfg.newest+"/workload", busy...)
		r := t.gobpftrace("record", "-p", pidOf(p), "-d", "1s", "--raw", "--mode", "light", "--attach", attach, "-o", "out")
		t.status(r, 0)
		if exists(t.Path("out/trace.out")) || exists(t.Path("out/block.pprof")) {
			t.Errorf("a trace or a block profile of a capture without transitions")
		}
		f := t.figures(t.Path("out"))
		if f["mode"] != "light" || f["trace"] != nil || !strings.HasPrefix(r.stdout, "LIGHT: ") || !strings.Contains(r.stdout, "\nSTOPS  worst ") {
			t.Errorf("mode %v, trace %v, says %q", f["mode"], f["trace"], clip(r.stdout))
		}
		starts, stops, unknown := t.number(f, "starts", "count"), t.number(f, "starts", "stops"), t.number(f, "starts", "stops_unknown")
		if hits := t.number(f, "cost", "hits"); starts < 100 || starts > hits || starts < 0.99*hits {
			t.Errorf("%v starts of %v hits", starts, hits)
		}
		if ended := t.number(f, "starts", "ended"); stops+ended > starts || stops+ended < 0.9*starts || unknown > 0.01*stops {
			t.Errorf("%v stops, %v of them not known, and %v ends of %v starts", stops, unknown, ended, starts)
		}
		if least, most := t.number(f, "starts", "off_least_ns"), t.number(f, "starts", "off_most_ns"); least <= 0 || least > most {
			t.Errorf("off for %v to %v ns", least, most)
		}
		t.pprof(t.Path("out/stops.pprof"), "off_at_least")
		if top := t.top(t.Path("out/stops.pprof")); !strings.Contains(top, "runtime.chanrecv") && !strings.Contains(top, "runtime.selectgo") {
			t.Errorf("nobody stops: %q", clip(top))
		}
		t.status(t.gobpftrace("replay", "-q", t.Path("out/capture.raw"), "-o", t.Path("again")), 0)
		for _, name := range []string{"stops.pprof", "summary.json"} {
			if t.read(t.Path("out/"+name)) != t.read(t.Path("again/"+name)) {
				t.Errorf("%s differs after replay", name)
			}
		}
	}
}

func lightBudgetCase(t *T) {
	p := t.program(cfg.newest+"/bench", "-do", "pingpong", "-n", "4")
	r := t.gobpftrace("record", "-p", pidOf(p), "-d", "30s", "--mode", "light", "--max-overhead", "5", "-o", "out")
	t.status(r, 0)
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "ended by      max-overhead") || r.took > 25*time.Second {
		t.Errorf("the budget did not end it: %q", clip(text))
	}
}

func overCase(t *T) {
	p := t.program(cfg.newest+"/bench", "-do", "pingpong", "-n", "4")
	r := t.gobpftrace("record", "-p", pidOf(p), "-d", "30s", "--mode", "full", "--max-overhead", "5", "-o", "out")
	t.status(r, 0)
	t.judge(t.Path("out/trace.out"), wants{})
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "ended by      max-overhead") || r.took > 25*time.Second {
		t.Errorf("the budget did not end it: %q", clip(text))
	}
}
