// Probe writes probe_amd64.s. Run it in the folder above with
//
//	go run ./probe -out ../probe_amd64.s
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The fields of probeState, in bytes.
const (
	atText  = 8 * iota // the next word of text
	atMasks            // its bits in the masks
	atFirst            // the first word of the chunk
	atLast             // the word behind the chunk
	atFilter
	atBlock
	atBlock6
	atBlock12
	atCuts
	atOut
	atStop
	atDomains
	atQuads
	atNets
)

// The places of the masks; see type masks.
const (
	words   = 64
	atAlnum = 0
	atRuns  = atAlnum + 8*(words+1)
	atEnds  = atRuns + 8*(words+1)
)

// The kinds of records; see type record.
const (
	kindOdd = iota + 1
	kindInside
	kindNetwork
)

// What hashToken and parents use.
const (
	caseless = 0x2020202020202020
	mix      = 0xD6E8FEB86659FD93
	golden   = 0x9E3779B97F4A7C15
	near     = (1<<60 - 1) &^ (1<<48 - 1)
	quad     = 15 // bytes of the longest address
)

type prober struct {
	state                     reg.Register
	text, masks, e, out, b, n reg.GPVirtual
	mixes, goldens            Mem
}

func (p *prober) field(at int) Mem { return Mem{Base: p.state, Disp: at} }

func (p *prober) of(at int) Mem { return Mem{Base: p.masks, Disp: at} }

// near returns the memory that many bytes after the end of the token.
func (p *prober) near(at int) Mem { return Mem{Base: p.text, Index: p.b, Scale: 1, Disp: at} }

func constant(name string, v uint64) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	DATA(0, U64(v))
	return m
}

func main() {
	ConstraintExpr("!purego")
	p := &prober{mixes: constant("mix", mix), goldens: constant("golden", golden)}
	TEXT("probeBMI2", NOSPLIT, "func(s *byte)")
	Doc("probeBMI2 looks up the tokens of a chunk; s is a *probeState.")
	Pragma("noescape")
	p.text, p.masks, p.e, p.out, p.b, p.n = GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	p.state = Load(Param("s"), GP64())
	MOVQ(p.field(atText), p.text)
	MOVQ(p.field(atMasks), p.masks)
	MOVQ(p.field(atOut), p.out)

	Label("word")
	CMPQ(p.text, p.field(atLast))
	JEQ(LabelRef("done"))
	CMPQ(p.out, p.field(atStop))
	JHI(LabelRef("done"))
	MOVQ(p.of(atEnds), p.e)
	TESTQ(p.e, p.e)
	JZ(LabelRef("next"))
	Label("token")
	p.token()
	Label("more")
	BLSRQ(p.e, p.e)
	JNZ(LabelRef("token"))
	Label("next")
	ADDQ(Imm(64), p.text)
	ADDQ(Imm(8), p.masks)
	JMP(LabelRef("word"))

	Label("odd")
	p.emit(p.n, kindOdd)
	JMP(LabelRef("more"))

	Label("done")
	MOVQ(p.out, p.field(atOut))
	MOVQ(p.text, p.field(atText))
	RET()
	Generate()
}

// before returns the bits of the 64 bytes before bit b of the word, as the Go function does.
func (p *prober) before(at int) reg.GPVirtual {
	r, low, up := GP64(), GP64(), GP64()
	MOVQ(p.of(at+8), r)
	ADDQ(r, r)
	MOVL(U32(63), up.As32())
	SUBL(p.b.As32(), up.As32())
	SHLXQ(up, r, r)
	SHRXQ(p.b, p.of(at), low)
	ORQ(low, r)
	return r
}

func (p *prober) token() {
	TZCNTQ(p.e, p.b)
	run := p.before(atRuns)
	MOVQ(run, p.n)
	NOTQ(p.n)
	LZCNTQ(p.n, p.n)
	CMPQ(p.n, Imm(64))
	JEQ(LabelRef("odd"))
	dots, inside := p.before(atAlnum), GP64()
	ANDNQ(run, dots, dots)
	MOVQ(p.n, inside)
	NEGQ(inside)
	SHRXQ(inside, dots, dots)
	SHLXQ(inside, dots, dots)
	size := GP64()
	MOVL(U32(16), size.As32())
	CMPQ(p.n, size)
	CMOVQCS(p.n, size)
	p.probe(size, p.n)

	CMPQ(p.field(atQuads), Imm(0))
	JEQ(LabelRef("ending"))
	BLSRQ(dots, inside)
	BLSRQ(inside, inside)
	BLSRQ(inside, inside)
	TESTQ(inside, inside)
	JZ(LabelRef("ending"))
	p.emit(p.n, kindInside)

	Label("ending")
	CMPB(p.near(-1), Imm('9'))
	JHI(LabelRef("letter"))
	CMPQ(p.field(atNets), Imm(0))
	JEQ(LabelRef("more"))
	CMPQ(p.n, Imm(quad))
	JHI(LabelRef("more"))
	p.emit(p.n, kindNetwork)
	JMP(LabelRef("more"))

	Label("letter")
	CMPQ(p.field(atDomains), Imm(0))
	JEQ(LabelRef("more"))
	nearby := GP64()
	MOVQ(U64(near), nearby)
	ANDQ(nearby, dots)
	JZ(LabelRef("more"))
	Label("parent")
	parent, i := GP64(), GP64()
	TZCNTQ(dots, i)
	MOVL(U32(63), parent.As32())
	SUBL(i.As32(), parent.As32())
	p.probe(parent, parent)
	BLSRQ(dots, dots)
	JNZ(LabelRef("parent"))
	JMP(LabelRef("more"))
}

// emit writes a record.
func (p *prober) emit(n reg.GPVirtual, kind uint64) {
	p.record(n, kind)
	ADDQ(Imm(4), p.out)
}

func (p *prober) record(n reg.GPVirtual, kind uint64) {
	r, size := GP64(), GP64()
	LEAQ(p.near(0), r)
	SUBQ(p.field(atFirst), r)
	SHLQ(Imm(8), r)
	ORQ(n, r)
	SHLQ(Imm(8), r)
	if kind != 0 {
		MOVL(U32(kind), size.As32())
		ORQ(size, r)
	}
	MOVL(r.As32(), Mem{Base: p.out})
}

// probe looks up the last size bytes of the token, and keeps its record if they may be a form's.
func (p *prober) probe(size, n reg.GPVirtual) {
	lo, hi, cuts, h := GP64(), GP64(), GP64(), GP64()
	MOVQ(size, cuts)
	SHLQ(Imm(4), cuts)
	ADDQ(p.field(atCuts), cuts)
	MOVQ(U64(caseless), hi)
	MOVQ(p.near(-16), lo)
	ORQ(hi, lo)
	ORQ(p.near(-8), hi)
	ANDQ(Mem{Base: cuts}, lo)
	ANDQ(Mem{Base: cuts, Disp: 8}, hi)
	IMULQ(p.mixes, lo)
	RORXQ(Imm(64-29), lo, h)
	XORQ(hi, h)
	IMULQ(p.goldens, h)

	block, set, other := GP64(), GP64(), GP64()
	MOVQ(p.field(atBlock), set)
	SHRXQ(set, h, block)
	MOVQ(p.field(atFilter), set)
	MOVQ(Mem{Base: set, Index: block, Scale: 8}, block)
	MOVQ(p.field(atBlock6), set)
	SHRXQ(set, h, set)
	SHRXQ(set, block, set)
	MOVQ(p.field(atBlock12), other)
	SHRXQ(other, h, other)
	SHRXQ(other, block, other)
	ANDQ(other, set)
	ANDL(Imm(1), set.As32())
	p.record(n, 0)
	LEAQ(Mem{Base: p.out, Index: set, Scale: 4}, p.out)
}
