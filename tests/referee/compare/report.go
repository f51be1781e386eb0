package compare

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"gobpftrace.test/referee/timeline"
)

// Report prints the table, then what differs: first by cause, then max examples in full.
func (r *Result) Report(w io.Writer, max int) {
	fmt.Fprintf(w, "reference %s (format 1.%d, %d events, %.3f s)\n", r.Ref.Path, r.Ref.Version, r.Ref.Parsed, float64(r.Ref.Last-r.Ref.First)/1e9)
	fmt.Fprintf(w, "ours      %s (format 1.%d, %d events, %.3f s)\n", r.Ours.Path, r.Ours.Version, r.Ours.Parsed, float64(r.Ours.Last-r.Ours.First)/1e9)
	fmt.Fprintf(w, "judged    %.3f s that both cover, 10 ms at both ends aside\n", float64(r.InHi-r.InLo)/1e9)
	Table(w, r.Rows)
	r.apart(w)
	if len(r.Ignored) > 0 {
		fmt.Fprintf(w, "left out, they are the reference's own: %s\n", strings.Join(r.Ignored, ", "))
	}
	r.causes(w)
	r.examples(w, max)
	for i, n := range r.TimeNotes {
		if i == max {
			fmt.Fprintf(w, "  … and %d more\n", len(r.TimeNotes)-i)
			break
		}
		if i == 0 {
			fmt.Fprintln(w, "\ntime in states differs (reference, ours):")
		}
		fmt.Fprintln(w, "  "+n)
	}
}

// Line is the result in one line: the figures of the first rows, and the worst of the rest.
func (r *Result) Line() string {
	var parts []string
	worst := -1
	for i := range r.Rows {
		row := &r.Rows[i]
		switch {
		case row.Short != "" && row.Unit == "":
			parts = append(parts, fmt.Sprintf("%.0f %s", row.Value, row.Short))
		case row.Short != "":
			parts = append(parts, fmt.Sprintf("%s %.3f%s", row.Short, row.Value, row.Unit))
		case row.AtMost && !row.Info && !row.Undecided && (worst < 0 || row.Value/row.Limit > r.Rows[worst].Value/r.Rows[worst].Limit):
			worst = i
		}
	}
	if worst >= 0 {
		parts = append(parts, fmt.Sprintf("worst of the rest: %s %.3f%s", r.Rows[worst].Name, r.Rows[worst].Value, r.Rows[worst].Unit))
	}
	return strings.Join(parts, ", ")
}

// Table prints a line a row.
func Table(w io.Writer, rows []Row) {
	for i := range rows {
		row := &rows[i]
		verdict, bound := "ok  ", "≥"
		switch {
		case row.Info:
			verdict = "    "
		case row.Undecided:
			verdict = "-   "
		case !row.OK():
			verdict = "FAIL"
		}
		if row.AtMost {
			bound = "≤"
		}
		limit := fmt.Sprintf("%s %g%s", bound, row.Limit, row.Unit)
		if row.Info {
			limit = ""
		}
		value := fmt.Sprintf("%.4g%s", row.Value, row.Unit)
		if row.Unit == "" {
			value = fmt.Sprintf("%.0f", row.Value)
		} else if row.Unit == "%" {
			value = fmt.Sprintf("%.3f%%", row.Value)
		}
		fmt.Fprintf(w, "%s %-58s %12s %-12s %s\n", verdict, row.Name, value, limit, row.Of)
	}
}

func (r *Result) apart(w io.Writer) {
	if len(r.Apart) == 0 {
		return
	}
	d := append([]int64(nil), r.Apart...)
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	q := func(p int) string { return fmt.Sprintf("%+.1f", float64(d[len(d)*p/100])/1e3) }
	fmt.Fprintf(w, "     ours minus reference, µs: 1%% %s, median %s, 99%% %s, from %+.1f to %+.1f\n", q(1), q(50), q(99),
		float64(d[0])/1e3, float64(d[len(d)-1])/1e3)
}

// causes counts the differences by what and class, the most frequent first.
func (r *Result) causes(w io.Writer) {
	type cause struct {
		what, class string
		n           int
		in          map[int64]bool
	}
	index := map[string]*cause{}
	var list []*cause
	for _, m := range r.Mismatches {
		c := index[m.What+m.Class]
		if c == nil {
			c = &cause{m.What, m.Class, 0, map[int64]bool{}}
			index[m.What+m.Class] = c
			list = append(list, c)
		}
		c.n++
		c.in[m.G] = true
	}
	if len(list) == 0 {
		return
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].n > list[j].n })
	fmt.Fprintln(w, "\ndifferences by cause:")
	for i, c := range list {
		if i == 30 {
			fmt.Fprintf(w, "  … and %d causes more\n", len(list)-i)
			break
		}
		fmt.Fprintf(w, "  %6d %-7s %s, in %d goroutines\n", c.n, c.what, c.class, len(c.in))
	}
}

// examples shows at most max differences, of as many causes as possible first.
func (r *Result) examples(w io.Writer, max int) {
	shown := map[string]int{}
	left := max
	for round := 0; left > 0 && round < max; round++ {
		any := false
		for i := range r.Mismatches {
			m := &r.Mismatches[i]
			key := m.What + m.Class
			if left == 0 {
				break
			}
			if shown[key] != round || !r.nth(i, key, round) {
				continue
			}
			shown[key]++
			left--
			any = true
			r.example(w, m)
		}
		if !any {
			break
		}
	}
}

// nth tells whether mismatch i is the n-th of its cause.
func (r *Result) nth(i int, key string, n int) bool {
	for j := 0; j < i; j++ {
		if r.Mismatches[j].What+r.Mismatches[j].Class == key {
			if n--; n < 0 {
				return false
			}
		}
	}
	return n == 0
}

func (r *Result) example(w io.Writer, m *Mismatch) {
	g := r.Goroutines[m.G]
	fmt.Fprintf(w, "\n%s: %s: %s\n", m.What, r.name(m.G), m.Class)
	from, to := max(0, m.Index-3), min(len(g.Pairs), m.Index+4)
	for n := from; n < to; n++ {
		r.line(w, g, n, n == m.Index)
	}
	if m.What == "stack" {
		r.stacks(w, m.Ref, m.Ours)
	} else if e := m.Ref; m.What == "missing" && e.Stack != 0 {
		r.frames(w, "reference's stack", r.Ref.Stacks[e.Stack])
	} else if e := m.Ours; m.What == "extra" && e.Stack != 0 {
		r.frames(w, "our stack", r.Ours.Stacks[e.Stack])
	}
}

// line shows one step: time from the judged begin, "=" both, "-" only the reference, "+" only ours.
func (r *Result) line(w io.Writer, g *Goroutine, n int, here bool) {
	p := g.Pairs[n]
	arrow := "  "
	if here {
		arrow = "=>"
	}
	switch {
	case p.Ours < 0:
		e := g.Ref[p.Ref]
		fmt.Fprintf(w, "  %s - %12.6f ms            %s\n", arrow, r.when(e), describe(e))
	case p.Ref < 0:
		e := g.Ours[p.Ours]
		fmt.Fprintf(w, "  %s + %12.6f ms            %s\n", arrow, r.when(e), describe(e))
	default:
		a, b := g.Ref[p.Ref], g.Ours[p.Ours]
		fmt.Fprintf(w, "  %s = %12.6f ms %+8.1f µs %s", arrow, r.when(a), float64(b.Time-a.Time)/1e3, describe(a))
		if describe(a) != describe(b) {
			fmt.Fprintf(w, "   | ours %s", describe(b))
		}
		fmt.Fprintln(w)
	}
}

func (r *Result) when(e *timeline.Event) float64 { return float64(e.Time-r.InLo) / 1e6 }

func describe(e *timeline.Event) string {
	s := class(e)
	if e.Actor >= 0 && e.Actor != e.G {
		s += fmt.Sprintf(" by g%d", e.Actor)
	}
	return s + fmt.Sprintf(" P%d M%d", e.P, e.M)
}

func (r *Result) stacks(w io.Writer, a, b *timeline.Event) {
	fa, fb := r.refStack(a.Stack), r.Ours.Stacks[b.Stack]
	if e, _ := framesEqual(fa, fb); e {
		fa, fb = r.Ref.Stacks[a.Entry], r.Ours.Stacks[b.Entry]
	}
	r.frames(w, "reference", fa)
	r.frames(w, "ours", fb)
}

const framesShown = 24

func (r *Result) frames(w io.Writer, title string, list []timeline.Frame) {
	fmt.Fprintf(w, "     %s, %d frames:\n", title, len(list))
	for i, f := range list {
		if i == framesShown {
			fmt.Fprintf(w, "       … %d more\n", len(list)-i)
			break
		}
		fmt.Fprintf(w, "       %-52s %s:%d  0x%x\n", f.Func, f.File, f.Line, f.PC)
	}
}

// Follow prints the whole alignment of one goroutine.
func (r *Result) Follow(w io.Writer, id int64) {
	g := r.Goroutines[id]
	if g == nil {
		fmt.Fprintf(w, "goroutine %d is in neither file\n", id)
		return
	}
	fmt.Fprintf(w, "%s: from %s in the reference, from %s in ours\n", r.name(id), r.Ref.Initial[id], r.Ours.Initial[id])
	for n := range g.Pairs {
		r.line(w, g, n, false)
	}
}
