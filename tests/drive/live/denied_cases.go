package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// What kernels, cgroups and filters withhold, from the tool or from the target.
func deniedCases() {
	add("denied: bpf(2), as by lockdown", func(t *T) { t.denied("bpf", "lockdown") })
	add("denied: memory, as by Yama's ptrace_scope 3", func(t *T) { t.denied("yama", "memory") })
	add("denied: ring buffers, as before Linux 5.8", func(t *T) { t.denied("ringbuf", "5.8") })
	addBeside("denied: perf events, as by lockdown", func(t *T) { t.withoutSamples("perf") })
	addBeside("denied: BTF", func(t *T) { t.withoutSamples("btf") })
	addBeside("target is frozen", frozenCase)
	addBeside("target under a strict seccomp filter", seccompCase)
	addBeside("target under ptrace", ptraceCase)
	addBeside("--force-layout for a Go that is not known", forcedLayoutCase)
}

// deny is the environment under which the tool is refused what tests/live/denied/denied.c says.
func (t *T) deny(what string) []string {
	library := t.Path("denied.so")
	out, err := output("cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, "tests/live/denied/denied.c", "-ldl")
	if err != nil {
		t.Fatalf("cc: %s", clip(out))
	}
	return []string{"LD_PRELOAD=" + library, "DENY=" + what}
}

func (t *T) denied(what, mention string) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	env := t.deny(what)
	t.refused(t.wait(t.start(env, "-p", pidOf(p), "-d", "1s", "-o", "out")), []int{3}, mention)
	check := t.wait(t.start(env, "check", "-p", pidOf(p)))
	if check.status != 3 {
		t.Harmf("check: %s", check)
	}
}

// Without perf events or the kernel's types there are no samples, which the summary says; all else is there.
func (t *T) withoutSamples(denied string) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	t.status(t.wait(t.start(t.deny(denied), "-p", pidOf(p), "-d", "600ms", "-o", "out")), 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300, noSamples: true})
	if exists(t.Path("out/cpu.pprof")) {
		t.Errorf("there is a CPU profile without samples")
	}
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "no CPU samples") {
		t.Errorf("the summary does not say that there are no samples")
	}
}

func cgroup2(t *T) string {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range strings.Split(string(mounts), "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	t.Skipf("no cgroup2 is mounted")
	return ""
}

// A frozen process is read like any other, and stays frozen.
func frozenCase(t *T) {
	root := cgroup2(t)
	dir := filepath.Join(root, fmt.Sprintf("gobpftrace-live-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("no cgroup can be made: %v", err)
	}
	t.Cleanup(func() { syscall.Rmdir(dir) })
	p := t.fixture(cfg.newest+"/workload", busy...)
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0); err != nil {
			t.Fatalf("%v", err)
		}
	}
	frozen := func(want string) bool {
		for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
			if text, _ := os.ReadFile(dir + "/cgroup.events"); strings.Contains(string(text), "frozen "+want) {
				return true
			}
		}
		return false
	}
	write(dir+"/cgroup.procs", pidOf(p))
	t.Cleanup(func() { // before the target is asked whether it was harmed
		os.WriteFile(dir+"/cgroup.freeze", []byte("0"), 0)
		os.WriteFile(root+"/cgroup.procs", []byte(pidOf(p)), 0)
	})
	write(dir+"/cgroup.freeze", "1")
	if !frozen("1") {
		t.Fatalf("the target does not freeze")
	}
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "500ms", "-o", "out"), 0)
	t.whole(t.Path("out"), wants{goroutines: 300, noSamples: true})
	r := t.gobpftrace("goroutines", "-p", pidOf(p))
	if n := strings.Count(r.stdout, "\ngoroutine "); r.status != 0 || n < 300 {
		t.Errorf("%d goroutines: %s", n, r)
	}
	if !frozen("1") {
		t.Harmf("the target is not frozen any more")
	}
}

// underSeccomp becomes argv under a filter that kills for any system call which a Go program does not
// make by itself.
func underSeccomp(argv []string) error {
	allowed := []uint32{0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 24, 25, 27, 28, 32, 33, 35, 39, 56, 59, 60,
		63, 72, 79, 89, 97, 131, 157, 158, 160, 186, 200, 202, 204, 218, 222, 223, 226, 228, 230, 231, 232, 233, 234, 247,
		257, 262, 267, 270, 273, 281, 288, 290, 291, 292, 293, 302, 318, 334, 424, 434, 435, 436, 439, 441}
	type instruction struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}
	const (
		load   = 0x20 // BPF_LD | BPF_W | BPF_ABS
		equal  = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
		result = 0x06 // BPF_RET | BPF_K
		allow  = 0x7fff0000
		kill   = 0x80000000 // the process
	)
	filter := []instruction{{code: load}} // seccomp_data.nr is at 0
	for i, nr := range allowed {
		filter = append(filter, instruction{equal, uint8(len(allowed) - i), 0, nr})
	}
	filter = append(filter, instruction{result, 0, 0, kill}, instruction{result, 0, 0, allow})
	program := struct {
		n   uint16
		_   [6]byte
		ptr *instruction
	}{n: uint16(len(filter)), ptr: &filter[0]}
	runtime.LockOSThread()
	const prSetNoNewPrivs, prSetSeccomp, modeFilter = 38, 22, 2
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, modeFilter, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return errno
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

func seccompCase(t *T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("%v", err)
	}
	// The filter is strict indeed. (uprobe(2), which nop5 sites call, is none that kernels filter.)
	probe := exec.Command(self, underSeccompWord, self, forbiddenWord)
	if err := probe.Run(); err == nil || !strings.Contains(err.Error(), "bad system call") {
		t.Fatalf("the filter lets ptrace(2) pass: %v", err)
	}
	for _, attach := range []string{"auto", "perf"} {
		p := t.fixture(self, underSeccompWord, filepath.Join(cfg.fixtures, cfg.newest, "workload"), "-kinds", "channels,mutex,timers")
		t.status(t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", attach, "--attach", attach), 0)
		if attach == "auto" {
			t.whole(t.Path(attach), wants{transitions: 2000, goroutines: 300})
		}
	}
}

// A debugger that has no breakpoint where a probe would go is in nobody's way.
func ptraceCase(t *T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("%v", err)
	}
	p := t.fixture(cfg.newest+"/workload", busy...)
	debugger := exec.Command(self, seizeWord, pidOf(p))
	in, err := debugger.StdinPipe()
	if err == nil {
		err = debugger.Start()
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { in.Close(); debugger.Wait() }) // its end lets the target go
	traced := func() bool {
		status, _ := os.ReadFile("/proc/" + pidOf(p) + "/status")
		return strings.Contains(string(status), fmt.Sprintf("TracerPid:\t%d\n", debugger.Process.Pid))
	}
	for begin := time.Now(); !traced(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("the target is not traced")
		}
	}
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "out"), 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
	if !traced() {
		t.Harmf("the target's debugger has lost it")
	}
}

// seize is a debugger that looks on until its standard input ends.
func seize(pid string) {
	const ptraceSeize = 0x4206
	runtime.LockOSThread()
	n, _ := strconv.Atoi(pid)
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, ptraceSeize, uintptr(n), 0, 0, 0, 0); errno != 0 {
		fmt.Fprintln(os.Stderr, "live:", errno)
		os.Exit(1)
	}
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

const (
	underSeccompWord = "under-seccomp"
	forbiddenWord    = "do-what-is-forbidden"
	seizeWord        = "seize"
)

// helperMain is this program as a helper of its own cases; false: it is not.
func helperMain(args []string) bool {
	switch {
	case len(args) > 1 && args[0] == underSeccompWord:
		err := underSeccomp(args[1:])
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	case len(args) == 2 && args[0] == seizeWord:
		seize(args[1])
	case len(args) == 1 && args[0] == forbiddenWord:
		syscall.RawSyscall(syscall.SYS_PTRACE, 0, 0, 0)
		os.Exit(0)
	}
	return false
}

// An unknown minor release, read with its own DWARF: every file says so.
func forcedLayoutCase(t *T) {
	p := t.fixture(t.patched(cfg.newest+"/workload", "go1.27.4", "go1.99.4"), busy...)
	t.refused(t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "out"), []int{3}, "1.99")
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "forced", "--force-layout"), 0)
	t.whole(t.Path("forced"), wants{transitions: 2000, goroutines: 300})
	if text := strings.ToLower(t.read(t.Path("forced/summary.txt"))); !strings.Contains(text, "forced") {
		t.Errorf("the summary does not say that the layout was forced")
	}
	if forced := t.json(t.read(t.Path("forced/summary.json")))["capture"].(map[string]any)["layout_forced"]; forced != true {
		t.Errorf("layout_forced is %v", forced)
	}
	profiles, _ := filepath.Glob(t.Path("forced/*.pprof"))
	for _, path := range profiles {
		cmd := exec.Command(cfg.golang, "tool", "pprof", "-comments", path)
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "forced") {
			t.Errorf("%s does not say that the layout was forced: %v: %s", filepath.Base(path), err, clip(string(out)))
		}
	}
	if check := t.gobpftrace("check", "-p", pidOf(p), "--force-layout"); check.status != 0 || !strings.Contains(check.stdout, "forced") {
		t.Errorf("check: %s: %s", check, clip(check.stdout))
	}
	// nothing to read it with
	os.Remove(t.Path("patched")) // which runs
	p = t.fixture(t.patched(cfg.newest+"/workload-stripped", "go1.27.4", "go1.99.4"), busy...)
	t.refused(t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "stripped", "--force-layout"), []int{3}, "DWARF")
}
