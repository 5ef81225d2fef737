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
		if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI1 || !cpu.X86.HasBMI2 {
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
		want := newMasks(seed&1 == 0)
		want.start()
		kernels := kernelsOfMasks()
		got := make([]*masks, len(kernels))
		for i := range got {
			got[i] = newMasks(seed&1 == 0)
			got[i].start()
		}
		for at := 0; at < 3; at++ {
			words := chunkWords
			if at == 2 {
				words = 1 + r.IntN(chunkWords)
			}
			part := buf[at*64*chunkWords:]
			want.classifyPortable(part, words)
			for i, k := range kernels {
				m := got[i]
				k.classify(m.next(part, words), words, (*byte)(unsafe.Pointer(m)))
				if m.long != want.long || m.some != want.some || m.alnum != want.alnum || k.tokens && (m.ends != want.ends || m.runs != want.runs) {
					t.Fatalf("chunk %d differs in %s", at, k.name)
				}
				if want.special != 0 && m.special == 0 || want.names != 0 && m.names == 0 {
					t.Fatalf("chunk %d: special bytes are not seen by %s", at, k.name)
				}
			}
		}
	})
}

type kernelOfMasks struct {
	name     string
	classify func(text *byte, words int, m *byte)
	tokens   bool
}

// kernelsOfMasks are those that this processor can run.
func kernelsOfMasks() []kernelOfMasks {
	kernels := []kernelOfMasks{{"classifyAVX2", classifyAVX2, true}, {"classifyRunsAVX2", classifyRunsAVX2, false}}
	if cpu.X86.HasAVX512BW {
		kernels = append(kernels, kernelOfMasks{"classifyAVX512", classifyAVX512, true}, kernelOfMasks{"classifyRunsAVX512", classifyRunsAVX512, false})
	}
	return kernels
}
