// Viewpages starts `go tool trace` on a trace and fetches every page of its web view that its own
// links lead to, and the data that its scripts load; then it runs each -pprof= kind. It exits 1 when a page
// answers anything but 200, the server dies, or a kind fails.
//
//	viewpages [-go GO] FILE
package main

import (
	"bytes"
	"flag"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Data that pages load by script, so that no link leads to it.
var loaded = []string{"/jsontrace?view=proc", "/jsontrace?view=thread", "/mmuPlot?flags=stw", "/mmuPlot?flags=util%7Cstw%7Cbackground%7Cassist"}

var link = regexp.MustCompile(`(?:href|src)="(/[^"#]*)"`)

const most = 80 // pages; a table of goroutines links each of them

type viewer struct {
	base     string
	seen     map[string]bool
	todo     []string
	problems []string
	bytes    int
}

func (v *viewer) add(path string) {
	if !v.seen[path] && len(v.seen) < most {
		v.seen[path] = true
		v.todo = append(v.todo, path)
	}
}

func (v *viewer) fetch(path string) {
	client := &http.Client{Timeout: 2 * time.Minute}
	resp, err := client.Get(v.base + path)
	if err != nil {
		v.problems = append(v.problems, err.Error())
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
		v.problems = append(v.problems, fmt.Sprintf("%s: %s, %d bytes, %v: %.200s", path, resp.Status, len(body), err, body))
		return
	}
	v.bytes += len(body)
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		for _, m := range link.FindAllStringSubmatch(string(body), -1) {
			if !strings.HasPrefix(m[1], "/static/") {
				v.add(html.UnescapeString(m[1]))
			}
		}
	}
}

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "viewpages:", err)
		os.Exit(1)
	}
	defer l.Close()
	return l.Addr().String()
}

// stubs makes a folder with a dot for machines without Graphviz: the profile pages are drawn by it, and
// what is looked at here is what comes before the drawing.
func stubs() (string, error) {
	dir, err := os.MkdirTemp("", "viewpages-")
	if err == nil && !has("dot") {
		err = os.WriteFile(dir+"/dot", []byte("#!/bin/sh\ncat >/dev/null\necho '<?xml version=\"1.0\"?><svg viewBox=\"0 0 1 1\"></svg>'\n"), 0o755)
	}
	return dir, err
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// up waits until the server has read the trace and listens.
func up(addr string, ended <-chan error) error {
	for begin := time.Now(); time.Since(begin) < 2*time.Minute; time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-ended:
			return fmt.Errorf("go tool trace ended: %v", err)
		default:
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return nil
		}
	}
	return fmt.Errorf("go tool trace does not listen")
}

func main() {
	golang := flag.String("go", "go", "a go command")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: viewpages FILE")
		os.Exit(2)
	}
	addr := freePort()
	var stderr bytes.Buffer
	// The tool itself, not go: a kill must reach it.
	path, err := exec.Command(*golang, "tool", "-n", "trace").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "viewpages: no go tool trace:", err)
		os.Exit(1)
	}
	server := exec.Command(strings.TrimSpace(string(path)), "-http="+addr, flag.Arg(0))
	server.Stderr = &stderr
	bin, err := stubs()
	if err != nil {
		fmt.Fprintln(os.Stderr, "viewpages:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(bin)
	server.Env = append(os.Environ(), "BROWSER=true", "PATH="+bin+":"+os.Getenv("PATH"))
	if err := server.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "viewpages:", err)
		os.Exit(1)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	v := &viewer{base: "http://" + addr, seen: map[string]bool{}}
	if err := up(addr, ended); err != nil {
		v.problems = append(v.problems, err.Error())
	} else {
		v.add("/")
		for _, p := range loaded {
			v.add(p)
		}
		for len(v.todo) > 0 {
			path := v.todo[0]
			v.todo = v.todo[1:]
			v.fetch(path)
		}
		select {
		case err := <-ended:
			v.problems = append(v.problems, fmt.Sprintf("go tool trace died: %v", err))
		default:
			server.Process.Kill()
			<-ended
		}
	}
	if strings.Contains(stderr.String(), "panic") {
		v.problems = append(v.problems, fmt.Sprintf("%.1000s", stderr.String()))
	}
	var kinds []string
	for _, kind := range []string{"net", "sync", "syscall", "sched"} {
		cmd := exec.Command(strings.TrimSpace(string(path)), "-pprof="+kind, flag.Arg(0))
		out, err := cmd.Output()
		if err != nil {
			v.problems = append(v.problems, fmt.Sprintf("-pprof=%s: %v", kind, err))
		}
		kinds = append(kinds, fmt.Sprintf("%s %d bytes", kind, len(out)))
	}
	fmt.Printf("%d pages, %d bytes; -pprof: %s\n", len(v.seen), v.bytes, strings.Join(kinds, ", "))
	for _, p := range v.problems {
		fmt.Println("  " + p)
	}
	if len(v.problems) > 0 || len(v.seen) < 10 {
		os.RemoveAll(bin)
		os.Exit(1)
	}
}
