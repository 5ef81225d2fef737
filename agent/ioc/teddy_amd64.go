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

// find calls look for every place in buf[from:end] where a form may stand. It reports false if the processor lacks what it takes.
func (t *teddy) find(buf []byte, from, end int, look func(at int)) bool {
	if !cpu.X86.HasAVX2 {
		return false
	}
	var out [chunkWords]uint64
	padded := buf[: len(buf)+slack : len(buf)+slack]
	for at := from; at < end; at += 64 * chunkWords {
		words := min(chunkWords, (end-at+63)/64)
		_ = padded[at+64*words+2-1]
		teddyAVX2(&padded[at], words, &t.tables[0][0][0], &out[0])
		for w, hits := range out[:words] {
			for ; hits != 0; hits &= hits - 1 {
				if i := at + 64*w + bits.TrailingZeros64(hits); i < end {
					look(i)
				}
			}
		}
	}
	return true
}
