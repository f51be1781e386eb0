package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func watchCases() {
	for _, v := range []string{cfg.versions[0], cfg.newest} {
		add("watch: trigger DIR, go"+v, watchTriggerCase(v))
	}
	add("watch: a wait that is too long", watchBlockCase)
	add("watch: goroutines, once while it lasts", watchLevelCase)
	add("watch: SIGUSR2, --every, --on-file, --exec, --max-captures", watchPeopleCase)
	add("watch: the target exits", watchExitCase)
	add("watch: little memory, a shorter window", watchMemoryCase)
	add("watch: a full disk stops writing, not watching", watchDiskCase)
	add("watch: replay of --raw gives the same", watchReplayCase)
	add("watch: two in one folder", watchTwiceCase)
	add("watch: all is sudo's user's", watchSudoCase)
	usage("watch without -o", "watch", "-p", "1")
	usage("watch --on without an operator", "watch", "-p", "1", "-o", "out", "--on", "sched 10ms")
	usage("watch --keep 10ms", "watch", "-p", "1", "-o", "out", "--keep", "10ms")
	usage("watch --profiles wall", "watch", "-p", "1", "-o", "out", "--profiles", "wall")
	usage("watch --after longer than --keep", "watch", "-p", "1", "-o", "out", "--keep", "1s", "--after", "2s")
	add("watch: a condition that does not parse", func(t *T) {
		t.refused(t.gobpftrace("watch", "-p", "1", "-o", "out", "--on", "shed > 10ms"), []int{2}, "at character 1: 'shed' is no subject; is it sched?")
	})
	add("trigger without a watch", func(t *T) { t.refused(t.gobpftrace("trigger", "."), []int{1}, "no watch runs there") })
}

// event is a line of watch --json.
type event struct {
	Event, Condition, Folder, Why, Then string
	Merged, Captures                    int
	Goroutine                           uint64
	WrittenAfter                        int64 `json:"written_after_ns"`
	ExecStatus                          *int  `json:"exec_status"`
}

// watch starts one that is attached when it returns. It prints into a file, which can be read while it
// goes on.
func (t *T) watch(args ...string) *running {
	out, err := os.Create(t.Path("events"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer out.Close()
	r := &running{cmd: exec.Command(cfg.tool, append([]string{"watch", "--json", "-o", "out"}, args...)...), begin: time.Now()}
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = t.dir, out, &r.err
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	for ; !strings.Contains(t.read(t.Path("events")), `"watching"`); time.Sleep(20 * time.Millisecond) {
		if time.Since(r.begin) > patience/2 {
			r.cmd.Process.Kill()
			t.Fatalf("watch %v did not begin: %s", args, clip(t.wait(r).stderr))
		}
	}
	return r
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

func watchDiskCase(t *T) {
	if err := os.Mkdir(t.Path("out"), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	if err := syscall.Mount("none", t.Path("out"), "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(t.Path("out"), 0) })
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p), "--keep", "2s")
	time.Sleep(2 * time.Second)
	if asked := t.gobpftrace("trigger", "out"); asked.status != 1 || !strings.Contains(asked.stderr, "could not be written") {
		t.Errorf("trigger on a full disk: %s", asked)
	}
	if err := syscall.Mount("none", t.Path("out"), "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatalf("%v", err)
	}
	asked := t.gobpftrace("trigger", "out")
	t.status(asked, 0)
	t.captured(t.Path(strings.TrimSpace(asked.stdout)), "trigger")
	r.cmd.Process.Signal(os.Interrupt)
	if list := t.events(t.wait(r)); len(of(list, "failed")) != 1 || len(of(list, "capture")) != 1 {
		t.Errorf("events: %v", list)
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
	r := t.start([]string{"SUDO_UID=" + id, "SUDO_GID=" + id}, "watch", "-p", pidOf(p), "-o", "out", "--keep", "1s", "-q", "--max-captures", "1",
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

func watchTwiceCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", watched...)
	r := t.watch("-p", pidOf(p))
	second := t.gobpftrace("watch", "-p", pidOf(p), "-o", "out")
	if second.status != 1 || !strings.Contains(second.stderr, "another watch runs in this folder") {
		t.Errorf("the second: %s", second)
	}
	t.ends(r)
}
