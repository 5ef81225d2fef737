// Teddy writes teddy_amd64.s. Run it in the folder above with
//
//	go run ./teddy -out ../teddy_amd64.s
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type search struct {
	text, tables reg.Register
	low, zero    reg.VecVirtual
}

func main() {
	ConstraintExpr("!purego")
	nibbles := GLOBL("teddyNibbles", RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(0x0f))
	}
	TEXT("teddyAVX2", NOSPLIT, "func(text *byte, words int, tables *byte, out *uint64)")
	Doc("teddyAVX2 sets the bits of the bytes at which a form may stand. 35 bytes after the words must be readable.")
	Pragma("noescape")
	s := &search{low: YMM(), zero: YMM()}
	s.text = Load(Param("text"), GP64())
	words := Load(Param("words"), GP64())
	s.tables = Load(Param("tables"), GP64())
	out := Load(Param("out"), GP64())
	VMOVDQU(nibbles, s.low)
	VPXOR(s.zero, s.zero, s.zero)
	Label("next")
	mask, upper := s.half(0), s.half(32)
	SHLQ(Imm(32), upper)
	ORQ(upper, mask)
	NOTQ(mask)
	MOVQ(mask, Mem{Base: out})
	ADDQ(Imm(64), s.text)
	ADDQ(Imm(8), out)
	DECQ(words)
	JNE(LabelRef("next"))
	VZEROUPPER()
	RET()
	wide()
	Generate()
}

// wide writes what does the same with 64 bytes at a time.
func wide() {
	TEXT("teddyAVX512", NOSPLIT, "func(text *byte, words int, tables *byte, out *uint64)")
	Doc("teddyAVX512 does the same as teddyAVX2.")
	Pragma("noescape")
	text := Load(Param("text"), GP64())
	words := Load(Param("words"), GP64())
	tables := Load(Param("tables"), GP64())
	out := Load(Param("out"), GP64())
	nibble, low := GP32(), ZMM()
	MOVL(U32(0x0f0f0f0f), nibble)
	VPBROADCASTD(nibble, low)
	var halves [8]reg.VecVirtual
	for i := range halves {
		halves[i] = ZMM()
		VBROADCASTI32X4(Mem{Base: tables, Disp: 32 * i}, halves[i])
	}
	Label("next")
	var found [8]reg.VecVirtual
	for k := range 4 {
		lower, upper := ZMM(), ZMM()
		VMOVDQU64(Mem{Base: text, Disp: k}, lower)
		VPSRLW(Imm(4), lower, upper)
		VPANDD(low, lower, lower)
		VPANDD(low, upper, upper)
		VPSHUFB(lower, halves[2*k], lower)
		VPSHUFB(upper, halves[2*k+1], upper)
		found[2*k], found[2*k+1] = lower, upper
	}
	const allThree = 0x80 // the truth table of and
	VPTERNLOGD(U8(allThree), found[1], found[2], found[0])
	VPTERNLOGD(U8(allThree), found[4], found[5], found[3])
	VPTERNLOGD(U8(allThree), found[6], found[7], found[0])
	bits, mask := K(), GP64()
	VPTESTMB(found[0], found[3], bits)
	KMOVQ(bits, mask)
	MOVQ(mask, Mem{Base: out})
	ADDQ(Imm(64), text)
	ADDQ(Imm(8), out)
	DECQ(words)
	JNE(LabelRef("next"))
	VZEROUPPER()
	RET()
}

// half returns the bits of those of 32 bytes at which no form stands.
func (s *search) half(at int) reg.GPVirtual {
	all := s.byte(at, 0)
	for k := 1; k < 4; k++ {
		VPAND(s.byte(at, k), all, all)
	}
	VPCMPEQB(s.zero, all, all)
	mask := GP64()
	VPMOVMSKB(all, mask.As32())
	return mask
}

// byte returns the buckets that have a form with this byte as its byte k.
func (s *search) byte(at, k int) reg.VecVirtual {
	text, upper, low := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: s.text, Disp: at + k}, text)
	VPSRLW(Imm(4), text, upper)
	VPAND(s.low, text, text)
	VPAND(s.low, upper, upper)
	VMOVDQU(Mem{Base: s.tables, Disp: 64 * k}, low)
	VPSHUFB(text, low, low)
	VMOVDQU(Mem{Base: s.tables, Disp: 64*k + 32}, text)
	VPSHUFB(upper, text, text)
	VPAND(text, low, low)
	return low
}
