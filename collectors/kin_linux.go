package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"bellwether/collectors/procfs"

	"golang.org/x/sys/unix"
)

// kin runs commands and ends what they leave behind. Every command leads a session of its own. Processes that escape from it
// (setsid, a double fork) fall to this process, which is their subreaper, and are ended when the command is.
type kin struct {
	mu      sync.Mutex
	leaders map[int]bool // commands that have been started and not yet been waited for
	once    sync.Once
}

func newKin() *kin { return &kin{leaders: map[int]bool{}} }

// run starts cmd and waits for it. When the context ends, its process group is asked to end and, grace later, killed. When it
// returns, no process of the command is left.
func (k *kin) run(ctx context.Context, cmd *exec.Cmd, grace time.Duration) error {
	k.once.Do(func() {
		// Without it, what escapes falls to init, and only the group is ended.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	})
	// Pdeathsig is sent when the thread that forked ends, so the thread has to live as long as the command.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := k.start(cmd); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		waitExited(pid)
	}()
	select {
	case <-exited:
	case <-ctx.Done():
		if !endGroup(pid, grace, exited) {
			return k.abandon(cmd)
		}
	}
	// The leader is a zombie until Wait, so its number can't yet belong to another process.
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	k.endStrays()
	err := cmd.Wait()
	k.forget(pid)
	return err
}

func (k *kin) forget(pid int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.leaders, pid)
}

// abandon leaves a process that doesn't die of SIGKILL: it is stuck in the kernel, on a frozen disk or a dead server, and nobody can end it.
// It is waited for in the background, for as long as this process lives.
func (k *kin) abandon(cmd *exec.Cmd) error {
	go func() {
		_ = cmd.Wait()
		k.forget(cmd.Process.Pid)
	}()
	return errStuck
}

// start holds the lock, so that endStrays never sees a leader that isn't listed yet.
func (k *kin) start(cmd *exec.Cmd) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	k.leaders[cmd.Process.Pid] = true
	return nil
}

// endGroup asks a process group to end, kills it grace later, and reports whether its leader has ended. It waits for that no longer than
// grace again.
func endGroup(pid int, grace time.Duration, exited <-chan struct{}) bool {
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	_ = syscall.Kill(-pid, syscall.SIGCONT) // a stopped process takes no SIGTERM
	if within(grace, exited) {
		return true
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	return within(grace, exited)
}

func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// waitExited returns when the process has ended, and leaves it to be waited for.
func waitExited(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// endStrays kills the children of this process that are neither a command nor in the session of one that still runs, until there are none:
// the children of a stray become our children when it dies. One that is stuck in the kernel is left after a while.
func (k *kin) endStrays() {
	const (
		rounds = 100
		pause  = 5 * time.Millisecond
	)
	for range rounds {
		k.mu.Lock()
		left := k.killStrays()
		k.mu.Unlock()
		if left == 0 {
			return
		}
		time.Sleep(pause)
	}
}

// killStrays kills and reaps once, and returns how many strays there were. The lock is held.
func (k *kin) killStrays() (n int) {
	for _, p := range children() {
		if k.leaders[p.pid] || (k.leaders[p.session] && p.state != 'Z' && !k.exited(p.session)) {
			continue
		}
		n++
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
	}
	return n
}

// exited reports whether a leader has ended and is only waiting to be waited for.
func (k *kin) exited(pid int) bool {
	p, err := readProcess(pid)
	return err != nil || p.state == 'Z'
}

// A process is what /proc/PID/stat says of kinship.
type process struct {
	pid, parent, session int
	state                byte
}

// children lists the direct children of this process. In a /proc of another pid namespace the numbers are those of other processes, which
// must not be killed for ours: there are none then.
func children() []process {
	self := os.Getpid()
	if link, err := os.Readlink("/proc/self"); err != nil || link != strconv.Itoa(self) {
		return nil
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", self))
	if err != nil || len(tasks) == 0 {
		return childrenByParent(self) // a kernel without CONFIG_PROC_CHILDREN
	}
	var out []process
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		for _, f := range bytes.Fields(b) {
			if pid, err := strconv.Atoi(string(f)); err == nil {
				if p, err := readProcess(pid); err == nil {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

func childrenByParent(self int) []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := readProcess(pid); err == nil && p.parent == self {
			out = append(out, p)
		}
	}
	return out
}

func readProcess(pid int) (process, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	st, err := procfs.ParseStat(b)
	return process{pid: st.PID, parent: st.PPID, session: st.Session, state: st.State}, err
}
