package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// wall holds our wall profile against two of a sampler inside of the program: one of the same time,
// one of as long a time behind it.
func (r *runner) wall(version, attach string) {
	if !r.wanted("wall") {
		return
	}
	name := strings.Join([]string{version, "wall", "1000-goroutines", attach}, " ")
	dir := filepath.Join(r.out, strings.ReplaceAll(name, " ", "-"))
	report, err := r.recordWall(version, attach, dir)
	_, line, _ := strings.Cut(report, ": ")
	line, more, _ := strings.Cut(line, "\n")
	if err != nil && report != "" {
		err = fmt.Errorf("%s", more)
	}
	r.verdict(name, line, err)
	if err == nil {
		os.RemoveAll(dir)
	}
}

func (r *runner) recordWall(version, attach, dir string) (string, error) {
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	p, err := start(filepath.Join(r.fixtures, version, "workload"), "-kinds", "wall")
	if err != nil {
		return "", err
	}
	defer p.Stop()
	const d = 8 * time.Second
	ref, again, ours := filepath.Join(dir, "ref.folded"), filepath.Join(dir, "again.folded"), filepath.Join(dir, "ours")
	err = r.record(p, ours, d+1500*time.Millisecond, []string{"--attach", attach, "--hz", "99", "--profiles", "wall"}, func() error {
		_, err := own(p, "sample", ref, d, "100")
		return err
	})
	if err == nil {
		_, err = own(p, "sample", again, d, "100")
	}
	if err != nil {
		return "", err
	}
	return run(filepath.Join(r.judges, "profiles"), "-ref", ref, "-again", again, "-ours", filepath.Join(ours, "wall.pprof"),
		"-equal", "wall", "-least", "50000")
}
