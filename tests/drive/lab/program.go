// Package lab is what the programs that drive the tool from outside share: targets, their
// text, the kernel's BPF objects, statistics.
package lab

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Program is a running fixture: its lines of standard output come one by one.
type Program struct {
	Cmd   *exec.Cmd
	In    io.WriteCloser
	lines chan string
}

// Start runs a fixture and waits for its line "ready …", which it returns.
func Start(path string, args ...string) (*Program, string, error) {
	p := &Program{Cmd: exec.Command(path, args...), lines: make(chan string, 1024)}
	var err error
	if p.In, err = p.Cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	out, err := p.Cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p.Cmd.Stderr = os.Stderr
	if err := p.Cmd.Start(); err != nil {
		return nil, "", err
	}
	go func() {
		in := bufio.NewScanner(out)
		for in.Scan() {
			select {
			case p.lines <- in.Text():
			default: // nobody reads: the newest line is what counts
				<-p.lines
				p.lines <- in.Text()
			}
		}
		close(p.lines)
	}()
	ready, err := p.Line(60 * time.Second)
	if err == nil && !strings.HasPrefix(ready, "ready") {
		err = fmt.Errorf("%s: said %q, not ready", path, ready)
	}
	if err != nil {
		p.Stop()
		return nil, "", err
	}
	return p, ready, nil
}

func (p *Program) Pid() int { return p.Cmd.Process.Pid }

// Line is the next line that the program says.
func (p *Program) Line(patience time.Duration) (string, error) {
	select {
	case l, ok := <-p.lines:
		if !ok {
			return "", fmt.Errorf("%s: ended", p.Cmd.Path)
		}
		return l, nil
	case <-time.After(patience):
		return "", fmt.Errorf("%s: no line within %v", p.Cmd.Path, patience)
	}
}

// Drop forgets the lines said so far.
func (p *Program) Drop() {
	for {
		select {
		case _, ok := <-p.lines:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// patience is for an answer: who is harmed never gives one, who gets little of a busy machine's time does late.
const patience = 90 * time.Second

// Ask sends a command line and returns the next line said.
func (p *Program) Ask(command string) string {
	p.Drop()
	if _, err := fmt.Fprintln(p.In, command); err != nil {
		return err.Error()
	}
	l, err := p.Line(patience)
	if err != nil {
		return err.Error()
	}
	return l
}

// Alive tells whether it still runs; one that ended is a zombie until it is waited for.
func (p *Program) Alive() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	i := bytes.LastIndexByte(text, ')')
	return err == nil && i > 0 && len(text) > i+2 && text[i+2] != 'Z' && text[i+2] != 'X'
}

// Ended waits for a program that is not Alive any more and says how it ended.
func (p *Program) Ended() string {
	p.Cmd.Wait()
	return p.Cmd.ProcessState.String()
}

// Stop ends a program that is the test's own.
func (p *Program) Stop() {
	p.Cmd.Process.Kill()
	p.Cmd.Wait()
}

// TextSum is the digest of the executable mappings of a process's own program.
func TextSum(pid int) (string, error) {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return "", err
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return "", err
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return "", err
	}
	defer mem.Close()
	sum, total := sha256.New(), int64(0)
	for _, line := range strings.Split(string(maps), "\n") {
		var lo, hi int64
		if !strings.Contains(line, " r-xp ") || !strings.HasSuffix(line, exe) {
			continue
		}
		fmt.Sscanf(line, "%x-%x", &lo, &hi)
		n, err := io.Copy(sum, io.NewSectionReader(mem, lo, hi-lo))
		if err != nil {
			return "", err
		}
		total += n
	}
	if total == 0 {
		return "", fmt.Errorf("process %d: no text of %s in its maps", pid, exe)
	}
	return fmt.Sprintf("%d:%x", total, sum.Sum(nil)), nil
}

func readClock(id uintptr) (int64, error) {
	var ts syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		return 0, errno
	}
	return ts.Nano(), nil
}

// Monotonic is CLOCK_MONOTONIC in ns, the clock of the raw stream.
func Monotonic() int64 {
	const clockMonotonic = 1
	ns, _ := readClock(clockMonotonic)
	return ns
}

// ProcessCPU is the CPU time in ns that all threads of a process have taken so far, by its CPU-time
// clock (clock_getcpuclockid(3)).
func ProcessCPU(pid int) (int64, error) {
	const cpuClockSched = 2
	return readClock(uintptr(^pid)<<3 | cpuClockSched)
}
