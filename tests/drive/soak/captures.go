package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

func attachOf(i, perfEvery int) string {
	if perfEvery > 0 && i%perfEvery == perfEvery-1 {
		return "perf"
	}
	return "auto"
}

// note remembers the BPF objects that are there now and were not at the start.
func (s *soak) note() bool {
	added := lab.Added(s.before, lab.BPFObjects())
	for _, id := range added {
		s.started[id] = true
	}
	return len(added) > 0
}

// cycle captures shortly, again and again; each capture must be whole and not empty.
func (s *soak) cycle(cycles, perfEvery int) (bytes int64) {
	for i := 0; i < cycles; i++ {
		dir := filepath.Join(s.dir, "capture")
		cmd := exec.Command(s.tool, "record", "--mode", "full", "-p", fmt.Sprint(s.service.Pid()), "-d", "50ms",
			"-o", dir, "-q", "--attach", attachOf(i, perfEvery))
		if out, err := cmd.CombinedOutput(); err != nil {
			s.fail("cycle %d: %v: %s", i, err, strings.TrimSpace(string(out)))
		} else if info, err := os.Stat(filepath.Join(dir, "trace.out")); err != nil {
			s.fail("cycle %d: %v", i, err)
		} else {
			bytes += info.Size()
		}
		os.RemoveAll(dir)
		s.note()
		s.settled(fmt.Sprint("cycle ", i))
		if i%100 == 99 {
			fmt.Printf("  cycle %d\n", i+1)
		}
	}
	return bytes
}

// kill ends captures by SIGKILL at different moments after their probes are in place.
func (s *soak) kill(kills, perfEvery int) (mid int) {
	for i := 0; i < kills; i++ {
		cmd := exec.Command(s.tool, "record", "--mode", "full", "-p", fmt.Sprint(s.service.Pid()), "-d", "30s",
			"-o", filepath.Join(s.dir, "capture"), "-q", "--attach", attachOf(i, perfEvery))
		if err := cmd.Start(); err != nil {
			s.fail("kill %d: %v", i, err)
			continue
		}
		if s.probed(5 * time.Second) {
			time.Sleep(time.Duration(i%10) * 30 * time.Millisecond)
			mid++
		}
		s.note()
		cmd.Process.Kill()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
			s.fail("kill %d: the capture had ended by itself: %v", i, cmd.ProcessState)
		}
		if took := s.waitText(10 * time.Second); took > 8*time.Second {
			s.harm("kill %d: the probes were there for %v after the tool's death", i, took)
		}
		s.settled(fmt.Sprint("kill ", i))
	}
	return mid
}

// probed waits until the service's text shows a probe.
func (s *soak) probed(patience time.Duration) bool {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(5 * time.Millisecond) {
		if text, err := lab.TextSum(s.service.Pid()); err == nil && text != s.text {
			return true
		}
	}
	return false
}
