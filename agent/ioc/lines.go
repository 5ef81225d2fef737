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

	buf     []byte // the block; slack bytes are readable after its capacity
	from    int    // where in buf the search goes on; what stands before it has been searched
	base    int64  // offset in the stream of buf[0]
	counted int    // where in buf the line begins that has the number line
	line    int64
	overlap int
	history int // bytes before the end of buf that must stay, because a decoder reads them

	hits  hitList
	masks *masks
	seen  []int32 // the indicators reported in line, where it is longer than a block
	until int64   // the number of the line that seen is about
}

// A match is a hit that has not been reported yet.
type match struct {
	at, n int
	id    int32
}

// A hitList collects the matches that begin in the part of the block that is searched.
type hitList struct {
	found       []match
	from, limit int
}

func (h *hitList) add(id int32, at, n int) {
	if at >= h.from && at < h.limit {
		h.found = append(h.found, match{at, n, id})
	}
}

func newLines(s *Set, inside string, block, overlap int, onHit func(Hit)) *lines {
	l := &lines{set: s, onHit: onHit, inside: inside, line: 1, overlap: overlap, masks: newMasks(s.tokens.short)}
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

// finish searches what is left and gives the buffer back.
func (l *lines) finish() {
	l.round(len(l.buf))
	buf := l.buf[:0]
	l.buf = nil
	l.set.buffers.Put(&buf)
}

// round searches up to limit, reports, and makes room. It returns how far the bytes of the block have moved.
func (l *lines) round(limit int) int {
	l.search(limit)
	l.report(limit)
	l.count(limit)
	keep := max(0, min(limit-l.overlap, len(l.buf)-l.history))
	l.base += int64(keep)
	l.buf = append(l.buf[:0], l.buf[keep:]...)
	l.from = limit - keep
	l.counted -= keep
	return keep
}

// search finds all matches that begin in buf[from:limit].
func (l *lines) search(limit int) {
	pad(l.buf)
	end := limit
	if limit > 0 && limit < len(l.buf) && l.buf[limit-1] != '\n' {
		end = min(len(l.buf), limit+2*maxValue)
	}
	s := l.set
	l.hits.from, l.hits.limit = l.from, limit
	if len(s.tokens.forms) > 0 || len(s.addrs.nets4.nets) > 0 {
		search := tokenSearch{tokens: &s.tokens, buf: l.buf, hits: &l.hits, masks: l.masks}
		if len(s.addrs.nets4.nets) > 0 {
			search.nets = &s.addrs.nets4
		}
		search.quads = search.nets != nil || s.tokens.address
		search.find(l.from, end, nil)
	}
	s.factors.find(l.buf, end, &l.hits)
	if len(s.addrs.v6) > 0 || len(s.addrs.nets6.nets) > 0 {
		s.addrs.find6(l.buf, l.from, end, &l.hits)
	}
	for i := range s.regexes {
		l.searchLines(&s.regexes[i], limit)
	}
}

// pad writes what ends a token after the last byte.
func pad(buf []byte) {
	after := buf[len(buf) : len(buf)+slack]
	for i := range after {
		after[i] = '\n'
	}
}

func (l *lines) searchLines(re *lineRegex, limit int) {
	for at := l.from; at < limit; {
		end := len(l.buf)
		if i := bytes.IndexByte(l.buf[at:], '\n'); i >= 0 {
			end = at + i
		}
		if m := re.FindIndex(bytes.TrimSuffix(l.buf[at:end], []byte("\r"))); m != nil {
			l.hits.add(re.id, at+m[0], m[1]-m[0])
		}
		at = end + 1
	}
}

// report calls onHit for the matches in the order of the stream, and only for the first of an indicator in a line.
func (l *lines) report(limit int) {
	slices.SortFunc(l.hits.found, func(a, b match) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	for _, m := range l.hits.found {
		l.count(m.at)
		if l.until != l.line {
			l.until, l.seen = l.line, l.seen[:0]
		}
		if slices.Contains(l.seen, m.id) {
			continue
		}
		l.seen = append(l.seen, m.id)
		l.onHit(Hit{Indicator: &l.set.inds[m.id], Line: l.line, Offset: l.base + int64(m.at), Text: l.text(m), Inside: l.inside})
	}
	l.hits.found = l.hits.found[:0]
}

// count moves the line number on to what stands at buf[at].
func (l *lines) count(at int) {
	if at > l.counted {
		l.line += int64(bytes.Count(l.buf[l.counted:at], []byte{'\n'}))
		l.counted = at
	}
}

// text returns the line around a match.
func (l *lines) text(m match) []byte {
	start, end := max(0, m.at-maxBeside), min(len(l.buf), m.at+m.n+maxBeside)
	if i := bytes.LastIndexByte(l.buf[start:m.at], '\n'); i >= 0 {
		start += i + 1
	}
	if i := bytes.IndexByte(l.buf[m.at:end], '\n'); i >= 0 {
		end = m.at + i
	}
	return bytes.TrimSuffix(l.buf[start:end], []byte("\r"))
}
