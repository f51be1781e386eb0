package profiles

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/google/pprof/profile"

	"gobpftrace.test/referee/compare"
)

// A wall-clock profile may overlap with one of the program's own by this much less than two of those.
const wallMargin = 0.02

// Frames that a goroutine has at its leaf because it was stopped to be looked at.
var stopping = map[string]bool{
	"runtime.asyncPreempt": true, "runtime.asyncPreempt2": true, "runtime.morestack": true, "runtime.newstack": true,
	"runtime.gopreempt_m": true, "runtime.goschedImpl": true, "runtime.morestack_noctxt": true,
}

// folded is a stack as the fixture's sampler writes it: functions, leaf first; "" when it is the
// recording's own.
func folded(names []string) string {
	for len(names) > 0 && stopping[names[0]] {
		names = names[1:]
	}
	var kept []string
	for _, n := range names {
		if !wrapper(n) {
			kept = append(kept, strings.TrimSuffix(shapeless(n+" /"), " /"))
		}
	}
	frames := make([]Frame, len(kept))
	for i, n := range kept {
		frames[i] = Frame{n, "/", 1}
	}
	if len(kept) == 0 || OfRecording(stackOf(frames)) {
		return ""
	}
	return strings.Join(kept[:min(len(kept), 30)], ";")
}

// LoadFolded reads a file of the fixture's sampler: "COUNT leaf;caller;…" a line.
func LoadFolded(path string) (map[string]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]float64{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		count, stack, _ := strings.Cut(in.Text(), " ")
		var n float64
		if _, err := fmt.Sscan(count, &n); err != nil {
			return nil, fmt.Errorf("%s: %q is no line of the sampler's", path, in.Text())
		}
		if s := folded(strings.Split(stack, ";")); s != "" {
			all[s] += n
		}
	}
	return all, in.Err()
}

// FoldedOf is a pprof file in the same form, by its last value.
func FoldedOf(p *profile.Profile) map[string]float64 {
	all := map[string]float64{}
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			for _, line := range l.Line {
				if line.Function != nil {
					names = append(names, line.Function.Name)
				}
			}
		}
		if n := folded(names); n != "" {
			all[n] += float64(s.Value[len(s.Value)-1])
		}
	}
	return all
}

func sum(m map[string]float64) (n float64) {
	for _, v := range m {
		n += v
	}
	return n
}

// Overlap is what two profiles have in common, as a share of all.
func Overlap(a, b map[string]float64) float64 {
	x, y, common := sum(a), sum(b), 0.0
	if x == 0 || y == 0 {
		return 0
	}
	for s, v := range a {
		common += min(v/x, b[s]/y)
	}
	return common
}

// JudgeWall compares our wall profile with one that the program took of itself meanwhile; again is
// another one of the program's, whose likeness to the first is what can be had.
func JudgeWall(ref, again, ours map[string]float64, least float64) *Same {
	chance, got := Overlap(ref, again), Overlap(ref, ours)
	r := &Same{Rows: []compare.Row{
		{Name: "goroutines seen by the program's own sampler", Short: "looks", Value: sum(ref), Limit: least},
		{Name: "stacks of it", Short: "stacks", Value: float64(len(ref)), Limit: 8},
		{Name: "overlap with it", Short: "overlap", Value: 100 * got, Limit: 100 * (chance - wallMargin), Unit: "%",
			Of: fmt.Sprintf("two of its own: %.2f %%", 100*chance)},
		{Name: "overlap of two of the program's own", Short: "of two of its own", Value: 100 * chance, Limit: 80, Unit: "%"},
	}}
	type diff struct {
		s string
		d float64
	}
	var list []diff
	for s, v := range ref {
		list = append(list, diff{s, ours[s]/max(sum(ours), 1) - v/max(sum(ref), 1)})
	}
	for s, v := range ours {
		if _, ok := ref[s]; !ok {
			list = append(list, diff{s, v / sum(ours)})
		}
	}
	sort.Slice(list, func(i, j int) bool { return max(list[i].d, -list[i].d) > max(list[j].d, -list[j].d) })
	for _, d := range list {
		r.Diffs = append(r.Diffs, fmt.Sprintf("%+.3f %% of all: %s", 100*d.d, d.s))
	}
	return r
}
