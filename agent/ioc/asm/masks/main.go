// Masks writes masks_amd64.s. Run it in the folder above with
//
//	go run ./masks -out ../masks_amd64.s
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The classes of bytes, one bit each.
const (
	digit     = 1 << iota
	letterLow // @ A-O ` a-o
	letterUp  // P-Z p-z
	dot
	percent
	backslash
	nul
	paren
	alnum = digit | letterLow | letterUp
)

// The places of what the masks keep between two words, in bytes; see type masks.
const (
	words   = 64
	atAlnum = 0
	atRuns  = atAlnum + 8*(words+1)
	atEnds  = atRuns + 8*(words+1)
	atLong  = atEnds + 8*words
	atPrev2 = atLong + 8*words
	atPrev4 = atPrev2 + 8
	atPrev7 = atPrev4 + 8
	atWide2 = atPrev7 + 8
	atWide4 = atWide2 + 8
	atWide8 = atWide4 + 8
	atWide  = atWide8 + 8
	atCarry = atWide + 8
	atShort = atCarry + 8
	atSpec  = atShort + 8
	atNames = atSpec + 8
	atSome  = atNames + 8
)

func table(name string, class func(nibble int) byte) Mem {
	t := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(class(i%16)))
	}
	return t
}

// lowClass and highClass return the classes that a byte with this half may be in.
func lowClass(n int) (c byte) {
	if n <= 9 {
		c |= digit
	}
	if n >= 1 {
		c |= letterLow
	}
	if n <= 10 {
		c |= letterUp
	}
	return c | map[int]byte{0: nul, 5: percent, 8: paren, 9: paren, 12: backslash, 14: dot}[n]
}

func highClass(n int) byte {
	return map[int]byte{0: nul, 2: dot | percent | paren, 3: digit, 4: letterLow, 5: letterUp | backslash, 6: letterLow, 7: letterUp}[n]
}

func fill(name string, b byte) Mem { return table(name, func(int) byte { return b }) }

func main() {
	ConstraintExpr("!purego")
	t := tables{table("lowClasses", lowClass), table("highClasses", highClass), fill("nibbles", 0x0f), fill("alnums", alnum), fill("dots", dot), fill("parens", paren), fill("specials", percent|backslash|nul)}
	t.function("classifyAVX2", kernel{tokens: true}, "fills the masks for words words of text. The 64 bytes after them must be readable.")
	t.function("classifyRunsAVX2", kernel{}, "does the same without the masks of tokens: alnum and long, special and names.")
	t.function("classifyAVX512", kernel{tokens: true, wide: true}, "does what classifyAVX2 does.")
	t.function("classifyRunsAVX512", kernel{wide: true}, "does what classifyRunsAVX2 does.")
	Generate()
}

type tables struct{ low, high, nibble, alnum, dot, paren, special Mem }

// A kernel is the code of one function.
type kernel struct {
	tokens bool // and not runs alone
	wide   bool // with vectors of 64 bytes

	low, high, nibble, alnum, zero, special reg.VecVirtual
	dot, paren                              reg.VecVirtual // where vectors are wide
	text                                    reg.Register
	masks, index, names, some               reg.GPVirtual
}

func (t tables) function(name string, k kernel, doc string) {
	TEXT(name, NOSPLIT, "func(text *byte, words int, m *byte)")
	Doc(name + " " + doc)
	Pragma("noescape")
	k.low, k.high, k.nibble, k.alnum = k.load(t.low), k.load(t.high), k.load(t.nibble), k.load(t.alnum)
	k.special = k.vector()
	if k.wide {
		k.dot, k.paren = k.load(t.dot), k.load(t.paren)
		VPXORD(k.special, k.special, k.special)
	} else {
		k.zero = YMM()
		VPXOR(k.zero, k.zero, k.zero)
		VPXOR(k.special, k.special, k.special)
	}
	k.text = Load(Param("text"), GP64())
	count := Load(Param("words"), GP64())
	k.masks = Load(Param("m"), GP64()).(reg.GPVirtual)
	k.index, k.names, k.some = GP64(), GP64(), GP64()
	XORQ(k.index, k.index)
	XORQ(k.names, k.names)
	XORQ(k.some, k.some)

	this := k.word(0)
	Label("next")
	next := k.word(64)
	k.logic(this, next)
	MOVQ(next.alnum, this.alnum)
	if k.tokens {
		MOVQ(next.dots, this.dots)
	}
	MOVQ(next.parens, this.parens)
	ADDQ(Imm(64), k.text)
	INCQ(k.index)
	CMPQ(k.index, count)
	JNE(LabelRef("next"))

	MOVQ(k.anySpecial(t.special), k.state(atSpec))
	MOVQ(k.names, k.state(atNames))
	NEGQ(count) // the bits of the words are on top
	SHRXQ(count, k.some, k.some)
	MOVQ(k.some, k.state(atSome))
	VZEROUPPER()
	RET()
}

func (k *kernel) vector() reg.VecVirtual {
	if k.wide {
		return ZMM()
	}
	return YMM()
}

func (k *kernel) load(m Mem) reg.VecVirtual {
	r := k.vector()
	if k.wide {
		VBROADCASTI32X4(m, r)
	} else {
		VMOVDQU(m, r)
	}
	return r
}

// The classes of 64 bytes, one bit for each byte.
type classes struct{ alnum, dots, parens reg.GPVirtual }

func (k *kernel) word(at int) classes {
	if k.wide {
		return k.all(at)
	}
	c, upper := k.half(at), k.half(at+32)
	pairs := [][2]reg.GPVirtual{{upper.alnum, c.alnum}, {upper.parens, c.parens}}
	if k.tokens {
		pairs = append(pairs, [2]reg.GPVirtual{upper.dots, c.dots})
	}
	for _, p := range pairs {
		SHLQ(Imm(32), p[0])
		ORQ(p[0], p[1])
	}
	return c
}

// all tells the classes of 64 bytes in one vector.
func (k *kernel) all(at int) classes {
	class, upper := ZMM(), ZMM()
	VMOVDQU64(Mem{Base: k.text, Disp: at}, upper)
	VPSHUFB(upper, k.low, class)
	VPSRLW(Imm(4), upper, upper)
	VPANDD(k.nibble, upper, upper)
	VPSHUFB(upper, k.high, upper)
	VPANDD(upper, class, class)
	VPORD(class, k.special, k.special)
	c := classes{alnum: bitsOf(class, k.alnum), parens: bitsOf(class, k.paren)}
	if k.tokens {
		c.dots = bitsOf(class, k.dot)
	}
	return c
}

// bitsOf returns the bits of the bytes that have one of some classes.
func bitsOf(class, some reg.VecVirtual) reg.GPVirtual {
	has, bits := K(), GP64()
	VPTESTMB(class, some, has)
	KMOVQ(has, bits)
	return bits
}

func (k *kernel) half(at int) classes {
	text, class, upper := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: k.text, Disp: at}, text)
	VPSHUFB(text, k.low, class)
	VPSRLW(Imm(4), text, upper)
	VPAND(k.nibble, upper, upper)
	VPSHUFB(upper, k.high, upper)
	VPAND(upper, class, class)
	VPOR(class, k.special, k.special)
	c := classes{GP64(), GP64(), GP64()}
	VPMOVMSKB(class, c.parens.As32())
	VPAND(k.alnum, class, text)
	VPCMPGTB(k.zero, text, text)
	VPMOVMSKB(text, c.alnum.As32())
	if k.tokens {
		VPSLLW(Imm(4), class, class)
		VPMOVMSKB(class, c.dots.As32())
	}
	return c
}

// anySpecial returns zero if no byte has been in one of the special classes.
func (k *kernel) anySpecial(special Mem) reg.GPVirtual {
	some := k.load(special)
	if k.wide {
		return bitsOf(k.special, some)
	}
	VPAND(some, k.special, some)
	VPCMPGTB(k.zero, some, some) // none of the classes has the highest bit
	bits := GP64()
	VPMOVMSKB(some, bits.As32())
	return bits
}

func (k *kernel) state(at int) Mem { return Mem{Base: k.masks, Disp: at} }

func (k *kernel) of(at int) Mem { return Mem{Base: k.masks, Index: k.index, Scale: 8, Disp: at} }

// shifted returns x moved up by n bits, with those of the word before from memory below them.
func shifted(x reg.GPVirtual, before Mem, n uint64) reg.GPVirtual {
	r, prev := GP64(), GP64()
	MOVQ(x, r)
	MOVQ(before, prev)
	SHLQ(Imm(n), prev, r)
	return r
}

// longer keeps those bits of x that have another one n bits below them, and keeps x for the next word.
func (k *kernel) longer(x reg.GPVirtual, before Mem, n uint64) reg.GPVirtual {
	r := shifted(x, before, n)
	ANDQ(x, r)
	return r
}

// logic does what masks.word does.
func (k *kernel) logic(this, next classes) {
	alnum, after, closing := this.alnum, GP64(), GP64()
	MOVQ(alnum, after)
	SHRQ(Imm(1), next.alnum, after)
	MOVQ(this.parens, closing)
	SHRQ(Imm(2), next.parens, closing)
	ANDQ(this.parens, closing)
	ANDQ(after, closing)
	ORQ(closing, k.names)
	if k.tokens {
		k.ends(this, after)
	}
	wide2 := k.longer(alnum, k.of(atAlnum), 1)
	MOVQ(alnum, k.of(atAlnum+8))
	wide4 := k.longer(wide2, k.state(atWide2), 2)
	MOVQ(wide2, k.state(atWide2))
	wide8 := k.longer(wide4, k.state(atWide4), 4)
	MOVQ(wide4, k.state(atWide4))
	wide := k.longer(wide8, k.state(atWide8), 8)
	MOVQ(wide8, k.state(atWide8))
	long := shifted(wide, k.state(atWide), 1)
	MOVQ(wide, k.state(atWide))
	ANDNQ(long, alnum, long)
	MOVQ(long, k.of(atLong))
	NEGQ(long) // the carry tells whether there is any
	RCRQ(Imm(1), k.some)
}

// ends finds the tokens; after are the letters and digits, one bit down.
func (k *kernel) ends(this classes, after reg.GPVirtual) {
	runs := shifted(this.alnum, k.of(atAlnum), 1)
	ANDQ(after, runs)
	ANDQ(this.dots, runs) // the full stops inside
	ends, carry := GP64(), GP64()
	MOVQ(runs, ends)
	ORQ(this.alnum, runs)
	MOVQ(k.state(atCarry), carry)
	ADDQ(carry, carry)
	ADCQ(runs, ends)
	SBBQ(carry, carry)
	MOVQ(carry, k.state(atCarry))
	ANDNQ(ends, runs, ends)

	run2 := k.longer(runs, k.of(atRuns), 1)
	MOVQ(runs, k.of(atRuns+8))
	run4 := k.longer(run2, k.state(atPrev2), 2)
	MOVQ(run2, k.state(atPrev2))
	run7 := shifted(run4, k.state(atPrev4), 3)
	ORQ(k.state(atShort), run7)
	ANDQ(run4, run7)
	MOVQ(run4, k.state(atPrev4))
	ANDQ(shifted(run7, k.state(atPrev7), 1), ends)
	MOVQ(run7, k.state(atPrev7))
	MOVQ(ends, k.of(atEnds))
}
