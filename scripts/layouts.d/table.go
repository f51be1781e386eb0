// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type release struct{ minor, patch int }

// ParseRelease takes "go1.24.6", "1.24.6", and "go1.18" for 1.18.0.
func parseRelease(s string) (release, error) {
	var r release
	v := strings.Split(strings.TrimPrefix(s, "go"), ".")
	bad := fmt.Errorf("%q is no Go release", s)
	if len(v) < 2 || len(v) > 3 || v[0] != "1" {
		return r, bad
	}
	var err error
	if r.minor, err = strconv.Atoi(v[1]); err != nil {
		return r, bad
	}
	if len(v) == 3 {
		if r.patch, err = strconv.Atoi(v[2]); err != nil {
			return r, bad
		}
	}
	return r, nil
}

func (r release) String() string { return fmt.Sprintf("1.%d.%d", r.minor, r.patch) }

// Toolchain is the name that the go command uses: up to 1.20 the first release has no ".0".
func (r release) toolchain() string {
	if r.patch == 0 && r.minor <= 20 {
		return fmt.Sprintf("go1.%d", r.minor)
	}
	return "go" + r.String()
}

func (r release) less(o release) bool {
	return r.minor < o.minor || r.minor == o.minor && r.patch < o.patch
}

// A row is what one toolchain with one GOEXPERIMENT gave.
type row struct {
	rel  release
	exp  string  // "" the default
	same bool    // as the default of this release
	vals []int32 // in the order of the fields
}

type measured struct {
	fields []field
	rows   []row
}

func (d *measured) put(n row) {
	for i, r := range d.rows {
		if r.rel == n.rel && r.exp == n.exp {
			d.rows[i] = n
			return
		}
	}
	d.rows = append(d.rows, n)
	sort.Slice(d.rows, func(i, j int) bool {
		a, b := d.rows[i], d.rows[j]
		if a.rel != b.rel {
			return a.rel.less(b.rel)
		}
		return a.exp < b.exp
	})
}

// Were experiments measured on a release of this minor with the same default layout?
func (d *measured) hasExperimentsOf(rel release, vals []int32) bool {
	for _, r := range d.rows {
		if r.rel.minor != rel.minor || r.exp == "" {
			continue
		}
		if base := d.base(r.rel); base != nil && slices.Equal(base, vals) {
			return true
		}
	}
	return false
}

func (d *measured) base(rel release) []int32 {
	for _, r := range d.rows {
		if r.rel == rel && r.exp == "" {
			return r.vals
		}
	}
	return nil
}

const dataHead = `# Written by scripts/layouts: what each release's DWARF says (linux/amd64; arm64's offsets were
# compared and are equal). One line each: release, GOEXPERIMENT ("-" default), then a value for every field in the
# order of the next line; "=" means as the default of the same release; -1: no such field.
`

func (d *measured) format() []byte {
	var b bytes.Buffer
	b.WriteString(dataHead)
	b.WriteString("fields")
	for _, f := range d.fields {
		b.WriteString(" " + f.member)
	}
	b.WriteString("\n")
	for _, r := range d.rows {
		exp := r.exp
		if exp == "" {
			exp = "-"
		}
		fmt.Fprintf(&b, "%s %s", r.rel, exp)
		if r.same {
			b.WriteString(" =")
		} else {
			for _, v := range r.vals {
				fmt.Fprintf(&b, " %d", v)
			}
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// ReadData takes no file for an empty one.
func readData(name string, fields []field) (*measured, error) {
	d := &measured{fields: fields}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	sameFields := false
	for i, line := range strings.Split(string(text), "\n") {
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if w[0] == "fields" {
			sameFields = slices.EqualFunc(w[1:], fields, func(a string, f field) bool { return a == f.member })
			continue
		}
		if err := d.parseRow(w, sameFields); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return d, nil
}

// With another list of fields only the releases are of use: for --again.
func (d *measured) parseRow(w []string, sameFields bool) error {
	rel, err := parseRelease(w[0])
	if err != nil {
		return err
	}
	if !sameFields {
		d.rows = append(d.rows, row{rel: rel})
		return nil
	}
	if len(w) != 3 && len(w) != 2+len(d.fields) {
		return fmt.Errorf("%d words", len(w))
	}
	r := row{rel: rel, exp: strings.TrimPrefix(w[1], "-")}
	if w[2] == "=" {
		r.same = true
		r.vals = d.base(rel)
	} else {
		for _, s := range w[2:] {
			v, err := strconv.ParseInt(s, 10, 32)
			if err != nil {
				return err
			}
			r.vals = append(r.vals, int32(v))
		}
	}
	if len(r.vals) != len(d.fields) {
		return errors.New("values are missing")
	}
	d.rows = append(d.rows, r)
	return nil
}

// A column of the table: releases of one minor that are equal in every field.
type column struct {
	minor, lo, hi int
	exp           string
	vals          []int32
}

// Ranges joins neighbouring releases with equal default layouts.
func (d *measured) ranges() []column {
	var cols []column
	for _, r := range d.rows {
		if r.exp != "" {
			continue
		}
		if n := len(cols); n > 0 && cols[n-1].minor == r.rel.minor && slices.Equal(cols[n-1].vals, r.vals) {
			cols[n-1].hi = r.rel.patch
			continue
		}
		cols = append(cols, column{r.rel.minor, r.rel.patch, r.rel.patch, "", r.vals})
	}
	return cols
}

func (d *measured) columns() (cols []column, noEffect []row, err error) {
	var without []row
	effect := map[string]bool{}
	for _, r := range d.rows {
		if r.exp != "" && !r.same {
			effect[fmt.Sprint(r.rel.minor, r.exp)] = true
		}
	}
	for _, base := range d.ranges() {
		cols = append(cols, base)
		for _, r := range d.rows {
			if r.exp == "" || r.rel.minor != base.minor || r.rel.patch < base.lo || r.rel.patch > base.hi {
				continue
			}
			if effect[fmt.Sprint(r.rel.minor, r.exp)] {
				cols = append(cols, column{base.minor, base.lo, base.hi, r.exp, r.vals})
			} else {
				without = append(without, r)
			}
		}
	}
	seen := map[string]bool{}
	for _, r := range without {
		if k := fmt.Sprint(r.rel.minor, r.exp); !seen[k] {
			seen[k] = true
			noEffect = append(noEffect, r)
		}
	}
	for i := 1; i < len(cols); i++ {
		a, b := cols[i-1], cols[i]
		if a.minor == b.minor && b.exp == "" && b.lo != a.hi+1 {
			err = fmt.Errorf("1.%d: the layout changes between .%d and .%d: measure the releases between", a.minor, a.hi, b.lo)
		}
	}
	return cols, noEffect, err
}

// CheckGone refuses a table in which a needed field vanishes from one release to the next.
func (d *measured) checkGone(cols []column) error {
	var last *column
	for i := range cols {
		c := &cols[i]
		if c.exp != "" {
			continue
		}
		for j, f := range d.fields {
			if last != nil && f.need && last.vals[j] >= 0 && c.vals[j] < 0 {
				return fmt.Errorf("1.%d.%d: %s has no %s any more (%s)", c.minor, c.lo, f.typ,
					strings.Join(f.paths, ", "), f.member)
			}
		}
		last = c
	}
	return nil
}

const tableHead = `/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Written by scripts/layouts from scripts/layouts.d/measured.txt; do not edit.
 *
 * LAYOUT_RANGE(minor, first patch, last patch, GOEXPERIMENT): a column.
 * LAYOUT_ROW(member, value in each column …): -1 = no such field.
 * LAYOUT_NO_EFFECT(minor, GOEXPERIMENT): built, and equal to the default in every field.
 */
`

func (d *measured) table() ([]byte, error) {
	cols, noEffect, err := d.columns()
	if err != nil {
		return nil, err
	}
	if err := d.checkGone(cols); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(tableHead)
	b.WriteString("#ifdef LAYOUT_RANGE\n")
	for _, c := range cols {
		fmt.Fprintf(&b, "LAYOUT_RANGE(%d, %d, %d, %q)\n", c.minor, c.lo, c.hi, c.exp)
	}
	b.WriteString("#endif\n#ifdef LAYOUT_ROW\n")
	for i, f := range d.fields {
		fmt.Fprintf(&b, "LAYOUT_ROW(%s", f.member)
		for _, c := range cols {
			fmt.Fprintf(&b, ", %d", c.vals[i])
		}
		b.WriteString(")\n")
	}
	b.WriteString("#endif\n#ifdef LAYOUT_NO_EFFECT\n")
	for _, r := range noEffect {
		fmt.Fprintf(&b, "LAYOUT_NO_EFFECT(%d, %q)\n", r.rel.minor, r.exp)
	}
	b.WriteString("#endif\n")
	return b.Bytes(), nil
}
