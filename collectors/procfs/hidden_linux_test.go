package procfs

import (
	"context"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

func sleeper(t *testing.T) int {
	t.Helper()
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c.Process.Pid
}

// leavingOut lists the processes as a rootkit would.
func leavingOut(hidden ...int) func() ([]int, error) {
	return func() ([]int, error) {
		pids, err := New("/").PIDs()
		return slices.DeleteFunc(pids, func(p int) bool { return slices.Contains(hidden, p) }), err
	}
}

func TestHiddenFindsWhatAListLeavesOut(t *testing.T) {
	a, b := sleeper(t), sleeper(t)
	got, err := New("/").Hidden(t.Context(), leavingOut(a, b))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, h := range got {
		pids = append(pids, h.PID)
		if !slices.Contains(h.Seen, "tgkill") || !slices.Contains(h.Seen, "/proc/PID by number") || slices.Contains(h.Seen, "thread") {
			t.Errorf("pid %d was seen by %q", h.PID, h.Seen)
		}
	}
	slices.Sort(pids)
	want := []int{a, b}
	slices.Sort(want)
	if !slices.Equal(pids, want) {
		t.Errorf("hidden: %v, want %v", pids, want)
	}
}

func TestEveryViewFindsAProcessByItself(t *testing.T) {
	pid := sleeper(t)
	f := New("/")
	for _, v := range f.views() {
		if !v.shows(pid) {
			t.Errorf("%s does not show pid %d", v.name, pid)
		}
	}
	if len(f.views()) < 4 {
		t.Errorf("only %d views work here", len(f.views()))
	}
}

// Threads have numbers of their own, and every view must know that they are no processes.
func TestThreadsAreNotHidden(t *testing.T) {
	f := New("/")
	threads, err := f.numbers("proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) < 2 {
		t.Fatal("the test has one thread")
	}
	for _, tid := range threads[1:] {
		if seen := seenBy(f.views(), tid); len(seen) > 0 {
			t.Errorf("thread %d is a process to %q", tid, seen)
		}
	}
	checkNoneHidden(t)
}

func checkNoneHidden(t *testing.T) {
	t.Helper()
	got, err := New("/").Hidden(t.Context(), New("/").PIDs)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) > 0 {
		t.Errorf("hidden on a host that hides none: %+v", got)
	}
}

// 200 processes a second that live a moment each.
func TestShortLivedProcessesAreNotHidden(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	started := 0
	wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			c := exec.Command("true")
			if c.Start() == nil {
				started++
				wg.Go(func() { _ = c.Wait() })
			}
		}
	})
	for range 5 {
		checkNoneHidden(t)
	}
	cancel()
	wg.Wait()
	if started == 0 {
		t.Error("no process was started beside the search")
	}
}

func TestDetachedProcIsTheSame(t *testing.T) {
	d, closed, err := New("/").Detached()
	if err != nil {
		t.Skipf("no right to mount, or an old kernel: %v", err)
	}
	defer closed()
	pid := sleeper(t)
	pids, err := d.PIDs()
	if err != nil || !slices.Contains(pids, pid) {
		t.Errorf("pid %d is not in the detached /proc: %v", pid, err)
	}
	p, err := NewReader(d).Process(pid)
	if err != nil || p.Comm != "sleep" {
		t.Errorf("got %+v, %v", p, err)
	}
}
