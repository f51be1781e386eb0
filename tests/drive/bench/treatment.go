package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

// outcome is what a treatment itself says, and took, when it has ended. 0 where it has no such thing.
type outcome struct {
	covered       float64 // seconds
	events, bytes float64
	hits          float64
	lost          float64
	told          float64 // percent that the target's CPU time is said to have grown by
	toolNS, rss   float64 // of the tool from its start to its end, files written
}

// running is a treatment that is on.
type running interface {
	toolCPU() float64 // ns so far
	stop() (outcome, error)
}

type treatment struct {
	name, what string
	command    string // what must be on this machine; "" nothing
	start      func(b *bench, t target) (running, error)
}

// A mode of ours is a row here: {"light", "ours, --mode light", "", record("--mode", "light")}. Of those with a budget the
// promise is held second by second in budget.go.
var treatments = []treatment{
	{"none", "nothing: how far two untreated windows differ", "", nothing},
	{"full", "gobpftrace record --mode full", "", record("--mode", "full")},
	{"auto", "gobpftrace record --mode auto --max-overhead 5", "", sliced("--mode", "auto", "--max-overhead", "5")},
	{"light", "gobpftrace record --mode light", "", record("--mode", "light")},
	{"burst", "gobpftrace record --mode burst --max-overhead 5", "", sliced("--mode", "burst", "--max-overhead", "5")},
	{"observe", "gobpftrace record --mode observe", "", sliced("--mode", "observe")},
	{"cpu", "gobpftrace profile -t cpu --hz 99", "", profile("cpu", "--hz", "99")},
	{"wall", "gobpftrace profile -t wall --hz 100", "", profile("wall", "--hz", "100")},
	{"dump", "gobpftrace goroutines --group-by stack each second", "", dumpsEachSecond},
	{"block", "gobpftrace profile -t block", "", profile("block")},
	{"allocs", "gobpftrace profile -t allocs, sampled in its duty cycle", "", profile("allocs", "--estimate-allocs")},
	{"trace", "runtime/trace to a file", "", own("trace")},
	{"flight", "a runtime/trace FlightRecorder", "", own("flight")},
	{"pprof-cpu", "runtime/pprof CPU profile, 100 Hz", "", own("cpu")},
	{"pprof-block", "runtime/pprof block profile at rate 1", "", own("block")},
	{"pprof-mutex", "runtime/pprof mutex profile at fraction 1", "", own("mutex")},
	{"casgstatus", "a libbpf program that counts runtime.casgstatus", "", probed("bare", "entry:runtime.casgstatus")},
	{"bpftrace", "bpftrace that counts runtime.casgstatus", "bpftrace", bpftrace},
	{"perf", "perf record -g", "perf", perfRecord},
	{"bare", "a program that counts, at the probes of full", "", probed("bare", "all")},
	{"bare-run", "a program that counts, where goroutines are started", "", probed("bare", "only:run")},
	{"floor", "empty programs at everything that full attaches", "", probed("empty", "all")},
}

// What has just been switched on gets this long before a window begins, and longer where it was too short: a tool
// that has something attached may still be trying out what the kernel can do.
const (
	warming        = 200 * time.Millisecond
	longestWarming = 10 * time.Second
)

type idleTreatment struct{}

func (idleTreatment) toolCPU() float64       { return 0 }
func (idleTreatment) stop() (outcome, error) { return outcome{}, nil }

func nothing(*bench, target) (running, error) { return idleTreatment{}, nil }

// tool is a command that runs beside the target until it is interrupted.
type tool struct {
	cmd   *exec.Cmd
	said  strings.Builder
	out   strings.Builder
	parse func(*tool) (outcome, error) // nil: a tool of somebody else's
	ended chan error
}

// startTool returns when the tool has attached something.
func startTool(parse func(*tool) (outcome, error), path string, args ...string) (*tool, error) {
	t := &tool{cmd: exec.Command(path, args...), parse: parse, ended: make(chan error, 1)}
	t.cmd.Stdout, t.cmd.Stderr = &t.out, &t.said
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { t.ended <- t.cmd.Wait() }()
	for begin := time.Now(); !attached(t.cmd.Process.Pid); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-t.ended:
			return nil, fmt.Errorf("%s ended: %v: %s", filepath.Base(path), err, strings.TrimSpace(t.said.String()))
		default:
		}
		if time.Since(begin) > 20*time.Second {
			t.cmd.Process.Kill()
			return nil, fmt.Errorf("%s attaches nothing: %v", filepath.Base(path), <-t.ended)
		}
	}
	time.Sleep(warming)
	return t, nil
}

// attached tells whether a process has a link of a BPF program or a perf event open.
func attached(pid int) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		to, _ := os.Readlink(filepath.Join(dir, e.Name()))
		if strings.Contains(to, "perf_event") || strings.Contains(to, "bpf_link") || strings.Contains(to, "bpf-link") {
			return true
		}
	}
	return false
}

func (t *tool) toolCPU() float64 {
	ns, _ := lab.ProcessCPU(t.cmd.Process.Pid)
	return float64(ns)
}

func (t *tool) stop() (o outcome, err error) {
	t.cmd.Process.Signal(syscall.SIGINT)
	killer := time.AfterFunc(2*time.Minute, func() { t.cmd.Process.Kill() })
	err = <-t.ended
	late := !killer.Stop()
	switch {
	case late:
		err = errors.New("did not end when interrupted")
	case t.parse == nil:
		err = nil // who is interrupted may say so by its status
	case err == nil:
		o, err = t.parse(t)
	}
	if err != nil {
		return o, fmt.Errorf("%s: %v: %s", filepath.Base(t.cmd.Path), err, strings.TrimSpace(t.said.String()))
	}
	if ru, ok := t.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.toolNS, o.rss = float64(ru.Utime.Nano()+ru.Stime.Nano()), float64(ru.Maxrss<<10)
	}
	return o, nil
}

func fileSize(path string) float64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return float64(info.Size())
}
