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

// killMoment is when a capture is killed: while its probes are placed, while they are there, or
// while they are removed.
type killMoment int

const (
	placing killMoment = iota
	there
	removing
)

func (m killMoment) String() string { return [...]string{"placing", "there", "removing"}[m] }

// await waits for the moment; false: it did not come.
func (s *soak) await(m killMoment, i int) bool {
	const patience = 5 * time.Second
	if !s.textIs(false, patience) {
		return false
	}
	switch m {
	case there:
		time.Sleep(time.Duration(i%10) * 30 * time.Millisecond)
	case removing:
		text, _ := lab.TextSum(s.service.Pid())
		time.Sleep(50 * time.Millisecond) // the last ones come meanwhile
		for begin := time.Now(); time.Since(begin) < patience; {
			now, err := lab.TextSum(s.service.Pid())
			if err != nil || now == s.text {
				return false // it was too quick to be seen
			}
			if now != text && time.Since(begin) > 100*time.Millisecond {
				return true
			}
			text = now
		}
		return false
	}
	return true
}

// kill ends captures by SIGKILL at different moments; how often each was met.
func (s *soak) kill(kills, perfEvery int) (met [removing + 1]int) {
	for i := 0; i < kills; i++ {
		moment, length := killMoment(i%3), "30s"
		if moment == removing {
			length = "300ms"
		}
		what := fmt.Sprintf("kill %d (%v)", i, moment)
		cmd := exec.Command(s.tool, "record", "--mode", "full", "-p", fmt.Sprint(s.service.Pid()), "-d", length,
			"-o", filepath.Join(s.dir, "capture"), "-q", "--attach", attachOf(i, perfEvery))
		if err := cmd.Start(); err != nil {
			s.fail("%s: %v", what, err)
			continue
		}
		if s.await(moment, i) {
			met[moment]++
		}
		s.note()
		keepers, err := lab.KeepersOf(cmd.Process.Pid)
		if err != nil && moment != removing {
			s.fail("%s: %v", what, err)
		}
		cmd.Process.Kill()
		if err := cmd.Wait(); moment != removing && (err == nil || cmd.ProcessState.Exited()) {
			s.fail("%s: the capture had ended by itself: %v", what, cmd.ProcessState)
		}
		if !keepers.WaitGone(8 * time.Second) {
			s.harm("%s: processes remain after the tool's death: %v", what, keepers.Pids())
		}
		if moment == removing { // while files are written: a left-over, which the next capture tells
			s.clear()
		}
		s.settled(what)
	}
	return met
}

// textIs waits until the service's text is as it was, or is not.
func (s *soak) textIs(whole bool, patience time.Duration) bool {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(time.Millisecond) {
		if text, err := lab.TextSum(s.service.Pid()); err == nil && (text == s.text) == whole {
			return true
		}
	}
	return false
}
