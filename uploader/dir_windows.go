package uploader

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

func diskSpace(root *os.Root) (free, total uint64, err error) {
	name, err := windows.UTF16PtrFromString(root.Name())
	if err != nil {
		return 0, 0, err
	}
	if err := windows.GetDiskFreeSpaceEx(name, &free, &total, nil); err != nil {
		return 0, 0, os.NewSyscallError("GetDiskFreeSpaceEx", err)
	}
	return free, total, nil
}

// syncVolume does nothing: to flush a volume needs a handle on the whole of it.
func syncVolume(*os.Root) error { return nil }

// reserve does nothing: NTFS gives blocks beyond the end back when it likes to.
func reserve(*os.File, int64, int64) error { return nil }

// dropCache does nothing: the cache manager trims files that are written in order by itself.
func dropCache(*os.File, int64, int64) {}

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
