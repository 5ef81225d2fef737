//go:build amd64 && !purego

package ioc

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"
)

func TestLayoutOfMasks(t *testing.T) {
	var m masks
	if got, want := unsafe.Offsetof(m.special), uintptr(8*(4*chunkWords+2)+9*8); got != want {
		t.Errorf("the assembly expects special at %d, it is at %d", want, got)
	}
}

// FuzzClassify compares the vectors with the portable code.
func FuzzClassify(f *testing.F) {
	f.Add(uint64(1), []byte("GET /a.b.c/d..e.f HTTP/1.1 198.51.100.7 www.example.com."))
	f.Add(uint64(2), []byte("%41\\x00\x00....aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaa.@[`{/:"))
	f.Fuzz(func(t *testing.T, seed uint64, text []byte) {
		if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI1 {
			t.Skip("this processor has no AVX2")
		}
		r := rand.New(rand.NewPCG(seed, 3))
		buf := make([]byte, 64*chunkWords*3+128)
		for i := range buf {
			switch r.IntN(4) {
			case 0:
				buf[i] = byte(r.IntN(256))
			case 1:
				buf[i] = "a0.Z-.()"[r.IntN(8)]
			default:
				buf[i] = buf[max(0, i-1)]
			}
		}
		for range 1 + len(text)/64 {
			copy(buf[r.IntN(len(buf)):], text)
		}
		a, b, c := newMasks(seed&1 == 0), newMasks(seed&1 == 0), newMasks(seed&1 == 0)
		a.start()
		b.start()
		c.start()
		for at := 0; at < 3; at++ {
			words := chunkWords
			if at == 2 {
				words = 1 + r.IntN(chunkWords)
			}
			a.classifyPortable(buf[at*64*chunkWords:], words)
			b.classify(buf[at*64*chunkWords:], words)
			if a.ends != b.ends || a.long != b.long || a.alnum != b.alnum || a.runs != b.runs {
				t.Fatalf("chunk %d differs", at)
			}
			c.classifyRuns(buf[at*64*chunkWords:], words)
			if b.long != c.long || b.alnum != c.alnum || (b.special != 0) != (c.special != 0) || (b.names != 0) != (c.names != 0) {
				t.Fatalf("chunk %d differs without tokens", at)
			}
			if a.special != 0 && b.special == 0 || a.names != 0 && b.names == 0 {
				t.Fatalf("chunk %d: special bytes are not seen", at)
			}
		}
	})
}
