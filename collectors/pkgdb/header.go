package pkgdb

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Tags of an rpm header that are asked for, see rpmtag.h.
const (
	tagName           = 1000
	tagVersion        = 1001
	tagRelease        = 1002
	tagFileModes      = 1030
	tagFileDigests    = 1035
	tagFileFlags      = 1037
	tagDirIndexes     = 1116
	tagBaseNames      = 1117
	tagDirNames       = 1118
	tagFileCaps       = 5010
	tagFileDigestAlgo = 5011
)

// Types of values in a header.
const (
	typeInt16       = 3
	typeInt32       = 4
	typeString      = 6
	typeStringArray = 8
	typeI18NString  = 9
)

// A header is what rpm knows of a package: a table of entries, and the store that they point into.
type header struct {
	entries []byte // 16 bytes each: tag, type, offset, count
	store   []byte
}

const entrySize = 16

var errHeader = errors.New("no rpm header")

// parseHeader reads a header as the database has it: without the magic, the number of entries, the size of the store, then both.
func parseHeader(b []byte) (header, error) {
	if len(b) < 8 || len(b) > maxHeader {
		return header{}, errHeader
	}
	n, size := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if 8+n*entrySize+size > uint64(len(b)) {
		return header{}, errHeader
	}
	table := 8 + n*entrySize
	return header{b[8:table], b[table : table+size]}, nil
}

// find returns the type and count of a tag, and the store from its value on.
func (h header) find(tag uint32) (typ, count uint32, value []byte) {
	for e := h.entries; len(e) >= entrySize; e = e[entrySize:] {
		if binary.BigEndian.Uint32(e) != tag {
			continue
		}
		at := binary.BigEndian.Uint32(e[8:])
		if uint64(at) > uint64(len(h.store)) {
			return 0, 0, nil
		}
		return binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[12:]), h.store[at:]
	}
	return 0, 0, nil
}

// text returns a string, or "".
func (h header) text(tag uint32) string {
	typ, _, value := h.find(tag)
	if typ != typeString && typ != typeI18NString {
		return ""
	}
	s, _, ok := bytes.Cut(value, []byte{0})
	if !ok {
		return ""
	}
	return string(s)
}

// texts returns a list of strings. They are part of the header.
func (h header) texts(tag uint32) [][]byte {
	typ, count, value := h.find(tag)
	if typ != typeStringArray || uint64(count) > uint64(len(value)) {
		return nil // each takes a byte at least
	}
	out := make([][]byte, 0, count)
	for range count {
		s, rest, ok := bytes.Cut(value, []byte{0})
		if !ok {
			return nil
		}
		out, value = append(out, s), rest
	}
	return out
}

// numbers returns a list of numbers of 16 or 32 bits.
func (h header) numbers(tag uint32) []uint32 {
	typ, count, value := h.find(tag)
	size := map[uint32]uint64{typeInt16: 2, typeInt32: 4}[typ]
	if size == 0 || uint64(count)*size > uint64(len(value)) {
		return nil
	}
	out := make([]uint32, count)
	for i := range out {
		if size == 2 {
			out[i] = uint32(binary.BigEndian.Uint16(value[2*i:]))
		} else {
			out[i] = binary.BigEndian.Uint32(value[4*i:])
		}
	}
	return out
}
