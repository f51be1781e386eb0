// Package simulated has Go's own reader judge traces of make-believe programs, whole and with up
// to 70 % of their events lost.
package simulated

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/exp/trace"
)

// simTrace is the program that writes them (make livebins).
func simTrace(t *testing.T) string {
	path := os.Getenv("GOBPFTRACE_SIM_TRACE")
	if path == "" {
		t.Skip("GOBPFTRACE_SIM_TRACE is not set")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// write makes the trace and returns its path and what sim_trace said.
func write(t *testing.T, program string, seed, steps, loss int, format string) (string, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace.out")
	out, err := exec.Command(program, fmt.Sprint(seed), fmt.Sprint(steps), fmt.Sprint(loss),
		format, path).CombinedOutput()
	if err != nil {
		t.Fatalf("seed %d: %v: %s", seed, err, out)
	}
	return path, string(out)
}

// read returns the number of events, or the reader's verdict.
func read(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReader(f))
	if err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		_ = ev.String() // resolves every stack and string
	}
}

func TestReaderAcceptsAnyLoss(t *testing.T) {
	program := simTrace(t)
	for seed := 1; seed <= 142; seed++ {
		format := []string{"23", "26"}[seed%2]
		loss := seed % 71
		path, _ := write(t, program, seed, 5000, loss, format)
		n, err := read(path)
		if err != nil {
			t.Errorf("seed %d, %d %% lost, format %s: %v", seed, loss, format,
				strings.SplitN(err.Error(), "\n", 2)[0])
		} else if n < 100 {
			t.Errorf("seed %d, %d %% lost: only %d events", seed, loss, n)
		}
	}
}

// A whole recording needs no repair.
func TestNothingIsRepairedWithoutLoss(t *testing.T) {
	program := simTrace(t)
	for seed := 1; seed <= 20; seed++ {
		_, said := write(t, program, seed, 5000, 0, "23")
		_, repairs, found := strings.Cut(said, " late ")
		classes := strings.Fields("late " + repairs) // name, number, …
		if !found || len(classes) < 12 || len(classes)%2 != 0 {
			t.Fatalf("seed %d: %s", seed, said)
		}
		for i := 0; i < len(classes); i += 2 {
			if classes[i+1] != "0" {
				t.Errorf("seed %d: %s", seed, said)
			}
		}
	}
}

// A damaged file must not pass: the check can fail.
func TestReaderRefusesDamage(t *testing.T) {
	program := simTrace(t)
	path, _ := write(t, program, 1, 5000, 0, "23")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := read(path); err == nil {
		t.Errorf("a file cut at two thirds was accepted with %d events", n)
	}
}
