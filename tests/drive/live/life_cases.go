package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

const nobodyID = 65534

func nobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodyID, Gid: nobodyID}}
}

func lifeCases() {
	addBeside("target exits during the capture", exitsCase)
	addBeside("target exits while the tool attaches", exitsEarlyCase)
	addBeside("target execs another program", execsCase)
	addBeside("target execs its own program", execsItselfCase)
	addBeside("target is stopped", stoppedCase)
	addBeside("target's binary is deleted", deletedCase)
	addBeside("target's binary is replaced", replacedCase)
	addBeside("name with control characters", controlCharactersCase)
	addBeside("an empty folder is taken", emptyFolderCase)
	addBeside("files belong to sudo's user", sudoCase)
	addBeside("Ctrl-C keeps the files", interruptedCase)
	add("Ctrl-C twice drops them", droppedCase)
	addBeside("without -d until SIGTERM", terminatedCase)
	add("two captures at once", twoCase)
	addBeside("-- COMMAND", commandCase)
	addBeside("-- COMMAND that ends by itself", commandEndsCase)
	addBeside("-n with --all", allCase)
	addBeside("one of several targets fails", oneFailsCase)
	add("kill -9 of the tool", killedCase)
	add("kill -9 while probes are placed", killedPlacingCase)
	add("kill -9 of who holds the probes", keeperKilledCase)
	addBeside("disk full", diskFullCase)
	addBeside("target in a container", containerCase)
	add("no BPF object remains", nothingRemainsCase)
}

func exitsCase(t *T) {
	p := t.program(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-d", "30s", "-o", "out")
	fmt.Fprintln(p.In, "quit")
	r := t.wait(run)
	t.status(r, 0)
	if r.took > 20*time.Second {
		t.Errorf("took %v: did not notice the exit", r.took)
	}
	t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 300, noSamples: true})
}

// Whenever it goes, there is a whole capture, or one line and nothing on disk.
func exitsEarlyCase(t *T) {
	for _, after := range []time.Duration{10, 60, 150, 300} {
		p := t.program(cfg.newest+"/workload", busy...)
		run := t.start(nil, "-p", pidOf(p), "-d", "30s", "-o", "out")
		time.Sleep(after * time.Millisecond)
		p.Cmd.Process.Kill()
		r := t.wait(run)
		if r.took > 20*time.Second {
			t.Errorf("took %v: did not notice the exit", r.took)
		}
		if r.status != 0 {
			t.refused(r, []int{1}, "")
			continue
		}
		t.whole(t.Path("out"), wants{noSamples: true})
		os.RemoveAll(t.Path("out"))
	}
}

func execsCase(t *T) {
	p := t.program(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-d", "30s", "-o", "out")
	fmt.Fprintln(p.In, "exec /bin/sleep 60")
	r := t.wait(run)
	t.status(r, 0)
	if r.took > 20*time.Second {
		t.Errorf("took %v: did not notice the exec", r.took)
	}
	t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 300, noSamples: true})
	if !p.Alive() {
		t.Harmf("what the target became is gone")
	}
}

// The same file at the same addresses: only the exec itself tells that the hits are another's. The window
// ends with it, before the new program comes to say that it is ready.
func execsItselfCase(t *T) {
	p := t.program(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-d", "30s", "-o", "out")
	asked := lab.Monotonic()
	fmt.Fprintln(p.In, "exec "+filepath.Join(cfg.fixtures, cfg.newest, "workload")+" "+strings.Join(busy, " "))
	line, err := p.Line(patience)
	ready := lab.Monotonic()
	if err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("the new program says %q (%v)", line, err)
	}
	t.status(t.wait(run), 0)
	t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 300, noSamples: true})
	if by := t.json(t.read(t.Path("out/summary.json")))["capture"].(map[string]any)["ended_by"]; by != "target exec'ed" {
		t.Errorf("ended by %v", by)
	}
	out, err := output(filepath.Join(cfg.judges, "tracecheck"), "-ends-from", fmt.Sprint(asked), "-ends-until", fmt.Sprint(ready),
		t.Path("out/trace.out"))
	if err != nil {
		t.Errorf("the window's end: %s", clip(out))
	}
	if !p.Alive() || p.Ask("pause") != "done pause" {
		t.Harmf("what the target became does not answer")
	}
}

// A process that runs nothing still has goroutines to show, and is not woken.
func stoppedCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	p.Cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(200 * time.Millisecond)
	r := t.gobpftrace("-p", pidOf(p), "-d", "500ms", "-o", "out")
	stat, _ := os.ReadFile("/proc/" + pidOf(p) + "/stat")
	p.Cmd.Process.Signal(syscall.SIGCONT)
	t.status(r, 0)
	t.whole(t.Path("out"), wants{goroutines: 300, noSamples: true})
	if f := strings.Fields(string(stat)); len(f) < 3 || f[2] != "T" {
		t.Harmf("the target was %q after the capture, wanted T", f)
	}
}

func (t *T) copyOf(fixture, name string) string {
	path := t.Path(name)
	text, err := os.ReadFile(filepath.Join(cfg.fixtures, fixture))
	if err == nil {
		err = os.WriteFile(path, text, 0o755)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

func deletedCase(t *T) {
	path := t.copyOf(cfg.newest+"/workload-stripped", "gone")
	p := t.program(path, busy...)
	os.Remove(path)
	r := t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "out")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
	if !p.Alive() || p.Ask("pause") != "done pause" {
		t.Harmf("the target does not answer")
	}
}

func replacedCase(t *T) {
	path := t.copyOf(cfg.newest+"/workload", "replaced")
	p := t.program(path, busy...)
	os.Remove(path)
	t.copyOf(cfg.versions[0]+"/bench", "replaced")
	r := t.gobpftrace("-p", pidOf(p), "-d", "600ms", "-o", "out")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
	if !p.Alive() || p.Ask("pause") != "done pause" {
		t.Harmf("the target does not answer")
	}
}

func controlCharactersCase(t *T) {
	p := t.program(t.copyOf(cfg.newest+"/workload", "bad\n\x1b[31m\aname"), busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "500ms", "-o", "out")
	t.status(r, 0)
	t.printable("standard output", r.stdout)
	t.printable("standard error", r.stderr)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
	t.json(t.read(t.Path("out/summary.json")))
	named := t.gobpftrace("-p", pidOf(p), "-d", "200ms")
	t.status(named, 0)
	list, _ := filepath.Glob(t.Path("gobpftrace-*"))
	if len(list) != 1 {
		t.Fatalf("folders %q, wanted one", list)
	}
	t.printable("the folder's name", filepath.Base(list[0]))
	t.printable("list", t.gobpftrace("list").stdout)
}

func emptyFolderCase(t *T) {
	if err := os.Mkdir(t.Path("out"), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	recordBusy(t)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
}

func sudoCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	if err := os.Chown(t.dir, nobodyID, nobodyID); err != nil {
		t.Fatalf("%v", err)
	}
	id := fmt.Sprint(nobodyID)
	r := t.wait(t.start([]string{"SUDO_UID=" + id, "SUDO_GID=" + id}, "-p", pidOf(p), "-d", "500ms", "-o", "out"))
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300, uid: nobodyID})
	// Where that user may not write, neither may we for him.
	if err := os.Chown(t.dir, 0, 0); err != nil {
		t.Fatalf("%v", err)
	}
	os.Chmod(t.dir, 0o755)
	r = t.wait(t.start([]string{"SUDO_UID=" + id, "SUDO_GID=" + id}, "-p", pidOf(p), "-d", "500ms", "-o", "mine"))
	if r.status != 1 || exists(t.Path("mine")) {
		t.Harmf("wrote where sudo's user may not: %s", r)
	}
}

func interruptedCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-d", "60s", "-o", "out")
	at := time.Now()
	run.cmd.Process.Signal(os.Interrupt)
	r := t.wait(run)
	t.status(r, 0)
	if took := time.Since(at); took > 10*time.Second {
		t.Errorf("%v from Ctrl-C to the end", took)
	}
	t.whole(t.Path("out"), wants{transitions: 3000, goroutines: 300})
}

func droppedCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-o", "out")
	run.cmd.Process.Signal(os.Interrupt)
	t.taken(run, syscall.SIGINT) // two at once would count as one
	run.cmd.Process.Signal(os.Interrupt)
	r := t.wait(run)
	t.status(r, 0)
	if exists(t.Path("out")) {
		t.Errorf("the files are there")
	}
	t.noLeftovers(t.dir)
}

func terminatedCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-o", "out")
	run.cmd.Process.Signal(syscall.SIGTERM)
	t.status(t.wait(run), 0)
	t.whole(t.Path("out"), wants{transitions: 3000, goroutines: 300})
}

func twoCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	a := t.start(nil, "-p", pidOf(p), "-d", "2s", "-o", "a")
	time.Sleep(500 * time.Millisecond)
	b := t.start(nil, "-p", pidOf(p), "-d", "2s", "-o", "b", "--attach", "perf")
	ra, rb := t.wait(a), t.wait(b)
	t.status(ra, 0)
	t.status(rb, 0)
	t.whole(t.Path("a"), wants{transitions: 2000, goroutines: 300})
	t.whole(t.Path("b"), wants{transitions: 2000, goroutines: 300})
}

func commandCase(t *T) {
	program := filepath.Join(cfg.fixtures, cfg.newest, "workload")
	r := t.gobpftrace("-d", "1s", "-o", "out", "--", program, "-kinds", "channels", "-exit-after", "20s")
	t.status(r, 0)
	// It runs on after -d, and ends by itself.
	out, _ := output("pgrep", "-f", "workload -kinds channels -exit-after 20s")
	if strings.TrimSpace(out) == "" {
		t.Errorf("the command does not run any more")
	}
	t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 100, noSamples: true})
}

func commandEndsCase(t *T) {
	program := filepath.Join(cfg.fixtures, cfg.newest, "workload")
	r := t.gobpftrace("-o", "out", "--", program, "-kinds", "channels", "-exit-after", "1s")
	t.status(r, 0)
	t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 100, noSamples: true, noGoroutines: true})
}

func allCase(t *T) {
	path := t.copyOf(cfg.newest+"/workload", "manyofme")
	a, b := t.fixture(path, busy...), t.fixture(path, busy...)
	r := t.gobpftrace("-n", "manyofme", "-d", "500ms", "-o", "out")
	if r.status != 2 || !strings.Contains(r.stderr, pidOf(a)) || !strings.Contains(r.stderr, pidOf(b)) || exists(t.Path("out")) {
		t.Harmf("a name that fits two: %s", r)
	}
	t.notGoOfThatName("manyofme") // is not meant
	r = t.gobpftrace("-n", "manyofme", "--all", "-d", "500ms", "-o", "out")
	t.status(r, 0)
	for _, p := range []*lab.Program{a, b} {
		t.whole(t.Path("out/manyofme-"+pidOf(p)), wants{transitions: 1000, goroutines: 300})
	}
}

func oneFailsCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { other.Process.Kill(); other.Wait() })
	r := t.gobpftrace("-p", fmt.Sprintf("%d,%d", other.Process.Pid, p.Pid()), "-d", "500ms", "-o", "out")
	t.status(r, 1)
	t.whole(t.Path("out/workload-"+pidOf(p)), wants{transitions: 1000, goroutines: 300})
}

// notGoOfThatName runs what is called like a target and is no Go program.
func (t *T) notGoOfThatName(name string) {
	path := t.Path("other/" + name)
	text, err := os.ReadFile("/bin/sleep")
	if err == nil {
		err = os.Mkdir(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o755)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.other(path, "60")
}

// A killed tool leaves no probe, no folder under the final name, and the next run tells of what it
// left under another.
func killedCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	for i := 0; i < 5; i++ {
		run := t.start(nil, "-p", pidOf(p), "-d", "60s", "-o", "out", "--attach", []string{"multi", "perf"}[i%2])
		time.Sleep(time.Duration(300+250*i) * time.Millisecond)
		run.cmd.Process.Kill()
		run.cmd.Wait()
		if exists(t.Path("out")) {
			t.harmed = true
			t.Fatalf("killed after %d ms, the folder has its final name", 300+250*i)
		}
	}
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "500ms", "-o", "last"), 0)
	t.whole(t.Path("last"), wants{transitions: 2000, goroutines: 300})
}

// A thread that is being killed cannot take its breakpoints out again; who places them is another
// process, and waits for no one.
func killedPlacingCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	before, err := lab.TextSum(p.Pid())
	if err != nil {
		t.Fatalf("%v", err)
	}
	for i := 0; i < 10; i++ {
		run := t.start(nil, "-p", pidOf(p), "-d", "60s", "-o", "out", "--mode", "full", "--attach", []string{"multi", "perf"}[i%2])
		for begin := time.Now(); time.Since(begin) < 5*time.Second; {
			if now, err := lab.TextSum(p.Pid()); err == nil && now != before {
				break
			}
		}
		keepers, err := lab.KeepersOf(run.cmd.Process.Pid)
		run.cmd.Process.Kill()
		run.cmd.Wait()
		if err != nil {
			t.Fatalf("%v", err)
		}
		if !keepers.WaitGone(10 * time.Second) {
			t.Harmf("kill %d: processes remain: %v", i, keepers.Pids())
		}
		if now, err := lab.TextSum(p.Pid()); err != nil || now != before {
			t.Harmf("kill %d: probes remain (%v)", i, err)
		}
	}
}

// What was seen until then is written, and why it ended.
func keeperKilledCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	run := t.recording(p, "-p", pidOf(p), "-d", "30s", "-o", "out", "--mode", "full")
	time.Sleep(500 * time.Millisecond)
	keepers, err := lab.KeepersOf(run.cmd.Process.Pid)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, pid := range keepers.Pids()[1:] {
		n, _ := strconv.Atoi(pid)
		syscall.Kill(n, syscall.SIGKILL)
	}
	r := t.wait(run)
	t.status(r, 1)
	if !strings.Contains(r.stderr, "gbt-keeper") {
		t.Errorf("does not say what happened: %s", r)
	}
	t.whole(t.Path("out"), wants{transitions: 500, goroutines: 10})
}

// What is written is a valid shorter trace, or nothing.
func diskFullCase(t *T) {
	small := t.Path("small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(small, 0) })
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "5s", "-o", filepath.Join(small, "out"))
	switch {
	case r.status == 1 && !exists(filepath.Join(small, "out")):
		if !strings.Contains(r.stderr, "space") && !strings.Contains(r.stderr, "full") {
			t.Errorf("does not say that the disk is full: %s", r)
		}
	case exists(filepath.Join(small, "out", "trace.out")):
		t.judge(filepath.Join(small, "out", "trace.out"), wants{transitions: 10, goroutines: 10})
		if r.status == 0 && !strings.Contains(r.stdout+r.stderr, "space") && !strings.Contains(r.stdout+r.stderr, "full") {
			t.Errorf("wrote a shorter trace and does not say why: %s", r)
		}
	default:
		t.Errorf("neither a trace nor an error: %s", r)
	}
	list, _ := os.ReadDir(small)
	for _, e := range list {
		if e.Name() != "out" {
			t.Harmf("%s was left behind", e.Name())
		}
	}
}

// A FROM scratch image under Docker's own seccomp filter, found by pid and by container id.
func containerCase(t *T) {
	if out, err := output("docker", "info"); err != nil {
		t.Skipf("no Docker engine: %s", strings.Split(out, "\n")[0])
	}
	t.copyOf(cfg.newest+"/workload", "workload")
	os.WriteFile(t.Path("Dockerfile"), []byte("FROM scratch\nCOPY workload /workload\nENTRYPOINT [\"/workload\"]\n"), 0o644)
	image := fmt.Sprintf("gobpftrace-live-%d", os.Getpid())
	build := exec.Command("docker", "build", "-q", "-t", image, t.dir)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("docker build: %s", out)
	}
	t.Cleanup(func() { output("docker", "rmi", "-f", image) })
	out, err := output("docker", "run", "-d", "-i", "--network", "none", image, "-kinds", "channels,mutex,timers")
	if err != nil {
		t.Fatalf("docker run: %s", out)
	}
	id := strings.TrimSpace(out)
	t.Cleanup(func() { output("docker", "rm", "-f", id) })
	time.Sleep(time.Second)
	pid, err := output("docker", "inspect", "-f", "{{.State.Pid}}", id)
	if err != nil {
		t.Fatalf("docker inspect: %s", pid)
	}
	t.status(t.gobpftrace("-p", strings.TrimSpace(pid), "-d", "600ms", "-o", "out"), 0)
	t.whole(t.Path("out"), wants{transitions: 2000, goroutines: 300})
	t.status(t.gobpftrace("--container", id[:12], "-d", "600ms", "-o", "byid"), 0)
	found, _ := filepath.Glob(t.Path("byid*/trace.out"))
	deeper, _ := filepath.Glob(t.Path("byid/*/trace.out"))
	if len(found)+len(deeper) != 1 {
		t.Errorf("--container wrote %q", append(found, deeper...))
	}
	state, _ := output("docker", "inspect", "-f", "{{.State.Running}}", id)
	if strings.TrimSpace(state) != "true" {
		t.Harmf("the container is not running any more")
	}
}

func nothingRemainsCase(t *T) {
	before := lab.BPFObjects()
	for _, attach := range []string{"multi", "perf"} {
		p := t.fixture(cfg.newest+"/workload", busy...)
		t.status(t.gobpftrace("-q", "-p", pidOf(p), "-d", "300ms", "-o", "out-"+attach, "--attach", attach), 0)
	}
	// Others may load programs meanwhile; ours carry the tool's names and its end is theirs.
	var left []lab.BPFID
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(200 * time.Millisecond) {
		if left = lab.Added(before, lab.BPFObjects()); len(left) == 0 {
			return
		}
	}
	t.Harmf("BPF objects remain: %v", left)
}
