package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	// ticks is how many parts of a second the kernel counts in, the same on every system (USER_HZ).
	ticks = 100
	// flagKernelThread is PF_KTHREAD of the kernel's include/linux/sched.h. No user process can set it.
	flagKernelThread = 0x00200000
)

// A Stat is what /proc/PID/stat says, see proc_pid_stat(5).
type Stat struct {
	PID     int
	Comm    string
	State   byte // R, S, D, Z, T, t, X, I
	PPID    int
	Group   int
	Session int
	TTY     string // pts/3, tty1, ttyS0; empty without one
	Kernel  bool   // a thread of the kernel
	CPU     time.Duration
	Threads int
	Start   time.Duration // after the boot
}

// ParseStat reads a line of /proc/PID/stat. The second field is the name of the program in parentheses, and may itself hold
// parentheses, blanks and newlines: what counts begins behind the last one.
func ParseStat(b []byte) (Stat, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || end < open {
		return Stat{}, errors.New("no program name in parentheses")
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(b[:open])))
	if err != nil {
		return Stat{}, fmt.Errorf("reading the process id: %w", err)
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 20 || len(f[0]) != 1 {
		return Stat{}, errors.New("too few fields")
	}
	s := Stat{PID: pid, Comm: string(b[open+1 : end]), State: f[0][0]}
	var n [20]int64
	for i := 1; i < 20; i++ { // field 3 of the manual page is f[0]
		if n[i], err = strconv.ParseInt(string(f[i]), 10, 64); err != nil {
			return Stat{}, fmt.Errorf("reading field %d: %w", i+3, err)
		}
	}
	s.PPID, s.Group, s.Session = int(n[1]), int(n[2]), int(n[3])
	s.TTY, s.Kernel = ttyName(uint32(n[4])), n[6]&flagKernelThread != 0
	s.CPU, s.Start = fromTicks(n[11])+fromTicks(n[12]), fromTicks(n[19])
	s.Threads = int(n[17])
	return s, nil
}

func fromTicks(n int64) time.Duration {
	const most = int64(1<<62) / int64(time.Second/ticks)
	return time.Duration(min(max(n, 0), most)) * (time.Second / ticks)
}

// ttyName names a terminal by its device number, see the kernel's Documentation/admin-guide/devices.txt.
func ttyName(dev uint32) string {
	major, minor := dev>>8&0xfff, dev&0xff|dev>>12&0xfff00
	switch {
	case dev == 0:
		return ""
	case major == 4 && minor < 64:
		return fmt.Sprintf("tty%d", minor)
	case major == 4:
		return fmt.Sprintf("ttyS%d", minor-64)
	case major >= 136 && major <= 143:
		return fmt.Sprintf("pts/%d", (major-136)<<20|minor)
	}
	return fmt.Sprintf("%d:%d", major, minor)
}
