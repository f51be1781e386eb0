// Soak attaches to and detaches from one loaded service many times, then kills the tool in the
// middle of captures, and looks at what is left: the service's answers must stay right, its text
// must be what it was, and no probe, BPF object or file may remain.
//
//	soak -tool build/gobpftrace -service build/fixtures/…/demo-stripped -cycles 1000 -kills 100
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/attempts"
	"gobpftrace.test/drive/lab"
)

type soak struct {
	tool, dir string
	service   *lab.Program
	load      *load
	text      string
	before    map[lab.BPFID]bool
	started   map[lab.BPFID]bool // objects seen since: all must go
	failures  int
	harmed    bool // what no busy machine excuses
}

func (s *soak) fail(format string, args ...any) {
	s.failures++
	if s.failures <= 20 {
		fmt.Printf("FAIL soak: "+format+"\n", args...)
	}
}

// harm is fail for what no busy machine excuses.
func (s *soak) harm(format string, args ...any) {
	s.harmed = true
	s.fail(format, args...)
}

// settled checks what must hold while no capture is going on.
func (s *soak) settled(what string) {
	if !s.service.Alive() {
		s.harm("%s: the service is gone: %s", what, s.service.Ended())
		return
	}
	text, err := lab.TextSum(s.service.Pid())
	if err != nil {
		s.fail("%s: %v", what, err)
	} else if text != s.text {
		s.harm("%s: the service's text is not as before: %s, was %s", what, text, s.text)
	}
	if wrong := s.load.takeWrong(); len(wrong) > 0 {
		s.harm("%s: %d wrong answers: %s", what, len(wrong), wrong[0])
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		s.harm("%s: files remain in the output's place: %v %v", what, left, err)
		s.clear()
	}
}

// clear empties the output's place.
func (s *soak) clear() {
	left, _ := os.ReadDir(s.dir)
	for _, e := range left {
		os.RemoveAll(filepath.Join(s.dir, e.Name()))
	}
}

// remaining waits for every BPF object seen since the start to go.
func (s *soak) remaining(patience time.Duration) (left []lab.BPFID) {
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		now := lab.BPFObjects()
		left = left[:0]
		for id := range s.started {
			if now[id] {
				left = append(left, id)
			}
		}
		if len(left) == 0 || time.Since(begin) > patience {
			return left
		}
	}
}

func probesOfTracefs() string {
	for _, root := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		if text, err := os.ReadFile(root + "/uprobe_events"); err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}

func (s *soak) run(cycles, kills, perfEvery int) {
	if err := s.warmUp(); err != nil {
		s.fail("%v", err)
		return
	}
	events := probesOfTracefs()
	begin := time.Now()
	bytes := s.cycle(cycles, perfEvery)
	fmt.Printf("  %d attach/detach cycles in %v, %d bytes of trace\n", cycles, time.Since(begin).Round(time.Second), bytes)
	begin = time.Now()
	met := s.kill(kills, perfEvery)
	fmt.Printf("  %d kills of the tool in %v, of them while probes were placed, there, removed: %v\n", kills,
		time.Since(begin).Round(time.Second), met)
	for moment, n := range met {
		least := kills / 4
		if killMoment(moment) == removing { // a few ms, which are not always seen
			least = kills / 25
		}
		if n < least {
			s.fail("only %d of %d kills met the moment '%v': nothing was proved", n, kills, killMoment(moment))
		}
	}
	if left := s.remaining(30 * time.Second); len(left) > 0 {
		s.harm("%d BPF objects remain: %v", len(left), left)
	}
	if now := probesOfTracefs(); now != events {
		s.harm("uprobe_events has changed: %q, was %q", now, events)
	}
	right, slowest := s.load.stop()
	fmt.Printf("  %d right answers, the slowest after %v\n", right, slowest.Round(time.Millisecond))
	if right == 0 {
		s.fail("the service answered nothing")
	}
}

// warmUp learns the right answers and the text before anything is attached.
func (s *soak) warmUp() (err error) {
	if s.text, err = lab.TextSum(s.service.Pid()); err != nil {
		return err
	}
	s.before, s.started = lab.BPFObjects(), map[lab.BPFID]bool{}
	return s.load.start()
}

func main() {
	tool := flag.String("tool", "build/gobpftrace", "the tool")
	service := flag.String("service", "", "the demo service")
	cycles := flag.Int("cycles", 1000, "attach/detach cycles")
	kills := flag.Int("kills", 100, "kill -9 of the tool while it captures")
	perfEvery := flag.Int("perf-every", 20, "every Nth cycle and kill attaches by perf (0: none)")
	rate := flag.Int("rate", 200, "requests a second")
	flag.Parse()
	dir, err := os.MkdirTemp("", "gobpftrace-soak-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	p, ready, err := lab.Start(*service, "-addr", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	words := strings.Fields(ready)
	s := &soak{tool: *tool, dir: dir, service: p, load: newLoad(words[len(words)-1], *rate)}
	s.run(*cycles, *kills, *perfEvery)
	p.Stop()
	if s.failures > 0 {
		os.RemoveAll(dir)
		fmt.Printf("soak: %d failures\n", s.failures)
		if s.harmed {
			os.Exit(attempts.HarmedStatus)
		}
		os.Exit(1)
	}
	fmt.Println("soak: ok")
}
