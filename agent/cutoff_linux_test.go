package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bellwether/agent/evidence"
)

const slowProfile = `schema: 1
name: slow
description: A test
steps:
  - {name: first, collector: command, area: a, argv: [echo, first]}
  - {name: logs, collector: file, path: ['%s/*.log']}
  - {name: sleep, collector: command, area: b, argv: [sleep, '600']}
  - {name: never, collector: command, area: c, argv: [echo, never]}
`

// startSlow starts a run that is still under way when its first items are kept, and returns its case folder.
func startSlow(t *testing.T) (run *exec.Cmd, folder string, stdout *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	profile := filepath.Join(dir, "slow.yaml")
	if err := os.WriteFile(filepath.Join(dir, "x.log"), []byte("log\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(profile, []byte(strings.ReplaceAll(slowProfile, "%s", dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bellwether")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	stdout = &strings.Builder{}
	run = exec.Command(bin, "collect", "--profile", profile, "--to", dir, "--incident", "IR-7", "--quiet", "--wait", "10m")
	run.Stdout = stdout
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	for range 6000 { // another run on this machine may have to end first
		found, err := filepath.Glob(filepath.Join(dir, "IR-7", "*", "commands", "b", "Sleep600.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			return run, filepath.Dir(filepath.Dir(filepath.Dir(found[0]))), stdout
		}
		time.Sleep(20 * time.Millisecond)
	}
	_ = run.Process.Kill()
	_ = run.Wait()
	t.Fatal("the run didn't reach its third step")
	return nil, "", nil
}

func TestKilledRunLeavesWhatItHadFinished(t *testing.T) {
	run, folder, _ := startSlow(t)
	child := childOf(t, run.Process.Pid)
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait()
	v, err := evidence.Verify(t.Context(), folder, evidence.VerifyOptions{})
	if !errors.Is(err, evidence.ErrIncomplete) || !strings.Contains(err.Error(), "not finished: commands/b/Sleep600.txt") {
		t.Errorf("verify says %v, want incomplete, with the item that was under way", err)
	}
	if v.Files != 3 { // case.json, the first command, the log
		t.Errorf("%d files are intact, want 3", v.Files)
	}
	for range 100 {
		if errors.Is(syscall.Kill(child, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("the command %d has outlived the run", child)
}

// childOf returns the one child of a process.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range strings.Fields(string(b)) {
			child, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			return child
		}
	}
	t.Fatal("the run has no child")
	return 0
}

func TestInterruptedRunKeepsItsCase(t *testing.T) {
	run, folder, stdout := startSlow(t)
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := run.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("ended with %v, want exit code %d", err, exitInterrupted)
	}
	if !strings.HasPrefix(stdout.String(), "bellwether: INTERRUPTED ") {
		t.Errorf("said %q", stdout)
	}
	v, err := evidence.Verify(t.Context(), folder, evidence.VerifyOptions{})
	if err != nil || v.Totals.Complete || len(v.Totals.Missing) != 1 || v.Totals.Missing[0] != "interrupted" {
		t.Errorf("verify: %v, totals %+v; want a whole case that says that it was interrupted", err, v.Totals)
	}
}

func TestSecondRunIsRefusedAndToldOfTheFirst(t *testing.T) {
	run, _, _ := startSlow(t)
	second := exec.Command(run.Path, "collect", "--to", t.TempDir(), "--quiet")
	out, err := second.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("ended with %v, want exit code %d", err, exitFailed)
	}
	if want := fmt.Sprintf("another run is under way on this host: pid %d, incident IR-7, since ", run.Process.Pid); !strings.Contains(string(out), want) {
		t.Errorf("said %q, want %q", out, want)
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait()
}
