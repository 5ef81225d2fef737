package host

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Privileged reports whether this process is root.
func Privileged() bool { return os.Geteuid() == 0 }

func defaultUsers() []User { return []User{{Name: "root", Home: "/root"}} }

// ReadClock asks the kernel how good its clock is. It returns nil where the kernel doesn't say.
func ReadClock() *Clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return nil
	}
	offset := int64(t.Offset)
	if t.Status&unix.STA_NANO != 0 {
		offset /= 1000
	}
	return &Clock{Synchronized: state != unix.TIME_ERROR, OffsetUS: offset, MaxErrorUS: int64(t.Maxerror)}
}

// LowerPriority puts this process, and the commands that it will start, behind everything else on the host: nice 19, and I/O only when
// nobody else wants the disk.
func LowerPriority() error {
	const (
		ioprioWhoProcess = 1
		ioprioIdle       = 3 << 13
	)
	// On Linux both belong to a thread; later threads inherit them.
	return eachThread(func(tid int) error {
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, 19); err != nil {
			return fmt.Errorf("setting nice 19: %w", err)
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(tid), ioprioIdle); errno != 0 {
			return fmt.Errorf("setting idle I/O: %w", errno)
		}
		return nil
	})
}

// eachThread does something to every thread of this process.
func eachThread(do func(tid int) error) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("listing own threads: %w", err)
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := do(tid); err != nil {
			return err
		}
	}
	return nil
}
