package profiles

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gobpftrace.test/referee/compare"
	"gobpftrace.test/referee/timeline"
)

// Recording is what a fixture's command `profiles PREFIX` left, and what we recorded meanwhile.
type Recording struct {
	Prefix, Dir string // files are PREFIX.KIND…, DIR/trace.out, DIR/KIND.pprof
	Go          string // for `go tool trace`
	FromTrace   bool   // judge sums over our trace.out, not our profile: which of both is wrong?
	CountsOnly  bool   // judge no times: a machine with other work makes pauses
	Events      int64  // that the reference must have at least

	loaded    bool
	err       error
	ref, ours *timeline.Trace
	moved     map[*timeline.Event]int64
	restacked map[*timeline.Event][]timeline.Frame
}

// Kinds that a recording can judge: our file, and the names of its values.
var Kinds = map[string][3]string{
	"block": {"block", "contentions", "delay"}, "mutex": {"mutex", "contentions", "delay"},
	"sched": {"sched", "contentions", "delay"}, "net": {"net", "contentions", "delay"},
	"sync": {"sync", "contentions", "delay"}, "syscall": {"syscall", "contentions", "delay"},
	"sleep": {"sleep", "contentions", "delay"}, "goroutinecreate": {"goroutinecreate", "goroutines", "lifetime"},
	"gc-assist": {"gc", "assists", "assist"}, "gc-pause": {"gc", "pauses", "pause"},
}

func (r *Recording) load() (err error) {
	if r.loaded {
		return r.err
	}
	r.loaded, r.err = true, r.read()
	return r.err
}

func (r *Recording) read() (err error) {
	if r.ref, err = timeline.Load(r.Prefix + ".trace"); err != nil {
		return fmt.Errorf("the reference cannot be read: %w", err)
	}
	if r.ours, err = timeline.Load(filepath.Join(r.Dir, "trace.out")); err != nil {
		return fmt.Errorf("ours cannot be read: %w", err)
	}
	if !r.ref.Old() {
		if r.ref.First < r.ours.First || r.ref.Last > r.ours.Last {
			return fmt.Errorf("ours begins %s after and ends %s before the reference", ms(r.ours.First-r.ref.First), ms(r.ref.Last-r.ours.Last))
		}
		c := compare.Traces(r.ref, r.ours, compare.Options{})
		r.moved, r.restacked = c.Unpaused(), c.Restacked()
		if share := 100 * float64(len(r.moved)) / float64(max(1, len(c.Apart))); share > pausesAtMost && !r.CountsOnly {
			return fmt.Errorf("the recording is disturbed: %.2f %% of all stamps are more than 100 µs apart", share)
		}
		lists(r.ref, r.moved)
	}
	return nil
}

// Of all stamps, at most this many percent may be apart because a thread was off its processor, as
// where traces are compared: with more, times say nothing.
const pausesAtMost = 0.1

// Waits is a profile of the reference, summed over its trace as times are judged.
func (r *Recording) Waits(kind string) (Profile, error) {
	s := Source{T: r.ref, Moved: r.moved, Restacked: r.restacked}
	return s.Derive(kind, r.ours.Last)
}

// AsViewed is the same as `go tool trace` sums it.
func (r *Recording) AsViewed(kind string) (Profile, error) {
	s := Source{T: r.ref, AsViewed: true}
	return s.Derive(kind, r.ours.Last)
}

// Ours is our profile of a kind, without the wakes that are the recording's own.
func (r *Recording) Ours(kind string) (Profile, error) {
	if r.FromTrace {
		s := Source{T: r.ours}
		return s.Derive(kind, r.ours.Last)
	}
	p, err := FromFile(r.Dir, kind)
	if err != nil {
		return nil, err
	}
	if kind == "sched" {
		s := Source{T: r.ours, OwnWakes: true}
		own, err := s.Derive(kind, r.ours.Last)
		if err != nil {
			return nil, err
		}
		p.add("", -own[""].Count, -own[""].Time)
	}
	return p, nil
}

// FromFile is our profile of a kind as it stands in the folder of a capture.
func FromFile(dir, kind string) (Profile, error) {
	names, ok := Kinds[kind]
	if !ok {
		return nil, fmt.Errorf("no profile is called %q", kind)
	}
	file, err := Load(filepath.Join(dir, names[0]+".pprof"))
	if err != nil {
		return nil, err
	}
	return Of(file, names[1], names[2])
}

// Counted is what runtime/pprof counted in the window.
func (r *Recording) Counted(kind string) (Profile, error) {
	var state [2]Profile
	for i := range state {
		p, err := Load(fmt.Sprintf("%s.%s.%d", r.Prefix, kind, i))
		if err != nil {
			return nil, err
		}
		if state[i], err = Of(p, "contentions", "delay"); err != nil {
			return nil, err
		}
	}
	return state[1].Minus(state[0]), nil
}

// Viewed is what `go tool trace -pprof=KIND` says of the reference.
func (r *Recording) Viewed(kind string) (Profile, error) {
	path := r.Prefix + "." + kind + ".pprof"
	out, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(r.Go, "tool", "trace", "-pprof="+kind, r.Prefix+".trace")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go tool trace -pprof=%s: %v: %s", kind, err, strings.TrimSpace(said.String()))
	}
	p, err := Load(path)
	if err != nil {
		return nil, err
	}
	return Of(p, "contentions", "delay")
}
