package attempts

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Verdicts of the attempts in order: what comes of them, how many are made, whether the name is listed.
func TestTwice(t *testing.T) {
	for _, c := range []struct {
		name   string
		are    []Verdict
		is     Verdict
		made   int
		listed bool
	}{
		{"passes", []Verdict{Passed}, Passed, 1, false},
		{"fails once", []Verdict{Failed, Passed}, Passed, 2, true},
		{"always fails", []Verdict{Failed, Failed, Passed}, Failed, 2, false},
		{"harms", []Verdict{Harmed, Passed}, Harmed, 1, false},
		{"fails, then harms", []Verdict{Failed, Harmed}, Harmed, 2, false},
		{"skips", []Verdict{Skipped, Passed}, Skipped, 1, false},
		{"fails, then skips", []Verdict{Failed, Skipped}, Skipped, 2, false},
	} {
		list := filepath.Join(t.TempDir(), "again")
		t.Setenv("AGAIN_FILE", list)
		made := 0
		is := Twice(io.Discard, c.name, func() Verdict {
			made++
			return c.are[made-1]
		})
		text, _ := os.ReadFile(list)
		if is != c.is || made != c.made || (string(text) == c.name+"\n") != c.listed || !c.listed && len(text) > 0 {
			t.Errorf("%s: verdict %d after %d attempts, listed %q", c.name, is, made, text)
		}
	}
}

// shell runs bash with the functions of tests/live/attempts.sh; harmedOnce and the like fail by the number
// of the call.
func shell(t *testing.T, list, script string) (string, error) {
	cmd := exec.Command("bash", "-uc", `. ../../live/attempts.sh
passed=0 failed=0 skipped=0 calls=0
fails() { calls=$((calls + 1)); if [ $calls -le "$1" ]; then failed=$((failed + 1)); else passed=$((passed + 3)); fi; }
harms() { fails 1; [ $calls -gt 1 ] || harm; }
exits() { calls=$((calls + 1)); return $(($1 - (calls - 1) * $1)); }
told() { echo "$passed $failed $skipped after $calls"; }
`+script)
	cmd.Env = append(os.Environ(), "AGAIN_FILE="+list)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestTwiceInShell(t *testing.T) {
	for _, c := range []struct {
		script, says string
		listed       bool
	}{
		{"twice 'a b' fails 0; told", "3 0 0 after 1", false},
		{"twice 'a b' fails 1; told", "again a b\n3 0 0 after 2", true},
		{"passed=5; failed=2; twice 'a b' fails 1; told", "again a b\n8 2 0 after 2", true},
		{"twice 'a b' fails 2 && echo good; told", "again a b\n0 1 0 after 2", false},
		{"twice 'a b' harms && echo good; told", "0 1 0 after 1", false},
		{"twice 'a b' command_counts exits 0; told", "1 0 0 after 1", false},
		{"twice 'a b' command_counts exits 1; told", "again a b\n1 0 0 after 2", true},
		{"twice 'a b' command_counts exits 97 && echo good; told", "0 1 0 after 1", false},
		{"twice 'a b' command_counts exits 139 && echo good; told", "0 1 0 after 1", false},
	} {
		list := filepath.Join(t.TempDir(), "again")
		says, err := shell(t, list, c.script)
		text, _ := os.ReadFile(list)
		if err != nil || says != c.says || (string(text) == "a b\n") != c.listed || !c.listed && len(text) > 0 {
			t.Errorf("%s: says %q (%v), listed %q", c.script, says, err, text)
		}
	}
}

func TestDied(t *testing.T) {
	for script, want := range map[string]bool{"exit 0": false, "exit 3": false, "kill -SEGV $$": true} {
		err := exec.Command("sh", "-c", script).Run()
		if Died(err) != want || err != nil && Died(fmt.Errorf("gobpftrace: %w", err)) != want {
			t.Errorf("%s: %v, wanted %v", script, !want, want)
		}
	}
}

// The status that programs tell scripts is one.
func TestHarmedStatus(t *testing.T) {
	if says, _ := shell(t, "", "echo $harmed_status"); says != fmt.Sprint(HarmedStatus) {
		t.Errorf("%s in shell, %d in Go", says, HarmedStatus)
	}
	text, err := os.ReadFile("../../live/capture_probe_test.c")
	if err != nil || !strings.Contains(string(text), fmt.Sprintf("#define HARMED_STATUS %d ", HarmedStatus)) {
		t.Errorf("tests/live/capture_probe_test.c has another (%v)", err)
	}
}

func TestAgainTold(t *testing.T) {
	list := filepath.Join(t.TempDir(), "again")
	for n, want := range map[int]string{
		0: "",
		2: "passed only at the second attempt: 2 (case 0; case 1)",
		5: "passed only at the second attempt: 5 (case 0; case 1; case 2; case 3; case 4)",
		6: "FAIL more than 5 second attempts were needed",
	} {
		var names strings.Builder
		for i := 0; i < n; i++ {
			fmt.Fprintf(&names, "case %d\n", i)
		}
		if err := os.WriteFile(list, []byte(names.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		says, err := shell(t, list, `again_told "$AGAIN_FILE"`)
		if !strings.HasSuffix(says, want) || (err != nil) != (n > 5) || n == 0 && says != "" {
			t.Errorf("%d names: says %q (%v)", n, says, err)
		}
	}
}
