// Package attempts gives a comparison of things measured in time a second attempt where it fails:
// told when it happens, listed at the end of the run, and bounded (tests/live/attempts.sh, which is
// the same for shell). What no busy machine excuses never gets one.
package attempts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Verdict is how an attempt ended.
type Verdict int

const (
	Passed Verdict = iota
	Skipped
	Failed
	// Harmed is a failure for good: the target was harmed, something was left behind, a refusal
	// was none, the tool crashed.
	Harmed
)

// HarmedStatus is the exit status that tells a script so.
const HarmedStatus = 97

// Twice makes an attempt, and where it has failed another, which then counts alone. An attempt
// writes what it found to out itself.
func Twice(out io.Writer, name string, attempt func() Verdict) Verdict {
	v := attempt()
	if v != Failed {
		return v
	}
	fmt.Fprintln(out, "again", name)
	if v = attempt(); v == Passed {
		note(name)
	}
	return v
}

// Died tells whether this is the error of a command that a signal ended: it crashed.
func Died(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// note adds a name to the list of those that passed at the second attempt only.
func note(name string) {
	path := os.Getenv("AGAIN_FILE")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(f, name)
		f.Close()
	}
	if err != nil { // a second attempt that nobody hears of must not pass
		fmt.Fprintln(os.Stderr, "attempts:", err)
		os.Exit(1)
	}
}
