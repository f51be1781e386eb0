package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

func requestCases() {
	for _, fixture := range []string{cfg.versions[0] + "/requests", "1.22.12/requests", cfg.newest + "/requests", cfg.newest + "/requests-stripped-pie"} {
		add("requests are tasks, go"+fixture, requestTasksCase(fixture))
	}
	addBeside("requests without names: --no-labels", requestNamesCase)
	addBeside("requests of a program without net/http", requestNoneCase)
	add("watch: slow requests by their own probes", watchRequestCheapCase)
	add("watch: slow requests, each with its cause", watchRequestCase)
	callCases()
	for _, version := range []string{cfg.versions[0], "1.22.12", cfg.newest} {
		add("requests of gRPC are tasks, go"+version, grpcTasksCase(version+"/grpcserver"))
	}
	addBeside("watch: slow requests of gRPC", watchGrpcCase)
	usage("watch match with --no-labels", "watch", "-p", "1", "-o", "out", "--no-labels", "--on", "request match '/a' > 1s")
	usage("record --requests --mode observe", "-p", "1", "--requests", "--mode", "observe")
}

// The handler's own log is the referee; beside others on this machine both clocks may stand further apart than
// they should (the judge's own bounds).
func requestTasksCase(fixture string) func(*T) {
	return func(t *T) {
		p := t.fixture(fixture, "-log", t.Path("log"))
		time.Sleep(500 * time.Millisecond)
		t.status(t.gobpftrace("-p", pidOf(p), "-d", "2s", "--requests", "-q", "-o", "out"), 0)
		time.Sleep(300 * time.Millisecond) // the log follows
		t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 20})
		out, err := output(filepath.Join(cfg.judges, "requests"), "-log", t.Path("log"), "-median", "5us", "-p99", "100us", t.Path("out/trace.out"))
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if strings.Contains(t.read(t.Path("out/trace.out")), "secret") {
			t.Harmf("the trace has a query string")
		}
	}
}

func requestNamesCase(t *T) {
	p := t.fixture(cfg.newest + "/requests")
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "1s", "--requests", "--no-labels", "-q", "-o", "out"), 0)
	trace := t.read(t.Path("out/trace.out"))
	if !strings.Contains(trace, "hijacked") || strings.Contains(trace, "/ok/") {
		t.Errorf("no requests are told, or their paths are")
	}
}

func requestNoneCase(t *T) {
	p := t.fixture(cfg.newest + "/zoo")
	t.refused(t.gobpftrace("watch", "-p", pidOf(p), "-o", "captures", "--on", "request > 1s"), []int{3}, "no server of net/http or gRPC")
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "200ms", "--requests", "-q", "-o", "out"), 0)
	if !strings.Contains(t.read(t.Path("out/summary.txt")), "no server of net/http or gRPC whose requests can be seen") {
		t.Errorf("the summary does not say that there are no requests")
	}
}

// causes by the path that was planted: what the first of the request's waits must be, in which function, and who
// ended it. The CPU has none: it is where the samples are.
var causes = map[string]struct{ reason, where, waker string }{
	"/slow/lock/": {"sync", "main.readStore", "main.releaseStore"},
	"/slow/down/": {"network", "main.askBackend", ""},
	"/slow/cpu/":  {"", "main.compute", ""},
}

func watchRequestCase(t *T) {
	p := t.fixture(cfg.newest+"/requests", "-slow", "1100ms")
	args := []string{"-p", pidOf(p), "--keep", "1s"}
	for path := range causes {
		args = append(args, "--on", "request match 'GET "+path+"*' > 60ms")
	}
	r := t.watch(args...)
	got, _ := t.captures(r, len(causes))
	if len(got) != len(causes) {
		t.Fatalf("%d captures, wanted %d: %v", len(got), len(causes), got)
	}
	for _, c := range got {
		t.slowRequest(t.Path(c.Folder))
	}
}

// With the probes of requests alone until one is near its threshold: each is seen, with its length.
func watchRequestCheapCase(t *T) {
	p := t.fixture(cfg.newest+"/requests", "-slow", "700ms")
	r := t.watch("-p", pidOf(p), "--keep", "1s", "--max-overhead", "20", "--cool-down", "0s", "--on", "request match 'GET /slow/lock/*' > 60ms")
	got, list := t.captures(r, 2)
	if len(got) < 2 {
		t.Fatalf("%d captures, wanted 2 at least: %v", len(got), list)
	}
	for _, c := range got {
		reason := t.json(t.read(filepath.Join(t.Path(c.Folder), "reason.json")))
		if reason["ending"] != "200" || c.ValueRaw < 60e6 || c.ValueRaw > 500e6 {
			t.Errorf("%v: %v", c, reason["ending"])
		}
	}
	if e := list[len(list)-1]; e.Blind != 0 {
		t.Errorf("requests were not seen for %v ns", e.Blind)
	}
}

func (t *T) slowRequest(dir string) {
	reason := t.json(t.read(filepath.Join(dir, "reason.json")))
	path := fmt.Sprint(reason["path"])
	cause, ok := causes[path[:strings.LastIndex(path, "/")+1]]
	if !ok || reason["method"] != "GET" || reason["ending"] != "200" || reason["goroutine"].(float64) < 1 {
		t.Fatalf("not one of those planted: %v", reason)
	}
	spent := reason["spent"].(map[string]any)
	total := spent["total_ns"].(float64)
	if total != reason["value_raw"].(float64) || total < 80e6 || spent["not_known_ns"].(float64) > 0.01*total {
		t.Errorf("%s: %v", path, spent)
	}
	summary := t.read(filepath.Join(dir, "summary.txt"))
	first := strings.Fields(strings.SplitN(strings.SplitN(summary, "of the trace\n", 2)[1], "\n", 2)[0])[0]
	if cause.reason == "" {
		if first != "running" || spent["running_ns"].(float64) < 0.5*total || !strings.Contains(fmt.Sprint(spent["hot_at"]), cause.where) {
			t.Errorf("%s: the summary says %s first, most samples at %v", path, first, spent["hot_at"])
		}
		return
	}
	wait := spent["waits"].([]any)[0].(map[string]any)
	if first != cause.reason || wait["reason"] != cause.reason || wait["total_ns"].(float64) < 0.9*total {
		t.Errorf("%s: the summary says %s first, the worst wait is %v", path, first, wait)
	}
	if !strings.Contains(fmt.Sprint(wait["stack"]), cause.where) || !strings.Contains(fmt.Sprint(wait["waker"]), cause.waker) {
		t.Errorf("%s: waited in %v, woken by %v", path, wait["stack"], wait["waker"])
	}
}

// The handler's own log is the referee; its clock begins when the message is there, ours before.
func grpcTasksCase(fixture string) func(*T) {
	return func(t *T) {
		p := t.fixture(fixture, "-log", t.Path("log"))
		time.Sleep(500 * time.Millisecond)
		t.status(t.gobpftrace("-p", pidOf(p), "-d", "2s", "--mode", "full", "--requests", "-q", "-o", "out"), 0)
		time.Sleep(300 * time.Millisecond) // the log follows
		t.whole(t.Path("out"), wants{transitions: 1000, goroutines: 20})
		out, err := output(filepath.Join(cfg.judges, "calls"), "-log", t.Path("log"), "-kind", "grpc", "-median", "100us", "-p99", "2ms", t.Path("out/trace.out"))
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func watchGrpcCase(t *T) {
	p := t.fixture(cfg.newest+"/grpcserver", "-slow", "1100ms")
	r := t.watch("-p", pidOf(p), "--keep", "1s", "--on", "request match '/shop.Cart/S*' > 60ms")
	got, _ := t.captures(r, 1)
	if len(got) != 1 {
		t.Fatalf("%d captures, wanted 1: %v", len(got), got)
	}
	reason := t.json(t.read(filepath.Join(t.Path(got[0].Folder), "reason.json")))
	if reason["method"] != "" || reason["path"] != "/shop.Cart/Slow" || reason["ending"] != "OK" {
		t.Errorf("not the one that was planted: %v", reason)
	}
}
