package pkgdb

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// A wal is the log of pages that were committed and not yet written into a SQLite database. rpm writes in this way, so what was installed
// last may stand here only.
type wal struct {
	f        io.ReaderAt
	closer   io.Closer
	pageSize int
	frames   map[uint32]int64 // where the newest committed form of a page is
	pages    uint32           // size of the database after the last commit
}

const (
	walHeader   = 32
	frameHeader = 24
	walMagic    = 0x377f0682 // the lowest bit says in which byte order the sums are
	maxFrames   = 1 << 18
)

// openWAL returns nil if there is no log, or an empty one.
func openWAL(root Root, name string) (*wal, error) {
	f, _, err := open(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return newFileWAL(f)
}

func newFileWAL(f *os.File) (*wal, error) {
	w := readWAL(f)
	if w == nil {
		return nil, f.Close()
	}
	w.closer = f
	return w, nil
}

// readWAL reads where the committed pages are. It ends at the first frame that does not belong: those after it are of an older log.
func readWAL(f io.ReaderAt) *wal {
	var head [walHeader]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || binary.BigEndian.Uint32(head[:])&^1 != walMagic {
		return nil
	}
	w := &wal{f: f, pageSize: int(binary.BigEndian.Uint32(head[8:])), frames: map[uint32]int64{}}
	if w.pageSize < 512 || w.pageSize > 65536 || w.pageSize&(w.pageSize-1) != 0 {
		return nil
	}
	pending := map[uint32]int64{}
	var frame [frameHeader]byte
	at := int64(walHeader)
	for range maxFrames {
		if _, err := f.ReadAt(frame[:], at); err != nil || string(frame[8:16]) != string(head[16:24]) {
			break
		}
		pending[binary.BigEndian.Uint32(frame[:])] = at + frameHeader
		if size := binary.BigEndian.Uint32(frame[4:]); size > 0 { // a commit
			for n, where := range pending {
				w.frames[n] = where
			}
			clear(pending)
			w.pages = size
		}
		at += frameHeader + int64(w.pageSize)
	}
	if w.pages == 0 {
		return nil
	}
	return w
}

func (w *wal) close() {
	if w != nil && w.closer != nil {
		_ = w.closer.Close()
	}
}
