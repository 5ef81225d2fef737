package collectors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

func shellStep(line string) profiles.Step {
	return profiles.Step{Name: "sh", Collector: profiles.Command, Area: "a", Shell: line, Output: "commands/a/Sh.txt"}
}

func shellSource(line string) string { return "/bin/sh -c '" + line + "'" }

func TestCommand(t *testing.T) {
	tests := []struct {
		name   string
		line   string
		stdout string
		stderr string
		code   int
		said   string // reason or error
		failed bool
	}{
		{"prints", "echo out", "out\n", "", 0, "", false},
		{"prints to both", "echo out; echo err >&2", "out\n", "err\n", 0, "", false},
		{"prints nothing", "exit 0", "", "", 0, "", false},
		{"fails with output", "echo out; exit 3", "out\n", "", 3, "", false},
		{"fails with a message", "echo no such thing >&2; exit 2", "", "no such thing\n", 2, "exit status 2: no such thing", true},
		{"fails silently", "exit 1", "", "", 1, "exit status 1", false},
		{"has no input", "cat; echo end", "end\n", "", 0, "", false},
		{"has a clean environment", "echo $HOME $LC_ALL $SECRET $TZ", "/nonexistent C UTC\n", "", 0, "", false},
	}
	t.Setenv("SECRET", "of the operator")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sink := collect(t, "/", shellStep(tt.line))
			got := sink.Item(t, shellSource(tt.line))
			if string(got.Content) != tt.stdout {
				t.Errorf("stdout %q, want %q", got.Content, tt.stdout)
			}
			if got.ExitCode == nil || *got.ExitCode != tt.code {
				t.Errorf("exit code %v, want %d", got.ExitCode, tt.code)
			}
			said := got.Reason
			if got.Err != nil {
				said = got.Err.Error()
			}
			if said != tt.said || (got.Err != nil) != tt.failed {
				t.Errorf("said %q (error: %v), want %q (error: %v)", said, got.Err != nil, tt.said, tt.failed)
			}
			if tt.stderr == "" {
				if n := len(sink.Items()); n != 1 {
					t.Errorf("%d items, want 1: no stderr file where nothing was written", n)
				}
				return
			}
			e := sink.Item(t, shellSource(tt.line)+" (standard error)")
			if string(e.Content) != tt.stderr || e.Name != "commands/a/Sh.stderr.txt" {
				t.Errorf("stderr %q in %s, want %q", e.Content, e.Name, tt.stderr)
			}
		})
	}
}

func TestCommandNotInstalled(t *testing.T) {
	step := profiles.Step{Name: "x", Collector: profiles.Command, Argv: []string{"no-such-tool-here", "-a"}, Output: "commands/a/X.txt"}
	got := collect(t, "/", step).Item(t, "no-such-tool-here -a")
	if got.Status != collectors.Skipped || got.Reason != "not installed" || !got.Bare {
		t.Errorf("got %s, %q; want skipped, not installed", got.Status, got.Reason)
	}
}

func TestCommandIgnoresThePathOfTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "planted-tool"), []byte("#!/bin/sh\necho planted\n"), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	step := profiles.Step{Name: "x", Collector: profiles.Command, Argv: []string{"planted-tool"}, Output: "commands/a/X.txt"}
	if got := collect(t, "/", step).Item(t, "planted-tool"); got.Status != collectors.Skipped {
		t.Errorf("a tool of the environment's PATH was run: %q", got.Content)
	}
}

func TestCommandOutputIsCapped(t *testing.T) {
	step := shellStep("yes")
	step.MaxOutput = 100_000
	got := collect(t, "/", step).Item(t, "/bin/sh -c yes")
	if len(got.Content) != 100_000 || got.TruncatedAt != 100_000 || got.Err == nil {
		t.Errorf("kept %d bytes, truncated at %d, error %v", len(got.Content), got.TruncatedAt, got.Err)
	}
}

// A command that ignores SIGTERM, with a grandchild in a session of its own that ignores it too and holds the output open.
func TestCommandIsEndedWithAllItsChildren(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	line := fmt.Sprintf(`trap "" TERM; echo started; setsid sh -c "trap \"\" TERM; echo \$\$ >> %[1]s; while :; do sleep 1; done" & (sleep 600 & echo $! >> %[1]s); echo $$ >> %[1]s; while :; do sleep 1; done`, pids)
	step := shellStep(line)
	step.Timeout = 500 * time.Millisecond
	got := collect(t, "/", step).Items()[0]
	if got.Err == nil || got.Err.Error() != "timed out after 500ms" || string(got.Content) != "started\n" {
		t.Errorf("error %v, output %q; want the time limit and what was printed before it", got.Err, got.Content)
	}
	if over := got.Duration - step.Timeout; over > 5*time.Second {
		t.Errorf("ended %s after its limit", over)
	}
	b, err := os.ReadFile(pids)
	must(t, err)
	fields := strings.Fields(string(b))
	if len(fields) != 3 {
		t.Fatalf("the command started %d of its 3 processes", len(fields))
	}
	for _, f := range fields {
		pid, err := strconv.Atoi(f)
		must(t, err)
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
}

func TestCommandThatLeavesADaemonEnds(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	line := fmt.Sprintf("setsid sleep 600 & echo $! > %s; echo done", pid)
	got := collect(t, "/", shellStep(line)).Items()[0]
	if string(got.Content) != "done\n" || got.ExitCode == nil || *got.ExitCode != 0 {
		t.Errorf("output %q, exit %v", got.Content, got.ExitCode)
	}
	b, err := os.ReadFile(pid)
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	must(t, err)
	if err := syscall.Kill(n, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the daemon %d is still there: %v", n, err)
	}
}

func TestRunKeepsTheOrderOfGroups(t *testing.T) {
	var steps []profiles.Step
	for i, area := range []string{"a", "a", "a", "b", "b", "a"} {
		s := shellStep(fmt.Sprintf("echo %d; sleep 0.0%d", i, 9-i))
		s.Name, s.Area = fmt.Sprintf("s%d", i), area
		steps = append(steps, s)
	}
	place := map[string]int{}
	for i, k := range collect(t, "/", steps...).Items() {
		place[k.Step] = i
	}
	for _, before := range []string{"s0", "s1", "s2"} {
		for _, after := range []string{"s3", "s4"} {
			if place[before] > place[after] {
				t.Errorf("%s came after %s", before, after)
			}
		}
	}
	if place["s5"] != 5 {
		t.Errorf("s5 came as number %d, want last", place["s5"])
	}
}

func TestRunRecordsWhatTheDeadlineLeftOut(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	late := shellStep("echo never")
	late.Name, late.Area = "late", "b"
	sink := &collectorstest.Sink{}
	plan := &profiles.Plan{Steps: []profiles.Step{shellStep("echo first; sleep 600"), late, fileStep("/etc/passwd")}}
	err := collectors.Run(ctx, plan, collectors.NewEnv("/", quiet()), sink)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
	first := sink.Items()[0]
	if string(first.Content) != "first\n" || first.Err == nil || first.Err.Error() != "the run's deadline" {
		t.Errorf("the step under way: %q, %v", first.Content, first.Err)
	}
	for _, source := range []string{"echo never", "/etc/passwd"} {
		if got := sink.Item(t, source); got.Status != collectors.Skipped || got.Reason != "not reached: the run's deadline" {
			t.Errorf("%s: %s, %q", source, got.Status, got.Reason)
		}
	}
}

func TestRunStopsWhenNothingCanBeKept(t *testing.T) {
	full := errors.New("disk full")
	kept := 0
	sink := &collectorstest.Sink{Fail: func(collectors.Item) error {
		if kept++; kept > 1 {
			return full
		}
		return nil
	}}
	b, c := shellStep("echo b"), shellStep("echo c")
	b.Area, c.Area = "b", "c"
	err := collectors.Run(t.Context(), &profiles.Plan{Steps: []profiles.Step{shellStep("echo a"), b, c}}, collectors.NewEnv("/", quiet()), sink)
	if !errors.Is(err, full) || len(sink.Items()) != 1 {
		t.Errorf("error %v with %d items, want disk full with 1", err, len(sink.Items()))
	}
}

func TestRunSaysWhatThePlanLeavesOut(t *testing.T) {
	sink := &collectorstest.Sink{}
	plan := &profiles.Plan{LeftOut: []profiles.LeftOut{{Step: shellStep("echo x"), Reason: "only for windows"}}}
	must(t, collectors.Run(t.Context(), plan, collectors.NewEnv("/", quiet()), sink))
	if got := sink.Item(t, "echo x"); got.Status != collectors.Skipped || got.Reason != "only for windows" {
		t.Errorf("got %s, %q", got.Status, got.Reason)
	}
}
