package compare

import (
	"fmt"
	"io"
	"sort"

	"golang.org/x/exp/trace"
)

// Stamps tells, a line a kind of transition, how far ours is from the reference's, and what that makes
// of the total time of running: an interval is too long by what its end is late and its begin is early.
// Medians and trimmed means say it on a busy machine too, where rows of total times do not.
func (r *Result) Stamps(w io.Writer) {
	apart := map[string][]int64{}
	sums := map[string]float64{}
	for _, g := range r.Goroutines {
		for _, p := range g.Pairs {
			if p.Ref < 0 || p.Ours < 0 {
				continue
			}
			a, b := g.Ref[p.Ref], g.Ours[p.Ours]
			if !r.inside(a) {
				continue
			}
			k := class(a)
			apart[k] = append(apart[k], b.Time-a.Time)
			switch {
			case a.From == trace.GoRunning:
				sums[k] = 1
			case a.To == trace.GoRunning:
				sums[k] = -1
			}
		}
	}
	var kinds []string
	total := 0.0
	for k, d := range apart {
		sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
		kinds = append(kinds, k)
		sums[k] *= trimmed(d) * float64(len(d))
		total += sums[k]
	}
	sort.Slice(kinds, func(i, j int) bool { return len(apart[kinds[i]]) > len(apart[kinds[j]]) })
	running := 0.0
	for id := range r.Goroutines {
		running += float64(r.durations(r.Ref, id, nil)[trace.GoRunning])
	}
	fmt.Fprintf(w, "ours minus reference, ns:\n%8s %8s %8s %8s %8s  %9s  %s\n", "n", "10 %", "median", "90 %", "mean", "Running", "transition")
	for _, k := range kinds {
		d := apart[k]
		fmt.Fprintf(w, "%8d %+8d %+8d %+8d %+8.0f %+9.3f%%  %s\n", len(d), d[len(d)/10], d[len(d)/2], d[len(d)*9/10], trimmed(d),
			100*sums[k]/running, k)
	}
	fmt.Fprintf(w, "the total time Running would be %+.3f %% by these means\n", 100*total/running)
}

// trimmed is the mean of the middle four fifths of sorted values.
func trimmed(d []int64) float64 {
	from, to := len(d)/10, len(d)-len(d)/10
	sum := 0.0
	for _, x := range d[from:to] {
		sum += float64(x)
	}
	return sum / float64(to-from)
}
