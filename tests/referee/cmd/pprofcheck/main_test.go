// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// ownProfile is one that Go itself wrote.
func ownProfile(t *testing.T) *profile.Profile {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 0); err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	if p.TimeNanos == 0 {
		p.TimeNanos = time.Now().UnixNano()
	}
	return p
}

func violations(t *testing.T, p *profile.Profile) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.pprof")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := p.Write(f); err != nil {
		t.Fatal(err)
	}
	c := &checker{path: path}
	c.check("goroutine", "", "", 1)
	return c.bad
}

func TestGoItselfPasses(t *testing.T) {
	if n := violations(t, ownProfile(t)); n != 0 {
		t.Errorf("%d violations in a profile of runtime/pprof", n)
	}
}

func TestWhatIsWrongIsFound(t *testing.T) {
	cases := map[string]func(*profile.Profile){
		"repeated sample":  func(p *profile.Profile) { p.Sample = append(p.Sample, p.Sample[0]) },
		"goexit":           func(p *profile.Profile) { p.Function[0].Name = "runtime.goexit" },
		"unnamed function": func(p *profile.Profile) { p.Function[0].Name = "" },
		"same address":     func(p *profile.Profile) { p.Location[0].Address = p.Location[1].Address },
		"outside":          func(p *profile.Profile) { p.Location[0].Address = 1 },
		"negative":         func(p *profile.Profile) { p.Sample[0].Value[0] = -1 },
		"no stack":         func(p *profile.Profile) { p.Sample[0].Location = nil },
		"other type":       func(p *profile.Profile) { p.SampleType[0].Unit = "bytes" },
		"no period":        func(p *profile.Profile) { p.Period = 0 },
	}
	for name, spoil := range cases {
		p := ownProfile(t)
		spoil(p)
		if violations(t, p) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}
