// Inflate writes inflate_amd64.s. Run it in the folder above with
//
//	go run ./inflate -out ../inflate_amd64.s
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The fields of fastState, in bytes.
const (
	atIn      = 8 * iota
	atInStop  //
	atOut     //
	atOutStop //
	atWindow  //
	atBits    //
	atNbits   //
	atLit     //
	atDist    //
	atEnd     //
)

// What the entries of the tables hold; see type inflater.
const (
	litBits    = 12
	distBits   = 8
	literals   = 3 << 12
	subTable   = 1 << 15
	oneLiteral = 1 << 12
)

// Why the decoder stops.
const (
	endOfRoom = iota
	endOfBlock
	endBadCode
	endBadDistance
)

type decoder struct {
	state                           reg.Register
	in, out, bits, nbits, lit, dist reg.GPVirtual
	entry, tmp, count               reg.GPVirtual
}

func (d *decoder) field(at int) Mem { return Mem{Base: d.state, Disp: at} }

func main() {
	ConstraintExpr("!purego")
	TEXT("inflateBMI2", NOSPLIT, "func(s *byte)")
	Doc("inflateBMI2 decodes the codes of a block; s is a *fastState.")
	Pragma("noescape")
	d := &decoder{in: GP64(), out: GP64(), bits: GP64(), nbits: GP64(), lit: GP64(), dist: GP64(), entry: GP64(), tmp: GP64(), count: GP64()}
	d.state = Load(Param("s"), GP64())
	MOVQ(d.field(atIn), d.in)
	MOVQ(d.field(atOut), d.out)
	MOVQ(d.field(atBits), d.bits)
	MOVQ(d.field(atNbits), d.nbits)
	MOVQ(d.field(atLit), d.lit)
	MOVQ(d.field(atDist), d.dist)

	Label("refillAndNext")
	d.refill()
	d.lookup()
	Label("next")
	CMPQ(d.in, d.field(atInStop))
	JHI(LabelRef("room"))
	CMPQ(d.out, d.field(atOutStop))
	JHI(LabelRef("room"))
	d.literalRun()
	d.length()
	d.stops()
	VZEROUPPER()
	RET()
	pairs()
	Generate()
}

// pairs writes the function that does what pairPortable does, for eight entries at once.
func pairs() {
	TEXT("pairAVX2", NOSPLIT, "func(lit *uint32)")
	Doc("pairAVX2 pairs all entries but the first eight. What follows a literal stands below the eight that it is among.")
	Pragma("noescape")
	lit := Load(Param("lit"), GP64())
	consumed, kind, one, second, limit := every("consumed", 31), every("kind", literals|subTable), every("oneLiteral", oneLiteral), every("second", 0xff0000), every("limit", litBits+1)
	index := GLOBL("lastIndexes", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(1<<litBits-8+i))
	}
	step, at := every("eight", 8), GP64()
	i, e, n, next, m, all, mask := YMM(), YMM(), YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVDQU(index, i)
	MOVQ(U32(4*(1<<litBits-8)), at)
	Label("pair")
	VMOVDQU(Mem{Base: lit, Index: at, Scale: 1}, e)
	VPAND(consumed, e, n)
	VPSRLVD(n, i, m)
	VPCMPEQD(mask, mask, mask)
	VPGATHERDD(mask, Mem{Base: lit, Index: m, Scale: 4}, next)
	VPAND(consumed, next, m)
	VPADDD(m, n, n)
	VPCMPGTD(n, limit, all)
	VPAND(kind, e, n)
	VPCMPEQD(one, n, n)
	VPAND(n, all, all)
	VPAND(kind, next, n)
	VPCMPEQD(one, n, n)
	VPAND(n, all, all)
	VPAND(second, next, next)
	VPSLLD(Imm(8), next, next)
	VPADDD(one, next, next)
	VPADDD(m, next, next)
	VPAND(all, next, next)
	VPADDD(next, e, e)
	VMOVDQU(e, Mem{Base: lit, Index: at, Scale: 1})
	VPSUBD(step, i, i)
	SUBQ(Imm(32), at)
	JNE(LabelRef("pair"))
	VZEROUPPER()
	RET()
}

// every loads a register with eight times n.
func every(name string, n uint32) reg.VecVirtual {
	m, r := GLOBL(name, RODATA|NOPTR), YMM()
	for i := range 8 {
		DATA(4*i, U32(n))
	}
	VMOVDQU(m, r)
	return r
}

// refill takes as many bytes as there is room for.
func (d *decoder) refill() {
	MOVQ(Mem{Base: d.in}, d.tmp)
	SHLXQ(d.nbits, d.tmp, d.tmp)
	ORQ(d.tmp, d.bits)
	MOVL(U32(63), d.tmp.As32())
	SUBL(d.nbits.As32(), d.tmp.As32())
	SHRL(Imm(3), d.tmp.As32())
	ADDQ(d.tmp, d.in)
	ORL(Imm(56), d.nbits.As32())
}

// lookup loads the entry of the next literal or length.
func (d *decoder) lookup() {
	MOVL(d.bits.As32(), d.tmp.As32())
	ANDL(U32(1<<litBits-1), d.tmp.As32())
	MOVL(Mem{Base: d.lit, Index: d.tmp, Scale: 4}, d.entry.As32())
}

// consume drops the bits of the entry.
func (d *decoder) consume() {
	SHRXQ(d.entry, d.bits, d.bits)
	SUBB(d.entry.As8(), d.nbits.As8())
}

// literal writes the literals of the entry, and consumes it.
func (d *decoder) literal() {
	MOVL(d.entry.As32(), d.count.As32())
	SHRL(Imm(16), d.count.As32())
	MOVW(d.count.As16(), Mem{Base: d.out})
	MOVL(d.entry.As32(), d.count.As32())
	SHRL(Imm(12), d.count.As32())
	ANDL(Imm(3), d.count.As32())
	ADDQ(d.count, d.out)
	d.consume()
}

// literalRun writes up to three entries of literals, and falls through with the entry of a length.
func (d *decoder) literalRun() {
	TESTL(U32(literals), d.entry.As32())
	JZ(LabelRef("length"))
	d.literal()
	d.lookup()
	TESTL(U32(literals), d.entry.As32())
	JZ(LabelRef("refillAndLength"))
	d.literal()
	d.lookup()
	TESTL(U32(literals), d.entry.As32())
	JZ(LabelRef("refillAndLength"))
	d.literal()
	JMP(LabelRef("refillAndNext"))
	Label("refillAndLength")
	d.refill()
	Label("length")
}

// value returns the number of the entry with its extra bits, and consumes it.
func (d *decoder) value() reg.GPVirtual {
	v := GP64()
	BZHIQ(d.entry, d.bits, v)
	MOVL(d.entry.As32(), d.tmp.As32())
	SHRL(Imm(8), d.tmp.As32())
	SHRXQ(d.tmp, v, v)
	MOVL(d.entry.As32(), d.count.As32())
	SHRL(Imm(16), d.count.As32())
	ADDQ(d.count, v)
	d.consume()
	return v
}

// below loads the entry from the table that the entry leads to, whose index begins after width bits.
func (d *decoder) below(table reg.GPVirtual, width uint64) {
	MOVL(d.entry.As32(), d.count.As32())
	SHRL(Imm(8), d.count.As32())
	ANDL(Imm(15), d.count.As32())
	MOVQ(d.bits, d.tmp)
	SHRQ(Imm(width), d.tmp)
	BZHIQ(d.count, d.tmp, d.tmp)
	SHRL(Imm(16), d.entry.As32())
	ADDQ(d.entry, d.tmp)
	MOVL(Mem{Base: table, Index: d.tmp, Scale: 4}, d.entry.As32())
}

func (d *decoder) length() {
	TESTL(U32(subTable), d.entry.As32())
	JNZ(LabelRef("longCode"))
	Label("shortCode")
	length := d.value()
	MOVL(d.bits.As32(), d.tmp.As32())
	ANDL(U32(1<<distBits-1), d.tmp.As32())
	MOVL(Mem{Base: d.dist, Index: d.tmp, Scale: 4}, d.entry.As32())
	TESTL(U32(subTable), d.entry.As32())
	JNZ(LabelRef("longDistance"))
	Label("shortDistance")
	distance := d.value()
	src, end := GP64(), GP64()
	MOVQ(d.out, src)
	SUBQ(d.field(atWindow), src)
	CMPQ(distance, src)
	JHI(LabelRef("badDistance"))
	MOVQ(d.out, src)
	SUBQ(distance, src)
	LEAQ(Mem{Base: d.out, Index: length, Scale: 1}, end)
	d.refill()
	d.lookup()
	d.copies(src, end, distance)

	Label("longCode")
	CMPL(d.entry.As32(), U32(0xffff))
	JLS(LabelRef("noCode"))
	d.below(d.lit, litBits)
	TESTL(U32(literals), d.entry.As32())
	JNZ(LabelRef("longLiteral"))
	TESTL(U32(subTable), d.entry.As32())
	JZ(LabelRef("shortCode"))
	JMP(LabelRef("noCode"))
	Label("longLiteral")
	d.literal()
	JMP(LabelRef("refillAndNext"))

	Label("longDistance")
	CMPL(d.entry.As32(), U32(0xffff))
	JLS(LabelRef("badCode"))
	d.below(d.dist, distBits)
	TESTL(U32(subTable), d.entry.As32())
	JZ(LabelRef("shortDistance"))
	JMP(LabelRef("badCode"))
}

// copies copies a match up to end, and goes on.
func (d *decoder) copies(src, end, distance reg.GPVirtual) {
	y := YMM()
	CMPQ(distance, Imm(32))
	JCS(LabelRef("near"))
	Label("copy64") // most matches are shorter, and then no branch depends on their length
	for at := 0; at < 64; at += 32 {
		VMOVDQU(Mem{Base: src, Disp: at}, y)
		VMOVDQU(y, Mem{Base: d.out, Disp: at})
	}
	ADDQ(Imm(64), src)
	ADDQ(Imm(64), d.out)
	CMPQ(d.out, end)
	JCS(LabelRef("copy64"))
	Label("copied")
	MOVQ(end, d.out)
	JMP(LabelRef("next"))

	Label("near")
	CMPQ(distance, Imm(1))
	JEQ(LabelRef("repeat"))
	CMPQ(distance, Imm(8))
	JCS(LabelRef("copy1"))
	Label("copy8")
	MOVQ(Mem{Base: src}, d.tmp)
	MOVQ(d.tmp, Mem{Base: d.out})
	ADDQ(Imm(8), src)
	ADDQ(Imm(8), d.out)
	CMPQ(d.out, end)
	JCS(LabelRef("copy8"))
	JMP(LabelRef("copied"))
	Label("copy1")
	MOVB(Mem{Base: src}, d.tmp.As8())
	MOVB(d.tmp.As8(), Mem{Base: d.out})
	INCQ(src)
	INCQ(d.out)
	CMPQ(d.out, end)
	JCS(LabelRef("copy1"))
	JMP(LabelRef("next"))
	Label("repeat")
	VPBROADCASTB(Mem{Base: src}, y)
	Label("repeat32")
	VMOVDQU(y, Mem{Base: d.out})
	ADDQ(Imm(32), d.out)
	CMPQ(d.out, end)
	JCS(LabelRef("repeat32"))
	JMP(LabelRef("copied"))
}

// stops says why, and gives everything back.
func (d *decoder) stops() {
	Label("noCode") // the end of the block consumes bits, a code that does not exist none
	d.consume()
	TESTL(U32(0xff), d.entry.As32())
	JZ(LabelRef("badCode"))
	MOVQ(U32(endOfBlock), d.count)
	JMP(LabelRef("stop"))
	Label("badCode")
	MOVQ(U32(endBadCode), d.count)
	JMP(LabelRef("stop"))
	Label("badDistance")
	MOVQ(U32(endBadDistance), d.count)
	JMP(LabelRef("stop"))
	Label("room")
	MOVQ(U32(endOfRoom), d.count)
	Label("stop")
	MOVQ(d.count, d.field(atEnd))
	MOVQ(d.in, d.field(atIn))
	MOVQ(d.out, d.field(atOut))
	MOVQ(d.bits, d.field(atBits))
	MOVQ(d.nbits, d.field(atNbits))
}
