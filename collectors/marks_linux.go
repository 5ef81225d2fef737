package collectors

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Marks of FS_IOC_GETFLAGS, see linux/fs.h.
const (
	flagImmutable = 0x10
	flagAppend    = 0x20
)

// marks asks for the marks of a file or directory where statx does not say them: file systems and kernels of before 2017.
func (v *walkedVolume) marks(x found) marks {
	if v.noMarks {
		return 0
	}
	flags := openFlags
	if x.info.mode.IsDir() {
		flags |= unix.O_DIRECTORY
	}
	fd, err := openNoATime(int(x.in.f.Fd()), x.name, flags)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Close(fd) }()
	got, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		v.noMarks = errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS)
		return 0
	}
	var m marks
	if got&flagImmutable != 0 {
		m |= immutable
	}
	if got&flagAppend != 0 {
		m |= appendOnly
	}
	return m
}

// capability returns the capabilities of an open file, or "".
func (v *walkedVolume) capability(f *os.File) string {
	if v.noCaps {
		return ""
	}
	var attr [64]byte
	n, err := unix.Fgetxattr(int(f.Fd()), "security.capability", attr[:])
	switch {
	case err == nil:
		return fileCapability(attr[:n])
	case errors.Is(err, unix.EOPNOTSUPP):
		v.noCaps = true
	case errors.Is(err, unix.ERANGE):
		return "unknown (a long attribute)"
	}
	return ""
}
