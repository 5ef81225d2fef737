package ioc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A token is what indicators of most types are looked up by: a run of letters and digits, and of full stops between them. The first
// step of a search tells where tokens end, for 64 bytes in one word. This file does that with the arithmetic of words of 64 bits;
// masks_amd64.s does the same with vectors, and a test compares the two.

// chunkWords is how many words of 64 bytes are classified at once.
const chunkWords = 64

// Masks hold one bit for each byte of a chunk.
type masks struct {
	alnum [chunkWords + 1]uint64 // letters and digits; the first word is the last one of the chunk before
	runs  [chunkWords + 1]uint64 // tokens: letters, digits and full stops between two of them
	ends  [chunkWords]uint64     // the byte after a token with a full stop that is long enough
	long  [chunkWords]uint64     // the byte after 16 or more letters and digits

	// What one chunk must know of the one before.
	prev2, prev4, prev7       uint64 // ends of runs of 2, 4 and minRun bytes
	wide2, wide4, wide8, wide uint64 // of 2, 4, 8 and 16 letters and digits
	carry                     uint64
	short                     uint64 // all ones if tokens of 4 bytes count, zero if they must have 7
	special                   uint64 // not zero if the chunk holds %, \ or NUL
	names                     uint64 // not zero if the chunk holds a letter or digit in parentheses
	some                      uint64 // the words of long that are not zero
}

func newMasks(short bool) *masks {
	m := &masks{}
	if short {
		m.short = ^uint64(0)
	}
	return m
}

// start forgets the chunk before.
func (m *masks) start() { *m = masks{short: m.short} }

// classify fills the masks for words words of buf. The 8 bytes after them must be readable.
func (m *masks) classifyPortable(buf []byte, words int) {
	m.alnum[0], m.runs[0] = m.alnum[chunkWords], m.runs[chunkWords]
	if words < chunkWords {
		m.alnum[chunkWords], m.runs[chunkWords] = 0, 0
	}
	text := buf[: 64*words+8 : 64*words+8]
	m.special, m.names = special(text)
	m.some = 0
	alnum, dots := word64(text)
	last := m.alnum[0] >> 63
	for i := range words {
		var nextAlnum, nextDots uint64
		if i+1 < words {
			nextAlnum, nextDots = word64(text[64*i+64:])
		} else {
			nextAlnum = alnum8(binary.LittleEndian.Uint64(text[64*words:]))
		}
		inner := dots & (alnum<<1 | last) & (alnum>>1 | nextAlnum<<63)
		m.word(i, alnum, inner)
		last = alnum >> 63
		alnum, dots = nextAlnum, nextDots
	}
}

// word does the logic of one word.
func (m *masks) word(i int, alnum, inner uint64) {
	runs := alnum | inner
	sum, c1 := bits.Add64(runs, inner, m.carry)
	m.carry = c1
	run2 := runs & (runs<<1 | m.runs[i]>>63)
	run4 := run2 & (run2<<2 | m.prev2>>62)
	run7 := run4 & (run4<<3 | m.prev4>>61)
	run7 |= run4 & m.short
	m.ends[i] = sum &^ runs & (run7<<1 | m.prev7>>63)
	m.prev2, m.prev4, m.prev7 = run2, run4, run7

	wide2 := alnum & (alnum<<1 | m.alnum[i]>>63)
	wide4 := wide2 & (wide2<<2 | m.wide2>>62)
	wide8 := wide4 & (wide4<<4 | m.wide4>>60)
	wide := wide8 & (wide8<<8 | m.wide8>>56)
	m.long[i] = (wide<<1 | m.wide>>63) &^ alnum
	if m.long[i] != 0 {
		m.some |= 1 << i
	}
	m.wide2, m.wide4, m.wide8, m.wide = wide2, wide4, wide8, wide
	m.alnum[i+1], m.runs[i+1] = alnum, runs
}

// special tells whether b holds a byte with which an encoded text may begin, and whether a name in the notation of DNS logs ends there.
func special(b []byte) (escapes, names uint64) {
	if bytes.IndexByte(b, '%') >= 0 || bytes.IndexByte(b, '\\') >= 0 || bytes.IndexByte(b, 0) >= 0 {
		escapes = 1
	}
	if bytes.Contains(b, []byte("(0)")) {
		names = 1
	}
	return escapes, names
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// word64 returns the letters and digits, and the full stops, of 64 bytes.
func word64(b []byte) (alnum, dots uint64) {
	_ = b[63]
	for i := range 8 {
		x := binary.LittleEndian.Uint64(b[8*i:])
		alnum |= alnum8(x) << (8 * i)
		z := x ^ '.'*ones
		z = ^((z&^highs + 0x7f*ones) | z) & highs
		dots |= gather(z) << (8 * i)
	}
	return alnum, dots
}

// alnum8 returns one bit for each of 8 bytes that is a letter or a digit.
func alnum8(x uint64) uint64 {
	low := x &^ highs
	digits := (low + (0x80-'0')*ones) &^ (low + (0x80-'9'-1)*ones)
	low |= caseless
	letters := (low + (0x80-'a')*ones) &^ (low + (0x80-'z'-1)*ones)
	return gather((digits | letters) &^ x & highs)
}

// gather moves the high bits of 8 bytes into one byte.
func gather(x uint64) uint64 { return x >> 7 * 0x0102040810204080 >> 56 }
