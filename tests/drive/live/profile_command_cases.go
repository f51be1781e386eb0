package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What keeps each kind of profile busy, a function that it must show, and whether it may have probes.
var profileTypes = []struct {
	name, kinds, function string
	probes                bool
}{
	{"cpu", "mutex,channels", "main.", false},
	{"goroutine", "channels", "main.", false},
	{"threadcreate", "channels", "", false},
	{"block", "mutex,channels", "main.", true},
	{"mutex", "mutex", "sync.", true},
	{"sched", "channels", "main.", true},
	{"net", "nethttp", "net.", true},
	{"sync", "mutex,channels", "main.", true},
	{"syscall", "files", "os.", true},
	{"sleep", "timers", "time.Sleep", true},
	{"goroutinecreate", "spawn", "main.", true},
	{"gc", "gc", "runtime.", true},
	{"wall", "mutex,channels,nethttp", "main.", false},
}

func profileCommandCases() {
	for _, p := range profileTypes {
		p := p
		versions := []string{cfg.newest}
		if p.name == "block" || p.name == "sched" || p.name == "wall" {
			versions = append(versions, cfg.versions[0])
		}
		for _, v := range versions {
			v := v
			cases = append(cases, testcase{"profile " + p.name + " go" + v,
				func(t *T) { profileCase(t, v, p.name, p.kinds, p.function, p.probes) },
				p.name != "wall"}) // whose looks are counted
		}
	}
	add("profile gc: assists are estimates where their ends are not seen", assistEstimateCase)
	usage := func(name, mention string, options ...string) {
		add("profile usage: "+name, func(t *T) {
			t.refused(t.gobpftrace(append([]string{"profile", "-p", fmt.Sprint(os.Getpid()), "-o", "out"}, options...)...), []int{2}, mention)
		})
	}
	usage("no type", "-t")
	usage("a type that is nearly right", "block", "-t", "blok", "-d", "1s")
	usage("an unknown type", "--help", "-t", "xyzzy", "-d", "1s")
	usage("the type of mode light", "--mode light", "-t", "stops", "-d", "1s")
	usage("--hz 0", "--hz", "-t", "cpu", "--hz", "0")
	usage("--hz 5001", "--hz", "-t", "cpu", "--hz", "5001")
	usage("--hz of a block profile", "--hz", "-t", "block", "--hz", "99")
	usage("--hz 1001 of a wall profile", "--hz", "-t", "wall", "--hz", "1001")
	usage("--tag thread of a wall profile", "goroutine, creator, state", "-t", "wall", "--tag", "state,thread")
	usage("--tag thread of a block profile", "goroutine, creator, state", "-t", "block", "--tag", "thread")
	usage("--tag of a heap profile", "no tags", "-t", "heap", "--tag", "state")
	usage("--kernel of a block profile", "--kernel", "-t", "block", "--kernel")
	usage("--tag with an unknown name", "gorutine", "-t", "cpu", "--tag", "state,gorutine")
	usage("--max-overhead of what has no probes", "no probes", "-t", "cpu", "--max-overhead", "5")
	usage("--max-overhead 0", "from 0.1 to 1000", "-t", "block", "--max-overhead", "0")
	usage("--max-overhead of something", "a number of per cent", "-t", "allocs", "--max-overhead", "5x")
	usage("--every shorter than -d", "--every", "-t", "cpu", "-d", "2s", "--every", "1s")
	usage("two targets", "more than one target", "-p", "1", "-t", "cpu")
	add("profile usage: two processes", func(t *T) {
		t.refused(t.gobpftrace("profile", "-p", fmt.Sprintf("%d,1", os.Getpid()), "-t", "cpu", "-o", "out"), []int{2}, "one process")
	})
	usage("an unknown format", "pprof or text", "-t", "block", "--format", "json")
	usage("--tag of a text", "--tag", "-t", "block", "--format", "text", "--tag", "goroutine")
	usage("--format text of sched", "none of a sched", "-t", "sched", "--format", "text")
	add("profile usage: the file is a device", deviceCase)
	add("profile usage: standard output is a terminal", terminalCase)
	add("profile to standard output", profileStdoutCase)
	add("--max-overhead of a profile", profileOverCase)
	addBeside("profile replaces a file as a whole", profileReplaceCase)
	add("profile --every", everyCase)
	addBeside("profile --kernel --tag", kernelTagCase)
	addBeside("profile wall --tag goroutine", wallTagCase)
	add("profile names C functions of shared libraries", librariesCase)
	add("profile has labels that are set in the window", labelledCommandCase)
	for _, v := range []string{cfg.versions[0], "1.22.12", cfg.newest} {
		addBeside("profile has labels go"+v, labelledProfilesCase(v))
	}
	add("profile is written soon", soonCase)
	add("profile --max-size", profileMaxSizeCase)
	add("profile of a command", commandProfileCase)
	add("profile ends with Ctrl-C", profileInterruptCase)
	add("profile without privilege", func(t *T) {
		p := t.fixture(cfg.newest+"/workload", "-kinds", "channels")
		os.Chmod(t.dir, 0o777)
		t.refused(t.wait(t.startAs(nobody(), nil, cfg.tool, "profile", "-p", pidOf(p), "-t", "cpu", "-d", "1s", "-o", "out")), []int{3}, "")
	})
}

func profileCase(t *T, version, name, kinds, function string, probes bool) {
	p := t.fixture(version+"/workload", "-kinds", kinds)
	r := t.gobpftrace("profile", "-p", pidOf(p), "-t", name, "-d", "700ms", "-o", "out.pprof", "--json")
	t.status(r, 0)
	m := t.json(r.stdout)
	// a look that fell out, or a stack that kept changing, is no fault: a busy machine makes them
	if m["type"] != name || m["file"] != "out.pprof" || m["lost"] != 0.0 && name != "wall" {
		t.Errorf("it says %s", clip(r.stdout))
	}
	if hits, _ := m["probe_hits"].(float64); (hits > 0) != probes {
		t.Errorf("%v probe hits", m["probe_hits"])
	}
	if looks, _ := m["looks"].(float64); name == "wall" && looks < 300 {
		t.Errorf("%v looks at goroutines", m["looks"])
	}
	t.owned(t.Path("out.pprof"), 0o600, os.Getuid())
	if out, err := output(filepath.Join(cfg.judges, "pprofcheck"), "-type", name, t.Path("out.pprof")); err != nil {
		t.Errorf("pprofcheck: %s", clip(out))
	}
	if out := t.top(t.Path("out.pprof")); function != "" && !strings.Contains(out, function) || !strings.Contains(out, "Type: ") {
		t.Errorf("no %s in the profile: %s", function, clip(out))
	}
	t.noLeftovers(t.dir)
}

// How long assists last is an estimate where no probe sees their ends: up to Go 1.21, and said only there.
func assistEstimateCase(t *T) {
	for version, want := range map[string]bool{cfg.versions[0]: true, cfg.newest: false} {
		p := t.fixture(version+"/workload", "-kinds", "gc")
		r := t.gobpftrace("profile", "-p", pidOf(p), "-t", "gc", "-d", "1s", "-o", version+".pprof", "--json")
		t.status(r, 0)
		if said, _ := t.json(r.stdout)["estimate"].(string); strings.Contains(said, "mark assists") != want {
			t.Errorf("go%s: estimate %q", version, said)
		}
		if out := t.top(t.Path(version+".pprof"), "-sample_index=assists"); !strings.Contains(out, "runtime.gcAssistAlloc") {
			t.Errorf("go%s: no assists: %s", version, clip(out))
		}
	}
}

// top is what go tool pprof shows of a profile; it must have nothing to warn about.
func (t *T) top(path string, options ...string) string {
	cmd := exec.Command(cfg.golang, append(append([]string{"tool", "pprof", "-top"}, options...), path)...)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(strings.ToLower(stderr.String()), "warn") {
		t.Errorf("go tool pprof: %v: %s", err, clip(stderr.String()))
	}
	return string(out)
}

// A value is a label's share of a profile, in percent of the whole.
var labelShare = regexp.MustCompile(`\( *([0-9.]+)%\): ([^\n]+)`)

func (t *T) tags(path string) string {
	cmd := exec.Command(cfg.golang, "tool", "pprof", "-tags", "-sample_index=0", path)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("go tool pprof -tags %s: %v", path, err)
	}
	return string(out)
}

// labelled: each of the ten labels of workload's tasks has about its share, all of them at least so many percent
// of the profile; the rest is the runtime's.
func (t *T) labelled(path string, atLeast float64) {
	sum, workers := 0.0, 0
	for _, m := range labelShare.FindAllStringSubmatch(t.tags(path), -1) {
		share, _ := strconv.ParseFloat(m[1], 64)
		worker, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		if worker > 9 || share < 5 || share > 15 {
			t.Errorf("%s: %s %% of worker %s", path, m[1], m[2])
		}
		sum += share
		workers++
	}
	if workers != 10 || sum < atLeast || sum > 100.1 {
		t.Errorf("%s: %d workers have %.1f %%: %s", path, workers, sum, clip(t.tags(path)))
	}
}

// A command's labels are all set in the window.
func labelledCommandCase(t *T) {
	r := t.gobpftrace("profile", "-t", "block", "-d", "1s", "-o", "out.pprof", "--json", "--",
		filepath.Join(cfg.fixtures, cfg.newest, "workload"), "-kinds", "tasks")
	t.status(r, 0)
	if pid, _ := t.json(r.stdout[max(strings.IndexByte(r.stdout, '{'), 0):])["pid"].(float64); pid > 1 {
		syscall.Kill(int(pid), syscall.SIGKILL)
	}
	t.labelled(t.Path("out.pprof"), 95)
}

// labelledProfilesCase takes profiles of a program whose workers were labelled before the window, ten kinds
// of them alike, and create a goroutine in each round.
func labelledProfilesCase(version string) func(*T) {
	return func(t *T) {
		p := t.fixture(version+"/workload", "-kinds", "tasks")
		for _, kind := range []string{"block", "sleep", "sched", "goroutinecreate", "sync"} {
			path := t.Path(kind + ".pprof")
			t.status(t.gobpftrace("profile", "-p", pidOf(p), "-t", kind, "-d", "600ms", "-o", path, "-q"), 0)
			// the runtime's goroutines run more on a machine that has little time
			if kind == "sched" {
				t.labelled(path, 85)
			} else {
				t.labelled(path, 99)
			}
			all, one := t.top(path, "-sample_index=0"), t.top(path, "-sample_index=0", "-tagfocus=worker=^3$")
			if strings.Contains(all, "tagfocus") || !strings.Contains(one, "tagfocus=worker=^3$") || !strings.Contains(one, "main.tasks") {
				t.Errorf("%s: -tagfocus: %s", kind, clip(one))
			}
		}
		path := t.Path("who.pprof")
		t.status(t.gobpftrace("profile", "-p", pidOf(p), "-t", "block", "-d", "400ms", "-o", path, "-q", "--no-labels", "--tag", "creator,state,goroutine"), 0)
		tags := t.tags(path)
		if strings.Contains(tags, "worker:") || !strings.Contains(tags, "main.tasks") || !strings.Contains(tags, "chan receive") || !strings.Contains(tags, " goroutine:") {
			t.Errorf("tags of a block profile: %s", clip(tags))
		}
	}
}

func deviceCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels")
	t.refused(t.gobpftrace("profile", "-p", pidOf(p), "-t", "goroutine", "-o", "/dev/null"), []int{2}, "/dev/null")
	if st, err := os.Stat("/dev/null"); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		t.Harmf("/dev/null is %v (%v)", st, err)
	}
}

// script(1) gives the tool a terminal.
func terminalCase(t *T) {
	if _, err := exec.LookPath("script"); err != nil {
		t.Skipf("script(1) is not there")
	}
	out, _ := output("script", "-qec", cfg.tool+" profile -p 1 -t cpu -d 1s -o -; echo status $?", "/dev/null")
	if !strings.Contains(out, "terminal") || !strings.Contains(out, "status 2") {
		t.Errorf("it says %q", out)
	}
}

func profileStdoutCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels")
	r := t.gobpftrace("profile", "-p", pidOf(p), "-t", "goroutine", "-o", "-")
	t.status(r, 0)
	if err := os.WriteFile(t.Path("out.pprof"), []byte(r.stdout), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	t.pprof(t.Path("out.pprof"), "goroutine")
	if r.stderr != "" {
		t.Errorf("standard error is %q", clip(r.stderr))
	}
}

// Whoever has the old file open keeps it whole; a failed run leaves it.
func profileReplaceCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels")
	if err := os.WriteFile(t.Path("a.pprof"), []byte("old"), 0o644); err != nil {
		t.Fatalf("%v", err)
	}
	old, err := os.Open(t.Path("a.pprof"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer old.Close()
	r := t.gobpftrace("profile", "-p", fmt.Sprint(1<<22-1), "-t", "goroutine", "-o", "a.pprof")
	t.status(r, 1)
	if got := t.read(t.Path("a.pprof")); got != "old" {
		t.Harmf("a run that failed left %q", clip(got))
	}
	t.status(t.gobpftrace("profile", "-p", pidOf(p), "-t", "goroutine", "-o", "a.pprof", "-q"), 0)
	was := make([]byte, 10)
	if n, _ := old.Read(was); string(was[:n]) != "old" {
		t.Harmf("the old file was written to")
	}
	t.owned(t.Path("a.pprof"), 0o600, os.Getuid())
	t.pprof(t.Path("a.pprof"), "goroutine")
	t.noLeftovers(t.dir)
}

func everyCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,mutex")
	r := t.start(nil, "profile", "-p", pidOf(p), "-t", "cpu", "-d", "300ms", "--every", "1s", "-o", "series", "-q")
	var names []os.DirEntry
	for begin := time.Now(); len(names) < 3 && time.Since(begin) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		names, _ = os.ReadDir(t.Path("series"))
	}
	r.cmd.Process.Signal(syscall.SIGINT)
	t.status(t.wait(r), 0)
	names, _ = os.ReadDir(t.Path("series"))
	if len(names) < 3 {
		t.Errorf("%d profiles", len(names))
	}
	byTime := regexp.MustCompile(`^\d{8}T\d{6}Z\.cpu\.pprof$`)
	for _, e := range names {
		if !byTime.MatchString(e.Name()) {
			t.Errorf("a file is called %s", e.Name())
		}
	}
	if len(names) > 0 {
		t.pprof(t.Path("series/"+names[0].Name()), "cpu")
	}
}

// wallTagCase: the goroutines of a program at rest, by their numbers: each waits all of the time.
func wallTagCase(t *T) {
	p := t.fixture(cfg.newest + "/zoo")
	t.status(t.gobpftrace("profile", "-p", pidOf(p), "-t", "wall", "-d", "1s", "-o", "out.pprof", "-q", "--tag", "goroutine,state"), 0)
	tags := t.tags(t.Path("out.pprof"))
	_, list, _ := strings.Cut(tags, " goroutine:")
	list, _, _ = strings.Cut(list, "\n\n")
	if n := len(labelShare.FindAllString(list, -1)); n < 900 {
		t.Errorf("%d goroutines: %s", n, clip(tags))
	}
	one := regexp.MustCompile(`\): ([0-9]+)`).FindStringSubmatch(list)
	if one == nil {
		t.Fatalf("no number of a goroutine in %s", clip(list))
	}
	out := t.top(t.Path("out.pprof"), "-sample_index=time", "-tagfocus=goroutine=^"+one[1]+"$", "-unit=ms")
	m := regexp.MustCompile(`Showing nodes accounting for ([0-9.]+)ms`).FindStringSubmatch(out)
	ms := 0.0
	if m != nil {
		ms, _ = strconv.ParseFloat(m[1], 64)
	}
	if ms < 700 || ms > 1500 {
		t.Errorf("goroutine %s has %v ms of a second: %s", one[1], ms, clip(out))
	}
}

func kernelTagCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "files")
	r := t.gobpftrace("profile", "-p", pidOf(p), "-t", "cpu", "-d", "1s", "--hz", "999", "--kernel",
		"--tag", "goroutine,creator,thread,state", "-o", "out.pprof")
	t.status(r, 0)
	out := t.top(t.Path("out.pprof"), "-nodecount=1000", "-cum", "-nodefraction=0")
	for _, must := range []string{"do_syscall_64", "main.files", "Syscall6"} {
		if !strings.Contains(out, must) {
			t.Errorf("no %s in %s", must, clip(out))
		}
	}
	for _, focus := range []string{"creator=main.files", "state=syscall", "thread=" + pidOf(p)[:1], "goroutine=[0-9]"} {
		if out := t.top(t.Path("out.pprof"), "-tagfocus="+focus); !strings.Contains(out, "%") {
			t.Errorf("nothing with %s", focus)
		}
	}
}

var (
	mappingLine  = regexp.MustCompile(`(?m)^(\d+): 0x([0-9a-f]+)/0x[0-9a-f]+/0x([0-9a-f]+) (\S*/libm\.so\S*)`)
	locationLine = regexp.MustCompile(`(?m)^ +\d+: 0x([0-9a-f]+) M=(\d+) (\S+) :0:0 s=0`)
)

// What is named in the C library is so by its own symbols: each address lies in the function of that name.
func librariesCase(t *T) {
	p := t.fixture(cfg.newest+"/cgo", "-n", "3", "-foreign", "0", "-roots")
	t.status(t.gobpftrace("profile", "-p", pidOf(p), "-t", "cpu", "-d", "1s", "--hz", "499", "-o", "out.pprof", "-q"), 0)
	if out := t.top(t.Path("out.pprof"), "-show_from=^cbrt$", "-symbolize=none"); !regexp.MustCompile(`(?m)[1-9]\d*\.\d+% +cbrt$`).MatchString(out) {
		t.Errorf("no cbrt: %s", clip(t.top(t.Path("out.pprof"), "-symbolize=none")))
	}
	cmd := exec.Command(cfg.golang, "tool", "pprof", "-raw", "-symbolize=none", t.Path("out.pprof"))
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
	raw, err := cmd.Output()
	m := mappingLine.FindStringSubmatch(string(raw))
	if err != nil || m == nil {
		t.Fatalf("go tool pprof -raw: %v: %s", err, clip(string(raw)))
	}
	lib, err := elf.Open(m[4])
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer lib.Close()
	symbols, err := lib.DynamicSymbols()
	if err != nil {
		t.Fatalf("%v", err)
	}
	start, _ := strconv.ParseUint(m[2], 16, 64)
	off, _ := strconv.ParseUint(m[3], 16, 64)
	named := 0
	for _, l := range locationLine.FindAllStringSubmatch(string(raw), -1) {
		at, _ := strconv.ParseUint(l[1], 16, 64)
		if l[2] != m[1] {
			continue
		}
		at = at - start + off // in a library of one piece, files and addresses have equal offsets
		found := false
		for _, s := range symbols {
			found = found || s.Name == l[3] && at >= s.Value && at < s.Value+s.Size
		}
		if !found {
			t.Errorf("0x%x of %s is not in %s", at, m[4], l[3])
		}
		named++
	}
	if named < 3 {
		t.Errorf("%d places of %s have a name: %s", named, m[4], clip(string(raw)))
	}
}

// The file is there within 200 ms of the window's end, and some for a machine that is busy with
// other tests: the time of the same machine for starting the tool at all.
func soonCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,mutex")
	none := t.gobpftrace("profile", "-p", pidOf(p), "-t", "goroutine", "-o", "warm.pprof", "-q")
	t.status(none, 0)
	for _, name := range []string{"cpu", "mutex", "sched", "gc"} {
		r := t.gobpftrace("profile", "-p", pidOf(p), "-t", name, "-d", "500ms", "-o", name+".pprof", "--json")
		t.status(r, 0)
		took, _ := t.json(r.stdout)["written_after_ns"].(float64)
		if limit := 200e6 + float64(none.took.Nanoseconds()); took <= 0 || took > limit {
			t.Errorf("%s: written %.0f ms after the window's end, wanted %.0f", name, took/1e6, limit/1e6)
		}
	}
}

// What is folded while it is recorded keeps its stacks only; of a command the events, until there are too many.
func profileMaxSizeCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,mutex")
	for _, kind := range []string{"block", "sched"} {
		r := t.gobpftrace("profile", "-p", pidOf(p), "-t", kind, "-d", "3s", "-o", kind+".pprof", "--json", "--max-size", "1MiB")
		t.status(r, 0)
		m := t.json(r.stdout)
		if events, _ := m["events"].(float64); m["end"] != "duration" || events < 40000 {
			t.Errorf("%s: %s", kind, clip(r.stdout))
		}
	}
	r := t.gobpftrace("profile", "-t", "sched", "-d", "60s", "-o", "command.pprof", "--json", "--max-size", "1MiB", "--",
		filepath.Join(cfg.fixtures, cfg.newest, "workload"), "-kinds", "channels,mutex")
	t.status(r, 0)
	m := t.json(r.stdout[max(strings.IndexByte(r.stdout, '{'), 0):])
	if pid, _ := m["pid"].(float64); pid > 1 {
		syscall.Kill(int(pid), syscall.SIGKILL)
	}
	if m["end"] != "max-size" || r.took > 30*time.Second {
		t.Errorf("a command in %v: %s", r.took, clip(r.stdout))
	}
}

func commandProfileCase(t *T) {
	r := t.gobpftrace("profile", "-t", "goroutinecreate", "-d", "1s", "-o", "out.pprof", "--json", "--",
		filepath.Join(cfg.fixtures, cfg.newest, "workload"), "-kinds", "spawn")
	t.status(r, 0)
	// the end of -d leaves it running
	own := r.stdout[max(strings.IndexByte(r.stdout, '{'), 0):] // behind what the command itself says
	if pid, _ := t.json(own)["pid"].(float64); pid > 1 {
		syscall.Kill(int(pid), syscall.SIGKILL)
	} else {
		t.Errorf("no pid in %s", clip(r.stdout))
	}
	if out := t.top(t.Path("out.pprof"), "-cum", "-nodecount=100", "-nodefraction=0"); !strings.Contains(out, "runtime.main") {
		t.Errorf("main created nothing: %s", clip(out))
	}
}

func profileInterruptCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,mutex")
	r := t.recording(p, "profile", "-p", pidOf(p), "-t", "block", "-o", "out.pprof", "--json")
	r.cmd.Process.Signal(syscall.SIGINT)
	res := t.wait(r)
	t.status(res, 0)
	m := t.json(res.stdout)
	events, _ := m["events"].(float64)
	if m["end"] != "interrupted" || events < 1000 {
		t.Errorf("it says %s", clip(res.stdout))
	}
	if blocks := t.total(t.Path("out.pprof"), "contentions"); blocks == 0 || blocks > events {
		t.Errorf("%.0f blocking events of %.0f", blocks, events)
	}
}

// total is the sum of a profile's values of one kind.
func (t *T) total(path, kind string) float64 {
	out := t.top(path, "-sample_index="+kind)
	m := regexp.MustCompile(`of (\d+) total`).FindStringSubmatch(out)
	if m == nil {
		t.Errorf("no total in %s", clip(out))
		return 0
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v
}

// Of a storm of waits a small budget pays for slices, which are scaled and said to be; a text, which cannot say so,
// ends; below a large one the same profile is whole.
func profileOverCase(t *T) {
	p := t.program(cfg.newest+"/bench", "-do", "pingpong", "-n", "4")
	profile := func(file string, args ...string) string {
		r := t.gobpftrace(append([]string{"profile", "-p", pidOf(p), "-t", "block", "-o", file}, args...)...)
		t.status(r, 0)
		if r.took > 25*time.Second {
			t.Errorf("%v took %v", args, r.took)
		}
		return r.stdout
	}
	if said := profile("sliced.pprof", "-d", "4s", "--max-overhead", "5"); !strings.Contains(said, "of 4") || !strings.Contains(said, "scaled to it") {
		t.Errorf("not in slices: %q", clip(said))
	}
	if top := t.top(t.Path("sliced.pprof")); !strings.Contains(top, "runtime.chan") {
		t.Errorf("nobody waits: %q", clip(top))
	}
	if said := profile("over.txt", "-d", "30s", "--max-overhead", "5", "--format", "text"); !strings.Contains(said, "ended by --max-overhead") {
		t.Errorf("the budget did not end it: %q", clip(said))
	}
	if said := profile("whole.pprof", "-d", "1s", "--max-overhead", "1000"); strings.Contains(said, "ended by") || strings.Contains(said, "scaled") {
		t.Errorf("not whole: %q", clip(said))
	}
}
