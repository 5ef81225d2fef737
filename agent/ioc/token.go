package ioc

import (
	"encoding/binary"
	"math/bits"
)

// Tokens find the forms that hold a token of which both ends are certain: addresses, names of hosts and files, URLs, digests. Every
// token of a text is looked up once, by its last 16 bytes, in a filter that fits into the cache; what passes is compared.
// So the cost hardly depends on the number of forms.
type tokens struct {
	forms   []tokenForm
	hashes  []uint64 // of the forms, until the tables are made
	filter  []uint64 // blocks of 64 bits of which every form sets two
	block   uint8    // shift that makes a hash the index of a block
	heads   []int32  // form+1 by hash
	next    []int32  // form+1 with the same hash
	slot    uint8    // shift that makes a hash the index of a head
	short   bool     // some tokens have less than 7 bytes
	domains bool     // a token matches what ends with it
	address bool     // an address may stand in a token among words: 198.51.100.7.log
	digests bool
}

// A tokenForm is a form that is looked up by its token, which ends at end.
type tokenForm struct {
	text string
	rule rule
	end  uint16
	id   int32
}

const (
	minToken  = 4 // bytes of the shortest token
	longToken = 7 // bytes of the shortest token where no form needs less
)

// anchor returns the token by which a form is looked up.
func anchor(t Type, f form) (start, end int, ok bool) {
	if t == IPv4 || f.rule == (rule{notAlnum, notAlnum}) {
		return 0, len(f.text), true
	}
	end = len(f.text)
	if t == URL {
		for end = 3; end < len(f.text) && f.text[end] != '/' && f.text[end] != ':'; end++ {
		}
	}
	for start = end; start > 0 && inToken(f.text, start-1); start-- {
	}
	switch token := f.text[start:end]; {
	case end-start < minToken || !hasDot(token) || !isASCII(f.text):
		return 0, 0, false
	case start == 0 && f.rule.left == anything, end == len(f.text) && (f.rule.right == anything || f.rule.right == notWord):
		return 0, 0, false
	case f.rule.left == notLabel && start == 0 && isDigit(f.text[end-1]):
		return 0, 0, false // only tokens that end with a letter are looked up by their parents
	}
	return start, end, true
}

// inToken reports whether text[i] belongs to a token.
func inToken(text string, i int) bool {
	if text[i] != '.' {
		return isAlnum(text[i])
	}
	return i > 0 && i+1 < len(text) && isAlnum(text[i-1]) && isAlnum(text[i+1])
}

func hasDot(s string) bool {
	for i := range len(s) {
		if s[i] == '.' {
			return true
		}
	}
	return false
}

// add takes a form if it has a token.
func (t *tokens) add(typ Type, f form, id int32) bool {
	start, end, ok := anchor(typ, f)
	if !ok {
		return false
	}
	t.forms = append(t.forms, tokenForm{f.text, f.rule, uint16(end), id})
	t.hashes = append(t.hashes, hashToken(tokenKey(f.text[start:end])))
	t.short = t.short || end-start < longToken
	t.domains = t.domains || f.rule.left == notLabel
	t.address = t.address || typ == IPv4
	t.digests = t.digests || f.rule.left == notAlnum
	return true
}

// grow makes room for n forms.
func (t *tokens) grow(n int) {
	t.forms, t.hashes = make([]tokenForm, 0, n), make([]uint64, 0, n)
}

// join adds all forms of u.
func (t *tokens) join(u *tokens) {
	t.forms, t.hashes = append(t.forms, u.forms...), append(t.hashes, u.hashes...)
	t.short, t.domains = t.short || u.short, t.domains || u.domains
	t.address, t.digests = t.address || u.address, t.digests || u.digests
}

// leave gives up all forms, and returns them to be found in another way.
func (t *tokens) leave() []formRef {
	refs := make([]formRef, 0, len(t.forms))
	for _, f := range t.forms {
		refs = append(refs, formRef{form{f.text, f.rule}, f.id})
	}
	t.forms, t.hashes, t.address, t.digests = nil, nil, false, false
	return refs
}

// seal makes the tables.
func (t *tokens) seal() {
	size := max(8, bits.Len(uint(len(t.forms)))+1)
	t.slot = uint8(64 - size)
	t.heads = make([]int32, 1<<size)
	t.next = make([]int32, len(t.forms))
	blocks := max(6, bits.Len(uint(len(t.forms)*24/64)))
	t.block = uint8(64 - blocks)
	t.filter = make([]uint64, 1<<blocks)
	for i, h := range t.hashes {
		t.next[i] = t.heads[h>>t.slot]
		t.heads[h>>t.slot] = int32(i) + 1
		t.filter[h>>t.block] |= t.bitsOf(h)
	}
	t.hashes = nil
}

// tokenKey returns the last 16 bytes of a token, without regard to case.
func tokenKey(token string) (lo, hi uint64) {
	var b [16]byte
	copy(b[max(0, 16-len(token)):], token[max(0, len(token)-16):])
	lo, hi = binary.LittleEndian.Uint64(b[:])|caseless, binary.LittleEndian.Uint64(b[8:])|caseless
	return cut(lo, hi, len(token))
}

// The bits of the last 16 bytes that belong to a token of each length.
var cutMasks = func() (masks [32][2]uint64) {
	for n := 1; n <= 16; n++ {
		masks[n] = [2]uint64{^uint64(0) << (8 * min(8, 16-n)), ^uint64(0) << (8 * max(0, 8-n))}
	}
	return masks
}()

// cut clears what does not belong to a token of n bytes.
func cut(lo, hi uint64, n int) (uint64, uint64) {
	keep := &cutMasks[min(n, 16)&31]
	return lo & keep[0], hi & keep[1]
}

func hashToken(lo, hi uint64) uint64 {
	return (hi ^ bits.RotateLeft64(lo*0xD6E8FEB86659FD93, 29)) * golden
}

func (t *tokens) bitsOf(h uint64) uint64 {
	return 1<<(h>>((t.block-6)&63)&63) | 1<<(h>>((t.block-12)&63)&63)
}

// A tokenSearch is the search of one block.
type tokenSearch struct {
	*tokens
	nets    *netTable
	view    *view
	quads   bool // addresses are looked for inside of tokens: 198.51.100.7.log
	buf     []byte
	hits    *hitList
	masks   *masks
	records *records
}

// find looks at all tokens that end in buf[from:end], or right after it, and at what may be encoded there.
func (s *tokenSearch) find(from, end int) {
	m, some := s.masks, len(s.forms) > 0 || s.nets != nil
	if !some && !s.view.active {
		return
	}
	m.start()
	padded := s.buf[: len(s.buf)+slack : len(s.buf)+slack]
	for at := max(0, from-64); at <= end; at += 64 * chunkWords {
		words := min(chunkWords, (end-at)/64+1)
		if some {
			m.classify(padded[at:], words)
			s.probeAll(at, words)
		} else {
			m.classifyRuns(padded[at:], words)
		}
		if m.special != 0 && s.view.active {
			s.view.special(at, at+64*words)
		}
		if m.names != 0 && s.view.active && s.domains {
			s.view.dnsNames(at, at+64*words)
		}
		for rest := m.some; rest != 0; rest &= rest - 1 {
			w := bits.TrailingZeros64(rest)
			for e := m.long[w]; e != 0; e &= e - 1 {
				b := uint(bits.TrailingZeros64(e))
				s.long(at+64*w+int(b), bits.LeadingZeros64(^before(&m.alnum, w, b)))
			}
		}
	}
}

// before returns the bits of the 64 bytes before bit b of word w, the last one on top.
func before(words *[chunkWords + 1]uint64, w int, b uint) uint64 {
	return words[w+1]<<(64-b) | words[w]>>b
}

// oddToken looks at a token at the start of the text, or at a long one.
func (s *tokenSearch) oddToken(end int) {
	if end > len(s.buf) {
		return
	}
	n := tokenLength(s.buf, end)
	lo, hi := s.key(end)
	s.probe(end, n, lo, hi)
	if isDigit(s.buf[end-1]) {
		if s.nets != nil && n <= quadSize {
			s.network(end-n, end)
		}
	} else if s.domains {
		for i := minToken; i < min(n-1, 16); i++ {
			if s.buf[end-i-1] == '.' {
				s.probe(end, i, lo, hi)
			}
		}
	}
	if s.quads {
		s.inside(end-n, end)
	}
}

// key loads the 16 bytes before buf[end].
func (s *tokenSearch) key(end int) (lo, hi uint64) {
	var b [16]byte
	copy(b[16-min(16, end):], s.buf[max(0, end-16):end])
	return binary.LittleEndian.Uint64(b[:]) | caseless, binary.LittleEndian.Uint64(b[8:]) | caseless
}

// probe looks up the last n bytes before buf[end].
func (s *tokenSearch) probe(end, n int, lo, hi uint64) {
	if lo, hi = cut(lo, hi, n); s.passes(lo, hi) {
		s.compare(end, hashToken(lo, hi))
	}
}

func (s *tokenSearch) compare(end int, h uint64) {
	for k := s.heads[h>>s.slot]; k != 0; k = s.next[k-1] {
		f := &s.forms[k-1]
		at := end - int(f.end)
		if (&form{f.text, f.rule}).matches(s.buf, at) {
			s.hits.add(f.id, at, len(f.text))
		}
	}
}

// inside looks for addresses of version 4 among the words of a token.
func (s *tokenSearch) inside(start, end int) {
	for i := start; i < end; i++ {
		if !isDigit(s.buf[i]) || i > start && s.buf[i-1] != '.' {
			continue
		}
		_, n := parse4(s.buf[i:end])
		if n == 0 || n == end-start || !(rule{notAddr, notAddr}).fits(s.buf, i, i+n) {
			continue
		}
		if s.address {
			lo, hi := s.key(i + n)
			s.probe(i+n, n, lo, hi)
		}
		if s.nets != nil {
			s.network(i, i+n)
		}
	}
}

// network looks for the networks that the address buf[start:end] is in, if it is one.
func (s *tokenSearch) network(start, end int) {
	addr, n := parse4(s.buf[start:end])
	if n == 0 || n != end-start || !(rule{notAddr, notAddr}).fits(s.buf, start, end) {
		return
	}
	s.nets.holding(addr, func(id int32) { s.hits.add(id, start, n) })
}

// long looks at n letters and digits that end before buf[end]; n may be too small above 63.
func (s *tokenSearch) long(end, n int) {
	if end > len(s.buf) {
		return
	}
	for n >= 63 && n < end && isAlnum(s.buf[end-n-1]) {
		n++
	}
	n = min(n, end)
	if s.digests && (n == 32 || n == 40 || n == 64 || n == 128) {
		lo, hi := s.key(end)
		s.probe(end, n, lo, hi)
	}
	if s.view.active {
		s.view.long(end-n, end)
	}
}

// tokenLength returns how long the token is that ends before buf[end], up to more than any form has.
func tokenLength(buf []byte, end int) int {
	n := 0
	for n < end && n <= maxValue {
		c := buf[end-n-1]
		if !isAlnum(c) && !(c == '.' && n > 0 && n+1 < end && isAlnum(buf[end-n]) && isAlnum(buf[end-n-2])) {
			break
		}
		n++
	}
	return n
}
