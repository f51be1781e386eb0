// Damaged gives the tool Go executables with a few bytes changed, cut or blown up, as COMMAND and as
// running processes, and judges: it ends by itself with 0, 1 or 3, a failure is told in exactly one
// line and leaves no folder, and no sanitizer has anything to report. Every damage has a number, so
// that it can be made again.
//
//	damaged -tool build/gobpftrace-san -from 0 -to 300 PROGRAM…
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const patience = 60 * time.Second

var arguments = []string{"-kinds", "channels,mutex", "-exit-after", "1s"}

type judge struct {
	tool, dir, keep string
	program         string // damaged
	runs, failed    int
	byStatus        map[int]int
}

// run is one run of the tool on the damaged program.
func (j *judge) run(number int, what string, args ...string) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(j.tool, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = j.dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=1:exitcode=99", "UBSAN_OPTIONS=print_stacktrace=1:exitcode=99")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // a COMMAND that goes on holds our pipes
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "damaged:", err)
		os.Exit(1)
	}
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	inTime := late.Stop()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // COMMAND, if it goes on
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	}
	j.runs++
	j.byStatus[status]++
	problems := j.problems(status, stdout.String(), stderr.String())
	if !inTime {
		problems = append(problems, fmt.Sprintf("did not end within %v", patience))
	}
	os.RemoveAll(filepath.Join(j.dir, "out"))
	if len(problems) == 0 {
		return
	}
	j.failed++
	fmt.Printf("FAIL damage %d (%s), %s: exit status %d\n", number, what, strings.Join(args, " "), status)
	for _, p := range problems {
		fmt.Println("     " + strings.ReplaceAll(p, "\n", "\n     "))
	}
	if j.keep != "" {
		if text, err := os.ReadFile(j.program); err == nil {
			os.WriteFile(filepath.Join(j.keep, fmt.Sprint("damage-", number)), text, 0o755)
		}
	}
}

func clip(s string) string {
	if len(s) > 3000 {
		return s[:3000] + "…"
	}
	return s
}

func (j *judge) problems(status int, stdout, stderr string) (problems []string) {
	for _, mark := range []string{"Sanitizer", "runtime error:"} {
		// the program's own crash says "runtime error:" too, in a line that begins with "panic"
		for _, line := range strings.Split(stderr, "\n") {
			if strings.Contains(line, mark) && !strings.HasPrefix(line, "panic") && !strings.HasPrefix(line, "fatal") {
				return []string{"a sanitizer's report: " + clip(stderr)}
			}
		}
	}
	if status != 0 && status != 1 && status != 3 {
		problems = append(problems, clip(stderr))
	}
	if status == 1 || status == 3 {
		var lines []string
		for _, line := range strings.Split(stderr, "\n") {
			if strings.HasPrefix(line, "gobpftrace: ") && !strings.HasPrefix(line, "gobpftrace: warning: ") {
				lines = append(lines, line)
			}
		}
		if len(lines) != 1 {
			problems = append(problems, fmt.Sprintf("%d lines tell of the failure, wanted one: %s", len(lines), clip(stderr)))
		}
		if _, err := os.Lstat(filepath.Join(j.dir, "out")); err == nil {
			problems = append(problems, "it failed and left its folder")
		}
	}
	for _, s := range []string{stdout, strings.Join(ours(stderr), "\n")} {
		if i := strings.IndexFunc(s, func(c rune) bool {
			return c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0
		}); i >= 0 {
			problems = append(problems, fmt.Sprintf("a control character is printed: %q", clip(s[max(0, i-40):])))
		}
	}
	return problems
}

func ours(stderr string) (lines []string) {
	for _, line := range strings.Split(stderr, "\n") {
		if strings.HasPrefix(line, "gobpftrace: ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// running starts the damaged program; nil when it cannot live.
func (j *judge) running() *exec.Cmd {
	cmd := exec.Command(j.program, "-kinds", "channels,mutex")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil
	}
	_ = in // kept open by cmd: its end would end the program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Start() != nil {
		return nil
	}
	time.Sleep(100 * time.Millisecond)
	return cmd
}

func (j *judge) damage(number int, program string) {
	what, err := damage(program, j.program, uint64(number))
	if err != nil {
		fmt.Fprintln(os.Stderr, "damaged:", err)
		os.Exit(1)
	}
	what = filepath.Base(filepath.Dir(program)) + "/" + filepath.Base(program) + ": " + what
	j.run(number, what, append([]string{"record", "--mode", "full", "-q", "-d", "50ms", "-o", "out", "--", j.program}, arguments...)...)
	if p := j.running(); p != nil {
		pid := fmt.Sprint(p.Process.Pid)
		if syscall.Kill(p.Process.Pid, 0) == nil && alive(pid) {
			j.run(number, what, "check", "-p", pid)
			j.run(number, what, "goroutines", "-p", pid)
			j.run(number, what, "record", "--mode", "full", "-q", "-d", "50ms", "-o", "out", "-p", pid)
			if number%8 == 0 {
				j.run(number, what, "list")
			}
		}
		syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
		p.Wait()
	}
}

// alive: neither gone nor a zombie.
func alive(pid string) bool {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	i := bytes.LastIndexByte(text, ')')
	return err == nil && i > 0 && len(text) > i+2 && text[i+2] != 'Z'
}

func main() {
	j := &judge{byStatus: map[int]int{}}
	flag.StringVar(&j.tool, "tool", "build/gobpftrace-san", "the tool, built with sanitizers")
	flag.StringVar(&j.keep, "keep", "", "folder for programs with which it failed")
	from := flag.Int("from", 0, "first damage")
	to := flag.Int("to", 300, "behind the last damage")
	flag.Parse()
	var err error
	if j.tool, err = filepath.Abs(j.tool); err == nil {
		j.dir, err = os.MkdirTemp("", "gobpftrace-damaged-")
	}
	if err != nil || flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "damaged: programs are needed", err)
		os.Exit(2)
	}
	defer os.RemoveAll(j.dir)
	j.program = filepath.Join(j.dir, "damaged")
	for n := *from; n < *to; n++ {
		j.damage(n, flag.Arg(n%flag.NArg()))
	}
	fmt.Printf("damaged: %d programs, %d runs of the tool, by exit status %v, %d failed\n", *to-*from, j.runs, j.byStatus, j.failed)
	if j.failed > 0 || j.runs == 0 {
		os.RemoveAll(j.dir)
		os.Exit(1)
	}
}
