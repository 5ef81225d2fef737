package collectors

import (
	"io/fs"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendBody appends a line of a bodyfile, as mactime of The Sleuth Kit 3 and later reads it, without its newline:
//
//	MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime
//
// MD5 is 0 where it was not made, and so is a time that the file system does not have. The times are seconds since 1970, the mode is as
// fls prints it. See https://wiki.sleuthkit.org/index.php?title=Body_file.
func appendBody(b []byte, md5, path, target string, st info) []byte {
	if md5 == "" {
		md5 = "0"
	}
	b = append(append(b, md5...), '|')
	b = appendName(b, path, '|')
	if target != "" {
		b = append(b, " -> "...)
		b = appendName(b, target, '|')
	}
	b = append(b, '|')
	b = strconv.AppendUint(b, st.ino, 10)
	b = append(b, '|')
	b = appendBodyMode(b, st.mode)
	for _, n := range [...]int64{int64(st.uid), int64(st.gid), st.size, seconds(st.atime), seconds(st.mtime), seconds(st.ctime), seconds(st.btime)} {
		b = append(b, '|')
		b = strconv.AppendInt(b, n, 10)
	}
	return b
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// appendBodyMode appends r/rrwxr-xr-x: the type as the directory has it, and as the inode has it. For fls they differ in their letter for
// sockets alone.
func appendBodyMode(b []byte, mode fs.FileMode) []byte {
	var ls [10]byte
	lsModeInto(&ls, mode)
	if ls[0] == '-' {
		ls[0] = 'r'
	}
	b = append(b, ls[0], '/')
	if ls[0] == 's' {
		ls[0] = 'h'
	}
	return append(b, ls[:]...)
}

const hexDigits = "0123456789abcdef"

// appendName appends a name so that it is one line, and UTF-8: what could break it, or act on a terminal, is shown as \xNN, and so is the
// separator of fields.
func appendName(b []byte, name string, separator byte) []byte {
	for i := 0; i < len(name); {
		c := name[i]
		if c >= ' ' && c < 0x7f && c != separator {
			b = append(b, c)
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(name[i:])
			if size > 1 && !breaks(r) {
				b = append(b, name[i:i+size]...)
				i += size
				continue
			}
		}
		for _, c := range []byte(name[i : i+size]) {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
		i += size
	}
	return b
}

// appendLong appends a line as ls -ln has it, with the time in UTC: mode, owner, size, time of modification, path, target of a link.
func appendLong(b []byte, path, target string, st info) []byte {
	var ls [10]byte
	lsModeInto(&ls, st.mode)
	b = append(append(b, ls[:]...), ' ')
	b = strconv.AppendUint(b, uint64(st.uid), 10)
	b = append(b, ':')
	b = strconv.AppendUint(b, uint64(st.gid), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, st.size, 10)
	b = append(b, ' ')
	b = st.mtime.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, ' ')
	b = appendName(b, path, 0)
	if target != "" {
		b = append(b, " -> "...)
		b = appendName(b, target, 0)
	}
	return b
}
