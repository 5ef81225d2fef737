// Package zipstream writes and reads the archive of a case: a zip file that is written from its first to its last byte without going back,
// and read in that order too, so that an archive which was cut off gives what it has.
//
// Any tool opens such a file. The reader is for our own files alone, and strict: what this package didn't write is an error, so that no
// byte of an archive can be changed without notice. What it relies on:
//
//   - An entry whose size is known before it is written says so in its local header. All others are deflated, also where nothing is gained
//     (as stored blocks), since a deflated stream shows its own end; their sizes follow in a descriptor of zip64.
//   - The mode of an entry stands in its local header too, in an extra field of our own. The same field carries a note: text that must
//     reach a reader even if the archive has no end.
//   - The central directory and what follows it hold nothing that the local headers don't, so the reader makes them anew and compares.
//
// The format is PKWARE's APPNOTE.TXT 6.3.10.
package zipstream

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"time"
)

// The methods of compression.
const (
	Store   uint16 = 0
	Deflate uint16 = 8
)

// MaxNote is the longest note, in bytes.
const MaxNote = 60 << 10

// A Header says what an entry is.
type Header struct {
	Name    string // slash-separated, valid UTF-8
	Mode    fs.FileMode
	ModTime time.Time // to the second, from 1901 to 2038
	Note    []byte    // up to MaxNote
}

const (
	localSignature      = 0x04034b50
	descriptorSignature = 0x08074b50
	centralSignature    = 0x02014b50
	end64Signature      = 0x06064b50
	locatorSignature    = 0x07064b50
	endSignature        = 0x06054b50

	localLen      = 30
	descriptorLen = 24
	endLen        = 56 + 20 + 22

	flagDescriptor = 1 << 3
	flagUTF8       = 1 << 11

	extraZip64 = 0x0001
	extraTime  = 0x5455 // extended timestamp, as Info-ZIP has it
	extraOwn   = 0x7762 // "bw": the mode, then the note

	version20 = 20
	version45 = 45
	unix      = 3 << 8

	max32 = 1<<32 - 1
	max16 = 1<<16 - 1
)

// ErrFormat is what is no archive of ours, or no longer.
var ErrFormat = errors.New("not as the archive was written")

// ErrCut is the end of an archive that has no end.
var ErrCut = errors.New("the archive is cut off")

// A record is what the central directory says of an entry.
type record struct {
	Header
	method     uint16
	streamed   bool
	crc        uint32
	size       int64
	compressed int64
	offset     int64
}

var le = binary.LittleEndian

// local is the header in front of the content.
func (r record) local() []byte {
	b := le.AppendUint32(make([]byte, 0, localLen+len(r.Name)+len(r.Note)+64), localSignature)
	extra := r.timeExtra()
	extra = appendOwn(extra, r.Mode, r.Note)
	crc, size, compressed := r.crc, uint64(r.size), uint64(r.compressed)
	if r.streamed {
		crc, size, compressed = 0, 0, 0
	}
	if r.zip64Local() {
		extra = append(extra, zip64Extra(size, compressed)...)
		size, compressed = max32, max32
	}
	b = le.AppendUint16(b, r.version())
	b = r.appendCommon(b)
	b = le.AppendUint32(b, crc)
	b = le.AppendUint32(b, uint32(compressed))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint16(b, uint16(len(r.Name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	return append(append(b, r.Name...), extra...)
}

func (r record) zip64Local() bool { return r.streamed || r.size >= max32 || r.compressed >= max32 }

func (r record) version() uint16 {
	if r.zip64Local() {
		return version45
	}
	return version20
}

// appendCommon appends the fields that local header and central directory have alike: flags, method, time and date.
func (r record) appendCommon(b []byte) []byte {
	flags := uint16(flagUTF8)
	if r.streamed {
		flags |= flagDescriptor
	}
	date, clock := dosTime(r.modTime())
	b = le.AppendUint16(b, flags)
	b = le.AppendUint16(b, r.method)
	b = le.AppendUint16(b, clock)
	return le.AppendUint16(b, date)
}

// descriptor follows the content of a streamed entry.
func (r record) descriptor() []byte {
	b := le.AppendUint32(make([]byte, 0, descriptorLen), descriptorSignature)
	b = le.AppendUint32(b, r.crc)
	b = le.AppendUint64(b, uint64(r.compressed))
	return le.AppendUint64(b, uint64(r.size))
}

// central is the entry's part of the central directory.
func (r record) central() []byte {
	b := le.AppendUint32(make([]byte, 0, 46+len(r.Name)+48), centralSignature)
	extra := r.timeExtra()
	size, compressed, offset := uint64(r.size), uint64(r.compressed), uint64(r.offset)
	if size >= max32 || compressed >= max32 || offset >= max32 {
		extra = append(extra, zip64Extra(size, compressed, offset)...)
		size, compressed, offset = max32, max32, max32
	}
	b = le.AppendUint16(b, unix|version45)
	b = le.AppendUint16(b, r.version())
	b = r.appendCommon(b)
	b = le.AppendUint32(b, r.crc)
	b = le.AppendUint32(b, uint32(compressed))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint16(b, uint16(len(r.Name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, 0, 0, 0, 0, 0, 0) // no comment, first disk, nothing known of the content
	b = le.AppendUint32(b, unixMode(r.Mode)<<16)
	b = le.AppendUint32(b, uint32(offset))
	return append(append(b, r.Name...), extra...)
}

// ending is what follows the central directory: always with the records of zip64, which cost 76 bytes.
func ending(entries, offset, size int64) []byte {
	b := le.AppendUint32(make([]byte, 0, endLen), end64Signature)
	b = le.AppendUint64(b, 44)
	b = le.AppendUint16(b, unix|version45)
	b = le.AppendUint16(b, version45)
	b = le.AppendUint64(b, 0) // first disk, twice
	for _, n := range []int64{entries, entries, size, offset} {
		b = le.AppendUint64(b, uint64(n))
	}
	b = le.AppendUint32(b, locatorSignature)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(offset+size))
	b = le.AppendUint32(b, 1)
	b = le.AppendUint32(b, endSignature)
	b = le.AppendUint32(b, 0)
	n := uint16(min(entries, max16))
	b = le.AppendUint16(b, n)
	b = le.AppendUint16(b, n)
	b = le.AppendUint32(b, uint32(min(size, max32)))
	b = le.AppendUint32(b, uint32(min(offset, max32)))
	return le.AppendUint16(b, 0)
}

func zip64Extra(values ...uint64) []byte {
	b := le.AppendUint16(nil, extraZip64)
	b = le.AppendUint16(b, uint16(8*len(values)))
	for _, v := range values {
		b = le.AppendUint64(b, v)
	}
	return b
}

func (r record) timeExtra() []byte {
	b := le.AppendUint16(nil, extraTime)
	b = le.AppendUint16(b, 5)
	b = append(b, 1) // the time of the last change alone
	return le.AppendUint32(b, uint32(int32(r.modTime().Unix())))
}

// modTime is the time as the extended timestamp can hold it.
func (r record) modTime() time.Time {
	return time.Unix(min(max(r.ModTime.Unix(), math.MinInt32), math.MaxInt32), 0)
}

func appendOwn(b []byte, mode fs.FileMode, note []byte) []byte {
	b = le.AppendUint16(b, extraOwn)
	b = le.AppendUint16(b, uint16(2+len(note)))
	b = le.AppendUint16(b, uint16(unixMode(mode)))
	return append(b, note...)
}

// unixMode is the mode of a regular file.
func unixMode(m fs.FileMode) uint32 {
	const regular, setuid, setgid, sticky = 0o100000, 0o4000, 0o2000, 0o1000
	mode := regular | uint32(m.Perm())
	for bit, is := range map[uint32]fs.FileMode{setuid: fs.ModeSetuid, setgid: fs.ModeSetgid, sticky: fs.ModeSticky} {
		if m&is != 0 {
			mode |= bit
		}
	}
	return mode
}

// dosTime is a time in UTC as DOS had it, in steps of two seconds.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	switch {
	case t.Year() < 1980:
		return 1<<5 | 1, 0
	case t.Year() > 2107:
		return 127<<9 | 12<<5 | 31, 23<<11 | 59<<5 | 29
	}
	date = uint16(t.Day() + int(t.Month())<<5 + (t.Year()-1980)<<9)
	return date, uint16(t.Second()/2 + t.Minute()<<5 + t.Hour()<<11)
}
