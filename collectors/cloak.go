package collectors

import (
	"bytes"
	"errors"
	"io"
	"os"

	"bellwether/collectors/anomaly"
)

// maxCloak bounds what is compared of one file, in bytes.
const maxCloak = 1 << 20

// cloaked compares what reading a file gives with what mapping it gives. It returns nil for a file whose views agree, that can't be
// mapped, or that changed meanwhile: what differs has to differ twice, in a file that stayed the same.
func cloaked(f *os.File, path string) *anomaly.Cloak {
	before, err := statFile(f)
	if err != nil || before.size == 0 {
		return nil
	}
	size := int(min(before.size, maxCloak))
	var last *anomaly.Cloak
	for range 2 {
		c, err := compareViews(f, size)
		if err != nil || c == nil {
			return nil
		}
		last = c
	}
	after, err := statFile(f)
	if err != nil || after.size != before.size || !after.mtime.Equal(before.mtime) || !after.ctime.Equal(before.ctime) {
		return nil
	}
	last.Path = path
	return last
}

func compareViews(f *os.File, size int) (*anomaly.Cloak, error) {
	read := make([]byte, size)
	n, err := f.ReadAt(read, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	view, err := mapped(f, size)
	if err != nil {
		return nil, err
	}
	return differ(read[:n], view), nil
}

// differ returns nil if two views of a file are the same.
func differ(read, view []byte) *anomaly.Cloak {
	if bytes.Equal(read, view) {
		return nil
	}
	at := 0
	for at < len(read) && at < len(view) && read[at] == view[at] {
		at++
	}
	return &anomaly.Cloak{Read: len(read), Mapped: len(view), At: int64(at)}
}
