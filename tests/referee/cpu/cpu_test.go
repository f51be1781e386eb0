package cpu

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// sampled draws n samples of 250 leaves under 10 branches; skew moves weight to the first leaves.
func sampled(seed int64, n int, skew float64, branches string) *profile.Profile {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}}
	funcs := map[string]*profile.Location{}
	loc := func(name string) *profile.Location {
		if funcs[name] == nil {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			p.Function = append(p.Function, f)
			funcs[name] = &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
			p.Location = append(p.Location, funcs[name])
		}
		return funcs[name]
	}
	rnd := rand.New(rand.NewSource(seed))
	for i := 0; i < n; i++ {
		leaf := rnd.Intn(250)
		if rnd.Float64() < skew {
			leaf = rnd.Intn(25)
		}
		p.Sample = append(p.Sample, &profile.Sample{Value: []int64{1},
			Location: []*profile.Location{loc(fmt.Sprint("leaf", leaf)), loc(fmt.Sprint(branches, leaf%10)), loc("main")}})
	}
	return p
}

func TestSameDistributionPasses(t *testing.T) {
	r := Compare(sampled(1, 8000, 0, "b"), sampled(2, 7500, 0, "b"), sampled(3, 7800, 0, "b"), 7000)
	if f := r.Failed(); f != "" {
		t.Fatalf("%s\n%s", f, r.Table())
	}
}

func TestDifferencesFail(t *testing.T) {
	good := func(seed int64) *profile.Profile { return sampled(seed, 8000, 0, "b") }
	for name, c := range map[string]struct {
		ref, ours *profile.Profile
		want      string
	}{
		"skewed leaves":   {good(1), sampled(3, 8000, 0.08, "b"), "overlap of leaf"},
		"other callers":   {good(1), sampled(3, 8000, 0, "c"), "cumulative"},
		"too few samples": {good(1), sampled(3, 500, 0, "b"), "samples of each"},
		"no samples":      {good(1), sampled(3, 0, 0, "b"), "samples of each"},
		"a big leaf":      {sampled(1, 8000, 1, "b"), sampled(3, 8000, 1, "b"), "leaves of the reference"},
	} {
		r := Compare(c.ref, good(2), c.ours, 1000)
		if f := r.Failed(); !strings.Contains(f, c.want) {
			t.Errorf("%s: failed: %q\n%s", name, f, r.Table())
		}
	}
}
