package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// recorder is one of the target's own.
type recorder struct {
	b          *bench
	t          target
	name, file string
}

func own(name string) func(*bench, target) (running, error) {
	return func(b *bench, t target) (running, error) {
		r := recorder{b, t, name, ""}
		on := name + " on"
		if name == "trace" {
			r.file = filepath.Join(b.work, "own.trace")
			os.Remove(r.file)
			on += " " + r.file
		}
		if err := t.command(on); err != nil {
			return nil, err
		}
		time.Sleep(warming)
		return r, nil
	}
}

func (r recorder) toolCPU() float64 { return 0 } // the target's own CPU time has it

func (r recorder) stop() (o outcome, err error) {
	err = r.t.command(r.name + " off")
	if _, missing := os.Stat(r.file); err == nil && missing == nil { // not every target writes one
		o.bytes, o.events, err = r.b.sizeOf(r.file)
	}
	return o, err
}

// atSites is a program of tests/bench at sites of the target.
type atSites struct {
	h    *probes
	hits float64 // before the window
	from time.Time
}

func probed(how, sites string) func(*bench, target) (running, error) {
	return func(b *bench, t target) (running, error) {
		h, err := b.probe(t.pid(), how, sites)
		if err != nil {
			return nil, err
		}
		time.Sleep(warming)
		hits, _, err := h.counts()
		return &atSites{h, hits, time.Now()}, err
	}
}

func (a *atSites) toolCPU() float64 { return 0 } // it sleeps

func (a *atSites) stop() (o outcome, err error) {
	hits, _, err := a.h.counts()
	o.hits, o.covered = hits-a.hits, time.Since(a.from).Seconds()
	if e := a.h.detach(); err == nil {
		err = e
	}
	return o, err
}

func perfRecord(b *bench, t target) (running, error) {
	return startTool(nil, "perf", "record", "-q", "-g", "-p", fmt.Sprint(t.pid()), "-o", filepath.Join(b.work, "perf.data"))
}

func bpftrace(b *bench, t target) (running, error) {
	pid := fmt.Sprint(t.pid())
	return startTool(nil, "bpftrace", "-p", pid, "-e", "uprobe:/proc/"+pid+"/exe:runtime.casgstatus { @ = count(); }")
}

// sizeOf lets the reader of x/exp count.
func (b *bench) sizeOf(path string) (bytes, events float64, err error) {
	out, err := exec.Command(b.counter, path).CombinedOutput()
	if err == nil {
		_, err = fmt.Sscanf(string(out), "%g bytes %g events", &bytes, &events)
	}
	if err != nil {
		err = fmt.Errorf("tracesize: %v: %s", err, out)
	}
	return bytes, events, err
}
