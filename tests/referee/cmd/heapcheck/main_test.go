// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"testing"

	"github.com/google/pprof/profile"
)

func made() *profile.Profile {
	f := []*profile.Function{{ID: 1, Name: "main.a[go.shape.int]"}, {ID: 2, Name: "main.b"}}
	l := []*profile.Location{
		{ID: 1, Address: 0x1000, Line: []profile.Line{{Function: f[0], Line: 3}}},
		{ID: 2, Address: 0x2000, Line: []profile.Line{{Function: f[1], Line: 7}}},
	}
	return &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "alloc_objects", Unit: "count"}, {Type: "alloc_space", Unit: "bytes"},
			{Type: "inuse_objects", Unit: "count"}, {Type: "inuse_space", Unit: "bytes"}},
		PeriodType: &profile.ValueType{Type: "space", Unit: "bytes"},
		Period:     4096,
		Sample: []*profile.Sample{
			{Location: l[:1], Value: []int64{10, 480, 1, 48}, NumLabel: map[string][]int64{"bytes": {48}}},
			{Location: l, Value: []int64{4, 480, 0, 0}, NumLabel: map[string][]int64{"bytes": {120}}},
			{Location: l[1:], Value: []int64{0, 0, 0, 0}, NumLabel: map[string][]int64{"bytes": {8}}},
		},
		Function: f,
		Location: l,
	}
}

func TestEqual(t *testing.T) {
	other := made()
	other.Sample = other.Sample[:2] // what counts nothing need not be there
	if diffs, cnt := equal(made(), other); len(diffs) != 0 || cnt != 2 {
		t.Errorf("%d stacks, %v", cnt, diffs)
	}
}

func TestMutationsAreSeen(t *testing.T) {
	for name, mutate := range map[string]func(p *profile.Profile){
		"value":       func(p *profile.Profile) { p.Sample[0].Value[3]++ },
		"size":        func(p *profile.Profile) { p.Sample[0].NumLabel["bytes"][0]++ },
		"types":       func(p *profile.Profile) { p.Function[0].Name = "main.a[...]" },
		"line":        func(p *profile.Profile) { p.Location[0].Line[0].Line++ },
		"address":     func(p *profile.Profile) { p.Location[0].Address++ },
		"stack":       func(p *profile.Profile) { p.Sample[1].Location = p.Location[1:] },
		"missing":     func(p *profile.Profile) { p.Sample = p.Sample[1:] },
		"more":        func(p *profile.Profile) { p.Sample[2].Value[0] = 1 },
		"period":      func(p *profile.Profile) { p.Period++ },
		"type":        func(p *profile.Profile) { p.SampleType[0].Type = "objects" },
		"period type": func(p *profile.Profile) { p.PeriodType.Unit = "count" },
	} {
		p := made()
		mutate(p)
		if diffs, _ := equal(made(), p); len(diffs) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
}

func TestOverlap(t *testing.T) {
	p := made()
	if got, _ := overlap(made(), nil, p); got != 1 {
		t.Errorf("equal profiles overlap by %v", got)
	}
	p.Sample[0].Value[1] *= 3 // 3/4 and 1/4 instead of halves
	if got, _ := overlap(made(), nil, p); got != 0.75 {
		t.Errorf("overlap %v, not 0.75", got)
	}
	base := made()
	base.Sample = base.Sample[:1] // what was there before does not count
	if got, _ := overlap(made(), base, p); got != 0.25 {
		t.Errorf("overlap since base %v, not 0.25", got)
	}
	p.Sample = nil
	if got, _ := overlap(made(), nil, p); got >= 0.1 {
		t.Errorf("nothing overlaps by %v", got)
	}
}
