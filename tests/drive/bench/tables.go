package main

import (
	"fmt"

	"gobpftrace.test/drive/lab"
)

// percent is a median with its interval.
func percent(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	low, high, ok := lab.MedianInterval(values)
	if !ok {
		return fmt.Sprintf("%+.2f %%", lab.Median(values))
	}
	return fmt.Sprintf("%+.2f %% [%+.2f, %+.2f]", lab.Median(values), low, high)
}

// figure is a median, or nothing of none or of zeros.
func figure(format string, values []float64) string {
	if m := lab.Median(values); m > 0 {
		return fmt.Sprintf(format, m)
	}
	return ""
}

func duration(ns float64) string {
	switch {
	case ns >= 1e6:
		return fmt.Sprintf("%.2f ms", ns/1e6)
	case ns >= 1e4:
		return fmt.Sprintf("%.1f µs", ns/1e3)
	}
	return fmt.Sprintf("%.0f ns", ns)
}

const compareHead = "treatment | pairs | CPU per operation | throughput | p99 | bytes an event | hits an operation | tool: of a core | tool: s a million events | tool: MB"

// compared prints what is known of a workload.
func (r *report) compared(tab *table) {
	fmt.Fprintf(r.out, "\n**%s**: %s.\n", tab.Workload, tab.What)
	if tab.Error != "" {
		fmt.Fprintln(r.out, "Not measured:", tab.Error)
		return
	}
	fmt.Fprintf(r.out, "Untreated: %s of CPU an operation, %.0f operations/s, p99 %s.\n", duration(lab.Median(tab.CPUperOp)),
		lab.Median(tab.Rate), duration(lab.Median(tab.P99)))
	r.heading = ""
	for _, p := range tab.Treatment {
		why := p.NotHere
		if p.Error != "" {
			why = "not measured: " + p.Error
		}
		if why != "" {
			r.table(compareHead, p.Treatment, "", why, "", "", "", "", "", "", "")
			continue
		}
		pairs := fmt.Sprint(len(p.CPU))
		if !p.Resolved {
			pairs += ", not resolved"
		}
		r.table(compareHead, p.Treatment, pairs, percent(p.CPU), percent(p.Rate), percent(p.P99), figure("%.2f", p.Bytes),
			figure("%.2f", p.HitsPerOp), figure("%.2f %%", p.ToolCores), figure("%.2f", p.ToolCPU), figure("%.0f", p.ToolMB))
	}
	r.heading = ""
}
