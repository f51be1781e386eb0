package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Keepers are the processes of a tool that place and hold its probes: a session of their own.
type Keepers struct{ session string }

// stat gives the name, the parent and the session of a process, from /proc/PID/stat.
func stat(pid string) (name, parent, session string) {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	text := string(b)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if err != nil || open < 0 || end < open {
		return "", "", ""
	}
	f := strings.Fields(text[end+1:]) // state, parent, group, session
	if len(f) < 4 || f[0] == "Z" {
		return "", "", ""
	}
	return text[open+1 : end], f[1], f[3]
}

// KeepersOf finds those of a tool that runs.
func KeepersOf(tool int) (Keepers, error) {
	pids, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range pids {
		pid := filepath.Base(dir)
		if name, parent, session := stat(pid); name == "gbt-keeper" && parent == fmt.Sprint(tool) {
			return Keepers{session}, nil
		}
	}
	return Keepers{}, fmt.Errorf("process %d has no child gbt-keeper", tool)
}

// Pids are those that are there now, the one from which the others came first.
func (k Keepers) Pids() (pids []string) {
	if k.session == "" {
		return nil
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid := filepath.Base(dir)
		if _, _, session := stat(pid); session != k.session {
			continue
		}
		if pid == k.session {
			pids = append([]string{pid}, pids...)
		} else {
			pids = append(pids, pid)
		}
	}
	return pids
}

// WaitGone reports whether all have ended within patience.
func (k Keepers) WaitGone(patience time.Duration) bool {
	for begin := time.Now(); len(k.Pids()) > 0; time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > patience {
			return false
		}
	}
	return true
}
