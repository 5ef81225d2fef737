package collectors

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inCache reports whether the host has any page of a part of a file in its page cache. Where nobody can tell, it has.
func inCache(f *os.File, offset, length int64) bool {
	span := unix.CachestatRange{Off: uint64(offset), Len: uint64(length)}
	var got unix.Cachestat_t
	if err := unix.Cachestat(uint(f.Fd()), &span, &got, 0); err == nil {
		return got.Cache > 0
	}
	return mincore(f, offset, length) // before Linux 6.5, or a container that forbids what it doesn't know
}

// mapWindow is how much of a file is mapped at once, in bytes.
const mapWindow = 64 << 20

// mincore is inCache by mincore(2) on a mapping, of which no page is touched.
func mincore(f *os.File, offset, length int64) bool {
	page := int64(os.Getpagesize())
	for at, end := offset/page*page, offset+length; at < end; at += mapWindow {
		if windowHeld(f, at, int(min(mapWindow, end-at)), int(page)) {
			return true
		}
	}
	return false
}

func windowHeld(f *os.File, offset int64, length, page int) bool {
	b, err := unix.Mmap(int(f.Fd()), offset, length, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return true
	}
	defer func() { _ = unix.Munmap(b) }()
	held := make([]byte, (length+page-1)/page)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(length), uintptr(unsafe.Pointer(unsafe.SliceData(held))))
	if errno != 0 {
		return true
	}
	for _, h := range held {
		if h&1 != 0 {
			return true
		}
	}
	return false
}
