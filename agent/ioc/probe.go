package ioc

import (
	"math/bits"
	"unsafe"
)

// The second step of a search looks up all tokens of a chunk in the filter, and writes down the few that need a closer look. This file
// does that one token after the other; probe_amd64.s does the same without branches for most of them, and a test compares the two.

// A record is a place in a chunk that needs a closer look. It has, from the lowest bit: 8 bits, why; 8 bits, how many bytes of the token,
// counted from its end; 16 bits, where in the chunk it ends.
type record uint32

// Why a place needs a closer look.
const (
	recordForm    record = iota // the filter has let pass the last bytes of a token
	recordOdd                   // the token is long, or stands at the start of the text
	recordInside                // an address may stand in the token, among words
	recordNetwork               // the token may be the address of a network
)

const (
	maxRecords  = 1024
	wordRecords = 128 // no word yields as many
	quadSize    = 15  // bytes of the longest address of version 4
)

// nearDots are the full stops behind which the name of a domain may begin that is looked up by less than 16 bytes. Longer ones have been
// found with the token.
const nearDots = (1<<(64-minToken) - 1) &^ (1<<(64-16) - 1)

type records struct {
	list [maxRecords]record
	n    int
}

func (r *records) add(pos, n int, why record) {
	r.list[r.n] = record(pos)<<16 | record(n)<<8 | why
	r.n++
}

// probeAll looks up the tokens that end in words words from buf[at] on.
func (s *tokenSearch) probeAll(at, words int) {
	w := 0
	for w < words {
		s.records.n = 0
		if at == 0 && w == 0 {
			w = s.probePortable(at, 0, 1) // it looks at how far a token is from the start of the text
		} else {
			w = s.probeWords(at, w, words)
		}
		for _, r := range s.records.list[:s.records.n] {
			s.look(at, r)
		}
	}
}

// probePortable writes down the tokens that end in the words from w to words, and returns the word that it has come to.
func (s *tokenSearch) probePortable(at, w, words int) int {
	p := unsafe.Pointer(unsafe.SliceData(s.buf))
	for ; w < words && s.records.n <= maxRecords-wordRecords; w++ {
		for e := s.masks.ends[w]; e != 0; e &= e - 1 {
			b := uint(bits.TrailingZeros64(e))
			run, pos := before(&s.masks.runs, w, b), 64*w+int(b)
			end, n := at+pos, bits.LeadingZeros64(^run)
			if end < 16 || n > 63 {
				s.records.add(pos, n, recordOdd)
				continue
			}
			lo, hi := load64(p, end-16)|caseless, load64(p, end-8)|caseless
			if s.passes(cut(lo, hi, n)) {
				s.records.add(pos, n, recordForm)
			}
			dots := (run &^ before(&s.masks.alnum, w, b)) & (^uint64(0) << (64 - uint(n)))
			if s.quads && fourOrMore(dots) {
				s.records.add(pos, n, recordInside)
			}
			if hi>>56 <= '9' {
				if s.nets != nil && n <= quadSize {
					s.records.add(pos, n, recordNetwork)
				}
			} else if s.domains {
				s.parents(pos, dots&nearDots, lo, hi)
			}
		}
	}
	return w
}

// parents looks up what stands behind each full stop of a token: the domains above a name.
func (s *tokenSearch) parents(pos int, dots, lo, hi uint64) {
	for ; dots != 0; dots &= dots - 1 {
		n := 63 - bits.TrailingZeros64(dots)
		if s.passes(cut(lo, hi, n)) {
			s.records.add(pos, n, recordForm)
		}
	}
}

// passes reports whether the filter lets a token pass.
func (s *tokenSearch) passes(lo, hi uint64) bool {
	h := hashToken(lo, hi)
	want := s.bitsOf(h)
	return s.filter[h>>(s.block&63)]&want == want
}

// look takes a closer look.
func (s *tokenSearch) look(at int, r record) {
	end, n := at+int(r>>16), int(r>>8&0xff)
	if end > len(s.buf) {
		return
	}
	switch r & 0xff {
	case recordOdd:
		s.oddToken(end)
	case recordInside:
		s.inside(end-n, end)
	case recordNetwork:
		s.network(end-n, end)
	default:
		lo, hi := s.key(end)
		s.compare(end, hashToken(cut(lo, hi, n)))
	}
}

func fourOrMore(dots uint64) bool {
	dots &= dots - 1
	dots &= dots - 1
	return dots&(dots-1) != 0
}
