// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"debug/buildinfo"
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A field of layout_fields.inc.
type field struct {
	member string   // of struct go_layout
	typ    string   // "runtime.g"
	paths  []string // alternatives; none: the size of the type
	need   bool
}

var fieldLine = regexp.MustCompile(`(?m)^LF\(([\w.]+), "([\w.]+)", "([\w.|]*)", (NEED|OPT)\)$`)

func readFields(name string) ([]field, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var fields []field
	for _, m := range fieldLine.FindAllStringSubmatch(string(text), -1) {
		f := field{member: m[1], typ: m[2], need: m[4] == "NEED"}
		if m[3] != "" {
			f.paths = strings.Split(m[3], "|")
		}
		fields = append(fields, f)
	}
	if n := strings.Count(string(text), "\nLF("); n == 0 || n != len(fields) {
		return nil, fmt.Errorf("%s: %d of %d lines understood", name, len(fields), n)
	}
	return fields, nil
}

// A meter builds a program with a toolchain and reads its DWARF.
type meter struct {
	fields []field
	goCmd  string
	dir    string
}

func newMeter(fields []field, goCmd string) (*meter, error) {
	dir, err := os.MkdirTemp("", "layouts")
	if err != nil {
		return nil, err
	}
	m := &meter{fields: fields, goCmd: goCmd, dir: dir}
	for name, text := range map[string]string{
		"go.mod":  "module example.com/tiny\n\ngo 1.18\n",
		"main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

func (m *meter) close() { os.RemoveAll(m.dir) }

// Measure adds the release's default layout to data and, if the minor release has no equal one
// yet, that of each GOEXPERIMENT. arm64's offsets must agree: the table has no column for it.
func (m *meter) measure(r release, data *measured) error {
	fmt.Fprintf(os.Stderr, "layouts: %s\n", r)
	vals, exp, err := m.build(r, "amd64", "")
	if err != nil {
		return err
	}
	if exp != "" {
		return fmt.Errorf("the toolchain's default has X:%s", exp)
	}
	arm, _, err := m.build(r, "arm64", "")
	if err != nil {
		return err
	}
	for i, f := range m.fields {
		// p embeds a register save area, so its size is the architecture's own.
		if len(f.paths) > 0 && vals[i] != arm[i] {
			return fmt.Errorf("%s is %d on amd64 and %d on arm64", f.member, vals[i], arm[i])
		}
	}
	known := data.hasExperimentsOf(r, vals)
	data.put(row{rel: r, vals: vals})
	if known {
		return nil
	}
	return m.measureExperiments(r, vals, data)
}

func (m *meter) measureExperiments(r release, base []int32, data *measured) error {
	flags, err := m.experiments(r)
	if err != nil {
		return err
	}
	for _, f := range flags {
		for _, name := range []string{f, "no" + f} {
			vals, exp, err := m.build(r, "amd64", name)
			var broken *exec.ExitError
			switch {
			case errors.As(err, &broken):
				fmt.Fprintf(os.Stderr, "layouts: %s: GOEXPERIMENT=%s does not build\n", r, name)
			case err != nil:
				return fmt.Errorf("GOEXPERIMENT=%s: %w", name, err)
			case exp == name:
				data.put(row{rel: r, exp: name, same: slices.Equal(vals, base), vals: vals})
			}
		}
	}
	return nil
}

var flagField = regexp.MustCompile(`(?m)^\t(\w+)\s+bool`)

// The experiments that the toolchain knows, in lower case.
func (m *meter) experiments(r release) ([]string, error) {
	cmd := m.command(r, "amd64", "", "env", "GOROOT")
	root, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(strings.TrimSpace(string(root)), "src/internal/goexperiment/flags.go")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var flags []string
	for _, f := range flagField.FindAllStringSubmatch(string(text), -1) {
		flags = append(flags, strings.ToLower(f[1]))
	}
	if len(flags) == 0 {
		return nil, fmt.Errorf("%s: no experiment found", name)
	}
	return flags, nil
}

func (m *meter) command(r release, arch, exp string, args ...string) *exec.Cmd {
	cmd := exec.Command(m.goCmd, args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+r.toolchain(), "GOARCH="+arch, "GOOS=linux",
		"GOEXPERIMENT="+exp, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off",
		"GOCACHE="+filepath.Join(m.dir, "cache"))
	return cmd
}

// Build returns the value of each field, and the experiment that the binary's version tells.
func (m *meter) build(r release, arch, exp string) ([]int32, string, error) {
	out := filepath.Join(m.dir, "tiny")
	if _, err := m.command(r, arch, exp, "build", "-o", out, ".").Output(); err != nil {
		return nil, "", err
	}
	info, err := buildinfo.ReadFile(out)
	if err != nil {
		return nil, "", err
	}
	version, x, _ := strings.Cut(info.GoVersion, "X:")
	if strings.TrimRight(version, " -") != r.toolchain() {
		return nil, "", fmt.Errorf("built by %q", info.GoVersion)
	}
	vals, err := readLayout(out, m.fields)
	return vals, x, err
}

// ReadLayout looks the fields up in the DWARF of an executable; -1 = absent.
func readLayout(name string, fields []field) ([]int32, error) {
	f, err := elf.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := f.DWARF()
	if err != nil {
		return nil, err
	}
	types, err := runtimeStructs(d)
	if err != nil {
		return nil, err
	}
	vals := make([]int32, len(fields))
	for i, f := range fields {
		t := types[f.typ]
		if t == nil {
			return nil, fmt.Errorf("no type %s", f.typ)
		}
		vals[i] = f.value(t)
	}
	return vals, nil
}

func runtimeStructs(d *dwarf.Data) (map[string]*dwarf.StructType, error) {
	types := map[string]*dwarf.StructType{}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			return types, nil
		}
		if e.Tag == dwarf.TagCompileUnit {
			continue
		}
		r.SkipChildren()
		if name, _ := e.Val(dwarf.AttrName).(string); e.Tag == dwarf.TagStructType && strings.HasPrefix(name, "runtime.") {
			t, err := d.Type(e.Offset)
			if err != nil {
				return nil, err
			}
			types[name], _ = t.(*dwarf.StructType)
		}
	}
}

func (f field) value(t *dwarf.StructType) int32 {
	if len(f.paths) == 0 {
		return int32(t.ByteSize)
	}
	for _, p := range f.paths {
		if off, ok := memberOffset(t, strings.Split(p, ".")); ok {
			return off
		}
	}
	return -1
}

func memberOffset(t *dwarf.StructType, path []string) (int32, bool) {
	for _, f := range t.Field {
		if f.Name != path[0] {
			continue
		}
		if len(path) == 1 {
			return int32(f.ByteOffset), true
		}
		typ := f.Type
		for {
			td, ok := typ.(*dwarf.TypedefType)
			if !ok {
				break
			}
			typ = td.Type
		}
		inner, ok := typ.(*dwarf.StructType)
		if !ok {
			return 0, false
		}
		off, ok := memberOffset(inner, path[1:])
		return int32(f.ByteOffset) + off, ok
	}
	return 0, false
}
