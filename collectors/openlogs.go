package collectors

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// tailRead is how much of the end of a file is looked at to tell a text, in bytes.
	tailRead = 1 << 10
	// maxFDs bounds how many open files of one process are looked at, and maxAllFDs of all.
	maxFDs    = 4096
	maxAllFDs = 200_000
)

// An openFlags says how a process holds a file open.
type openMode struct {
	write, add bool   // it may write; it only adds at the end
	mount      string // the number of the mount, as in mountinfo
}

// parseFDInfo reads /proc/PID/fdinfo/FD, see proc_pid_fdinfo(5): the flags are octal, those of open(2).
func parseFDInfo(text string) openMode {
	const accessMode, writeOnly, readWrite, add = 3, 1, 2, 0o2000
	var m openMode
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); key {
		case "flags":
			flags, err := strconv.ParseUint(value, 8, 64)
			if err != nil {
				continue
			}
			m.write = flags&accessMode == writeOnly || flags&accessMode == readWrite
			m.add = flags&add != 0
		case "mnt_id":
			m.mount = value
		}
	}
	return m
}

// isText reports whether the end of a file is text with lines in it: valid UTF-8 but for what was cut at the beginning, or nearly all ASCII, and no
// control characters that no log has.
func isText(tail []byte) bool {
	if len(tail) == 0 || !bytes.ContainsRune(tail, '\n') {
		return false
	}
	for i := 0; i < utf8.UTFMax && len(tail) > 0 && !utf8.RuneStart(tail[0]); i++ {
		tail = tail[1:] // the rest of a character
	}
	odd := 0
	for _, r := range string(tail) {
		switch {
		case r == 0:
			return false
		case r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != 0x1b, r == utf8.RuneError:
			odd++
		}
	}
	return odd*50 <= len(tail)
}
