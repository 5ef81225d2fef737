package ioc

import (
	"encoding/binary"
	"strings"
)

// Where there are few forms, a search by vectors for four bytes of each is faster than to look at every token.
const (
	maxTeddy = 48 // forms that it is good for
	maxFew   = 24 // forms up to which those that have a token are searched for in this way too
)

const teddyBytes = 4

// A teddy finds the places where one of a few forms may stand, by four bytes of each. The forms are dealt out to eight buckets; two
// tables for each of the four bytes say which buckets have a form with that lower, and with that upper, half of it there. It is
// the idea of the algorithm of that name in Hyperscan.
type teddy struct {
	tables [teddyBytes][2][32]byte // every table twice, for both halves of a vector
	forms  []formRef
	grams  []teddyGram
	heads  [1 << teddySlots]uint8 // gram+1 by hash
}

// A teddyGram is where a form is looked for.
type teddyGram struct {
	word, mask uint32 // the bytes, and which of them count
	at         uint16 // where they stand in the form
	next       uint8  // gram+1 with the same hash
}

const teddySlots = 6 // bits

func newTeddy(forms []formRef) *teddy {
	t := &teddy{forms: forms}
	for i := range forms {
		text := forms[i].text
		at := rarest(text)
		gram := text[at:min(len(text), at+teddyBytes)]
		for k := range teddyBytes {
			t.add(k, gram, 1<<(i%8))
		}
		g := teddyGram{mask: 1<<(8*len(gram)) - 1, at: uint16(at)}
		var word [teddyBytes]byte
		copy(word[:], gram)
		g.word = (binary.LittleEndian.Uint32(word[:]) | caseless&(1<<32-1)) & g.mask
		slot := &t.heads[teddyHash(g.word)]
		g.next, *slot = *slot, uint8(i)+1
		t.grams = append(t.grams, g)
	}
	return t
}

// add enters byte k of a gram, in both cases, and every byte where the gram has none.
func (t *teddy) add(k int, gram string, bucket byte) {
	for c := range 256 {
		if k < len(gram) && fold(byte(c)) != gram[k] {
			continue
		}
		for _, half := range []int{0, 16} {
			t.tables[k][0][c&15+half] |= bucket
			t.tables[k][1][c>>4+half] |= bucket
		}
	}
}

// teddyHash tells grams apart by their first three bytes, which all of them have.
func teddyHash(word uint32) uint32 { return word << 8 * 0x9E3779B1 >> (32 - teddySlots) }

// rarest returns where those bytes of a form stand that logs have least often. The scheme of a URL and the last label of a name
// are in too many others.
func rarest(text string) int {
	start, end := 0, len(text)
	if i := strings.Index(text, "://"); i >= 0 && len(text) >= i+3+teddyBytes {
		start = i + 3
	}
	if i := strings.LastIndexByte(text, '.'); i >= start+teddyBytes && !isDigit(text[end-1]) {
		end = i
	}
	best, at := -1, start
	for i := start; i+teddyBytes <= end; i++ {
		rare := 0
		for _, c := range []byte(text[i : i+teddyBytes]) {
			rare += rareness(c)
		}
		if rare > best {
			best, at = rare, i
		}
	}
	return at
}

// rareness is about the logarithm of how many bytes of a log there are for one like c.
func rareness(c byte) int {
	switch {
	case isDigit(c), strings.IndexByte("etaoinsr. /-:=\"", c) >= 0:
		return 4
	case 'a' <= c && c <= 'z' && strings.IndexByte("jkqvxz", c) < 0:
		return 6
	}
	return 8
}

// candidates sets the bits of the bytes at which a form may stand.
func (t *teddy) candidates(text []byte, out []uint64) {
	for w := range out {
		out[w] = 0
		for b := range 64 {
			hit := byte(0xff)
			for k := range teddyBytes {
				c := text[64*w+b+k]
				hit &= t.tables[k][0][c&15] & t.tables[k][1][c>>4]
			}
			if hit != 0 {
				out[w] |= 1 << b
			}
		}
	}
}

// look adds the forms whose bytes stand at buf[i:], if they fit. Slack bytes must be readable after buf.
func (t *teddy) look(buf []byte, i int, hits *hitList) {
	word := binary.LittleEndian.Uint32(buf[i:i+teddyBytes:cap(buf)]) | caseless&(1<<32-1)
	for k := t.heads[teddyHash(word)]; k != 0; k = t.grams[k-1].next {
		g := &t.grams[k-1]
		if word&g.mask != g.word {
			continue
		}
		ref := &t.forms[k-1]
		if at := i - int(g.at); ref.matches(buf, at) {
			hits.add(ref.id, at, len(ref.text))
		}
	}
}
