package ioc

// maxTeddy is how many forms the search by vectors is good for.
const maxTeddy = 48

// A teddy finds the places where one of a few forms may stand, by three bytes of each. The forms are dealt out to eight buckets; two
// tables for each of the three bytes say which buckets have a form with that lower, and with that upper, half of it there. It is
// the idea of the algorithm of that name in Hyperscan.
type teddy struct {
	tables [3][2][32]byte // every table twice, for both halves of a vector
}

func newTeddy(forms []formRef) *teddy {
	t := &teddy{}
	for i := range forms {
		text := forms[i].text
		gram := text[len(text)-gramLen(len(text)):]
		for k := range 3 {
			t.add(k, gram[k], 1<<(i%8))
			if c := gram[k]; 'a' <= c && c <= 'z' {
				t.add(k, c&^0x20, 1<<(i%8))
			}
		}
	}
	return t
}

func (t *teddy) add(k int, c, bucket byte) {
	for _, half := range []byte{0, 16} {
		t.tables[k][0][c&15+half] |= bucket
		t.tables[k][1][c>>4+half] |= bucket
	}
}

// candidates sets the bits of the bytes at which a form may stand.
func (t *teddy) candidates(text []byte, out []uint64) {
	for w := range out {
		out[w] = 0
		for b := range 64 {
			hit := byte(0xff)
			for k := range 3 {
				c := text[64*w+b+k]
				hit &= t.tables[k][0][c&15] & t.tables[k][1][c>>4]
			}
			if hit != 0 {
				out[w] |= 1 << b
			}
		}
	}
}
