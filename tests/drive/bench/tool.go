package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

// record runs the tool and returns its folder.
func (b *bench) record(name string, args ...string) (string, error) {
	dir := filepath.Join(b.work, name)
	os.RemoveAll(dir)
	cmd := exec.Command(b.tool, append([]string{"record", "--mode", "full", "-o", dir, "-q"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%v: %s", err, strings.TrimSpace(string(out)))
	}
	return dir, nil
}

func (b *bench) fixture(name string) string { return filepath.Join(b.fixtures, name) }

func pidOf(p *lab.Program) string { return strconv.Itoa(p.Pid()) }

// opsReport is what the bench fixture prints once a period.
type opsReport struct {
	Rate  float64 `json:"ops_per_second"`
	PerOp float64 `json:"cpu_ns_per_op"`
	Ops   float64 `json:"ops"`
}

// reports reads the next n reports: ns of CPU an operation of each, and operations of all.
func reports(p *lab.Program, n int) (perOp []float64, ops float64, err error) {
	for i := 0; i < n; i++ {
		line, err := p.Line(10 * time.Second)
		if err != nil {
			return nil, 0, err
		}
		var r opsReport
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, 0, err
		}
		perOp = append(perOp, r.PerOp)
		ops += r.Ops
	}
	return perOp, ops, nil
}

// measure reads n whole periods from now on.
func measure(p *lab.Program, n int) (perOp []float64, err error) {
	p.Drop()
	if _, err = p.Line(10 * time.Second); err != nil {
		return nil, err
	}
	perOp, _, err = reports(p, n)
	return perOp, err
}

// rawTimes reads from a raw stream when the window began and when its first record was made, both
// CLOCK_MONOTONIC (format: user/raw/raw.h).
func rawTimes(path string) (start, first int64, err error) {
	const head, meta, events = 16, 1, 4
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	for off := head; off+16 <= len(data); {
		kind := binary.LittleEndian.Uint32(data[off:])
		size := int(binary.LittleEndian.Uint64(data[off+8:]))
		body := data[off+16:]
		if size < 0 || size > len(body) {
			break
		}
		switch {
		case kind == meta:
			for _, line := range strings.Split(string(body[:size]), "\n") {
				if v, ok := strings.CutPrefix(line, "start_ns="); ok {
					start, err = strconv.ParseInt(v, 10, 64)
				}
			}
		case kind == events && size >= 16 && binary.LittleEndian.Uint32(body) != ^uint32(0):
			if t := int64(binary.LittleEndian.Uint64(body[8:])); first == 0 || t < first {
				first = t
			}
		}
		off += 16 + (size+7)&^7
	}
	if err == nil && (start == 0 || first == 0) {
		err = fmt.Errorf("%s: no start or no event in it", path)
	}
	return start, first, err
}

// dropCache asks the kernel to forget the cached pages of a file that nobody has mapped.
func dropCache(path string) error {
	const dontNeed = 4
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// usage is what a finished command has taken.
type usage struct {
	wall   time.Duration
	cpu    time.Duration
	maxRSS int64 // bytes, pages of mapped files with them
	anon   int64 // bytes, the most seen of memory of its own
}

// runMeasured runs a command, on one CPU when pinned, and watches its memory.
func runMeasured(pinned bool, cmd *exec.Cmd) (u usage, err error) {
	if pinned {
		release := pinThread()
		defer release()
	}
	begin := time.Now()
	if err = cmd.Start(); err != nil {
		return u, err
	}
	quit, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			if v := statusBytes(cmd.Process.Pid, "RssAnon"); v > u.anon {
				u.anon = v
			}
			select {
			case <-quit:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	err = cmd.Wait()
	u.wall = time.Since(begin)
	close(quit)
	<-done
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.cpu = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
		u.maxRSS = ru.Maxrss << 10
	}
	return u, err
}

func statusBytes(pid int, key string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
