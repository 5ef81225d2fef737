package ioc

import (
	"errors"
	"slices"
)

// A match is a place in a block where an indicator stands.
type match struct {
	at    int // where the indicator stands, or the encoded text ends that it was found in; orders the matches of a line
	start int // where the indicator, or the encoded text, begins
	end   int
	id    int32
	inner encodings
}

// A hitList collects the matches that begin in the part of the block that is searched.
type hitList struct {
	found       []match
	from, limit int
	tries       *lineTries
}

func (h *hitList) add(id int32, at, n int) {
	if h.tries != nil && id >= h.tries.first {
		h.tries.at(id, at)
		return
	}
	if at >= h.from && at < h.limit {
		h.found = append(h.found, match{at: at, start: at, end: at + n, id: id})
	}
}

// A search finds all indicators of a set in one block after the other, as they are and encoded.
type search struct {
	set     *Set
	masks   *masks
	records records
	hits    hitList
	view    view
	tries   *lineTries // of regular expressions that have a literal; nil if there are none
	deeper  *search    // searches what was decoded
}

// maxDepth is how many encodings are undone inside each other.
const maxDepth = 3

func newSearch(s *Set, depth int) *search {
	x := &search{set: s, masks: newMasks(s.tokens.short), tries: s.regexes.newTries(int32(len(s.inds)))}
	if depth < maxDepth {
		x.view.active = true
	}
	return x
}

// block finds all matches that begin in buf[from:limit], and leaves them in hits. Slack bytes after buf are overwritten.
func (x *search) block(buf []byte, from, limit int) {
	pad(buf)
	end := limit
	if limit > 0 && limit < len(buf) && buf[limit-1] != '\n' {
		end = len(buf)
	}
	x.hits = hitList{x.hits.found[:0], from, limit, x.tries}
	x.view.start(buf, from, limit)
	x.tokens(buf, from, end)
	s := x.set
	x.tries.start(buf, &x.hits)
	s.factors.find(buf, end, &x.hits)
	if len(s.addrs.v6) > 0 || len(s.addrs.nets6.nets) > 0 {
		s.addrs.find6(buf, from, end, &x.hits)
	}
	if s.addrs.dashed {
		s.addrs.findDashed(buf, from, end, &x.hits)
	}
	s.regexes.tryLines(buf, &x.hits)
	if len(x.view.segments) > 0 {
		x.decoded()
	}
}

// pad writes what ends a token after the last byte.
func pad(buf []byte) {
	after := buf[len(buf) : len(buf)+slack]
	for i := range after {
		after[i] = '\n'
	}
}

func (x *search) tokens(buf []byte, from, end int) {
	s := x.set
	t := tokenSearch{tokens: &s.tokens, buf: buf, hits: &x.hits, masks: x.masks, records: &x.records, view: &x.view}
	if len(s.addrs.nets4.nets) > 0 {
		t.nets = &s.addrs.nets4
	}
	t.quads = t.nets != nil || s.tokens.address
	t.find(from, end)
}

// overflow returns an error if more was encoded in one block than was decoded.
func (x *search) overflow() error {
	for ; x != nil; x = x.deeper {
		if x.view.overflow {
			return errOverflow
		}
	}
	return nil
}

var errOverflow = errors.New("texts inside it are encoded in more ways than are decoded")

// decoded searches the view, and adds what is found with the place of the encoded text.
func (x *search) decoded() {
	if x.deeper == nil {
		x.deeper = newSearch(x.set, x.view.depth+1)
		x.deeper.view.depth = x.view.depth + 1
		x.deeper.view.active = x.view.depth+1 < maxDepth
	}
	text := slices.Grow(x.view.text, slack)
	x.view.text = text
	x.deeper.block(text, 0, len(text))
	for _, m := range x.deeper.hits.found {
		seg := x.view.segmentOf(m.start)
		m.at, m.start, m.end = seg.end-1, seg.start, seg.end
		m.inner = seg.encoding.around(m.inner)
		x.hits.found = append(x.hits.found, m)
	}
}
