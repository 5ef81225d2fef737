package procfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// noPID is a number that no process has: more than pid_max can be.
const noPID = 1<<31 - 17

// views returns the ways to ask for a process that work here. A filter of system calls that answers every call alike (seccomp) makes a view
// useless, so each is first asked for a process that can't be, and for this one.
func (f FS) views() []view {
	all := []view{
		{name: "tgkill", shows: showsTgkill},
		{name: "/proc/PID by number", shows: f.isProcess, slow: true},
		{name: "pidfd_open", shows: showsPidfd, slow: true},
		{name: "getpgid", shows: f.notThread(func(pid int) bool { _, err := unix.Getpgid(pid); return !errors.Is(err, unix.ESRCH) }), slow: true},
		{name: "sched_getscheduler", shows: f.notThread(showsScheduler), slow: true},
	}
	var out []view
	for _, v := range all {
		if !v.shows(noPID) && v.shows(os.Getpid()) {
			out = append(out, v)
		}
	}
	return out
}

// showsTgkill sends no signal to the leader of a thread group. Unlike kill, it does not answer for threads.
func showsTgkill(pid int) bool {
	_, _, e := unix.RawSyscall(unix.SYS_TGKILL, uintptr(pid), uintptr(pid), 0)
	return e != unix.ESRCH
}

// showsPidfd opens the process itself, which the kernel refuses for threads.
func showsPidfd(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}

func showsScheduler(pid int) bool {
	_, _, e := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, uintptr(pid), 0, 0)
	return e != unix.ESRCH
}

// notThread keeps threads out of a view that answers for them too. A process whose own files can't be opened counts as no thread.
func (f FS) notThread(shows func(int) bool) func(int) bool {
	return func(pid int) bool {
		if !shows(pid) {
			return false
		}
		b, err := readFile(f.path(fmt.Sprintf("proc/%d/status", pid)))
		if err != nil {
			return shows(pid)
		}
		s, err := ParseStatus(b)
		return err == nil && s.TGID == pid
	}
}

// Detached returns the same FS with a /proc of its own that no mount can lie over, and that stands nowhere in the tree, and what closes it.
// It takes Linux 5.2 and the right to mount; the error says that there is none.
func (f FS) Detached() (FS, func(), error) {
	if !f.Ours() {
		return f, nil, fmt.Errorf("%w: /proc shows the processes of another namespace", errors.ErrUnsupported)
	}
	fsfd, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return f, nil, fmt.Errorf("opening a file system of type proc: %w", err)
	}
	defer unix.Close(fsfd) //nolint:errcheck // it was only a way to the mount
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return f, nil, fmt.Errorf("making a file system of type proc: %w", err)
	}
	fd, err := unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return f, nil, fmt.Errorf("mounting a file system of type proc: %w", err)
	}
	f.proc = fmt.Sprintf("/proc/self/fd/%d", fd)
	return f, func() { _ = unix.Close(fd) }, nil
}
