package collectors_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/collectors/procfs"
	"bellwether/profiles"

	"golang.org/x/sys/unix"
)

// orphan starts a program that is nobody's child, since the collector passes over what it has started itself. The shell's line starts it in
// the background; file 3 is the one that is given.
func orphan(t *testing.T, line string, file *os.File, args ...string) int {
	t.Helper()
	// Other tests run commands, which makes this process the one that orphans fall to.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("bash", append([]string{"-c", line + ` >/dev/null 2>&1 & echo $!`, "bash"}, args...)...)
	if file != nil {
		c.ExtraFiles = []*os.File{file}
	}
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

// waitFor waits until a program has been started: between fork and exec a process is a copy of the shell.
func waitFor(t *testing.T, pid int, ready func(procfs.Process) bool) {
	t.Helper()
	r := procfs.NewReader(procfs.New("/"))
	for range 1000 {
		if p, err := r.Process(pid); err == nil && ready(p) {
			return
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 5e6}, nil)
	}
	t.Fatalf("process %d never was as it should be", pid)
}

func collectLive(t *testing.T, step profiles.Step) *collectorstest.Sink {
	t.Helper()
	sink := &collectorstest.Sink{}
	env := collectors.NewEnv("/", slog.New(slog.DiscardHandler))
	if err := collectors.Run(t.Context(), &profiles.Plan{Steps: []profiles.Step{step}}, env, sink); err != nil {
		t.Fatal(err)
	}
	return sink
}

// rulesOf returns which rules a process breaks, with their severities.
func rulesOf(sink *collectorstest.Sink, pid int) (out []string) {
	for _, f := range sink.Findings() {
		if f.Evidence["pid"] == strconv.Itoa(pid) {
			out = append(out, f.ID+" "+string(f.Severity))
		}
	}
	return out
}

func processStep() profiles.Step {
	return profiles.Step{Name: "processes", Collector: profiles.Process}
}

func copyOfSleep(t *testing.T) string {
	t.Helper()
	from, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "sleep")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	to := filepath.Join(dir, "sleep")
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestProcessesThatAreOdd(t *testing.T) {
	gone := copyOfSleep(t)
	deleted := orphan(t, `exec "$1" 300`, nil, gone)
	waitFor(t, deleted, func(p procfs.Process) bool { return p.Exe == gone })
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	other := copyOfSleep(t)
	borrowed := orphan(t, `exec -a bash "$1" 300`, nil, other)
	waitFor(t, borrowed, func(p procfs.Process) bool { return p.Exe == other })
	kworker := orphan(t, `exec -a "[kworker/0:1]" sleep 300`, nil)
	waitFor(t, kworker, func(p procfs.Process) bool { return p.Comm == "sleep" })
	preloaded := orphan(t, `HISTFILE=/dev/null SECRET_TOKEN=abcdefgh LD_PRELOAD=/dev/shm/none.so exec sleep 300`, nil)
	waitFor(t, preloaded, func(p procfs.Process) bool { return p.Comm == "sleep" })
	plain := orphan(t, `cd /; exec sleep 300`, nil)
	waitFor(t, plain, func(p procfs.Process) bool { return p.Comm == "sleep" })

	sink := collectLive(t, processStep())
	for _, tt := range []struct {
		pid  int
		want string
	}{
		{deleted, "process-deleted-exe high"}, {kworker, "process-fake-kernel-thread high"},
		{borrowed, "process-name-mismatch medium"}, {borrowed, "process-exe-odd medium"},
		{preloaded, "process-preload high"}, {preloaded, "process-history-off low"},
	} {
		if got := rulesOf(sink, tt.pid); !slices.Contains(got, tt.want) {
			t.Errorf("%d breaks %q, not %q", tt.pid, got, tt.want)
		}
	}
	if got := rulesOf(sink, plain); len(got) > 0 {
		t.Errorf("an ordinary process breaks %q", got)
	}
	for _, f := range sink.Findings() {
		if f.ID == "process-hidden-pid" || f.ID == "process-hidden-by-mount" {
			t.Errorf("nothing is hidden here: %s", f.Text)
		}
	}
	for _, item := range sink.Items() {
		if strings.Contains(string(item.Content), "abcdefgh") && item.Name == "state/processes.jsonl" && strings.Contains(string(item.Content), `"SECRET_TOKEN"`) {
			t.Error("the state holds the environment of a process")
		}
	}
	p := processIn(t, sink, deleted)
	if !p.ExeDeleted || p.Exe != gone || len(p.ExeSHA256) != 64 || p.Start.IsZero() || p.Cwd == "" {
		t.Errorf("the deleted one is %+v", p)
	}
	if own := processIn(t, sink, os.Getpid()); !own.Own || len(rulesOf(sink, os.Getpid())) > 0 {
		t.Errorf("this process is %+v, and breaks %q", own, rulesOf(sink, os.Getpid()))
	}
}

// processIn returns a process of the state that was kept. Findings have to stand in the line of the readable list that has their process.
func processIn(t *testing.T, sink *collectorstest.Sink, pid int) procfs.Process {
	t.Helper()
	var found procfs.Process
	for _, item := range sink.Items() {
		switch item.Name {
		case "state/processes.jsonl":
			for line := range strings.Lines(string(item.Content)) {
				var p procfs.Process
				if err := json.Unmarshal([]byte(line), &p); err != nil {
					t.Fatal(err)
				}
				if p.PID == pid {
					found = p
				}
			}
		case "state/processes.txt":
			lines := strings.Split(string(item.Content), "\n")
			for _, f := range sink.Findings() {
				if f.Line > 0 && !strings.HasPrefix(lines[f.Line-1], f.Evidence["pid"]+" ") {
					t.Errorf("%s is said to be in line %d: %q", f.Text, f.Line, lines[f.Line-1])
				}
			}
		}
	}
	if found.PID == 0 {
		t.Fatalf("no process %d in the state", pid)
	}
	return found
}

func TestProgramInMemoryAlone(t *testing.T) {
	program, err := os.Open(copyOfSleep(t))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	fd, err := unix.MemfdCreate("implant", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	memory := os.NewFile(uintptr(fd), "memfd")
	defer memory.Close()
	if _, err := io.Copy(memory, program); err != nil {
		t.Fatal(err)
	}
	// A descriptor that is open for writing can't be run.
	readOnly, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	memory.Close()
	pid := orphan(t, `exec /proc/self/fd/3 300`, readOnly)
	waitFor(t, pid, func(p procfs.Process) bool { return p.Memfd })
	sink := collectLive(t, processStep())
	if got := rulesOf(sink, pid); !slices.Contains(got, "process-memfd-exe high") || slices.Contains(got, "process-deleted-exe high") {
		t.Errorf("it breaks %q", got)
	}
	if p := processIn(t, sink, pid); len(p.ExeSHA256) != 64 {
		t.Errorf("no digest of what is in memory alone: %+v", p)
	}
}

func TestShellOnAConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	file, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pid := orphan(t, `sh <&3`, file)
	waitFor(t, pid, func(p procfs.Process) bool { return strings.HasPrefix(p.Files.Std[0], "socket:") })
	got := rulesOf(collectLive(t, processStep()), pid)
	if !slices.Contains(got, "process-socket-shell high") {
		t.Errorf("it breaks %q", got)
	}
}

// The test runs itself in a mount namespace of its own, and there mounts something over the folder of a process.
func TestProcessUnderAMount(t *testing.T) {
	const variable = "BELLWETHER_TEST_COVERED_PID"
	if text := os.Getenv(variable); text != "" {
		cover(t, text)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	pid := orphan(t, `cd /; exec sleep 300`, nil)
	waitFor(t, pid, func(p procfs.Process) bool { return p.Comm == "sleep" })
	c := exec.Command(os.Args[0], "-test.run=^TestProcessUnderAMount$", "-test.v")
	c.Env = append(os.Environ(), variable+"="+strconv.Itoa(pid))
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"rule process-hidden-by-mount high", "comm sleep", "compare tool-hides-process high"} {
		found := false
		for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
			found = found || strings.TrimSpace(s.Text()) == want
		}
		if !found {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// cover is the part of the test that sees the mount.
func cover(t *testing.T, text string) {
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", "/proc/"+text, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	sink := collectLive(t, processStep())
	for _, r := range rulesOf(sink, pid) {
		fmt.Println("rule", r)
	}
	fmt.Println("comm", processIn(t, sink, pid).Comm)
	for _, f := range collectLive(t, profiles.Step{Name: "tools", Collector: profiles.Compare}).Findings() {
		fmt.Println("compare", f.ID, f.Severity)
	}
}
