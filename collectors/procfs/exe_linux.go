package procfs

import (
	"io/fs"
	"syscall"
)

// identify returns the id of a file and how many names it has.
func identify(info fs.FileInfo) (FileID, uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return FileID{}, 0
	}
	return FileID{Dev: st.Dev, Inode: st.Ino}, uint64(st.Nlink) //nolint:unconvert // 32 bits on arm64
}
