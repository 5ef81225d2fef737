package uploader

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func diskSpace(root *os.Root) (free, total uint64, err error) {
	var stat unix.Statfs_t
	err = withDir(root, func(fd int) error { return unix.Fstatfs(fd, &stat) })
	if err != nil {
		return 0, 0, os.NewSyscallError("fstatfs", err)
	}
	block := uint64(stat.Frsize)
	if block == 0 {
		block = uint64(stat.Bsize)
	}
	return stat.Bavail * block, stat.Blocks * block, nil
}

func syncVolume(root *os.Root) error {
	return os.NewSyscallError("syncfs", withDir(root, unix.Syncfs))
}

func withDir(root *os.Root, use func(fd int) error) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return use(int(dir.Fd()))
}

// reserve sets size bytes aside from offset on without changing the file's length. A file system that can't is no
// error: then there is no reserve.
func reserve(f *os.File, offset, size int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, offset, size)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return os.NewSyscallError("fallocate", err)
}

// dropCache tells the system that the range won't be read. It is advice: an error changes nothing.
func dropCache(f *os.File, offset, length int64) {
	_ = unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_DONTNEED)
}

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
