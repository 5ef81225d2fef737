package logins

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Last is the last login of one account, as lastlog has it at the place of its uid.
type Last struct {
	UID  uint32
	Time time.Time
	Line string
	Host string
}

const (
	last32 = 292 // 4 bytes of time, 32 of line, 256 of host
	last64 = 296 // on arm64 the time has 8 bytes
)

// A Span is a run of bytes of a file.
type Span struct{ Offset, Length int64 }

// EachLast hands over every login that a lastlog holds, in the order of the uids. Only the spans are read: the file is as long as the
// highest uid asks for, and has data where somebody has logged in. The error is that of the reader or of each.
func EachLast(r io.ReaderAt, spans []Span, each func(Last) error) error {
	size, err := lastSize(r, spans)
	if err != nil {
		return err
	}
	done := int64(-1) // the last record that was looked at: two spans may share one
	for _, s := range spans {
		if s.Offset < 0 || s.Length <= 0 {
			continue
		}
		first := max(s.Offset/size, done+1)
		last := (s.Offset + s.Length - 1) / size
		if err := eachIn(r, size, first, last, each); err != nil {
			return err
		}
		done = max(done, last)
	}
	return nil
}

// batch is how many records are read at once.
const batch = 512

func eachIn(r io.ReaderAt, size, first, last int64, each func(Last) error) error {
	buf := make([]byte, batch*size)
	for at := first; at <= last; at += batch {
		n, err := r.ReadAt(buf[:min(batch, last-at+1)*size], at*size)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading at offset %d: %w", at*size, err)
		}
		for i := int64(0); (i+1)*size <= int64(n); i++ {
			rec := buf[i*size : (i+1)*size]
			if isNull(rec) || at+i > maxUID {
				continue
			}
			if err := each(parseLast(uint32(at+i), rec)); err != nil {
				return err
			}
		}
		if int64(n) < min(batch, last-at+1)*size {
			return nil
		}
	}
	return nil
}

// maxUID is the highest uid; 0xFFFFFFFF stands for none.
const maxUID = 0xFFFFFFFE

func parseLast(uid uint32, b []byte) Last {
	l := Last{UID: uid}
	if len(b) == last32 {
		l.Time, b = at(int64(binary.LittleEndian.Uint32(b)), 0), b[4:]
	} else {
		l.Time, b = at(int64(binary.LittleEndian.Uint64(b)), 0), b[8:]
	}
	l.Line, l.Host = text(b[:32]), text(b[32:])
	return l
}

// lastSize tells by the first records with data how long a record is.
func lastSize(r io.ReaderAt, spans []Span) (int64, error) {
	score := map[int64]int{}
	for i, s := range spans {
		if i == 8 {
			break
		}
		for _, size := range []int64{last32, last64} {
			n, err := scoreLast(r, size, s)
			if err != nil {
				return 0, err
			}
			score[size] += n
		}
	}
	if score[last64] > score[last32] {
		return last64, nil
	}
	return last32, nil
}

// scoreLast counts the records that look like ones if they are that long, less those that don't.
func scoreLast(r io.ReaderAt, size int64, s Span) (int, error) {
	if s.Offset < 0 || s.Length <= 0 {
		return 0, nil
	}
	first := s.Offset / size
	n := 0
	err := eachIn(r, size, first, min((s.Offset+s.Length-1)/size, first+sample*4), func(l Last) error {
		if !l.Time.IsZero() && l.Time.Year() >= 1990 && l.Line != "" && printable(l.Line) && printable(l.Host) {
			n++
		} else {
			n--
		}
		return nil
	})
	return n, err
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}
