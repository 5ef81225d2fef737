package ioc

import (
	"bytes"
	"cmp"
	"io"
	"slices"
)

// The sizes of a scan. A line of up to blockSize-2*overlap bytes is looked at as a whole; a longer one in pieces that
// overlap by more than the longest form and what stands beside it.
const (
	blockSize = 256 << 10
	overlap   = 16 << 10
	maxBeside = 2048 // bytes of the line before and after a match that a hit shows
)

// Lines is the text end of a scan: it cuts a stream into blocks of whole lines, has them searched, and reports the hits in
// order. The blocks depend on the stream alone, never on how it was written.
type lines struct {
	set    *Set
	onHit  func(Hit)
	inside string
	member string

	buf     []byte // the block; slack bytes are readable after its capacity
	from    int    // where in buf the search goes on; what stands before it has been searched
	base    int64  // offset in the stream of buf[0]
	counted int    // where in buf the line begins that has the number line
	line    int64
	overlap int
	history int // bytes before the end of buf that must stay, because a decoder reads them

	search *search
	shown  []byte             // the text of the last match in a binary file
	seen   []int32            // the first indicators reported in the line until
	many   map[int32]struct{} // those that seen has no room for
	until  int64              // the line that seen and many are about
}

func newLines(s *Set, block, overlap int, onHit func(Hit)) *lines {
	l := &lines{set: s, onHit: onHit, line: 1, overlap: overlap, search: newSearch(s, 0)}
	if buf, ok := s.buffers.Get().(*[]byte); ok && cap(*buf) == block+slack {
		l.buf = (*buf)[:0]
	} else {
		l.buf = make([]byte, 0, block+slack)
	}
	return l
}

// Write takes any number of bytes. It never fails.
func (l *lines) Write(p []byte) (int, error) {
	written := len(p)
	for {
		n := min(len(p), cap(l.buf)-slack-len(l.buf))
		l.buf = append(l.buf, p[:n]...)
		p = p[n:]
		if len(p) == 0 {
			return written, nil
		}
		l.round(l.limit())
	}
}

// ReadFrom reads r up to its end straight into the block.
func (l *lines) ReadFrom(r io.Reader) (int64, error) {
	read := int64(0)
	for {
		if len(l.buf) == cap(l.buf)-slack {
			l.round(l.limit())
			continue
		}
		n, err := r.Read(l.buf[len(l.buf) : cap(l.buf)-slack])
		l.buf = l.buf[:len(l.buf)+n]
		read += int64(n)
		if err == io.EOF {
			return read, nil
		}
		if err != nil {
			return read, err
		}
	}
}

// limit returns how far a full block can be searched.
func (l *lines) limit() int {
	if i := bytes.LastIndexByte(l.buf[l.from:], '\n'); i >= 0 {
		return l.from + i + 1
	}
	return max(l.from+1, len(l.buf)-l.overlap)
}

// finish searches what is left and gives the buffer back. The error says what could not be searched.
func (l *lines) finish() error {
	l.round(len(l.buf))
	buf := l.buf[:0]
	l.buf = nil
	l.set.buffers.Put(&buf)
	return l.search.overflow()
}

// round searches up to limit, reports, and makes room.
func (l *lines) round(limit int) {
	l.search.block(l.buf, l.from, limit)
	l.report()
	l.count(limit)
	keep := max(0, min(limit-l.overlap, len(l.buf)-l.history))
	l.base += int64(keep)
	l.buf = append(l.buf[:0], l.buf[keep:]...)
	l.from = limit - keep
	l.counted -= keep
}

// report calls onHit for the matches in the order of the stream, and only for the first of an indicator in a line.
func (l *lines) report() {
	found := l.search.hits.found
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.inner, b.inner))
	})
	for _, m := range found {
		l.count(m.at)
		if !l.first(m.id) {
			continue
		}
		text := l.text(m)
		if l.set.excepted(m.id, text) {
			continue
		}
		l.onHit(Hit{Indicator: &l.set.inds[m.id], Line: l.line, Offset: l.base + int64(m.start), Text: text, Member: l.member, Inside: m.inner.names(l.inside)})
	}
}

// first reports whether the indicator has not been reported in this line yet.
func (l *lines) first(id int32) bool {
	if l.until != l.line {
		l.until, l.seen = l.line, l.seen[:0]
		clear(l.many)
	}
	if len(l.seen) < 32 {
		if slices.Contains(l.seen, id) {
			return false
		}
		l.seen = append(l.seen, id)
		return true
	}
	if _, ok := l.many[id]; ok || slices.Contains(l.seen, id) {
		return false
	}
	if l.many == nil {
		l.many = map[int32]struct{}{}
	}
	l.many[id] = struct{}{}
	return true
}

// count moves the line number on to what stands at buf[at].
func (l *lines) count(at int) {
	if at > l.counted {
		l.line += int64(bytes.Count(l.buf[l.counted:at], []byte{'\n'}))
		l.counted = at
	}
}

// text returns the line around a match, or in a binary file the text around it.
func (l *lines) text(m match) []byte {
	start, end := max(0, m.start-maxBeside), min(len(l.buf), m.end+maxBeside)
	if i := bytes.LastIndexByte(l.buf[start:m.start], '\n'); i >= 0 {
		start += i + 1
	}
	if i := bytes.IndexByte(l.buf[m.start:end], '\n'); i >= 0 {
		end = m.start + i
	}
	if bytes.IndexByte(l.buf[start:end], 0) >= 0 {
		return l.stringAround(m, start, end)
	}
	return bytes.TrimSuffix(l.buf[start:end], []byte("\r"))
}

// stringAround returns what strings(1) would print of buf[start:end] around a match. The NULs of UTF-16 are left out.
func (l *lines) stringAround(m match, start, end int) []byte {
	first, last := m.start, m.end
	for first > start && shown(l.buf[first-1]) {
		first--
	}
	for last < end && shown(l.buf[last]) {
		last++
	}
	l.shown = l.shown[:0]
	for _, c := range l.buf[first:last] {
		if c != 0 {
			l.shown = append(l.shown, c)
		}
	}
	return l.shown
}

// shown reports whether c belongs to a text in a binary file.
func shown(c byte) bool { return printable(c) || c >= 0x80 }
