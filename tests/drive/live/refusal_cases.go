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
)

// usage is a command line that is refused with status 2 before anything happens.
func usage(name string, args ...string) {
	add("usage: "+name, func(t *T) { t.refused(t.gobpftrace(args...), []int{2}, "") })
}

// wrongOption refuses options that need a target to be looked at.
func wrongOption(name, mention string, options ...string) {
	add("usage: "+name, func(t *T) {
		p := t.fixture(cfg.newest+"/workload", busy...)
		t.refused(t.gobpftrace(append([]string{"-p", pidOf(p), "-o", "out"}, options...)...), []int{2}, mention)
	})
}

func refusalCases() {
	usage("no target", "record", "-d", "1s", "-o", "out")
	usage("unknown command", "frobnicate")
	usage("unknown option", "record", "-p", "1", "--frobnicate")
	usage("-p is no number", "-p", "abc", "-o", "out")
	usage("two forms of target", "-p", "1", "-n", "x", "-o", "out")
	for _, later := range []string{"--keep=10s", "--pod=a/b", "--leaks=1s"} {
		usage(later+" is not registered", "record", "-p", "1", "-o", "out", later)
	}
	for _, pct := range []string{"0", "0.09", "1001", "x", "-1", "nan", "5%%", ""} {
		usage("--max-overhead "+pct, "record", "-p", "1", "-o", "out", "--max-overhead", pct)
	}
	for _, d := range []string{"0s", "999ms", "25h", "x"} {
		usage("--leaks "+d, "goroutines", "-p", "1", "--leaks", d)
	}
	usage("--leaks of a pprof profile", "goroutines", "-p", "1", "--leaks", "1s", "--format", "pprof")
	for _, later := range []string{"agent", "top"} {
		usage(later+" is not registered", later)
	}
	for _, d := range []string{"0", "0s", "-1s", "1e9h", "abc", "", "3", "1h1e9"} {
		wrongOption(fmt.Sprintf("-d %q", d), "-d", "-d", d)
	}
	wrongOption("--profiles blok", "block", "-d", "1s", "--profiles", "cpu,blok")
	wrongOption("--profiles xyzzy", "goroutine", "-d", "1s", "--profiles", "xyzzy")
	wrongOption("--profiles with nothing", "--profiles", "-d", "1s", "--profiles", "")
	wrongOption("--hz -1", "hz", "-d", "1s", "--hz", "-1")
	wrongOption("--hz 1000000", "hz", "-d", "1s", "--hz", "1000000")
	wrongOption("--trace-format 24", "trace-format", "-d", "1s", "--trace-format", "24")
	wrongOption("--attach magic", "attach", "-d", "1s", "--attach", "magic")
	wrongOption("--mode swift", "mode", "-d", "1s", "--mode", "swift")
	usage("--mode burst without a budget", "record", "-p", "1", "-o", "out", "--mode", "burst", "--max-overhead", "off")
	usage("--mode auto of a command", "record", "-o", "out", "--mode", "auto", "--", "true")
	usage("--mode light of a command", "record", "-o", "out", "--mode", "light", "--", "true")
	usage("--mode light with --requests", "record", "-p", "1", "-o", "out", "--mode", "light", "--requests")
	usage("--mode observe of a command", "record", "-o", "out", "--mode", "observe", "--", "true")
	wrongOption("--max-size -1", "max-size", "-d", "1s", "--max-size", "-1")
	add("refused: folder is not empty", notEmptyCase)
	add("refused: output is a file", outputFileCase)
	add("refused: output's parent is not there", noParentCase)
	add("refused: output on a read-only file system", readOnlyCase)
	add("refused: no such process", noProcessCase)
	add("refused: no process of that name", noNameCase)
	add("refused: process has just ended", endedCase)
	add("refused: not Go", notGoCase)
	add("refused: kernel thread", kernelThreadCase)
	add("refused: 32-bit", bits32Case)
	add("refused: Go in a shared library of a C program", sharedLibraryCase)
	add("refused: Go newer than known", versionCase("1.27.4", "1.99.4"))
	add("refused: Go older than 1.18", versionCase("1.27.4", "1.17.4"))
	add("refused: without privilege", unprivilegedCase)
	add("refused: without CAP_BPF and CAP_SYS_ADMIN", withoutCase("cap_bpf,cap_perfmon,cap_sys_admin", "CAP_"))
	add("refused: without CAP_SYS_PTRACE", withoutCase("cap_sys_ptrace", "CAP_SYS_PTRACE"))
	add("refused: perf uprobes without CAP_SYS_ADMIN", withoutCase("cap_sys_admin", "CAP_SYS_ADMIN", "--attach", "perf"))
	add("refused: COMMAND is not there", func(t *T) {
		t.refused(t.gobpftrace("-d", "1s", "-o", "out", "--", "/no/such/program"), []int{1}, "/no/such/program")
	})
	add("refused: COMMAND is not Go", func(t *T) {
		t.refused(t.gobpftrace("-d", "1s", "-o", "out", "--", "/bin/true"), []int{1}, "Go")
	})
	add("refused: COMMAND's file is cut while it is read", cutCommandCase)
	add("refused: replay of garbage", garbageCase)
	add("refused: replay of a truncated stream", truncatedCase)
	add("refused: check of a process that is not Go", checkNotGoCase)
	add("--version", func(t *T) {
		r := t.gobpftrace("--version")
		if r.status != 0 || !strings.HasPrefix(r.stdout, "gobpftrace ") {
			t.Errorf("%s: %q", r, r.stdout)
		}
	})
	for _, c := range [][]string{{"--help"}, {"record", "--help"}, {"list", "--help"}, {"check", "--help"}, {"goroutines", "--help"},
		{"profile", "--help"}, {"watch", "--help"}, {"trigger", "--help"}, {"replay", "--help"}} {
		c := c
		add("help: "+strings.Join(c, " "), func(t *T) {
			if r := t.gobpftrace(c...); r.status != 0 || strings.Count(r.stdout, "\n") < 3 || r.stderr != "" {
				t.Errorf("%s: %q", r, clip(r.stdout))
			}
		})
	}
}

func notEmptyCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	os.Mkdir(t.Path("full"), 0o755)
	os.WriteFile(t.Path("full/mine"), []byte("mine"), 0o644)
	t.refused(t.gobpftrace("-p", pidOf(p), "-d", "1s", "-o", "full"), []int{2}, "not empty")
	if t.read(t.Path("full/mine")) != "mine" {
		t.Harmf("the file there was touched")
	}
}

func outputFileCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	os.WriteFile(t.Path("file"), []byte("mine"), 0o644)
	t.refused(t.gobpftrace("-p", pidOf(p), "-d", "1s", "-o", "file"), []int{1, 2}, "file")
	if t.read(t.Path("file")) != "mine" {
		t.Harmf("the file was touched")
	}
}

func noParentCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	t.refused(t.gobpftrace("-p", pidOf(p), "-d", "1s", "-o", "no/such/out"), []int{1}, "no/such")
}

func readOnlyCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	t.refused(t.gobpftrace("-p", pidOf(p), "-d", "1s", "-o", "/proc/out"), []int{1}, "/proc")
}

func noProcessCase(t *T) {
	t.refused(t.gobpftrace("-p", "4194303", "-d", "1s", "-o", "out"), []int{1}, "4194303")
}

func noNameCase(t *T) {
	t.refused(t.gobpftrace("-n", "nobody-is-called-so", "-d", "1s", "-o", "out"), []int{1}, "nobody-is-called-so")
}

func endedCase(t *T) {
	p := t.program(cfg.newest+"/workload", busy...)
	pid := pidOf(p)
	p.Stop()
	t.refused(t.gobpftrace("-p", pid, "-d", "1s", "-o", "out"), []int{1}, pid)
}

func (t *T) other(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", filepath.Base(path), err)
	}
	t.Cleanup(func() {
		if cmd.Process.Signal(syscall.Signal(0)) != nil {
			t.Harmf("the target is gone")
		}
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

func notGoCase(t *T) {
	cmd := t.other("sleep", "60")
	t.refused(t.gobpftrace("-p", fmt.Sprint(cmd.Process.Pid), "-d", "1s", "-o", "out"), []int{1}, "not")
}

func kernelThreadCase(t *T) {
	if link, err := os.Readlink("/proc/2/exe"); err == nil {
		t.Skipf("process 2 is no kernel thread here but %s", link)
	}
	t.refused(t.gobpftrace("-p", "2", "-d", "1s", "-o", "out"), []int{1}, "kernel thread")
}

func bits32Case(t *T) {
	cmd := t.other(filepath.Join(cfg.fixtures, cfg.newest, "workload-386"), "-kinds", "timers", "-exit-after", "60s")
	t.refused(t.gobpftrace("-p", fmt.Sprint(cmd.Process.Pid), "-d", "1s", "-o", "out"), []int{1, 3}, "32-bit")
}

func sharedLibraryCase(t *T) {
	cmd := t.other(filepath.Join(cfg.fixtures, cfg.newest, "cshared-host"))
	t.refused(t.gobpftrace("-p", fmt.Sprint(cmd.Process.Pid), "-d", "1s", "-o", "out"), []int{1, 3}, "shared")
}

func versionCase(from, to string) func(*T) {
	return func(t *T) {
		p := t.fixture(t.patched(cfg.newest+"/workload-stripped", "go"+from, "go"+to), busy...)
		t.refused(t.gobpftrace("-p", pidOf(p), "-d", "1s", "-o", "out"), []int{3}, to[:4])
	}
}

func unprivilegedCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	os.Chmod(t.dir, 0o777)
	r := t.wait(t.startAs(nobody(), nil, cfg.tool, "-p", pidOf(p), "-d", "1s", "-o", "out"))
	t.refused(r, []int{3}, "")
}

// without runs the tool as a root that lacks capabilities.
func (t *T) without(capabilities string, args ...string) *result {
	for _, capsh := range []string{"/usr/sbin/capsh", "/sbin/capsh"} {
		if exists(capsh) {
			return t.wait(t.startAs(nil, nil, capsh, "--drop="+capabilities, "--", "-c", cfg.tool+" "+strings.Join(inFull(args), " ")))
		}
	}
	t.Skipf("no capsh (package libcap2-bin)")
	return nil
}

func withoutCase(capabilities, mention string, options ...string) func(*T) {
	return func(t *T) {
		p := t.fixture(cfg.newest+"/workload", busy...)
		r := t.without(capabilities, append([]string{"-p", pidOf(p), "-d", "1s", "-o", "out"}, options...)...)
		t.refused(r, []int{3}, mention)
	}
}

// Wherever the tool is when the file loses all but its first page: one line, and no signal ends it.
func cutCommandCase(t *T) {
	cut := 0
	for after := time.Duration(0); after < 200*time.Millisecond; after = 2*after + 3*time.Millisecond {
		path := t.copyOf(cfg.newest+"/workload", "cut")
		run := t.start(nil, "-d", "500ms", "-o", "out", "--", path, "-kinds", "timers", "-exit-after", "1s")
		time.Sleep(after)
		switch err := os.Truncate(path, 4096); {
		case err == nil:
			t.refused(t.wait(run), []int{1, 3}, "cut")
			cut++
		case errors.Is(err, syscall.ETXTBSY): // it runs
			t.wait(run)
			os.RemoveAll(t.Path("out"))
		default:
			t.Fatalf("%v", err)
		}
		os.Remove(path)
	}
	if cut == 0 {
		t.Errorf("the file was never cut before it ran")
	}
}

func garbageCase(t *T) {
	os.WriteFile(t.Path("garbage.raw"), []byte(strings.Repeat("garbage ", 1000)), 0o644)
	t.refused(t.gobpftrace("replay", "garbage.raw", "-o", "out"), []int{1}, "garbage.raw")
	t.refused(t.gobpftrace("replay", "absent.raw", "-o", "out"), []int{1}, "absent.raw")
}

// A stream that was cut gives what it holds, and says so, or is refused.
func truncatedCase(t *T) {
	p := t.program(cfg.newest+"/workload", busy...)
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "500ms", "-o", "whole", "--raw"), 0)
	raw := t.read(t.Path("whole/capture.raw"))
	for _, part := range []int{2, 3, 10, 1000} {
		os.WriteFile(t.Path("cut.raw"), []byte(raw[:len(raw)/part]), 0o644)
		r := t.gobpftrace("replay", "cut.raw", "-o", "out")
		if r.status == 0 {
			t.judge(t.Path("out/trace.out"), wants{goroutines: 1})
			os.RemoveAll(t.Path("out"))
		} else {
			t.refused(r, []int{1}, "cut.raw")
		}
	}
}

func checkNotGoCase(t *T) {
	cmd := t.other("sleep", "60")
	if r := t.gobpftrace("check", "-p", fmt.Sprint(cmd.Process.Pid)); r.status != 3 {
		t.Harmf("%s", r)
	}
}
