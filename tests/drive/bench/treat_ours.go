package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"gobpftrace.test/drive/lab"
)

// record is a capture of ours.
func record(options ...string) func(*bench, target) (running, error) {
	return func(b *bench, t target) (running, error) {
		dir := filepath.Join(b.work, "treated")
		os.RemoveAll(dir)
		args := append([]string{"record", "-q", "-p", fmt.Sprint(t.pid()), "-o", dir}, options...)
		return startTool(func(*tool) (outcome, error) { return captured(dir) }, b.tool, args...)
	}
}

// sliced is one that looks at parts of the time only: what it tells of its cost is of all of it, and says nothing of a
// window.
func sliced(options ...string) func(*bench, target) (running, error) {
	begin := record(options...)
	return func(b *bench, t target) (running, error) {
		r, err := begin(b, t)
		if err != nil {
			return nil, err
		}
		our := r.(*tool)
		parse := our.parse
		our.parse = func(t *tool) (outcome, error) {
			o, err := parse(t)
			o.told = 0
			return o, err
		}
		return our, nil
	}
}

func captured(dir string) (o outcome, err error) {
	doc, err := lab.ReadJSON(filepath.Join(dir, "summary.json"))
	if err != nil {
		return o, err
	}
	for path, v := range map[string]*float64{"window_ns": &o.covered, "capture.events": &o.events, "cost.hits": &o.hits,
		"lost.events": &o.lost, "cost.added": &o.told} {
		if *v, err = doc.Number(path); err != nil {
			return o, err
		}
	}
	o.covered /= 1e9
	o.told *= 100
	o.bytes = fileSize(filepath.Join(dir, "trace.out"))
	return o, nil
}

// profiled is what profile --json says.
type profiled struct {
	DurationNS float64 `json:"duration_ns"`
	ToolNS     float64 `json:"tool_cpu_ns"`
	TargetNS   float64 `json:"target_cpu_ns"`
	WrittenNS  float64 `json:"written_after_ns"`
	Hits       float64 `json:"probe_hits"`
	Events     float64
	Samples    float64
	Looks      float64
	Lost       float64
}

// profile is one profile of ours alone.
func profile(kind string, options ...string) func(*bench, target) (running, error) {
	return func(b *bench, t target) (running, error) {
		args := append([]string{"profile", "--json", "-p", fmt.Sprint(t.pid()), "-t", kind, "-o", filepath.Join(b.work, kind+".pprof")}, options...)
		return startTool(func(t *tool) (o outcome, err error) {
			var r profiled
			if err := json.Unmarshal([]byte(t.out.String()), &r); err != nil {
				return o, err
			}
			return outcome{covered: r.DurationNS / 1e9, hits: r.Hits, lost: r.Lost}, nil
		}, b.tool, args...)
	}
}

// profileOnce runs a profile for a time.
func (b *bench) profileOnce(pid int, kind string, d time.Duration, options ...string) (r profiled, err error) {
	cmd := exec.Command(b.tool, append([]string{"profile", "-p", fmt.Sprint(pid), "-t", kind, "-d", d.String(), "-o",
		filepath.Join(b.work, kind+".pprof"), "--json"}, options...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	return r, err
}

// dumping is a dump of all goroutines each second.
type dumping struct {
	quit, done chan bool
	mu         sync.Mutex
	took       outcome
	count      int
	err        error
}

func dumpsEachSecond(b *bench, t target) (running, error) {
	d := &dumping{quit: make(chan bool), done: make(chan bool)}
	tick := time.NewTicker(time.Second)
	go func() {
		defer close(d.done)
		defer tick.Stop()
		for {
			d.once(b, t.pid())
			select {
			case <-d.quit:
				return
			case <-tick.C:
			}
		}
	}()
	time.Sleep(warming)
	return d, nil
}

func (d *dumping) once(b *bench, pid int) {
	cmd := exec.Command(b.tool, "goroutines", "-p", fmt.Sprint(pid), "--group-by", "stack", "-o", filepath.Join(b.work, "goroutines.txt"))
	out, err := cmd.CombinedOutput()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	if err != nil {
		d.err = fmt.Errorf("goroutines: %v: %s", err, out)
		return
	}
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		d.took.toolNS += float64(ru.Utime.Nano() + ru.Stime.Nano())
		d.took.rss = max(d.took.rss, float64(ru.Maxrss<<10))
	}
}

func (d *dumping) toolCPU() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.took.toolNS
}

func (d *dumping) stop() (outcome, error) {
	close(d.quit)
	<-d.done
	return d.took, d.err
}
