package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// sample is what a target did in a window.
type sample struct {
	ops, seconds, cpuNS, p99NS float64
}

func (s sample) perOp() float64 { return s.cpuNS / s.ops }
func (s sample) rate() float64  { return s.ops / s.seconds }

// between is what lies half way between two windows.
func between(a, b sample) sample {
	return sample{(a.ops + b.ops) / 2, (a.seconds + b.seconds) / 2, (a.cpuNS + b.cpuNS) / 2, (a.p99NS + b.p99NS) / 2}
}

// errNotHere: this target has no such thing; the pair is left out, and that is said.
var errNotHere = errors.New("this target has none")

// target is a running workload.
type target interface {
	pid() int
	window(d time.Duration) (sample, error)
	// switches one of the program's own recorders: "trace on FILE", "cpu off" …
	command(words string) error
	stop()
}

type workload struct {
	name, what string
	window     time.Duration
	start      func(*bench) (target, error)
	only       map[string]bool // these treatments alone; nil: all
}

var workloads = []workload{
	{"http", "HTTP loopback, server and two clients in one process, flat out", time.Second, fixtureLoad("http"), nil},
	{"service", "a service at 200 requests/s, open loop, 1 ms of work each", 3 * time.Second, startService, nil},
	{"pingpong", "channel ping-pong, two pairs", time.Second, fixtureLoad("pingpong"), nil},
	{"spawn", "spawn storm: two workers, 100 goroutines at a time", time.Second, fixtureLoad("spawn"), nil},
	{"syscall", "syscall storm: two workers that write a byte to /dev/null", time.Second, fixtureLoad("syscall"), nil},
	{"gc", "GC-heavy: two workers that build trees of 65,536 leaves and keep 16 each", 2 * time.Second, fixtureLoad("gc"), nil},
	{"idle", "100,000 goroutines that sleep, 5,000 a second wake up", 2 * time.Second, fixtureLoad("idle"), nil},
	{"prometheus", "prometheus that scrapes itself ten times a second and answers 100 requests/s", 3 * time.Second, startServing, nil},
	{"parked", "HTTP loopback as above beside 1,000 parked goroutines", time.Second, fixtureLoad("http", "-parked", "1000"), map[string]bool{"wall": true}},
}

// fixtureTarget is tests/fixtures/bench, which reports about itself.
type fixtureTarget struct{ p *lab.Program }

func (f fixtureTarget) pid() int { return f.p.Pid() }
func (f fixtureTarget) stop()    { f.p.Stop() }

func (f fixtureTarget) command(words string) error {
	said := f.p.Ask(words)
	if strings.HasPrefix(said, "error no FlightRecorder") {
		return errNotHere
	}
	if said != "done" {
		return fmt.Errorf("to %q the target said %q", words, said)
	}
	return nil
}

func (f fixtureTarget) report() (s sample, err error) {
	var r struct {
		Ops, Seconds float64
		CPU          float64 `json:"cpu_seconds"`
		P99          float64 `json:"p99_ns"`
	}
	said := f.p.Ask("report")
	if err := json.Unmarshal([]byte(said), &r); err != nil {
		return s, fmt.Errorf("for a report the target said %q", said)
	}
	return sample{r.Ops, r.Seconds, r.CPU * 1e9, r.P99}, nil
}

func (f fixtureTarget) window(d time.Duration) (s sample, err error) {
	if _, err := f.report(); err != nil {
		return s, err
	}
	time.Sleep(d)
	if s, err = f.report(); err == nil && s.ops == 0 {
		err = fmt.Errorf("the target did nothing in %v", d)
	}
	return s, err
}

func fixtureLoad(do string, more ...string) func(*bench) (target, error) {
	return func(b *bench) (target, error) {
		p, _, err := lab.Start(b.fixture("bench"), append([]string{"-do", do, "-every", "0"}, more...)...)
		if err != nil {
			return nil, err
		}
		return fixtureTarget{p}, nil
	}
}

// requests is a running loadgen.
type requests struct{ p *lab.Program }

func (b *bench) load(rate int, urls ...string) (requests, error) {
	p, _, err := lab.Start(b.fixture("loadgen"), append([]string{"-ask", "-for", "0", "-rate", fmt.Sprint(rate)}, urls...)...)
	return requests{p}, err
}

// since is what was answered since the last time: requests, the time, p99.
func (r requests) since() (s sample, err error) {
	var answer struct {
		OK, Failed float64
		P99        float64 `json:"p99_ms"`
		Seconds    float64
	}
	said := r.p.Ask("")
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		return s, fmt.Errorf("for a report loadgen said %q", said)
	}
	if answer.Failed > 0 {
		return s, fmt.Errorf("%.0f requests failed", answer.Failed)
	}
	return sample{ops: answer.OK, seconds: answer.Seconds, p99NS: answer.P99 * 1e6}, nil
}

// served is a target whose load comes from a loadgen; its CPU time is the kernel's word.
type served struct {
	process  int
	requests requests
	own      func(words string) error
	end      func()
}

func (s *served) pid() int                   { return s.process }
func (s *served) command(words string) error { return s.own(words) }

func (s *served) stop() {
	s.requests.p.Stop()
	s.end()
}

func (s *served) window(d time.Duration) (w sample, err error) {
	if _, err = s.requests.since(); err != nil {
		return w, err
	}
	cpu, err := cpuOver(s.process, d)
	if err != nil {
		return w, err
	}
	if w, err = s.requests.since(); err == nil && w.ops == 0 {
		err = fmt.Errorf("nothing was answered in %v", d)
	}
	w.cpuNS = float64(cpu)
	return w, err
}

func startService(b *bench) (target, error) {
	p, ready, err := lab.Start(b.fixture("bench"), "-do", "service", "-every", "0")
	if err != nil {
		return nil, err
	}
	r, err := b.load(200, "http://"+ready[strings.LastIndexByte(ready, ' ')+1:]+"/")
	if err != nil {
		p.Stop()
		return nil, err
	}
	return &served{p.Pid(), r, fixtureTarget{p}.command, p.Stop}, nil
}

// startServing: its recorders are reached as a user would, by /debug/pprof.
func startServing(b *bench) (target, error) {
	p, err := lab.StartPrometheus(b.serving, "100ms", filepath.Join(b.work, "serving"))
	if err != nil {
		return nil, err
	}
	at, now := p.Addr, time.Now().Unix()
	r, err := b.load(100, "http://"+at+"/metrics", "http://"+at+"/api/v1/query?query=rate(prometheus_http_requests_total[1m])",
		fmt.Sprintf("http://%s/api/v1/query_range?query=go_goroutines&start=%d&end=%d&step=1", at, now-60, now), "http://"+at+"/-/ready")
	if err != nil {
		p.Stop()
		return nil, err
	}
	return &served{p.Pid(), r, (&endpoint{at: at}).command, p.Stop}, nil
}
