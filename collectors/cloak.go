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
// mapped, or that changed meanwhile.
func cloaked(f *os.File, path string) *anomaly.Cloak {
	before, err := statFile(f)
	if err != nil || before.size == 0 {
		return nil
	}
	size := int(min(before.size, maxCloak))
	c := steady(func(mapFirst bool) (read, view []byte, err error) { return views(f, size, mapFirst) })
	if c == nil {
		return nil
	}
	after, err := statFile(f)
	if err != nil || after.size != before.size || !after.mtime.Equal(before.mtime) || !after.ctime.Equal(before.ctime) {
		return nil
	}
	c.Path = path
	return c
}

// cloakLooks is how often the views have to differ in the same way. A writer that flips a byte to and fro is seen in one state by read and in
// the other by the mapping every fourth time, so twice would be easy for it.
const cloakLooks = 16

// steady returns nil unless the two views of a file differ and each stays as it is in every look: what the kernel hides, it hides every time,
// while whoever writes the file meanwhile can't keep two views apart. Times prove less, since a writer sets them as it likes. look takes the
// mapping first in every other round, so that writing in step with it is of no use.
func steady(look func(mapFirst bool) (read, view []byte, err error)) *anomaly.Cloak {
	read, view, err := look(false)
	if err != nil {
		return nil
	}
	c := differ(read, view)
	for round := 1; round < cloakLooks && c != nil; round++ {
		r, v, err := look(round%2 == 1)
		if err != nil || !bytes.Equal(read, r) || !bytes.Equal(view, v) {
			return nil
		}
	}
	return c
}

// views returns the first bytes of a file as reading it and as mapping it gives them.
func views(f *os.File, size int, mapFirst bool) (read, view []byte, err error) {
	if mapFirst {
		if view, err = mapped(f, size); err != nil {
			return nil, nil, err
		}
	}
	read = make([]byte, size)
	n, err := f.ReadAt(read, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if mapFirst {
		return read[:n], view, nil
	}
	view, err = mapped(f, size)
	return read[:n], view, err
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
