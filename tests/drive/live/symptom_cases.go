package main

import (
	"path/filepath"
	"strings"
)

// What people reach for a profile for: the finding that tells it, the place or figure in its sentence, and
// a program that does not have it.
var symptoms = []struct{ show, finding, names, without string }{
	{"busy", "cpu-busy", "main.", "calm"},
	{"crowd", "processors-saturated", "queued", "calm"},
	{"crowd", "scheduler-latency", "waited for a processor", "calm"},
	{"memory", "heap-growth", "collections", "calm"},
	{"garbage", "allocation-rate", "each second", "calm"},
	{"slow", "processors-idle", "main.handle", "busy"},
	{"collector", "gc-busy", "cycles", "calm"},
	{"leak", "goroutine-growth", "main.leak", "calm"},
	{"contended", "lock-contention", "main.locked", "calm"},
}

func symptomCases() {
	add("each symptom has its finding, and a program without it has none", symptomsCase)
}

// findings of a capture: id to sentence.
func (t *T) findings(show string) map[string]string {
	p := t.program(cfg.newest+"/symptoms", "-show", show)
	defer p.Stop()
	dir := t.Path(show)
	t.status(t.gobpftrace("-p", pidOf(p), "-d", "1500ms", "-q", "-o", dir), 0)
	said := map[string]string{}
	list, _ := t.json(t.read(filepath.Join(dir, "summary.json")))["findings"].([]any)
	for _, f := range list {
		m, _ := f.(map[string]any)
		id, _ := m["id"].(string)
		said[id], _ = m["text"].(string)
	}
	return said
}

func symptomsCase(t *T) {
	said := map[string]map[string]string{}
	of := func(show string) map[string]string {
		if said[show] == nil {
			said[show] = t.findings(show)
		}
		return said[show]
	}
	for _, s := range symptoms {
		if text := of(s.show)[s.finding]; !strings.Contains(text, s.names) {
			t.Errorf("%s: %s is %q, wanted %q in it; all: %v", s.show, s.finding, text, s.names, of(s.show))
		}
		if text, has := of(s.without)[s.finding]; has {
			t.Errorf("%s: %s, which it does not have: %q", s.without, s.finding, text)
		}
	}
}
