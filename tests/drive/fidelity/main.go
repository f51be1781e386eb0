// Fidelity captures every kind of work with every Go version while the program records itself with
// runtime/trace and runtime/pprof, and lets the referee judge. A line a comparison; the files and the
// full report of each that fails stay in the output folder.
//
//	fidelity -tool build/gobpftrace -fixtures build/fixtures -judges DIR -out build/fidelity \
//	         -versions 1.19.13,1.27.4 [-kinds channels,gc] [-attach multi,perf] [-no-cpu]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/attempts"
	"gobpftrace.test/drive/lab"
)

type runner struct {
	tool, fixtures, judges, out string
	goTool, only, debian        string
	counts                      bool
	traceFor, cpuFor            time.Duration
	again, harmed               bool
	passed, failed, skipped     int
	failures                    []string
}

func (r *runner) verdict(name, detail string, err error) {
	if err == nil {
		r.passed++
		fmt.Printf("ok   %s: %s\n", name, detail)
		return
	}
	r.failed++
	r.failures = append(r.failures, name)
	fmt.Printf("FAIL %s: %s\n", name, detail)
	for _, l := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		fmt.Println("       " + l)
	}
}

// comparison makes one, with -again once more where it fails; then the second counts.
func (r *runner) comparison(name string, compare func()) {
	passed, failed, skipped, failures := r.passed, r.failed, r.skipped, r.failures
	once := func() attempts.Verdict {
		r.passed, r.failed, r.skipped, r.failures = passed, failed, skipped, failures
		compare()
		switch {
		case r.harmed:
			return attempts.Harmed
		case r.failed > failed:
			return attempts.Failed
		case r.skipped > skipped:
			return attempts.Skipped
		}
		return attempts.Passed
	}
	if r.again {
		attempts.Twice(os.Stdout, name, once)
	} else {
		once()
	}
}

func minor(version string) (n int) {
	fmt.Sscanf(version, "1.%d", &n)
	return n
}

// old tells whether this release writes the old trace format.
func old(version string) bool { return minor(version) < 22 }

func run(path string, args ...string) (string, error) {
	cmd := exec.Command(path, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	text := strings.TrimSpace(string(out))
	if err != nil {
		err = fmt.Errorf("%v: %s", err, strings.TrimSpace(stderr.String()))
	}
	return text, err
}

// armed returns when the recording's probes are in the program: on a busy machine attaching takes seconds, and
// what the program does before it has been recorded by one side alone.
func (r *runner) armed(p *lab.Program, before string) {
	for begin := time.Now(); time.Since(begin) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if now, err := lab.TextSum(p.Pid()); err != nil || now != before {
			break
		}
	}
	time.Sleep(400 * time.Millisecond) // the others, and the snapshot
}

// record captures p for d into dir, while during runs beginning shortly after the start.
func (r *runner) record(p *lab.Program, dir string, d time.Duration, options []string, during func() error) (err error) {
	args := append([]string{"record", "--mode", "full", "-q", "-p", fmt.Sprint(p.Pid()), "-d", d.String(), "-o", dir}, options...)
	before, err := lab.TextSum(p.Pid())
	if err != nil {
		return err
	}
	tool := exec.Command(r.tool, args...)
	var said strings.Builder
	tool.Stderr, tool.Stdout = &said, &said
	if err := tool.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- tool.Wait() }()
	r.armed(p, before)
	duringErr := during()
	defer func() {
		if !p.Alive() {
			r.harmed = true
			err = fmt.Errorf("the program is gone: %s (%v)", p.Ended(), err)
		}
	}()
	select {
	case err := <-ended:
		r.harmed = r.harmed || attempts.Died(err)
		if err != nil {
			return fmt.Errorf("gobpftrace %s: %v: %s", strings.Join(args, " "), err, said.String())
		}
	case <-time.After(d + 2*time.Minute):
		tool.Process.Kill()
		return fmt.Errorf("gobpftrace %s: did not end", strings.Join(args, " "))
	}
	return duringErr
}

// own asks the program to record itself and returns the begin and end that it tells.
func own(p *lab.Program, kind, file string, d time.Duration, more string) (window string, err error) {
	begun := p.Ask(fmt.Sprintf("%s %s %s %s", kind, file, d, more))
	if !strings.HasPrefix(begun, "begun "+kind) {
		return "", fmt.Errorf("the program said %q", begun)
	}
	done, err := p.Line(d + time.Minute)
	if err != nil {
		return "", err
	}
	var a, b int64
	if _, err := fmt.Sscanf(done, "done "+kind+" %d %d", &a, &b); err != nil {
		return "", fmt.Errorf("the program said %q", done)
	}
	return fmt.Sprintf("%d,%d", a, b), nil
}

// start runs a program ahead of whatever else the machine does: where the kernel takes a thread off the
// processor between the two recorders' stamps, their times differ by that pause.
func start(path string, args ...string) (*lab.Program, error) {
	p, _, err := lab.Start("/usr/bin/nice", append([]string{"-n", "-19", path}, args...)...)
	return p, err
}

// program is the fixture and arguments of a kind.
func (r *runner) program(version, kind string) (string, []string) {
	name, args := "workload", []string{"-kinds", kind}
	if kind == "cgo" {
		name, args = "cgo", nil
		if old(version) {
			// The old format has no event for the goroutine of a C thread that comes and goes.
			args = append(args, "-foreign", "0")
		}
	}
	if old(version) {
		args = append(args, "-gated")
	}
	return filepath.Join(r.fixtures, version, name), args
}

func (r *runner) has(version, kind string) bool {
	if kind == "slices" { // of which the old tracer's files are out of order
		return !old(version)
	}
	if kind == "cgo" {
		return true
	}
	list, err := run(filepath.Join(r.fixtures, version, "workload"), "-list")
	if err != nil {
		return true // the comparison will say why
	}
	for _, k := range strings.Fields(list) {
		if k == kind {
			return true
		}
	}
	return false
}

// wanted tells whether a kind of work shall judge profiles.
func (r *runner) wanted(kind string) bool {
	return r.only == "all" || strings.Contains(","+r.only+",", ","+kind+",")
}

// Tracers before Go 1.21 order events by cputicks, which the processors of a virtual machine do not
// agree on, and lose count of cgo callbacks: Go's own reader then refuses the reference.
const (
	unreadable = "the reference cannot be read"
	recordings = 4
)

func (r *runner) trace(version, kind, attach string) {
	name := strings.Join([]string{version, kind, attach}, " ")
	for n := 1; ; n++ {
		line, err := r.compare(name, version, kind, attach)
		if err == nil || !old(version) || !strings.Contains(err.Error(), unreadable) {
			r.verdict(name, line, err)
			return
		}
		if n == recordings {
			r.skipped++
			fmt.Printf("skip %s: %d times %v\n", name, n, err)
			return
		}
	}
}

// compare records a program both ways and lets the referee judge.
func (r *runner) compare(name, version, kind, attach string) (string, error) {
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "no folder", err
	}
	path, args := r.program(version, kind)
	p, err := start(path, args...)
	if err != nil {
		return "the program does not start", err
	}
	defer p.Stop()
	ref, ours, window := filepath.Join(dir, "ref.trace"), filepath.Join(dir, "ours"), ""
	err = r.record(p, ours, r.traceFor+1800*time.Millisecond, []string{"--attach", attach, "--hz", "0"}, func() (err error) {
		window, err = own(p, "trace", ref, r.traceFor, "")
		return err
	})
	if err != nil {
		return "not recorded", err
	}
	judge := []string{"-ref", ref, "-ours", filepath.Join(ours, "trace.out"), "-line", "-diffs", "12",
		"-report", filepath.Join(dir, "report.txt"), "-min-transitions", "100000", "-min-goroutines", "300"}
	if old(version) {
		judge = append(judge, "-window", window)
		os.WriteFile(filepath.Join(dir, "window"), []byte(window), 0o644) // for whoever judges again by hand
	}
	line, err := run(filepath.Join(r.judges, "fidelity"), judge...)
	if err == nil {
		os.RemoveAll(dir)
	}
	return line, err
}

func (r *runner) cpu(version, attach string) {
	name := version + " cpu-profile " + attach
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.verdict(name, "no folder", err)
		return
	}
	// SIGPROF often comes right behind a preemption signal, and runtime/pprof then books the sample on
	// runtime.asyncPreempt (11 % of all) instead of the function that was running.
	p, err := start("/usr/bin/env", "GODEBUG=asyncpreemptoff=1", filepath.Join(r.fixtures, version, "cpu"))
	if err != nil {
		r.verdict(name, "the program does not start", err)
		return
	}
	defer p.Stop()
	ref, again, ours := filepath.Join(dir, "ref.pprof"), filepath.Join(dir, "again.pprof"), filepath.Join(dir, "ours")
	err = r.record(p, ours, r.cpuFor+time.Second, []string{"--attach", attach, "--hz", "100"}, func() error {
		_, err := own(p, "cpu", ref, r.cpuFor, "")
		return err
	})
	if err == nil {
		_, err = own(p, "cpu", again, r.cpuFor, "")
	}
	if err != nil {
		r.verdict(name, "not recorded", err)
		return
	}
	table, err := run(filepath.Join(r.judges, "cpucompare"), "-ref", ref, "-again", again, "-ours", filepath.Join(ours, "cpu.pprof"),
		"-min-samples", fmt.Sprint(int(r.cpuFor.Seconds()*25)))
	line := "leaf shares and cumulative shares"
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, table)
	} else {
		line = strings.Join(strings.Fields(table), " ")
		os.RemoveAll(dir)
	}
	r.verdict(name, line, err)
}

func main() {
	var r runner
	flag.StringVar(&r.tool, "tool", "build/gobpftrace", "the tool")
	flag.StringVar(&r.fixtures, "fixtures", "build/fixtures", "where the programs are")
	flag.StringVar(&r.judges, "judges", "", "folder of the judges fidelity and cpucompare")
	flag.StringVar(&r.out, "out", "build/fidelity", "files and reports of what fails")
	flag.DurationVar(&r.traceFor, "for", 1200*time.Millisecond, "length of the reference trace")
	flag.DurationVar(&r.cpuFor, "cpu-for", 40*time.Second, "length of a reference CPU profile")
	versions := flag.String("versions", "", "comma-separated")
	kinds := flag.String("kinds", "channels,select,mutex,timers,nethttp,files,exec,gc,spawn,stacks,iterpull,lockosthread,goexit,panics,yield,tasks,cgo,slices", "comma-separated")
	attach := flag.String("attach", "auto", "ways of attaching, comma-separated")
	flag.StringVar(&r.goTool, "go", "go", "a Go whose `go tool trace` reads every format")
	flag.StringVar(&r.only, "profile-kinds", "all", "kinds of work that judge profiles, comma-separated; \"\" none")
	flag.BoolVar(&r.counts, "profile-counts", false, "judge only the counts of profiles, which other work on the machine does not change")
	flag.BoolVar(&r.again, "again", false, "make a comparison that fails once more, and count that")
	flag.StringVar(&r.debian, "debian", "", "folder of Debian's prometheus and syncthing, whose allocations are judged too")
	noCPU := flag.Bool("no-cpu", false, "leave the CPU profiles out")
	flag.Parse()
	if *versions == "" || r.judges == "" {
		fmt.Fprintln(os.Stderr, "fidelity: -versions and -judges are needed")
		os.Exit(2)
	}
	// nice counts only within a session where the kernel groups tasks by session.
	if err := os.WriteFile("/proc/self/autogroup", []byte("-19"), 0); err != nil && !os.IsNotExist(err) {
		fmt.Fprintln(os.Stderr, "fidelity: no priority over other sessions:", err)
	}
	for _, v := range strings.Split(*versions, ",") {
		for _, a := range strings.Split(*attach, ",") {
			for _, k := range strings.Split(*kinds, ",") {
				switch {
				case k == "" || !r.has(v, k):
				case k == "slices":
					r.comparison(strings.Join([]string{v, k, a}, " "), func() { r.slices(v, a) })
				default:
					r.comparison(strings.Join([]string{v, k, a}, " "), func() { r.trace(v, k, a) })
				}
			}
			r.profiles(v, a)
			r.light(v, a)
			r.snapshots(v, a)
			r.comparison(v+" wall "+a, func() { r.wall(v, a) })
			r.comparison(v+" allocs-estimate heap", func() { r.allocs(v) })
			if !*noCPU {
				r.comparison(v+" cpu-profile "+a, func() { r.cpu(v, a) })
			}
		}
	}
	r.realAllocs()
	if len(r.failures) > 0 {
		fmt.Printf("fidelity failed: %s\n", strings.Join(r.failures, "; "))
	}
	fmt.Printf("fidelity: %d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if r.failed > 0 || r.passed == 0 {
		os.Exit(1)
	}
}
