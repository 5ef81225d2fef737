package collectors

import (
	"errors"
	"syscall"
)

// alive reports whether there is a process with a number.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
