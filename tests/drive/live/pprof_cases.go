package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func pprofCases() {
	addBeside("every profile opens in every form of go tool pprof", pprofFormsCase)
	addBeside("profiles merge with the program's own", pprofMergeCase)
	addBeside("profiles open in pprof's pages", pprofPagesCase)
}

var pprofWork = []string{"-kinds", "nethttp,mutex,timers,cycles"}

// pprofCommand is go tool pprof itself, which the go command only finds.
func (t *T) pprofCommand(args ...string) *exec.Cmd {
	find := exec.Command(cfg.golang, "tool", "-n", "pprof")
	find.Env = append(os.Environ(), "GOTOOLCHAIN=go"+cfg.newest, "GOFLAGS=")
	path, err := find.Output()
	if err != nil {
		t.Fatalf("go tool -n pprof: %v", err)
	}
	return exec.Command(strings.TrimSpace(string(path)), append([]string{"-symbolize=none"}, args...)...)
}

// pprofTool runs go tool pprof, which must have nothing to warn about.
func (t *T) pprofTool(input string, args ...string) string {
	cmd := t.pprofCommand(args...)
	cmd.Stdin = strings.NewReader(input)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if low := strings.ToLower(said.String()); err != nil || strings.Contains(low, "warn") || strings.Contains(low, "fail") ||
		strings.Contains(low, "error") || strings.Contains(low, "no matches") {
		t.Errorf("go tool pprof %s: %v: %s", strings.Join(args, " "), err, clip(said.String()))
	}
	return out.String()
}

// pprofFormsCase: what people type, of each type; dot is what web gives to Graphviz.
func pprofFormsCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", pprofWork...)
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "2s", "-o", "out", "-q", "--profiles", "all"), 0)
	types := strings.Fields(t.files(t.Path("out")))
	if len(types) != 15 {
		t.Errorf("profiles: %s", types)
	}
	for _, name := range types {
		path := t.Path("out/" + name + ".pprof")
		commands := "top\npeek .\ntraces\ndot\n"
		if name != "threadcreate" { // whose one row has no function
			commands += "list main\\.\n"
		}
		out := t.pprofTool(commands+"quit\n", path)
		marks := []string{" flat%", "calls%", "-----------+---", "digraph "}
		if name != "threadcreate" {
			marks = append(marks, "ROUTINE ==")
		}
		for _, mark := range marks {
			if !strings.Contains(out, mark) {
				t.Errorf("%s: no %q in what pprof shows: %s", name, mark, clip(out))
			}
		}
		if out := t.pprofTool("", "-top", "-diff_base="+path, path); !strings.Contains(out, "Showing nodes accounting for 0") {
			t.Errorf("%s less itself: %s", name, clip(out))
		}
	}
}

// firstSum is the sum of the first value of all samples.
func (t *T) firstSum(path string) int64 {
	out, err := output(filepath.Join(cfg.judges, "pprofsum"), path)
	fields := strings.Fields(out)
	if err != nil || len(fields) < 2 {
		t.Fatalf("pprofsum %s: %v: %s", path, err, clip(out))
	}
	n, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || n == 0 {
		t.Errorf("%s: sum %q", path, fields[1])
	}
	return n
}

// ownProfiles are those that the program writes of itself.
func (t *T) ownProfiles(ask func(string) string, line func() string) map[string]string {
	own := map[string]string{"heap": t.Path("own.heap"), "threadcreate": t.Path("own.threads"), "goroutine": t.Path("own.goroutine"),
		"cpu": t.Path("own.cpu"), "block": t.Path("own.block.1"), "mutex": t.Path("own.mutex.1")}
	for _, c := range []string{"heap " + own["heap"], "threads " + own["threadcreate"], "goroutines " + own["goroutine"] + " 0"} {
		if a := ask(c); !strings.HasPrefix(a, "done ") {
			t.Fatalf("%s: the fixture says %q", c, a)
		}
	}
	for _, c := range []string{"cpu " + own["cpu"] + " 500ms", "profiles " + t.Path("own") + " 500ms"} {
		if a := ask(c); !strings.HasPrefix(a, "begun ") {
			t.Fatalf("%s: the fixture says %q", c, a)
		}
		if a := line(); !strings.HasPrefix(a, "done ") {
			t.Fatalf("%s: the fixture says %q", c, a)
		}
	}
	return own
}

func pprofMergeCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", pprofWork...)
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "2s", "-o", "out", "-q", "--profiles", "cpu,goroutine,block,mutex,heap,threadcreate"), 0)
	own := t.ownProfiles(p.Ask, func() string {
		a, err := p.Line(patience)
		if err != nil {
			t.Fatalf("%v", err)
		}
		return a
	})
	for name, theirs := range own {
		ours, merged := t.Path("out/"+name+".pprof"), t.Path("merged."+name)
		t.pprofTool("", "-proto", "-output="+merged, ours, theirs)
		a, b, sum := t.firstSum(ours), t.firstSum(theirs), t.firstSum(merged)
		if a+b != sum {
			t.Errorf("%s: %d and %d are %d together", name, a, b, sum)
		}
	}
}

func (t *T) page(url string) string {
	var last error
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(url)
		if err != nil {
			last = err
			continue
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %v", url, r.Status, err)
		}
		return string(body)
	}
	t.Fatalf("%s: %v", url, last)
	return ""
}

func pprofPagesCase(t *T) {
	p := t.fixture(cfg.newest+"/workload", pprofWork...)
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "2s", "-o", "out", "-q", "--profiles", "block,wall"), 0)
	for name, function := range map[string]string{"block": "main.", "wall": "main."} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("%v", err)
		}
		address := l.Addr().String()
		l.Close()
		cmd := t.pprofCommand("-no_browser", "-http="+address, t.Path("out/"+name+".pprof"))
		if err := cmd.Start(); err != nil {
			t.Fatalf("%v", err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		for _, view := range []string{"flamegraph", "top", "peek?f=main", "source?f=main"} {
			if body := t.page(fmt.Sprintf("http://%s/ui/%s", address, view)); !strings.Contains(body, function) || strings.Contains(body, "warning") {
				t.Errorf("%s: nothing of %s in %s (%d bytes)", name, function, view, len(body))
			}
		}
	}
}
