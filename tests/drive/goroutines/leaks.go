package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const leakSpan = 4 * time.Second

type leak struct {
	Count, Before, Grown uint64
	PerMinute            float64 `json:"per_minute"`
	OldestNS             int64   `json:"oldest_ns"`
	State                string
	CreatedBy            struct{ Func string } `json:"created_by"`
	Stack                []struct{ Func string }
}

type leakReport struct {
	Schema, Looks, Before, Now uint64
	SpanNS                     int64 `json:"span_ns"`
	Leaks                      []leak
}

// planted are the leaks of tests/fixtures/leaks, in the order of its counts and of their growth.
var planted = []struct{ creator, function, state string }{
	{"main.leakSend", "main.answer", "chan send"},
	{"main.leakTick", "main.watch", "select"},
	{"main.leakLock", "main.lockForever", ""}, // "sync.Mutex.Lock" or, before 1.20, "semacquire"
}

type leaky struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func startLeaky(binary string) (*leaky, error) {
	l := &leaky{cmd: exec.Command(binary)}
	var err error
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.lines = bufio.NewScanner(out)
	l.cmd.Stderr = os.Stderr
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	l.lines.Scan() // ready
	time.Sleep(time.Second)
	return l, nil
}

func (l *leaky) stop() {
	l.in.Close()
	l.cmd.Process.Kill()
	l.cmd.Wait()
}

// counts tells how many goroutines each leak has lost so far.
func (l *leaky) counts() (n [3]uint64, err error) {
	fmt.Fprintln(l.in, "counts")
	if !l.lines.Scan() {
		return n, fmt.Errorf("the program gave no answer")
	}
	_, err = fmt.Sscan(l.lines.Text(), &n[0], &n[1], &n[2])
	return n, err
}

func has(k leak, function string) bool {
	for _, f := range k.Stack {
		if f.Func == function {
			return true
		}
	}
	return false
}

// judgeLeak compares one reported leak with what the program itself counted before and after.
func judgeLeak(k leak, i int, before, after uint64) error {
	p := planted[i]
	switch {
	case k.CreatedBy.Func != p.creator || !has(k, p.function):
		return fmt.Errorf("number %d is not %s: %+v", i+1, p.creator, k)
	case p.state != "" && k.State != p.state:
		return fmt.Errorf("%s: state %q", p.creator, k.State)
	case k.Grown == 0 || k.Grown > after-before:
		return fmt.Errorf("%s: grew by %d, the program says at most %d", p.creator, k.Grown, after-before)
	// one is counted a moment before or after it is where it stays
	case k.Count+1 < before || k.Count > after+1:
		return fmt.Errorf("%s: %d now, the program says %d to %d", p.creator, k.Count, before, after)
	case time.Duration(k.OldestNS) < leakSpan-leakSpan/8:
		return fmt.Errorf("%s: the oldest is said to be there for %d ns", p.creator, k.OldestNS)
	case k.PerMinute*leakSpan.Minutes() < float64(k.Grown):
		return fmt.Errorf("%s: %v a minute, but %d in %v", p.creator, k.PerMinute, k.Grown, leakSpan)
	}
	return nil
}

func judgeLeaks(tool, binary string) error {
	l, err := startLeaky(binary)
	if err != nil {
		return err
	}
	defer l.stop()
	before, err := l.counts()
	if err != nil {
		return err
	}
	cmd := exec.Command(tool, "goroutines", "-p", strconv.Itoa(l.cmd.Process.Pid), "--leaks", leakSpan.String(), "--json")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	after, err := l.counts()
	if err != nil {
		return err
	}
	var r leakReport
	if err := json.Unmarshal(out, &r); err != nil {
		return err
	}
	if r.Before < 20000 || r.Now < 20000 || r.Looks < 3 {
		return fmt.Errorf("%d and %d goroutines in %d looks", r.Before, r.Now, r.Looks)
	}
	if len(r.Leaks) != len(planted) {
		return fmt.Errorf("%d groups reported, %d leaks planted: %+v", len(r.Leaks), len(planted), r.Leaks)
	}
	for i, k := range r.Leaks {
		if err := judgeLeak(k, i, before[i], after[i]); err != nil {
			return err
		}
	}
	return nil
}
