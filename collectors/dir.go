package collectors

import (
	"io/fs"
	"time"
)

// info is what the system says of one directory entry, its link not followed.
type info struct {
	mode     fs.FileMode
	uid, gid uint32
	size     int64
	blocks   int64 // bytes that are allocated
	dev, ino uint64
	links    uint64
	mtime    time.Time
	atime    time.Time
	ctime    time.Time
	btime    time.Time // zero where the file system has none
	rdev     uint64    // of a device
	marks    marks
}

// marks are what a file system lets a file be besides its mode.
type marks uint8

// The marks that are asked for.
const (
	marksKnown marks = 1 << iota // the system says them with the rest
	immutable                    // can't be changed, removed or renamed
	appendOnly                   // can only grow
)

// newest is the time that an age limit is held against: an attacker can set mtime back, but not ctime and btime as well.
func (i info) newest() time.Time {
	t := i.mtime
	for _, o := range []time.Time{i.ctime, i.btime} {
		if o.After(t) {
			t = o
		}
	}
	return t
}

// kindOf names what is not a regular file.
func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeCharDevice != 0:
		return "character device"
	case m&fs.ModeDevice != 0:
		return "block device"
	case m.IsRegular():
		return "regular file"
	}
	return "special file"
}

// lsMode prints a mode as ls does, setuid, setgid and sticky bits included.
func lsMode(m fs.FileMode) string {
	var b [10]byte
	lsModeInto(&b, m)
	return string(b[:])
}

func lsModeInto(b *[10]byte, m fs.FileMode) {
	*b = [10]byte([]byte("-rwxrwxrwx"))
	switch {
	case m.IsDir():
		b[0] = 'd'
	case m&fs.ModeSymlink != 0:
		b[0] = 'l'
	case m&fs.ModeNamedPipe != 0:
		b[0] = 'p'
	case m&fs.ModeSocket != 0:
		b[0] = 's'
	case m&fs.ModeCharDevice != 0:
		b[0] = 'c'
	case m&fs.ModeDevice != 0:
		b[0] = 'b'
	}
	for i := range 9 {
		if m&(1<<(8-i)) == 0 {
			b[i+1] = '-'
		}
	}
	special := func(at int, bit fs.FileMode, set, setNoExec byte) {
		if m&bit == 0 {
			return
		}
		if b[at] == 'x' {
			b[at] = set
			return
		}
		b[at] = setNoExec
	}
	special(3, fs.ModeSetuid, 's', 'S')
	special(6, fs.ModeSetgid, 's', 'S')
	special(9, fs.ModeSticky, 't', 'T')
}
