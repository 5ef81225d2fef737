//go:build amd64 && !purego

package ioc

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"
)

func TestLayoutOfFastState(t *testing.T) {
	var s fastState
	if got := unsafe.Offsetof(s.end); got != 72 {
		t.Errorf("the assembly expects end at 72, it is at %d", got)
	}
}

// FuzzFast compares the assembly with the portable code: the tables, and what they decode of random bits.
func FuzzFast(f *testing.F) {
	for _, level := range []int{1, 6, 9, -2} {
		f.Add(uint64(level+3), deflated(f, []byte(logText(200)), level))
	}
	f.Fuzz(func(t *testing.T, seed uint64, header []byte) {
		if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI2 {
			t.Skip("this processor has no AVX2 or no BMI2")
		}
		r := rand.New(rand.NewPCG(seed, 4))
		data := append(bytes.Clone(header), make([]byte, 4096)...)
		for i := range data[len(header):] {
			data[len(header)+i] = byte(r.IntN(256))
		}
		a, b := newInflater(bytes.NewReader(data)), newInflater(bytes.NewReader(data))
		a.fill()
		b.fill()
		if a.header() != nil || b.header() != nil || a.state != inCodes {
			return
		}
		if a.lit != b.lit || a.dist != b.dist {
			t.Fatal("the same header makes two tables")
		}
		bufA, bufB := make([]byte, 70000), make([]byte, 70000)
		for i := range 300 {
			bufA[i], bufB[i] = byte(i), byte(i)
		}
		atA, errA := a.fast(bufA, 0, 300)
		atB, errB := b.fastPortable(bufB, 0, 300)
		if atA != atB || !errors.Is(errA, errB) || !bytes.Equal(bufA[:atA], bufB[:atB]) {
			t.Fatalf("%d bytes, %v; portable %d bytes, %v", atA, errA, atB, errB)
		}
		if a.ip-int(a.nbits/8) != b.ip-int(b.nbits/8) && (errA == nil || errors.Is(errA, io.EOF)) {
			t.Fatalf("at %d and %d bits, portable at %d and %d", a.ip, a.nbits, b.ip, b.nbits)
		}
	})
}

func TestPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var a, b inflater
		for i := range 1 << litBits {
			n := uint32(1 + r.IntN(litBits))
			a.lit[i] = []uint32{n | oneLiteral | uint32(r.IntN(256))<<16, n | n<<8 | 7<<16, n | subTable}[r.IntN(3)]
		}
		b.lit = a.lit
		a.pairLiterals()
		b.pairPortable(1 << litBits)
		if a.lit != b.lit {
			t.Fatal("the tables differ")
		}
	}
}
