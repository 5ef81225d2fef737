//go:build amd64 && !purego

package ioc

import (
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

// probeBoth returns what the assembly and the portable code write down for a text.
func probeBoth(text []byte, seed uint64) (assembly, portable []record) {
	r := rand.New(rand.NewPCG(seed, 0))
	t := &tokens{block: 64 - 6, filter: make([]uint64, 1<<6), domains: seed&1 != 0}
	for i := range t.filter {
		t.filter[i] = r.Uint64() | r.Uint64()
	}
	s := &tokenSearch{tokens: t, masks: newMasks(seed&2 != 0), records: &records{}, quads: seed&4 != 0}
	if seed&8 != 0 {
		s.nets = &netTable{}
	}
	s.buf = append(make([]byte, 64, 64+len(text)+slack), text...)
	pad(s.buf)
	s.masks.start()
	words := min(chunkWords, len(text)/64+1)
	s.masks.classify(s.buf[64:len(s.buf)+slack], words)
	all := func(probe func(at, w, words int) int) (found []record) {
		for w := 0; w < words; {
			s.records.n = 0
			w = probe(64, w, words)
			found = append(found, s.records.list[:s.records.n]...)
		}
		return found
	}
	return all(s.probeWords), all(s.probePortable)
}

// The assembly does what the portable code does, for any text and filter.
func FuzzProbe(f *testing.F) {
	if !cpu.X86.HasBMI2 || !cpu.X86.HasBMI1 || !cpu.X86.HasAVX2 {
		f.Skip("the processor has no BMI2 or no AVX2")
	}
	f.Add([]byte("GET 198.51.100.7 www.a.b.evil.example/x.y 1.2.3.4.5.6.log"), uint64(0))
	f.Add(bytesOf("a.", 4096), uint64(15))
	f.Add(bytesOf("abc1.", 4096), uint64(7))
	f.Add(randomText(4000), uint64(11))
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		got, want := probeBoth(text[:min(len(text), 64*chunkWords-1)], seed)
		if !slices.Equal(got, want) {
			t.Errorf("the assembly finds %x, and the portable code %x", got, want)
		}
	})
}

func bytesOf(s string, n int) []byte {
	b := make([]byte, 0, n+len(s))
	for len(b) < n {
		b = append(b, s...)
	}
	return b[:n]
}

func randomText(n int) []byte {
	r, b := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range b {
		b[i] = "abcXYZ019....-- /"[r.IntN(17)]
	}
	return b
}
