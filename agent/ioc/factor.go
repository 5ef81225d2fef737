package ioc

import (
	"encoding/binary"
	"math/bits"
)

// slack is how many bytes must be readable after the last byte of what is searched. They end every token.
const slack = 128

// Factors find forms by a few of their bytes, looked up at every position. The cost is that of one multiplication and one
// probe of a bitmap per byte, as long as the forms differ.
type factors struct {
	forms  []formRef
	tables []gramTable
	few    *teddy // in place of the tables, where there are few forms; or nil
}

// A formRef is a form of the indicator with the number id.
type formRef struct {
	form
	id int32
}

// A gramTable holds the forms that are looked up by n bytes.
type gramTable struct {
	mask   uint64 // of the bytes that count
	shift  uint8
	at     []uint16 // of each form: where the bytes stand in it
	bitmap []uint64
	heads  []int32 // form+1 by hash
	next   []int32 // form+1 with the same hash
}

const (
	caseless = 0x2020202020202020
	golden   = 0x9E3779B97F4A7C15
)

func newFactors(forms []formRef) *factors {
	f := &factors{forms: forms}
	if len(forms) > 0 && len(forms) <= maxTeddy && canTeddy() {
		f.few = newTeddy(forms)
		return f
	}
	for _, n := range []int{3, 4, 8} {
		t := gramTable{mask: 1<<(8*n) - 1}
		if n == 8 {
			t.mask = ^uint64(0)
		}
		var mine []int
		for i := range forms {
			if gramLen(len(forms[i].text)) == n {
				mine = append(mine, i)
			}
		}
		if len(mine) > 0 {
			t.build(forms, mine, n)
			f.tables = append(f.tables, t)
		}
	}
	return f
}

func gramLen(n int) int {
	switch {
	case n >= 8:
		return 8
	case n >= 4:
		return 4
	}
	return 3
}

func (t *gramTable) build(forms []formRef, mine []int, n int) {
	size := max(10, bits.Len(uint(len(mine)))+1)
	t.shift = uint8(64 - size)
	t.heads = make([]int32, 1<<size)
	t.next = make([]int32, len(forms))
	t.at = make([]uint16, len(forms))
	t.bitmap = make([]uint64, 1<<(size+4)/64)
	for _, i := range mine {
		text := forms[i].text
		at := len(text) - n
		var word [8]byte
		copy(word[:], text[at:])
		h := t.hash(binary.LittleEndian.Uint64(word[:]))
		t.at[i] = uint16(at)
		slot := h >> t.shift
		t.next[i] = t.heads[slot]
		t.heads[slot] = int32(i) + 1
		bit := h >> (t.shift - 4)
		t.bitmap[bit/64] |= 1 << (bit % 64)
	}
}

func (t *gramTable) hash(word uint64) uint64 {
	return ((word | caseless) & t.mask) * golden
}

// find adds every form that begins where hits wants it and fits. Slack bytes must be readable after buf.
func (f *factors) find(buf []byte, end int, hits *hitList) {
	if f.few != nil {
		f.few.find(buf, hits.from, end, hits)
		return
	}
	for i := range f.tables {
		for at := hits.from; at < end; at++ {
			f.tables[i].probe(f.forms, buf, at, hits)
		}
	}
}

// probe looks up what stands at buf[i:].
func (t *gramTable) probe(forms []formRef, buf []byte, i int, hits *hitList) {
	h := t.hash(binary.LittleEndian.Uint64(buf[i : i+8 : cap(buf)]))
	if bit := h >> (t.shift - 4); t.bitmap[bit/64]>>(bit%64)&1 == 0 {
		return
	}
	for k := t.heads[h>>t.shift]; k != 0; k = t.next[k-1] {
		ref := &forms[k-1]
		if at := i - int(t.at[k-1]); ref.matches(buf, at) {
			hits.add(ref.id, at, len(ref.text))
		}
	}
}

// matches reports whether the form stands at buf[at:] as its rule wants.
func (f *form) matches(buf []byte, at int) bool {
	end := at + len(f.text)
	if at < 0 || end > len(buf) {
		return false
	}
	for i, c := range buf[at:end] {
		if fold(c) != f.text[i] {
			return false
		}
	}
	return f.rule.fits(buf, at, end)
}
