// Package logins reads the records of logins that glibc's programs write: utmp, wtmp and btmp, and lastlog.
//
// The rules that every file keeps: what reads takes a reader, never a path, and holds one record at a time, since a wtmp of hundreds of
// megabytes is common on a busy gateway. A row that was overwritten with nulls is a row: `last` hides it, and it is the best evidence
// that somebody has cleaned up.
package logins

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"
)

// A Type is what a record stands for, see utmp(5).
type Type int16

// The types of records.
const (
	Empty        Type = 0
	RunLevel     Type = 1
	BootTime     Type = 2
	NewTime      Type = 3
	OldTime      Type = 4
	InitProcess  Type = 5
	LoginProcess Type = 6
	UserProcess  Type = 7
	DeadProcess  Type = 8
	Accounting   Type = 9
)

var typeNames = map[Type]string{
	Empty: "empty", RunLevel: "runlevel", BootTime: "boot", NewTime: "new-time", OldTime: "old-time", InitProcess: "init",
	LoginProcess: "login", UserProcess: "user", DeadProcess: "dead", Accounting: "accounting",
}

// String names the type, or gives its number.
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return strconv.Itoa(int(t))
}

// A Record is one row of utmp, wtmp or btmp. Its texts are bytes as they stand there, up to the first null.
type Record struct {
	Type        Type
	PID         int32
	Line        string // the terminal, without /dev/
	ID          string
	User        string
	Host        string
	Termination int16
	Exit        int16
	Session     int64
	Time        time.Time  // zero where the record has no seconds and no microseconds
	Addr        netip.Addr // the zero Addr where there is none
	Null        bool       // every byte of the row is zero
	Hidden      bool       // a text goes on after its first null: what was there before was overwritten with something shorter
}

// The sizes of a record. glibc keeps the times in 32 bits on systems that have run 32-bit programs (x86-64, ppc64), so that the file
// is the same for both, and in 64 bits where it had not to: arm64. See __WORDSIZE_TIME64_COMPAT32 in bits/wordsize.h.
const (
	size32 = 384
	size64 = 400
)

// parse reads one record of 384 or 400 bytes.
func parse(b []byte) Record {
	le := binary.LittleEndian
	if isNull(b) {
		return Record{Null: true}
	}
	r := Record{
		Type: Type(le.Uint16(b)), PID: int32(le.Uint32(b[4:])),
		Line: text(b[8:40]), ID: text(b[40:44]), User: text(b[44:76]), Host: text(b[76:332]),
		Termination: int16(le.Uint16(b[332:])), Exit: int16(le.Uint16(b[334:])),
		Hidden: goesOn(b[8:40]) || goesOn(b[44:76]) || goesOn(b[76:332]),
	}
	if len(b) == size32 {
		r.Session = int64(int32(le.Uint32(b[336:])))
		// glibc reads the seconds as unsigned since 2.40, so that they last until 2106.
		r.Time = at(int64(le.Uint32(b[340:])), int64(int32(le.Uint32(b[344:]))))
		r.Addr = addr(b[348:364])
		return r
	}
	r.Session = int64(le.Uint64(b[336:]))
	r.Time = at(int64(le.Uint64(b[344:])), int64(le.Uint64(b[352:])))
	r.Addr = addr(b[360:376])
	return r
}

// text is a field of the record up to its first null.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// goesOn reports whether anything but nulls comes after the first null of a field.
func goesOn(b []byte) bool {
	i := bytes.IndexByte(b, 0)
	return i >= 0 && !isNull(b[i:])
}

// isNull compares with nulls at once, and not byte by byte: a file that was made long without data has millions of such rows.
func isNull(b []byte) bool {
	var nulls [size64]byte
	for len(b) > len(nulls) {
		if !bytes.Equal(b[:len(nulls)], nulls[:]) {
			return false
		}
		b = b[len(nulls):]
	}
	return bytes.Equal(b, nulls[:len(b)])
}

// maxSeconds is the end of the year 9999, after which a time can't be written down as RFC 3339 has it.
const maxSeconds = 253402300799

// at is a time, or the zero time where none is meant or none can be.
func at(sec, usec int64) time.Time {
	if (sec == 0 && usec == 0) || sec < 0 || sec > maxSeconds || usec < 0 || usec > 999_999 {
		if sec <= 0 || sec > maxSeconds {
			return time.Time{}
		}
		usec = 0
	}
	return time.Unix(sec, usec*1000).UTC()
}

// addr is an address of 16 bytes, of which an IPv4 address fills the first four.
func addr(b []byte) netip.Addr {
	if isNull(b) {
		return netip.Addr{}
	}
	if isNull(b[4:]) {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}
