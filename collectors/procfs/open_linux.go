package procfs

import (
	"errors"
	"os"
	"syscall"
)

// open opens a file to read it, without waiting for the other end of a pipe. It leaves the access time alone where that is allowed: to root,
// and to the owner. Programs are read through /proc/PID/exe, and when one was last used is evidence.
func open(path string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags|syscall.O_NOATIME, 0)
	if errors.Is(err, syscall.EPERM) {
		return os.OpenFile(path, flags, 0)
	}
	return f, err
}
