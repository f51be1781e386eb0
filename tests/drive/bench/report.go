package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// line is one figure held against a target, or a note without one.
type line struct {
	Name     string `json:"name"`
	Measured string `json:"measured"`
	Target   string `json:"target,omitempty"`
	Verdict  string `json:"verdict,omitempty"` // ok, FAIL, "" of a note
}

// report is all that a run found out; build/bench/report.txt and report.json have the same in them.
type report struct {
	Machine machine  `json:"machine"`
	Work    []*table `json:"workloads"`
	Rows    []line   `json:"rows"`
	Short   int      `json:"short"`
	Seconds float64  `json:"seconds"`

	out     io.Writer
	heading string // the columns that stand last
}

func (r *report) table(head string, cells ...string) {
	if r.heading != head {
		r.heading = head
		fmt.Fprintf(r.out, "\n| %s |\n|%s\n", head, strings.Repeat("---|", strings.Count(head, "|")+1))
	}
	fmt.Fprintf(r.out, "| %s |\n", strings.Join(cells, " | "))
}

func (r *report) row(l line) {
	if l.Verdict == "FAIL" {
		r.Short++
	}
	r.Rows = append(r.Rows, l)
	r.table("what | measured | target | ", l.Name, l.Measured, l.Target, l.Verdict)
}

func (r *report) writeJSON(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := json.NewEncoder(f)
	out.SetIndent("", "  ")
	if err := out.Encode(r); err != nil {
		return err
	}
	return f.Close()
}

// newReport prints to standard output and to DIR/report.txt.
func newReport(dir string) (*report, error) {
	f, err := os.Create(filepath.Join(dir, "report.txt"))
	if err != nil {
		return nil, err
	}
	r := &report{Machine: thisMachine(), out: io.MultiWriter(os.Stdout, f)}
	fmt.Fprintln(r.out, r.Machine)
	return r, nil
}

// row prints one measured figure; it falls short unless ok.
func (b *bench) row(name, measured, target string, ok bool) {
	verdict := "ok"
	if !ok {
		verdict = "FAIL"
	}
	b.report.row(line{name, measured, target, verdict})
}

// failed is a row that could not be measured, which is not a pass.
func (b *bench) failed(name, target string, err error) {
	b.row(name, "not measured: "+err.Error(), target, false)
}

// note is a figure without a target.
func (b *bench) note(name, measured string) { b.report.row(line{Name: name, Measured: measured}) }
