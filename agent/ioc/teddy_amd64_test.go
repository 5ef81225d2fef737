//go:build amd64 && !purego

package ioc

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/cpu"
)

func TestTeddyAgainstPortable(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		var forms []formRef
		for range 1 + r.IntN(maxTeddy) {
			text := make([]byte, 3+r.IntN(8))
			for i := range text {
				text[i] = fold(byte(r.IntN(256)))
			}
			forms = append(forms, formRef{form: form{text: string(text)}})
		}
		text := make([]byte, 64*8+slack)
		for i := range text {
			text[i] = byte(r.IntN(256))
		}
		for range 20 {
			copy(text[r.IntN(500):], forms[r.IntN(len(forms))].text)
		}
		teddy := newTeddy(forms)
		var got, want [8]uint64
		teddyAVX2(&text[0], 8, &teddy.tables[0][0][0], &got[0])
		teddy.candidates(text, want[:])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if !cpu.X86.HasAVX512BW {
			continue
		}
		teddyAVX512(&text[0], 8, &teddy.tables[0][0][0], &got[0])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("with 64 bytes at a time: %s", diff)
		}
	}
}
