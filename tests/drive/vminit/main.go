// Init is process 1 of the virtual machine of tests/live/vm: it starts a Go program, runs the
// tool on it in several ways, and sends all that came of it as a gzipped tar through the second
// serial port. It judges nothing; the script on the host does.
//
// For each step: STEP.out, STEP.err, STEP.status (exit status and milliseconds).
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"gobpftrace.test/drive/lab"
)

const out = "/out"

func say(format string, args ...any) { fmt.Printf("vm: "+format+"\n", args...) }

func put(name, format string, args ...any) {
	if err := os.WriteFile(filepath.Join(out, name), []byte(fmt.Sprintf(format, args...)), 0o600); err != nil {
		say("FATAL %v", err)
	}
}

func mountAll() {
	for _, m := range []struct{ kind, dir string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"},
		{"tracefs", "/sys/kernel/tracing"}, {"bpf", "/sys/fs/bpf"}, {"cgroup2", "/sys/fs/cgroup"},
		{"tmpfs", "/tmp"}, {"tmpfs", out},
	} {
		os.MkdirAll(m.dir, 0o755)
		if err := syscall.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil {
			say("mount %s: %v", m.dir, err)
		}
	}
}

func step(name string, args ...string) {
	var stdout, stderr strings.Builder
	cmd := exec.Command("/gobpftrace", args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	status := cmd.ProcessState.ExitCode()
	if cmd.ProcessState == nil {
		status = -1
		fmt.Fprintln(&stderr, err)
	}
	took := time.Since(begin)
	put(name+".out", "%s", stdout.String())
	put(name+".err", "%s", stderr.String())
	put(name+".status", "%d %d\n", status, took.Milliseconds())
	say("step %s: exit status %d after %v", name, status, took.Round(time.Millisecond))
}

// kernelLog is what the kernel has said so far: a splat there is a failure.
func kernelLog() string {
	const readAll = 3 // SYSLOG_ACTION_READ_ALL
	text := make([]byte, 1<<20)
	n, err := syscall.Klogctl(readAll, text)
	if err != nil {
		return err.Error()
	}
	return string(text[:n])
}

func textSum(pid int) string {
	sum, err := lab.TextSum(pid)
	if err != nil {
		return err.Error()
	}
	return sum
}

func runSteps() {
	t, _, err := lab.Start("/workload", "-kinds", os.Getenv("KINDS"), "-n", "20")
	if err != nil {
		say("FATAL the target did not start: %v", err)
		return
	}
	pid := fmt.Sprint(t.Pid())
	textBefore, objectsBefore := textSum(t.Pid()), lab.BPFObjects()
	step("check", "check", "-p", pid)
	step("perf", "record", "--mode", "full", "-p", pid, "-d", "2s", "--attach", "perf", "--raw", "-o", out+"/perf")
	step("multi", "record", "--mode", "full", "-p", pid, "-d", "1s", "--attach", "multi", "-o", out+"/multi")
	step("auto", "--mode", "full", "-p", pid, "-d", "1s", "-o", out+"/auto")
	step("goroutines", "goroutines", "-p", pid)
	// it outlives the window: one that has ended leaves no goroutines to profile
	step("command", "record", "-d", "3s", "-o", out+"/command", "--", "/workload", "-kinds", "channels", "-n", "4", "-exit-after", "60s")
	time.Sleep(time.Second) // the kernel frees what programs leave behind after a grace period
	put("facts", "text_before=%s\ntext_after=%s\nobjects_left=%v\nanswer=%s\n",
		textBefore, textSum(t.Pid()), lab.Added(objectsBefore, lab.BPFObjects()),
		t.Ask("goroutines /dev/null 2"))
	put("kmsg", "%s", kernelLog())
}

func openSerial(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	var t syscall.Termios
	syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&t)))
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = syscall.CS8 | syscall.CREAD | syscall.CLOCAL | syscall.B115200
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCSETS, uintptr(unsafe.Pointer(&t)))
	if errno != 0 {
		return nil, errno
	}
	return f, nil
}

func send() error {
	port, err := openSerial("/dev/ttyS1")
	if err != nil {
		return err
	}
	defer port.Close()
	if err := writeTar(port, out); err != nil {
		return err
	}
	const tcsbrk = 0x5409 // tcdrain
	syscall.Syscall(syscall.SYS_IOCTL, port.Fd(), tcsbrk, 1)
	return nil
}

func main() {
	mountAll()
	say("booted")
	runSteps()
	begin := time.Now()
	if err := send(); err != nil {
		say("FATAL sending the files: %v", err)
	}
	say("files sent in %v", time.Since(begin).Round(time.Millisecond))
	say("done")
	syscall.Sync()
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}
