package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// What a program allocates in a window, sampled from outside although the runtime keeps a profile of every
// allocation (MemProfileRate 1), is held against that profile: shares by stack in bytes overlap by 95 %,
// with at least 20,000 samples.
const (
	allocsOverlap = "0.95"
	allocsSamples = 20000
	everything    = "GODEBUG=memprofilerate=1"
)

// allocating is a program at work that writes its own heap profile.
type allocating struct {
	pid  int
	heap func(path string) error // of a state after two collections
	stop func()
}

func (r *runner) heapFixture(version string) (*allocating, error) {
	p, err := start(filepath.Join(r.fixtures, version, "heap-stripped"), "-rate", "1", "-rounds", "0")
	if err != nil {
		return nil, err
	}
	return &allocating{p.Pid(), func(path string) error { return ask(p, "heap "+path) }, p.Stop}, nil
}

// endpointHeap asks twice: a profile is that of the cycle before the last.
func endpointHeap(addr string) func(string) error {
	return func(path string) error {
		url := "http://" + addr + "/debug/pprof/heap?gc=1"
		if err := lab.Fetch(url, nil); err != nil {
			return err
		}
		return lab.FetchFile(url, path)
	}
}

// Clients wait for their answers, so a program that allocates slowly because each allocation is recorded is
// not run over.
func startPrometheus(program, dir string) (*allocating, error) {
	s, err := lab.StartPrometheus(program, "1s", dir, everything)
	if err != nil {
		return nil, err
	}
	at := "http://" + s.Addr
	quiet := lab.AskOften(2, 5*time.Millisecond, at+"/metrics", at+"/api/v1/query?query=rate(prometheus_http_requests_total[1m])",
		at+"/api/v1/query?query=go_goroutines", at+"/-/ready")
	return &allocating{s.Pid(), endpointHeap(s.Addr), func() { quiet(); s.Stop() }}, nil
}

func startSyncthing(program, dir string) (*allocating, error) {
	s, profiler, err := lab.StartSyncthing(program, dir, everything)
	if err != nil {
		return nil, err
	}
	at := "http://" + s.Addr
	quiet := lab.AskOften(2, 0, at+"/", at+"/meta.js", at+"/rest/noauth/health", at+"/assets/lang/lang-de.json")
	return &allocating{s.Pid(), endpointHeap(profiler), func() { quiet(); s.Stop() }}, nil
}

// allocs judges the fixture of a version.
func (r *runner) allocs(version string) {
	if minor(version) < 19 || !r.wanted("allocs") {
		return // none for Go 1.18: docs/heap.md
	}
	r.allocsOf(version+" allocs-estimate heap", func(string) (*allocating, error) { return r.heapFixture(version) })
}

// realAllocs judges Debian's programs, whose Go version is theirs.
func (r *runner) realAllocs() {
	if r.debian == "" || !r.wanted("allocs") {
		return
	}
	for name, begin := range map[string]func(string, string) (*allocating, error){"prometheus": startPrometheus, "syncthing": startSyncthing} {
		program := filepath.Join(r.debian, "usr/bin", name)
		title := "allocs-estimate " + name
		r.comparison(title, func() {
			r.allocsOf(title, func(dir string) (*allocating, error) { return begin(program, dir) })
		})
	}
}

func (r *runner) allocsOf(name string, begin func(dir string) (*allocating, error)) {
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	os.RemoveAll(dir)
	err := os.MkdirAll(dir, 0o755)
	var line string
	if err == nil {
		line, err = r.compareAllocs(dir, begin)
	}
	if err == nil {
		os.RemoveAll(dir)
	}
	r.verdict(name, line, err)
}

func (r *runner) compareAllocs(dir string, begin func(dir string) (*allocating, error)) (string, error) {
	p, err := begin(filepath.Join(dir, "data"))
	if err != nil {
		return "the program does not start", err
	}
	defer p.stop()
	time.Sleep(3 * time.Second) // what is allocated once is over
	base, ref, ours := filepath.Join(dir, "base.pprof"), filepath.Join(dir, "ref.pprof"), filepath.Join(dir, "ours.pprof")
	rate, err := r.sampleAllocs(p.pid, 3*time.Second, ours)
	if err == nil && rate == 0 {
		err = errors.New("nothing was allocated")
	}
	if err != nil {
		return "not sampled", err
	}
	d := time.Duration(1.3 * allocsSamples / rate * float64(time.Second))
	if d < 3*time.Second {
		d = 3 * time.Second
	}
	if d > 2*time.Minute {
		return "", fmt.Errorf("only %.0f samples a second", rate)
	}
	if err := p.heap(base); err != nil {
		return "no profile of its own", err
	}
	if rate, err = r.sampleAllocs(p.pid, d, ours); err != nil {
		return "not sampled", err
	}
	if err := p.heap(ref); err != nil {
		return "no profile of its own", err
	}
	samples := rate * d.Seconds()
	line, err := run(filepath.Join(r.judges, "heapcheck"), "-ref", ref, "-base", base, "-ours", ours, "-overlap", allocsOverlap)
	line += fmt.Sprintf(" of %.0f samples in %v", samples, d.Round(time.Second))
	if err == nil && samples < allocsSamples {
		err = fmt.Errorf("%d samples are wanted", allocsSamples)
	}
	return line, err
}

// sampleAllocs returns samples a second.
func (r *runner) sampleAllocs(pid int, d time.Duration, to string) (float64, error) {
	said, err := run(r.tool, "profile", "-p", fmt.Sprint(pid), "-t", "allocs", "-d", d.String(), "--max-overhead", "100",
		"--estimate-allocs", "-o", to, "--json")
	var told struct{ Events float64 }
	if err == nil {
		err = json.Unmarshal([]byte(said), &told)
	}
	return told.Events / d.Seconds(), err
}
