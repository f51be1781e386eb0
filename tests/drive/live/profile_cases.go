package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

func profileCases() {
	addBeside("--profiles writes what it names, and only that", namedProfilesCase)
	addBeside("--profiles: one that cannot be had is told, the others are written", missingProfileCase)
	addBeside("--profiles all without CPU samples", allProfilesCase)
	for _, v := range []string{cfg.versions[0], cfg.newest} {
		addBeside("threadcreate counts go"+v+"'s own threads", threadsCase(v))
	}
}

// files are the profiles in a folder.
func (t *T) files(dir string) string {
	var names []string
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if name := strings.TrimSuffix(e.Name(), ".pprof"); name != e.Name() {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func namedProfilesCase(t *T) {
	recordBusy(t, "--profiles", "sched,block")
	if have := t.files(t.Path("out")); have != "block sched" {
		t.Errorf("profiles: %s", have)
	}
	t.pprof(t.Path("out/block.pprof"), "delay")
	t.pprof(t.Path("out/sched.pprof"), "delay")
}

func missingProfileCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "800ms", "-o", "out", "--hz", "0", "--profiles", "cpu,sleep")
	t.status(r, 3)
	if strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "cpu.pprof: ") {
		t.Errorf("standard error: %q", r.stderr)
	}
	if have := t.files(t.Path("out")); have != "sleep" {
		t.Errorf("profiles: %s", have)
	}
	t.pprof(t.Path("out/sleep.pprof"), "delay")
	t.summary(t.Path("out"))
}

func allProfilesCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", busy...)
	r := t.gobpftrace("-p", pidOf(p), "-d", "800ms", "-o", "out", "--hz", "0", "--profiles", "all")
	t.status(r, 0)
	if text := t.read(t.Path("out/summary.txt")); !strings.Contains(text, "\n  no cpu.pprof: ") {
		t.Errorf("the summary does not say why there is no cpu.pprof")
	}
	missing, _ := t.json(t.read(t.Path("out/summary.json")))["profiles_missing"].([]any)
	if len(missing) == 0 {
		t.Errorf("summary.json has no profiles_missing")
	}
	for _, kind := range []string{"goroutine", "block", "mutex", "sched", "sleep", "goroutinecreate", "gc", "threadcreate"} {
		path := t.Path("out/" + kind + ".pprof")
		out, err := output(filepath.Join(cfg.judges, "pprofcheck"), "-type", kind, "-at-least", "0", path)
		if err != nil {
			t.Errorf("%s: %s", kind, clip(out))
		}
	}
}

// threads sums a threadcreate profile.
func (t *T) threads(path string) (sum int) {
	cmd := exec.Command(cfg.golang, "tool", "pprof", "-raw", "-symbolize=none", path)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
	out, err := cmd.Output()
	_, text, found := strings.Cut(string(out), "\nSamples:\nthreadcreate/count\n")
	if err != nil || !found {
		t.Fatalf("go tool pprof -raw %s: %v: %s", path, err, clip(string(out)))
	}
	samples, _, _ := strings.Cut(text, "\nLocations")
	for _, line := range strings.Split(samples, "\n") {
		value, _, ok := strings.Cut(line, ":")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if ok && err == nil {
			sum += n
		}
	}
	return sum
}

// Without goroutines that end locked to their thread the runtime takes none away, and makes one now and
// then: ours lies between what runtime/pprof has before and behind the window's end.
func threadsCase(version string) func(*T) {
	return func(t *T) {
		p := t.fixture(version+"/workload", "-kinds", "files,channels")
		before, behind := t.Path("before"), t.Path("behind")
		if a := p.Ask("threads " + before); !strings.HasPrefix(a, "done ") {
			t.Fatalf("threads: %s", a)
		}
		r := t.gobpftrace("-p", pidOf(p), "-d", "500ms", "-o", "out", "--profiles", "threadcreate")
		t.status(r, 0)
		if a := p.Ask("threads " + behind); !strings.HasPrefix(a, "done ") {
			t.Fatalf("threads: %s", a)
		}
		lo, ours, hi := t.threads(before), t.threads(t.Path("out/threadcreate.pprof")), t.threads(behind)
		if lo > ours || ours > hi || ours < 3 {
			t.Errorf("%d threads, runtime/pprof has %d before and %d behind", ours, lo, hi)
		}
	}
}
