package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

func watchCases() {
	for _, v := range []string{cfg.versions[0], cfg.newest} {
		add("watch: trigger DIR, go"+v, watchTriggerCase(v))
	}
	add("watch: a wait that is too long", watchBlockCase)
	add("watch: waits that do not end", watchLastingCase)
	add("watch: goroutines, once while it lasts", watchLevelCase)
	add("watch: SIGUSR2, --every, --on-file, --exec, --max-captures", watchPeopleCase)
	add("watch: the target exits", watchExitCase)
	add("watch: the target restarts", watchRestartCase)
	add("watch: two that come later", watchSeveralCase)
	add("watch: a service that is reloaded", watchServiceCase)
	add("watch: little memory, a shorter window", watchMemoryCase)
	add("watch: a budget makes slices", watchSlicesCase)
	add("watch: no probes where none are needed", watchCheapCase)
	add("watch: a sign puts probes in place", watchSignCase)
	usage("watch --mode burst", "watch", "-p", "1", "-o", "out", "--mode", "burst")
	usage("watch --mode full --max-overhead 2", "watch", "-p", "1", "-o", "out", "--mode", "full", "--max-overhead", "2")
	add("watch: a full disk stops writing, not watching", watchDiskCase)
	add("watch: replay of --raw gives the same", watchReplayCase)
	add("watch: two in one folder", watchTwiceCase)
	add("watch: all is sudo's user's", watchSudoCase)
	usage("watch --wait for a pid", "watch", "-p", "1", "-o", "out", "--wait")
	usage("watch without -o", "watch", "-p", "1")
	usage("watch --on without an operator", "watch", "-p", "1", "-o", "out", "--on", "sched 10ms")
	usage("watch --keep 10ms", "watch", "-p", "1", "-o", "out", "--keep", "10ms")
	usage("watch --profiles wall", "watch", "-p", "1", "-o", "out", "--profiles", "wall")
	usage("watch --after longer than --keep", "watch", "-p", "1", "-o", "out", "--keep", "1s", "--after", "2s")
	add("watch: a condition that does not parse", func(t *T) {
		t.refused(t.gobpftrace("watch", "-p", "1", "-o", "out", "--on", "shed > 10ms"), []int{2}, "at character 1: 'shed' is no subject; is it sched?")
	})
	addBeside("watch --config --check: each mistake with its place", watchConfigCase)
	add("trigger without a watch", func(t *T) { t.refused(t.gobpftrace("trigger", "."), []int{1}, "no watch runs there") })
}

// event is a line of watch --json.
type event struct {
	Event, Condition, Folder, Why, Then string
	What                                string
	ValueRaw                            float64 `json:"value_raw"`
	Merged, Captures, Pid               int
	Goroutine                           uint64
	WrittenAfter                        int64 `json:"written_after_ns"`
	ExecStatus                          *int  `json:"exec_status"`
	Lost, Late                          *int
	Watched                             float64 `json:"watched_ns"`
	Blind                               float64 `json:"blind_ns"`
	Slices                              int
}

// watch starts one that is attached when it returns. It prints into a file, which can be read while it
// goes on.
func (t *T) watch(args ...string) *running {
	out, err := os.Create(t.Path("events"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer out.Close()
	words := strings.Join(args, " ")
	if !strings.Contains(words, "--config") && !strings.Contains(words, "--max-overhead") { // what is there is to be seen
		args = append(args, "--mode", "full")
	}
	r := &running{cmd: exec.Command(cfg.tool, append([]string{"watch", "--json", "-o", "out"}, args...)...), begin: time.Now()}
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = t.dir, out, &r.err
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	for !strings.Contains(t.read(t.Path("events")), `"waiting"`) {
		if t.attached(r, 1) {
			break
		}
	}
	return r
}

// attached waits for so many processes to be watched, or for a moment.
func (t *T) attached(r *running, cnt int) bool {
	if time.Since(r.begin) > patience/2 {
		r.cmd.Process.Kill()
		t.Fatalf("watch did not begin: %s", clip(t.wait(r).stderr))
	}
	if strings.Count(t.read(t.Path("events")), `"watching"`) >= cnt {
		return true
	}
	time.Sleep(20 * time.Millisecond)
	return false
}

// ends interrupts it and gives its events.
func (t *T) ends(r *running) []event {
	r.cmd.Process.Signal(os.Interrupt)
	return t.events(t.wait(r))
}

func (t *T) events(res *result) (list []event) {
	res.stdout = t.read(t.Path("events"))
	t.status(res, 0)
	lines := bufio.NewScanner(strings.NewReader(res.stdout))
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("not JSON: %q", lines.Text())
		}
		list = append(list, e)
	}
	if len(list) == 0 || list[len(list)-1].Event != "ended" {
		t.Errorf("the last event is not that it ended: %s", clip(res.stdout))
	}
	return list
}

// soFar are the events of a watch that goes on; its last line may be cut.
func (t *T) soFar() (list []event) {
	for _, line := range strings.Split(t.read(t.Path("events")), "\n") {
		var e event
		if json.Unmarshal([]byte(line), &e) == nil {
			list = append(list, e)
		}
	}
	return list
}

// comes waits until it holds; on a busy machine that takes its time. Who needs it judges what is there then.
func comes(holds func() bool) {
	for begin := time.Now(); !holds() && time.Since(begin) < patience; {
		time.Sleep(50 * time.Millisecond)
	}
}

// captures waits for so many, and ends the watch.
func (t *T) captures(r *running, cnt int) (captures, all []event) {
	comes(func() bool { return len(of(t.soFar(), "capture")) >= cnt })
	all = t.ends(r)
	return of(all, "capture"), all
}

func of(list []event, kind string) (found []event) {
	for _, e := range list {
		if e.Event == kind {
			found = append(found, e)
		}
	}
	return found
}

// captured judges a capture of a watch: it is whole, says why, and had nothing to repair.
func (t *T) captured(dir, condition string) map[string]any {
	t.whole(dir, wants{transitions: 1000, goroutines: 20})
	reason := t.json(t.read(filepath.Join(dir, "reason.json")))
	if reason["condition"] != condition {
		t.Errorf("%s: the condition is %q, wanted %q", dir, reason["condition"], condition)
	}
	if text := t.read(filepath.Join(dir, "summary.txt")); !strings.Contains(text, "\nREASON  "+condition) {
		t.Errorf("%s: the summary does not say the reason", dir)
	}
	summary := t.json(t.read(filepath.Join(dir, "summary.json")))
	for kind, n := range summary["repairs"].(map[string]any) {
		if n.(float64) > 1 { // a window that begins inside a stop of the world has one
			t.Errorf("%s: %v repairs of kind %s", dir, n, kind)
		}
	}
	return reason
}

var watched = []string{"-kinds", "channels,mutex,timers,nethttp,gc"}

func watchTriggerCase(version string) func(*T) {
	return func(t *T) {
		p := t.fixture(version+"/workload", watched...)
		os.MkdirAll(t.Path("out/earlier"), 0o755)
		os.WriteFile(t.Path("out/earlier/file"), []byte("stays"), 0o644)
		r := t.watch("-p", pidOf(p), "--keep", "1s")
		time.Sleep(2500 * time.Millisecond)
		asked := t.gobpftrace("trigger", "out", "-m", "slow just now")
		t.status(asked, 0)
		dir := t.Path(strings.TrimSpace(asked.stdout))
		t.status(t.gobpftrace("trigger", "out"), 0) // at once: people get a capture each
		list := t.ends(r)
		reason := t.captured(dir, "trigger")
		if reason["what"] != "slow just now" {
			t.Errorf("the message is %v", reason["what"])
		}
		if ns := reason["window_ns"].(float64); ns < 0.95e9 || ns > 1.05e9 {
			t.Errorf("the window is %v ns, wanted 1s", ns)
		}
		if n := len(of(list, "capture")); n != 2 {
			t.Errorf("%d captures, wanted 2", n)
		}
		if exists(t.Path("out/trigger.sock")) || t.read(t.Path("out/earlier/file")) != "stays" {
			t.Errorf("the socket is left, or what was there before is not")
		}
	}
}

// The reason names a goroutine that waited in this stack, for longer than the threshold.
func watchBlockCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--on", "block any > 2ms")
	time.Sleep(4 * time.Second)
	list := t.ends(r)
	got := of(list, "capture")
	if len(got) != 1 { // the others cool down
		t.Fatalf("%d captures, wanted 1: %v", len(got), list)
	}
	reason := t.json(t.read(filepath.Join(t.Path(got[0].Folder), "reason.json")))
	if d := reason["duration_ns"].(float64); d <= 2e6 || d != reason["value_raw"].(float64) {
		t.Errorf("it waited for %v ns, the value is %v", d, reason["value_raw"])
	}
	stack, _ := reason["stack"].([]any)
	if reason["goroutine"].(float64) < 1 || len(stack) == 0 {
		t.Errorf("no goroutine or no stack: %v", reason)
	}
	if !strings.Contains(filepath.Base(got[0].Folder), "-block-any") {
		t.Errorf("the folder is %s", got[0].Folder)
	}
}

// The gate is closed and stays so: its workers wait.
func watchLastingCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,mutex")
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--cool-down", "0s", "--on", "block receive > 1500ms")
	time.Sleep(300 * time.Millisecond)
	p.Ask("pause")
	time.Sleep(3000 * time.Millisecond)
	got := of(t.ends(r), "trigger")
	p.Ask("resume")
	told := map[uint64]int{}
	for _, e := range got {
		if !strings.Contains(e.What, "it was not over when this was seen") {
			continue
		}
		if told[e.Goroutine]++; told[e.Goroutine] > 1 || e.ValueRaw < 1500e6 || e.ValueRaw > 3e9 {
			t.Errorf("goroutine %d, told %d times: after %v ns", e.Goroutine, told[e.Goroutine], e.ValueRaw)
		}
	}
	if len(told) == 0 {
		t.Errorf("triggers: %v", got)
	}
}

func watchLevelCase(t *T) {
	p := t.fixture(cfg.newest + "/zoo")
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--cool-down", "0s", "--on", "goroutines > 500", "--on", "threads > 100000")
	time.Sleep(3 * time.Second)
	got := of(t.ends(r), "capture")
	if len(got) != 1 || got[0].Condition != "goroutines > 500" {
		t.Fatalf("captures: %v", got)
	}
	if v := t.json(t.read(filepath.Join(t.Path(got[0].Folder), "reason.json")))["value_raw"].(float64); v < 1000 {
		t.Errorf("%v goroutines, the zoo has 1000", v)
	}
}

func watchPeopleCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p), "--keep", "1s", "--every", "2s", "--max-captures", "2", "--on-file", t.Path("now"),
		"--exec", "echo $GOBPFTRACE_CONDITION >>"+t.Path("hooks")+"; test -f $GOBPFTRACE_REASON_FILE")
	// each more than a second from the others, or they would be one capture
	time.Sleep(500 * time.Millisecond)
	r.cmd.Process.Signal(syscall.SIGUSR2)
	time.Sleep(2600 * time.Millisecond)
	os.WriteFile(t.Path("now"), nil, 0o644)
	time.Sleep(1500 * time.Millisecond)
	list := t.ends(r)
	kinds := map[string]bool{}
	for _, e := range of(list, "capture") {
		kinds[e.Condition] = true
		if e.ExecStatus == nil || *e.ExecStatus != 0 {
			t.Errorf("the command of %s ended with %v", e.Folder, e.ExecStatus)
		}
	}
	if !kinds["SIGUSR2"] || !kinds["every 2s"] || !kinds["file"] {
		t.Errorf("captures: %v", kinds)
	}
	if hooks := t.read(t.Path("hooks")); !strings.Contains(hooks, "SIGUSR2\n") || !strings.Contains(hooks, "every 2s\n") {
		t.Errorf("the commands were told %q", hooks)
	}
	if left, _ := os.ReadDir(t.Path("out")); len(left) != 2 {
		t.Errorf("%d captures are left, wanted 2", len(left))
	}
}

func watchExitCase(t *T) {
	p := t.program(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--on", "exit")
	time.Sleep(1500 * time.Millisecond)
	fmt.Fprintln(p.In, "quit")
	got := of(t.events(t.wait(r)), "capture")
	if len(got) != 1 || got[0].Condition != "exit" {
		t.Fatalf("captures: %v", got)
	}
	t.judge(filepath.Join(t.Path(got[0].Folder), "trace.out"), wants{transitions: 1000, goroutines: 20})
	// nobody has waited for it: every kernel tells
	if v := t.json(t.read(filepath.Join(t.Path(got[0].Folder), "reason.json")))["value"]; v != "status 0" {
		t.Errorf("it ended with status 0, the reason says %v", v)
	}
}

// The next process of that name is watched; what was kept of the one before is written.
func watchRestartCase(t *T) {
	path := t.copyOf(cfg.newest+"/workload", "restarted")
	one := t.program(path, "-kinds", "timers")
	r := t.watch("-n", "restarted", "--keep", "2s", "--on", "exit")
	time.Sleep(time.Second)
	fmt.Fprintln(one.In, "quit")
	one.Ended()
	two := t.program(path, "-kinds", "timers")
	for !t.attached(r, 2) {
	}
	time.Sleep(800 * time.Millisecond)
	t.status(t.gobpftrace("trigger", "out"), 0)
	list := t.ends(r)
	got, gone := of(list, "capture"), of(list, "gone")
	if len(gone) != 1 || gone[0].Pid != one.Pid() || gone[0].Why != "the target exited" {
		t.Errorf("gone: %v", gone)
	}
	if len(got) != 2 || got[0].Condition != "exit" || got[0].Pid != one.Pid() || got[1].Pid != two.Pid() {
		t.Fatalf("captures: %v", got)
	}
	for _, e := range got {
		t.judge(filepath.Join(t.Path(e.Folder), "trace.out"), wants{transitions: 50, goroutines: 5})
	}
}

// Each has a window of its own, and whoever asks gets a capture of each.
func watchSeveralCase(t *T) {
	path := t.copyOf(cfg.newest+"/workload", "severalone")
	r := t.watch("-n", "severalone", "--all", "--wait", "--keep", "2s", "--max-memory", "8MiB")
	if asked := t.gobpftrace("trigger", "out"); asked.status != 1 || !strings.Contains(asked.stderr, "no process is there") {
		t.Errorf("trigger while nobody is there: %s", asked)
	}
	one, two := t.program(path, "-kinds", "timers"), t.program(path, "-kinds", "timers")
	for !t.attached(r, 2) {
	}
	time.Sleep(time.Second)
	asked := t.gobpftrace("trigger", "out")
	t.status(asked, 0)
	got := of(t.ends(r), "capture")
	pids := map[int]bool{}
	for i, dir := range strings.Fields(asked.stdout) {
		t.judge(filepath.Join(t.Path(dir), "trace.out"), wants{transitions: 50, goroutines: 5})
		if i < len(got) && strings.HasSuffix(got[i].Folder, fmt.Sprintf("-trigger-%d", got[i].Pid)) {
			pids[got[i].Pid] = true
		}
	}
	if len(got) != 2 || !pids[one.Pid()] || !pids[two.Pid()] {
		t.Errorf("captures: %v, %q", got, asked.stdout)
	}
}

func watchMemoryCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "channels,yield")
	r := t.watch("-p", pidOf(p), "--keep", "1m", "--max-memory", "4MiB")
	time.Sleep(4 * time.Second)
	asked := t.gobpftrace("trigger", "out")
	t.status(asked, 0)
	dir := t.Path(strings.TrimSpace(asked.stdout))
	t.ends(r)
	reason := t.captured(dir, "trigger")
	if reason["window_limited_by_memory"] != true {
		t.Errorf("does not say that memory was the bound: %v", reason)
	}
	if !strings.Contains(t.read(filepath.Join(dir, "summary.txt")), "of 1m0s: the memory for it was full") {
		t.Errorf("the summary does not say that memory was the bound")
	}
}

// A budget takes the probes away: the window is of slices, each a trace of its own, and the rest is told.
func watchSlicesCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p), "--keep", "4s", "--max-overhead", "20", "--raw", "--on", "block any > 1ms")
	time.Sleep(6 * time.Second)
	asked := t.gobpftrace("trigger", "out")
	t.status(asked, 0)
	list := t.ends(r)
	dir := t.Path(strings.TrimSpace(asked.stdout))
	reason := t.json(t.read(filepath.Join(dir, "reason.json")))
	if window, seen := reason["window_ns"].(float64), reason["seen_ns"].(float64); window < 3.8e9 || seen <= 0 || seen > 0.9*window {
		t.Errorf("of %v ns all was seen in %v ns", window, seen)
	}
	if text := t.read(filepath.Join(dir, "summary.txt")); !strings.HasPrefix(text, "PARTIAL: ") || !strings.Contains(text, "\n  seen  ") {
		t.Errorf("the summary does not say that it is partial: %s", clip(text))
	}
	traces, _ := filepath.Glob(filepath.Join(dir, "trace*.out"))
	if len(traces) == 0 {
		t.Errorf("no trace")
	}
	for _, name := range traces { // a slice may be a few ms long
		t.judge(name, wants{transitions: 1, goroutines: 5})
	}
	if out, err := output(filepath.Join(cfg.judges, "tracecheck"), append([]string{"-min-sum", "50"}, traces...)...); err != nil {
		t.Errorf("all slices together: %s", clip(out))
	}
	t.status(t.gobpftrace("replay", filepath.Join(dir, "capture.raw"), "-o", "again", "-q"), 0)
	for _, name := range append([]string{"reason.json", "goroutine.pprof"}, always...) {
		if t.read(filepath.Join(dir, name)) != t.read(t.Path("again/"+name)) {
			t.Errorf("%s of the replay is another", name)
		}
	}
	if e := list[len(list)-1]; e.Slices < 1 || e.Blind <= 0 || e.Blind >= e.Watched {
		t.Errorf("the end does not tell gaps: %v", e)
	}
}

// Conditions that are judged from outside need no probes; those on goroutines a few.
func watchCheapCase(t *T) {
	p := t.program(cfg.newest + "/zoo")
	text, err := lab.TextSum(p.Pid())
	if err != nil {
		t.Skipf("%v", err)
	}
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--max-overhead", "2", "--on", "rss > 1TiB", "--on", "threads > 100000")
	time.Sleep(500 * time.Millisecond)
	if now, err := lab.TextSum(p.Pid()); err != nil || now != text {
		t.Errorf("there are probes in the target, for nothing: %v", err)
	}
	asked := t.gobpftrace("trigger", "out")
	t.status(asked, 0)
	list := t.ends(r)
	dir := t.Path(strings.TrimSpace(asked.stdout))
	if exists(filepath.Join(dir, "trace.out")) || !exists(filepath.Join(dir, "goroutine.pprof")) {
		t.Errorf("a trace, or no goroutines")
	}
	if !strings.HasPrefix(t.read(filepath.Join(dir, "summary.txt")), "NO TRACE: ") {
		t.Errorf("the summary does not say that there is no trace")
	}
	if e := list[len(list)-1]; e.Blind != 0 {
		t.Errorf("blind for %v ns, where nothing needs to be seen", e.Blind)
	}
}

// A condition that is half way to its threshold has the probes put in place; who is beyond it is told from a trace.
func watchSignCase(t *T) {
	p := t.fixture(cfg.newest + "/zoo")
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--max-overhead", "50", "--on", "goroutines > 1500", "--on", "goroutines < 10")
	seen := 0.0 // no event tells when probes come: captures do
	comes(func() bool {
		asked := t.gobpftrace("trigger", "out")
		t.status(asked, 0)
		seen, _ = t.json(t.read(filepath.Join(t.Path(strings.TrimSpace(asked.stdout)), "reason.json")))["seen_ns"].(float64)
		return seen > 0 || asked.status != 0
	})
	list := t.ends(r)
	if e := list[len(list)-1]; e.Slices < 1 || e.Blind != 0 || seen <= 0 {
		t.Errorf("1000 goroutines of 1500 are no sign: %v, %v", e, seen)
	}
}

func watchDiskCase(t *T) {
	if err := os.Mkdir(t.Path("out"), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	if err := syscall.Mount("none", t.Path("out"), "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(t.Path("out"), 0) })
	p := t.fixture(cfg.newest+"/workload", watched...)
	// what could not be written does not cool down for an hour
	const waits = "block any > 2ms"
	r := t.watch("-p", pidOf(p), "--keep", "2s", "--on", waits, "--cool-down", "1h")
	time.Sleep(2 * time.Second)
	if asked := t.gobpftrace("trigger", "out"); asked.status != 1 || !strings.Contains(asked.stderr, "could not be written") {
		t.Errorf("trigger on a full disk: %s", asked)
	}
	if err := syscall.Mount("none", t.Path("out"), "tmpfs", syscall.MS_REMOUNT, "size=1g"); err != nil {
		t.Fatalf("%v", err)
	}
	asked := t.gobpftrace("trigger", "out")
	t.status(asked, 0)
	t.captured(t.Path(strings.TrimSpace(asked.stdout)), "trigger")
	for begin := time.Now(); strings.Count(t.read(t.Path("events")), `"event":"capture"`) < 2 && time.Since(begin) < patience/4; {
		time.Sleep(50 * time.Millisecond)
	}
	list := t.ends(r)
	got := map[string]int{}
	for _, e := range append(of(list, "failed"), of(list, "capture")...) {
		got[e.Event+" "+e.Condition]++
	}
	if got["failed trigger"] != 1 || got["capture trigger"] != 1 || got["failed "+waits] < 1 || got["capture "+waits] != 1 {
		t.Errorf("events: %v", list)
	}
	if e := list[len(list)-1]; e.Lost == nil || e.Late == nil {
		t.Errorf("the last event does not say what was lost and late: %v", e)
	}
}

func watchReplayCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p), "--keep", "1s", "--raw")
	time.Sleep(2 * time.Second)
	asked := t.gobpftrace("trigger", "out", "-m", "again")
	t.status(asked, 0)
	t.ends(r)
	dir := t.Path(strings.TrimSpace(asked.stdout))
	t.status(t.gobpftrace("replay", filepath.Join(dir, "capture.raw"), "-o", "again", "-q"), 0)
	for _, name := range append([]string{"reason.json", "goroutine.pprof", "cpu.pprof"}, always...) {
		if t.read(filepath.Join(dir, name)) != t.read(t.Path("again/"+name)) {
			t.Errorf("%s of the replay is another", name)
		}
	}
}

// Socket, captures and the command are those of the user who called sudo; what he puts into a capture stays
// when it goes.
func watchSudoCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	if err := os.Chown(t.dir, nobodyID, nobodyID); err != nil {
		t.Fatalf("%v", err)
	}
	id := fmt.Sprint(nobodyID)
	r := t.start([]string{"SUDO_UID=" + id, "SUDO_GID=" + id}, "watch", "-p", pidOf(p), "-o", "out", "--mode", "full", "--keep", "1s", "-q", "--max-captures", "1",
		"--exec", "id -u >$GOBPFTRACE_CAPTURE/by; ls -l /proc/$$/fd | grep -c ' -> ' >$GOBPFTRACE_CAPTURE/fds")
	for ; !exists(t.Path("out/trigger.sock")); time.Sleep(20 * time.Millisecond) {
		if time.Since(r.begin) > patience/2 {
			r.cmd.Process.Kill()
			t.Fatalf("no socket: %s", clip(t.wait(r).stderr))
		}
	}
	t.owned(t.Path("out/trigger.sock"), 0o600, nobodyID)
	time.Sleep(2500 * time.Millisecond)
	var dirs []string
	for i := 0; i < 2; i++ {
		asked := t.gobpftrace("trigger", "out")
		t.status(asked, 0)
		dirs = append(dirs, t.Path(strings.TrimSpace(asked.stdout)))
	}
	r.cmd.Process.Signal(os.Interrupt)
	t.status(t.wait(r), 0)
	t.owned(dirs[1], 0o700, nobodyID)
	t.owned(filepath.Join(dirs[1], "trace.out"), 0o600, nobodyID)
	if by := strings.TrimSpace(t.read(filepath.Join(dirs[1], "by"))); by != id {
		t.Harmf("the command ran as %s", by)
	}
	// standard input, output and error, and what the shell itself has open
	if n := strings.TrimSpace(t.read(filepath.Join(dirs[1], "fds"))); n > "4" || len(n) != 1 {
		t.Harmf("the command has %s descriptors", n)
	}
	if exists(filepath.Join(dirs[0], "trace.out")) || !exists(filepath.Join(dirs[0], "by")) {
		t.Errorf("of the old capture more or less than what was written is left")
	}
}

// What a service manager is told, and a configuration that is read again by SIGHUP: all of it or nothing.
func watchServiceCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", "-kinds", "timers")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: t.Path("notify"), Net: "unixgram"})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer manager.Close()
	hears := func(want string) {
		for begin := time.Now(); ; {
			line := make([]byte, 500)
			manager.SetReadDeadline(begin.Add(patience / 4))
			n, err := manager.Read(line)
			if err != nil {
				t.Errorf("the manager was never told %s", want)
				return
			}
			if strings.Contains(string(line[:n]), want) {
				return
			}
		}
	}
	file := t.Path("watch.yaml")
	config := func(text string) { os.WriteFile(file, []byte("pid: "+pidOf(p)+"\nkeep: 1s\n"+text), 0o644) }
	config("on: threads > 100000\n")
	for _, env := range [][2]string{{"NOTIFY_SOCKET", t.Path("notify")}, {"WATCHDOG_USEC", "3000000"}} {
		os.Setenv(env[0], env[1])
		defer os.Unsetenv(env[0])
	}
	r := t.watch("--config", file)
	hears("READY=1")
	hears("WATCHDOG=1")
	hears("STATUS=watching; 0 captures")
	config("on: [threads > 100000, goroutines > 1]\n")
	r.cmd.Process.Signal(syscall.SIGHUP)
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1\nSTATUS=reloaded")
	config("keep: 2s\n")
	r.cmd.Process.Signal(syscall.SIGHUP)
	hears("STATUS=the new configuration has mistakes")
	config("on: request > 1s\n") // which needs other probes
	r.cmd.Process.Signal(syscall.SIGHUP)
	hears("STATUS=the new configuration has mistakes")
	time.Sleep(500 * time.Millisecond)
	r.cmd.Process.Signal(os.Interrupt)
	hears("STOPPING=1")
	res := t.wait(r)
	list := t.events(res)
	if got := of(list, "capture"); len(got) != 1 || got[0].Condition != "goroutines > 1" {
		t.Errorf("captures: %v", got)
	}
	if len(of(list, "reloaded")) != 1 || len(of(list, "not reloaded")) != 2 || !strings.Contains(res.stderr, "has no probes at requests") || !strings.Contains(res.stderr, file+":3:1: stands in line 2 already") {
		t.Errorf("events: %v; messages: %s", list, res.stderr)
	}
}

func watchConfigCase(t *T) {
	file := t.Path("watch.yaml")
	os.WriteFile(file, []byte("name: shop\noutptu: out\nkeep: 10\non:\n  - exit\n  - shed > 10ms\nafter: *x\n"), 0o644)
	r := t.gobpftrace("watch", "--config", file, "--check")
	t.status(r, 2)
	want := []string{":2:1: 'outptu' is no setting; is it output?", ":3:7: --keep '10': not a duration", ":6:5: --on 'shed > 10ms': at character 1:", ":7:8: "}
	for _, w := range want {
		if !strings.Contains(r.stderr, file+w) {
			t.Errorf("no %q in: %s", w, r.stderr)
		}
	}
	if n := strings.Count(r.stderr, "\n"); n != len(want) {
		t.Errorf("%d lines, wanted %d: %s", n, len(want), r.stderr)
	}
	os.WriteFile(file, []byte("name: nobody-is-called-so\noutput: out\non: exit\n"), 0o644)
	if r := t.gobpftrace("watch", "--config", file, "--check"); r.status != 0 || !strings.Contains(r.stdout, "no mistakes; 1 condition\n") {
		t.Errorf("a file without mistakes: %s", r)
	}
	t.refused(t.gobpftrace("watch", "--config", file), []int{1}, "nobody-is-called-so")
}

func watchTwiceCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p))
	second := t.gobpftrace("watch", "-p", pidOf(p), "-o", "out")
	if second.status != 1 || !strings.Contains(second.stderr, "another watch runs in this folder") {
		t.Errorf("the second: %s", second)
	}
	t.ends(r)
}
