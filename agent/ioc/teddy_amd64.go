//go:build amd64 && !purego

package ioc

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

// teddyAVX2 does what teddy.candidates does.
//
//go:noescape
func teddyAVX2(text *byte, words int, tables *byte, out *uint64)

// teddyAVX512 does the same as teddyAVX2.
//
//go:noescape
func teddyAVX512(text *byte, words int, tables *byte, out *uint64)

// canTeddy reports whether the processor has what it takes.
func canTeddy() bool { return cpu.X86.HasAVX2 }

// find adds the forms of which the bytes that count stand in buf[from:end].
func (t *teddy) find(buf []byte, from, end int, hits *hitList) {
	var out [chunkWords]uint64
	padded := buf[: len(buf)+slack : len(buf)+slack]
	for at := from; at < end; at += 64 * chunkWords {
		words := min(chunkWords, (end-at+63)/64)
		_ = padded[at+64*words+teddyBytes-1-1]
		if cpu.X86.HasAVX512BW {
			teddyAVX512(&padded[at], words, &t.tables[0][0][0], &out[0])
		} else {
			teddyAVX2(&padded[at], words, &t.tables[0][0][0], &out[0])
		}
		for w, found := range out[:words] {
			for ; found != 0; found &= found - 1 {
				if i := at + 64*w + bits.TrailingZeros64(found); i < end {
					t.look(padded, i, hits)
				}
			}
		}
	}
}
