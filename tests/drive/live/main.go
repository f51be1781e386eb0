// Live runs the tool on real Go programs of many versions and build modes, on wrong input, and in
// the accidents of life, and looks at its files, its exit status, and what it leaves behind. A line
// a case: "ok", "FAIL" or "skip", its name, and why. A case that fails is made once more ("again"), but for what
// no busy machine excuses (T.Harmf). With CI=true in the environment a skip fails.
//
//	live -tool build/gobpftrace -fixtures build/fixtures -judges DIR [-run REGEXP]
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"gobpftrace.test/drive/attempts"
)

type config struct {
	tool, fixtures, judges, golang string
	newest                         string
	versions, modes                []string
}

var cfg config

// T is a running case. Its folder is empty at the begin and removed at the end.
type T struct {
	name     string
	dir      string
	problems []string
	harmed   bool
	cleanups []func()
}

type fatal struct{}
type skip struct{ why string }

func (t *T) Errorf(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	panic(fatal{})
}

// Harmf is Errorf for what no busy machine excuses: the target was harmed, something was left behind,
// a refusal was none, the tool crashed. The case gets no second attempt.
func (t *T) Harmf(format string, args ...any) {
	t.harmed = true
	t.Errorf(format, args...)
}

func (t *T) Skipf(format string, args ...any) { panic(skip{fmt.Sprintf(format, args...)}) }

// Cleanup runs f after the case, the last one first.
func (t *T) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Path is a name in the case's folder.
func (t *T) Path(name string) string { return filepath.Join(t.dir, name) }

type testcase struct {
	name   string
	run    func(*T)
	beside bool // may run while others do
}

var cases []testcase

// add is for a case that has the machine for itself, among the cases.
func add(name string, run func(*T)) { cases = append(cases, testcase{name, run, false}) }

// addBeside is for a case that neither looks at the machine as a whole nor at how long something takes:
// others run at the same time, since most of a capture is waiting.
func addBeside(name string, run func(*T)) { cases = append(cases, testcase{name, run, true}) }

func (c *testcase) execute() (t *T, skipped string) {
	t = &T{name: c.name}
	dir, err := os.MkdirTemp("", "gobpftrace-live-")
	if err != nil {
		t.Errorf("%v", err)
		return t, ""
	}
	t.dir = dir
	t.Cleanup(func() { os.RemoveAll(dir) })
	func() {
		defer func() {
			switch x := recover().(type) {
			case nil, fatal:
			case skip:
				skipped = x.why
			default:
				panic(x)
			}
		}()
		c.run(t)
	}()
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
	return t, skipped
}

// attempt runs the case and writes its line.
func (c *testcase) attempt(out io.Writer) attempts.Verdict {
	begin := time.Now()
	t, skipped := c.execute()
	took := time.Since(begin).Round(100 * time.Millisecond)
	switch {
	case len(t.problems) > 0:
		fmt.Fprintf(out, "FAIL %s (%v)\n", c.name, took)
		for _, p := range t.problems {
			fmt.Fprintln(out, "       "+strings.ReplaceAll(strings.TrimSpace(p), "\n", "\n       "))
		}
		if t.harmed {
			return attempts.Harmed
		}
		return attempts.Failed
	case skipped != "":
		fmt.Fprintf(out, "skip %s (%s)\n", c.name, skipped)
		return attempts.Skipped
	}
	fmt.Fprintf(out, "ok   %s (%v)\n", c.name, took)
	return attempts.Passed
}

func (c *testcase) judge(out io.Writer) attempts.Verdict {
	return attempts.Twice(out, c.name, func() attempts.Verdict { return c.attempt(out) })
}

// runAll runs cases in their order, several at once where they may, and counts the verdicts.
func runAll(list []*testcase, atOnce int) (counts [attempts.Harmed + 1]int) {
	var lock sync.Mutex // of the output and the counts
	var running sync.WaitGroup
	places := make(chan struct{}, max(atOnce, 1))
	for _, c := range list {
		c := c
		if !c.beside {
			running.Wait()
		}
		places <- struct{}{}
		running.Add(1)
		go func() {
			defer func() { <-places; running.Done() }()
			var out strings.Builder
			verdict := c.judge(&out)
			lock.Lock()
			defer lock.Unlock()
			fmt.Print(out.String())
			counts[verdict]++
		}()
		if !c.beside {
			running.Wait()
		}
	}
	running.Wait()
	return counts
}

func main() {
	if helperMain(os.Args[1:]) {
		return
	}
	flag.StringVar(&cfg.tool, "tool", "build/gobpftrace", "the tool")
	flag.StringVar(&cfg.fixtures, "fixtures", "build/fixtures", "where the programs are")
	flag.StringVar(&cfg.judges, "judges", "", "folder of the judge tracecheck")
	flag.StringVar(&cfg.golang, "go", "go", "a go command")
	flag.StringVar(&cfg.newest, "newest", "", "newest Go version")
	versions := flag.String("versions", "", "comma-separated Go versions")
	modes := flag.String("modes", "", "comma-separated build modes of the newest")
	only := flag.String("run", "", "only cases whose name matches this `regexp`")
	atOnce := flag.Int("at-once", min(runtime.NumCPU(), 4), "how many of the cases that may run beside others do")
	list := flag.Bool("list", false, "print the names of the cases")
	flag.Parse()
	var err error
	for _, p := range []*string{&cfg.tool, &cfg.fixtures, &cfg.judges} {
		if *p, err = filepath.Abs(*p); err != nil {
			fmt.Fprintln(os.Stderr, "live:", err)
			os.Exit(1)
		}
	}
	cfg.versions, cfg.modes = strings.Split(*versions, ","), strings.Split(*modes, ",")
	if cfg.newest == "" || *versions == "" {
		fmt.Fprintln(os.Stderr, "live: -newest and -versions are needed")
		os.Exit(2)
	}
	captureCases()
	modeCases()
	profileCases()
	profileCommandCases()
	profileTextCases()
	pprofCases()
	symptomCases()
	lifeCases()
	watchCases()
	requestCases()
	funcCases()
	refusalCases()
	deniedCases()
	match := regexp.MustCompile(*only)
	var chosen []*testcase
	for i := range cases {
		if match.MatchString(cases[i].name) {
			chosen = append(chosen, &cases[i])
		}
	}
	if *list {
		for _, c := range chosen {
			fmt.Println(c.name)
		}
		return
	}
	counts := runAll(chosen, *atOnce)
	passed, failed, skipped := counts[attempts.Passed], counts[attempts.Failed]+counts[attempts.Harmed], counts[attempts.Skipped]
	if f := os.Getenv("COUNTS_FILE"); f != "" {
		if out, err := os.OpenFile(f, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644); err == nil {
			fmt.Fprintln(out, passed, failed, skipped)
			out.Close()
		}
	}
	fmt.Printf("live: %d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || passed == 0 || skipped > 0 && os.Getenv("CI") == "true" {
		os.Exit(1)
	}
}
