// Goroutines judges the dump of a live process by what the process says of itself: a quiet
// program with 1,000 goroutines of all kinds writes its own goroutine profile, debug=2 and
// debug=1, and the tool's dumps must be the same text. Argument values aside, and the goroutine
// that writes the profile, which stands elsewhere when the tool looks.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"gobpftrace.test/drive/attempts"
)

const wanted = 1000

type zoo struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func start(binary string) (*zoo, error) {
	z := &zoo{cmd: exec.Command(binary, "-n", strconv.Itoa(wanted))}
	var err error
	if z.in, err = z.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := z.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	z.lines = bufio.NewScanner(out)
	z.cmd.Stderr = os.Stderr
	if err := z.cmd.Start(); err != nil {
		return nil, err
	}
	time.Sleep(1500 * time.Millisecond) // all parked, after the garbage collection
	return z, nil
}

func (z *zoo) stop() {
	z.in.Close()
	z.cmd.Process.Kill()
	z.cmd.Wait()
}

// profile has the program write its own goroutine profile.
func (z *zoo) profile(file string, debug int) (string, error) {
	fmt.Fprintf(z.in, "goroutines %s %d\n", file, debug)
	for z.lines.Scan() {
		if strings.Contains(z.lines.Text(), "goroutines") {
			b, err := os.ReadFile(file)
			return string(b), err
		}
	}
	return "", fmt.Errorf("the program gave no answer")
}

var (
	header  = regexp.MustCompile(`^goroutine (\d+) \[`)
	minutes = regexp.MustCompile(`, \d+ minutes`)
)

// withoutArguments cuts the values between the last balanced parentheses of a function's line.
func withoutArguments(line string) string {
	if !strings.HasSuffix(line, ")") {
		return line
	}
	depth := 0
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return line[:i] + "(...)"
			}
		}
	}
	return line
}

// debug2 gives each goroutine's text by its number, and the numbers in order.
func debug2(text string) (map[int]string, []int) {
	byID, order := map[int]string{}, []int(nil)
	for _, g := range strings.Split(strings.TrimSpace(text), "\n\n") {
		m := header.FindStringSubmatch(g)
		if m == nil {
			continue
		}
		lines := strings.Split(g, "\n")
		lines[0] = minutes.ReplaceAllString(lines[0], "")
		for i, l := range lines[1:] {
			if !strings.HasPrefix(l, "\t") && !strings.HasPrefix(l, "created by ") {
				lines[i+1] = withoutArguments(l)
			}
		}
		id, _ := strconv.Atoi(m[1])
		byID[id] = strings.Join(lines, "\n")
		order = append(order, id)
	}
	return byID, order
}

func compareDebug2(ref, ours string) error {
	a, refOrder := debug2(ref)
	b, ourOrder := debug2(ours)
	if len(refOrder) <= wanted || len(ourOrder) <= wanted {
		return fmt.Errorf("%d and %d goroutines, wanted more than %d", len(refOrder), len(ourOrder), wanted)
	}
	// Go puts the goroutine that asks first.
	writer := refOrder[0]
	delete(a, writer)
	delete(b, writer)
	refOrder = refOrder[1:]
	var different []int
	for id, text := range a {
		if b[id] != text {
			different = append(different, id)
		}
	}
	for id := range b {
		if _, ok := a[id]; !ok {
			different = append(different, id)
		}
	}
	if len(different) > 0 {
		sort.Ints(different)
		id := different[0]
		return fmt.Errorf("%d of %d goroutines differ; the first:\n--- the program's own\n%s\n--- ours\n%s",
			len(different), len(a), a[id], b[id])
	}
	kept := ourOrder[:0]
	for _, id := range ourOrder {
		if id != writer {
			kept = append(kept, id)
		}
	}
	if fmt.Sprint(refOrder) != fmt.Sprint(kept) {
		return fmt.Errorf("the order differs")
	}
	return nil
}

// debug1 gives the groups as text, without the one of the goroutine that writes the profile.
func debug1(text string) (string, []string) {
	head, rest, _ := strings.Cut(text, "\n")
	var groups []string
	for _, g := range strings.Split(rest, "\n\n") {
		if strings.TrimSpace(g) != "" && !strings.Contains(g, "control.Serve+") {
			groups = append(groups, g)
		}
	}
	return head, groups
}

func compareDebug1(ref, ours string) error {
	refHead, a := debug1(ref)
	ourHead, b := debug1(ours)
	if refHead != ourHead {
		return fmt.Errorf("%q and %q", refHead, ourHead)
	}
	if len(a) < 20 || len(a) != len(b) {
		return fmt.Errorf("%d and %d groups", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			return fmt.Errorf("group %d differs:\n--- the program's own\n%s\n--- ours\n%s", i, a[i], b[i])
		}
	}
	return nil
}

func judge(tool, binary, dir string) error {
	z, err := start(binary)
	if err != nil {
		return err
	}
	defer z.stop()
	for debug, compare := range map[int]func(ref, ours string) error{1: compareDebug1, 2: compareDebug2} {
		ref, err := z.profile(filepath.Join(dir, "profile"), debug)
		if err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // what the profile started has ended
		args := []string{"goroutines", "-p", strconv.Itoa(z.cmd.Process.Pid)}
		if debug == 1 {
			args = append(args, "--group-by", "stack")
		}
		cmd := exec.Command(tool, args...)
		cmd.Stderr = os.Stderr
		ours, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
		if err := compare(ref, string(ours)); err != nil {
			return fmt.Errorf("debug=%d: %w", debug, err)
		}
	}
	return nil
}

func main() {
	tool := flag.String("tool", "build/gobpftrace", "the tool")
	fixtures := flag.String("fixtures", "build/fixtures", "folder of the Go programs")
	leakVersions := flag.String("leaks", "", "versions whose leaks are looked for, with commas")
	flag.Parse()
	dir, err := os.MkdirTemp("", "goroutines")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	binaries, _ := filepath.Glob(filepath.Join(*fixtures, "*", "zoo"))
	more, _ := filepath.Glob(filepath.Join(*fixtures, "*", "zoo-*[a-z]"))
	passed, failed := 0, 0
	count := func(name, good string, judge func() error) {
		verdict := attempts.Twice(os.Stdout, name, func() attempts.Verdict {
			if err := judge(); err != nil {
				fmt.Printf("FAIL %s: %v\n", name, err)
				if attempts.Died(err) {
					return attempts.Harmed
				}
				return attempts.Failed
			}
			fmt.Printf("ok   %s%s\n", name, good)
			return attempts.Passed
		})
		if verdict == attempts.Passed {
			passed++
		} else {
			failed++
		}
	}
	for _, b := range append(binaries, more...) {
		if strings.HasSuffix(b, ".cmd") {
			continue
		}
		name := filepath.Base(filepath.Dir(b)) + "/" + filepath.Base(b)
		count("goroutines of "+name, " equal debug=2 and debug=1", func() error { return judge(*tool, b, dir) })
	}
	if passed+failed == 0 {
		fmt.Println("FAIL no program to dump: scripts/fixtures")
		failed++
	}
	for _, version := range strings.FieldsFunc(*leakVersions, func(r rune) bool { return r == ',' }) {
		count("leaks with go"+version, ": the three that are planted, nothing else", func() error {
			return judgeLeaks(*tool, filepath.Join(*fixtures, version, "leaks"))
		})
	}
	if file := os.Getenv("COUNTS_FILE"); file != "" {
		if f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600); err == nil {
			fmt.Fprintf(f, "%d %d 0\n", passed, failed)
			f.Close()
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}
