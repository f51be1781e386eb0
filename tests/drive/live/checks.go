package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

// result is how a run of the tool ended.
type result struct {
	args           []string
	status         int
	stdout, stderr string
	took           time.Duration
}

func (r *result) String() string {
	return fmt.Sprintf("gobpftrace %s: exit status %d, stderr %q", strings.Join(r.args, " "), r.status, clip(r.stderr))
}

func clip(s string) string {
	if len(s) > 600 {
		return s[:600] + "…"
	}
	return s
}

// running is a run of the tool that goes on.
type running struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	begin    time.Time
}

const patience = 90 * time.Second

// start runs the tool in the case's folder; env is added to the environment.
func (t *T) start(env []string, args ...string) *running {
	return t.startAs(nil, env, append([]string{cfg.tool}, inFull(args)...)...)
}

// inFull asks for every transition, whatever that costs a busy target, where a case does not say itself what it wants.
// A command has them all.
func inFull(args []string) []string {
	if len(args) == 0 || args[0] != "record" && (args[0][0] != '-' || args[0] == "--help" || args[0] == "--version") {
		return args
	}
	for _, a := range args {
		if a == "--" || strings.HasPrefix(a, "--mode") || strings.HasPrefix(a, "--max-overhead") {
			return args
		}
	}
	return append(append([]string(nil), args...), "--mode", "full")
}

// byDefault runs the tool as it is.
func (t *T) byDefault(args ...string) *result {
	return t.wait(t.startAs(nil, nil, append([]string{cfg.tool}, args...)...))
}

func (t *T) startAs(attr *syscall.SysProcAttr, env []string, argv ...string) *running {
	r := &running{cmd: exec.Command(argv[0], argv[1:]...), begin: time.Now()}
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = t.dir, &r.out, &r.err
	r.cmd.SysProcAttr = attr
	r.cmd.WaitDelay = time.Second // a COMMAND that goes on holds our pipes
	if env != nil {
		r.cmd.Env = append(os.Environ(), env...)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", argv[0], err)
	}
	return r
}

func (t *T) wait(r *running) *result {
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(patience):
		r.cmd.Process.Kill()
		<-ended
		t.Fatalf("gobpftrace %v did not end within %v", r.cmd.Args[1:], patience)
	}
	res := &result{args: r.cmd.Args[1:], stdout: r.out.String(), stderr: r.err.String(), took: time.Since(r.begin)}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		res.status = exit.ExitCode()
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			t.Harmf("gobpftrace %v died of %v: %s", res.args, ws.Signal(), clip(res.stderr))
		}
	} else if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("gobpftrace: %v", err)
	}
	return res
}

// recording starts the tool and returns a second after its probes are in the target.
func (t *T) recording(p *lab.Program, args ...string) *running {
	before, err := lab.TextSum(p.Pid())
	if err != nil {
		t.Fatalf("%v", err)
	}
	r := t.start(nil, args...)
	for time.Since(r.begin) < patience {
		if now, err := lab.TextSum(p.Pid()); err != nil || now != before {
			time.Sleep(time.Second)
			return r
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.cmd.Process.Kill()
	t.Fatalf("no probe within %v: %s", patience, t.wait(r))
	return nil
}

// taken waits until the tool has taken a signal: one that is still pending swallows the next.
func (t *T) taken(r *running, sig syscall.Signal) {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
		pending := uint64(0)
		if _, list, found := strings.Cut(string(text), "\nShdPnd:\t"); found {
			fmt.Sscanf(list, "%x", &pending)
		}
		if err != nil || pending&(1<<(sig-1)) == 0 {
			return
		}
	}
	t.Errorf("%v is still pending", sig)
}

func (t *T) gobpftrace(args ...string) *result { return t.wait(t.start(nil, args...)) }

// fixture starts a program and looks, when the case ends, that it has not been harmed: it lives, it
// answers, and its text is what it was.
func (t *T) fixture(path string, args ...string) *lab.Program {
	p := t.program(path, args...)
	before, err := lab.TextSum(p.Pid())
	if err != nil {
		p.Stop()
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if !p.Alive() {
			t.Harmf("the target is gone: %s", p.Ended())
			return
		}
		if a := p.Ask("pause"); a != "done pause" {
			t.Harmf("the target answers %q", a)
		}
		after := ""
		for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
			if after, err = lab.TextSum(p.Pid()); err != nil || after == before {
				break
			}
		}
		if err != nil || after != before {
			t.Harmf("the target's text is %s, was %s (%v)", after, before, err)
		}
	})
	return p
}

// program starts a program that is expected to end in some other way.
func (t *T) program(path string, args ...string) *lab.Program {
	if !filepath.IsAbs(path) {
		path = filepath.Join(cfg.fixtures, path)
	}
	p, _, err := lab.Start(path, args...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(p.Stop)
	return p
}

func pidOf(p *lab.Program) string { return fmt.Sprint(p.Pid()) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

var always = []string{"trace.out", "summary.txt", "summary.json", "block.pprof", "mutex.pprof"}

// wants says what a capture must hold.
type wants struct {
	transitions, goroutines int
	noSamples               bool // cpu.pprof may be absent or empty
	noGoroutines            bool // goroutine.pprof must be absent: a command that ended leaves none
	uid                     int  // owner
}

// whole judges the folder of a capture that must be complete and valid.
func (t *T) whole(dir string, w wants) {
	t.owned(dir, 0o700, w.uid)
	names := always
	if !w.noSamples {
		names = append(names[:len(names):len(names)], "cpu.pprof")
	}
	if !w.noGoroutines {
		names = append(names[:len(names):len(names)], "goroutine.pprof")
	}
	for _, n := range names {
		path := filepath.Join(dir, n)
		if st, err := os.Stat(path); err != nil {
			t.Errorf("%v", err)
		} else if st.Size() == 0 {
			t.Errorf("%s is empty", n)
		}
	}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		t.owned(filepath.Join(dir, e.Name()), 0o600, w.uid)
	}
	cpuNS := t.summary(dir)
	w.transitions = fair(w.transitions, cpuNS)
	if cpuNS > 0 && cpuNS < 50e6 { // a sample is due every 10 ms of it
		w.noSamples = true
	}
	t.judge(filepath.Join(dir, "trace.out"), w)
	goroutines := filepath.Join(dir, "goroutine.pprof")
	if !w.noGoroutines {
		t.pprof(goroutines, "goroutine")
	} else if exists(goroutines) {
		t.Errorf("%s: of a command that had ended", goroutines)
	}
	if !w.noSamples {
		t.pprof(filepath.Join(dir, "cpu.pprof"), "cpu")
	}
	t.noLeftovers(filepath.Dir(dir))
}

func (t *T) owned(path string, mode os.FileMode, uid int) {
	st, err := os.Lstat(path)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	if st.Mode().Perm() != mode {
		t.Harmf("%s has mode %o, wanted %o", filepath.Base(path), st.Mode().Perm(), mode)
	}
	if owner := int(st.Sys().(*syscall.Stat_t).Uid); owner != uid {
		t.Harmf("%s belongs to uid %d, wanted %d", filepath.Base(path), owner, uid)
	}
}

// noLeftovers looks for hidden or partial names beside captures.
func (t *T) noLeftovers(dir string) {
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") || strings.Contains(e.Name(), "partial") {
			t.Harmf("%s was left behind", e.Name())
		}
	}
}

func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// judge reads a trace with Go's reader, alone and in `go tool trace` of the newest Go.
func (t *T) judge(path string, w wants) {
	out, err := output(filepath.Join(cfg.judges, "tracecheck"), "-min-transitions", fmt.Sprint(w.transitions),
		"-min-goroutines", fmt.Sprint(w.goroutines), path)
	if err != nil {
		t.Errorf("the trace reader: %s", clip(out))
		return
	}
	t.goToolTrace(cfg.newest, "-d=parsed", path)
}

func (t *T) goToolTrace(version, how, path string) {
	cmd := exec.Command(cfg.golang, "tool", "trace", how, path)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+version, "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("go%s tool trace %s: %v: %s", version, how, err, clip(stderr.String()))
	}
}

// functionName is a Go function at the end of a line of pprof -top.
var functionName = regexp.MustCompile(`(?m)% +[\w./-]*\w\.[\w.()*\[\]]+$`)

// pprof opens a profile with the newest go tool pprof.
func (t *T) pprof(path, kind string) {
	cmd := exec.Command(cfg.golang, "tool", "pprof", "-top", "-symbolize=none", path)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("go tool pprof: %v: %s", err, clip(string(out)))
		return
	}
	if !strings.Contains(string(out), "Type: "+kind) || !functionName.MatchString(string(out)) {
		t.Errorf("%s profile shows no function: %s", kind, clip(string(out)))
	}
}

func (t *T) json(text string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Errorf("not JSON: %v: %s", err, clip(text))
	}
	return m
}

func (t *T) read(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v", err)
	}
	return string(b)
}

// fair is the least number of transitions for a target that got little of a busy machine's time: what
// cases want takes a quiet one's target less than 100 ms of CPU time. A twentieth it must always be.
func fair(transitions int, cpuNS float64) int {
	const enough = 100e6
	if cpuNS >= enough || cpuNS <= 0 {
		return transitions
	}
	return int(float64(transitions) * max(cpuNS/enough, 0.05))
}

// summary checks that both forms are there, say what they must, and carry no control characters. It returns
// the target's CPU time in ns, 0 not known.
func (t *T) summary(dir string) (cpuNS float64) {
	m := t.json(t.read(filepath.Join(dir, "summary.json")))
	if n, ok := m["schema"].(float64); !ok || n < 1 {
		t.Errorf("summary.json has no schema number: %v", m["schema"])
	}
	text := t.read(filepath.Join(dir, "summary.txt"))
	for _, must := range []string{"UTC", "go1.", "trace.out"} {
		if !strings.Contains(text, must) {
			t.Errorf("summary.txt does not say %q", must)
		}
	}
	t.printable("summary.txt", text)
	cost, _ := m["cost"].(map[string]any)
	cpuNS, _ = cost["target_cpu_ns"].(float64)
	return cpuNS
}

func (t *T) printable(what, text string) {
	for i, c := range text {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			t.Harmf("%s has control character %#x at byte %d", what, c, i)
			return
		}
	}
}

// status ends the case when the tool ended otherwise. That it does what it should refuse is harm.
func (t *T) status(r *result, want int) {
	if r.status != want {
		t.harmed = t.harmed || want != 0
		t.Fatalf("exit status %d, wanted %d: %s", r.status, want, r)
	}
}

// refused asserts one clear line on standard error, one of the exit statuses, and no trace on disk.
func (t *T) refused(r *result, statuses []int, mention string) {
	ok := false
	for _, s := range statuses {
		ok = ok || s == r.status
	}
	if !ok {
		t.Harmf("exit status %d, wanted %v: %s", r.status, statuses, r)
	}
	if n := strings.Count(strings.TrimRight(r.stderr, "\n"), "\n") + 1; n != 1 || r.stderr == "" {
		t.Harmf("%d lines on standard error, wanted one: %q", n, clip(r.stderr))
	}
	if r.stdout != "" {
		t.Harmf("standard output is %q", clip(r.stdout))
	}
	if mention != "" && !strings.Contains(strings.ToLower(r.stderr), strings.ToLower(mention)) {
		t.Harmf("the line does not mention %q: %q", mention, clip(r.stderr))
	}
	t.printable("standard error", r.stderr)
	if exists(t.Path("out")) {
		t.Harmf("the output folder is there")
	}
	t.noLeftovers(t.dir)
}
