package ioc

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// minBase64 is the shortest run that is decoded as base64. All text in ASCII and UTF-16 yields 16 letters and digits in a row in
// that many characters, nearly always: + and / stand for few of its characters.
const minBase64 = 24

// maxRun bounds the run that is decoded at once; a longer one is decoded in parts.
const maxRun = 64 << 10

// maxVariants bounds how often one run is decoded from different places on.
const maxVariants = 8

// Six bits by character of base64, in both alphabets; 0xff is no character of it.
var base64Bits = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// hex decodes a run of hexadecimal digits, as auditd writes arguments that have spaces.
func (v *view) hex(start, end int) {
	if (end-start)%2 == 1 {
		return
	}
	for ; start < end; start += 2 * maxRun {
		stop := min(end, start+2*maxRun)
		v.scratch = appendHex(v.scratch[:0], v.buf[start:min(stop, start+2*minPlain)])
		if len(v.scratch) == minPlain && startsText(v.scratch) {
			v.scratch = appendHex(v.scratch, v.buf[start+2*minPlain:stop])
		}
		if len(v.scratch) > minPlain {
			v.addArguments(start, stop, v.scratch)
		}
	}
}

// appendHex appends the bytes that an even number of hexadecimal digits stand for.
func appendHex(dst, digits []byte) []byte {
	for ; len(digits) >= 8; digits = digits[8:] {
		dst = binary.LittleEndian.AppendUint32(dst, hex8(digits))
	}
	for ; len(digits) >= 2; digits = digits[2:] {
		dst = append(dst, hexPair(digits))
	}
	return dst
}

func hexPair(b []byte) byte { return hexValue(b[0])<<4 | hexValue(b[1]) }

func hexValue(c byte) byte { return hexDigits[c] & 15 }

// hexMayStart reports false for 16 or more hexadecimal digits of which hex would find that they hold no text: nearly all names and digests. It
// decodes eight bytes at once, and looks at the first one that is no ASCII.
func hexMayStart(digits []byte) bool {
	word := uint64(hex8(digits)) | uint64(hex8(digits[8:]))<<32
	odd := (word-' '*ones)&^word | word // the high bit of control characters, perhaps of what follows one, and of bytes beyond ASCII
	odd &= highs & (1<<(8*minPlain) - 1)
	if odd == 0 {
		return true
	}
	at := bits.TrailingZeros64(odd) / 8
	c, next := byte(word>>(8*at)), byte(word>>(8*at+8))
	switch {
	case c == '\t' || c >= 0xc2 && c <= 0xf4 && next&0xc0 == 0x80:
		return true
	case c >= utf8.RuneSelf: // no text goes on here, one may begin behind it
		return at >= 2 && len(digits)/2-at-1 >= minPlain
	}
	return c == 0 && at > 0
}

// hex8 returns the bytes that 8 hexadecimal digits stand for, the first one lowest.
func hex8(digits []byte) uint32 {
	x := binary.LittleEndian.Uint64(digits)
	x = x&(15*ones) + 9*(x>>6&ones) // the values: letters begin at 10, and have 1 in their low half
	x = (x<<4 | x>>8) & 0x00ff00ff00ff00ff
	x |= x >> 8
	return uint32(x&0xffff | x>>16&0xffff0000)
}

// startsText reports whether p may be the start of a text or of arguments with NULs between them.
func startsText(p []byte) bool {
	if !printable(p[0]) && p[0] < utf8.RuneSelf {
		return false
	}
	n, _ := textAt(p)
	return n == len(p) || n >= 2 && (p[n] == 0 || p[n] >= utf8.RuneSelf)
}

// addArguments adds a text in which NULs stand for the spaces of a command line, or after every character.
func (v *view) addArguments(start, end int, plain []byte) {
	if !isWide(plain) {
		longest, row := 0, 0
		for i, c := range plain {
			if c == 0 || c == '\n' || c == '\r' {
				plain[i], c = ' ', ' '
			}
			if row++; !printable(c) && !mayBeRune(plain, i) {
				row = 0
			}
			longest = max(longest, row)
		}
		if longest < minPlain { // most digests end here
			return
		}
	}
	v.addStrings(hexEncoding, start, end, plain)
}

// mayBeRune reports whether p[i] looks like part of a character beyond ASCII.
func mayBeRune(p []byte, i int) bool {
	switch c := p[i]; {
	case c >= 0xc2 && c <= 0xf4:
		return i+1 < len(p) && p[i+1]&0xc0 == 0x80
	case c >= 0x80 && c < 0xc0:
		return i > 0 && p[i-1] >= 0x80
	}
	return false
}

// base64 decodes the run around buf[start:end] from its first character on, and from start on if that is another place: a path or a name
// may stand before it.
func (v *view) base64(start, end int) {
	left, right := start, end
	for left > 0 && start-left < 256 && base64Bits[v.buf[left-1]] != 0xff {
		left--
	}
	if end <= v.until[base64Encoding] {
		right = v.until[base64Encoding]
	}
	for right < len(v.buf) && base64Bits[v.buf[right]] != 0xff {
		right++
	}
	if right-left < minBase64 {
		return
	}
	if right > v.until[base64Encoding] {
		v.until[base64Encoding], v.variants = right, 0
		v.base64From(left, right)
	}
	if v.variants++; (start-left)%4 != 0 && v.variants <= maxVariants {
		v.base64From(start, right)
	}
	if left == 0 && v.from > 0 && v.variants == 1 { // the run has begun before the block
		for i := 1; i < 4; i++ {
			v.base64From(left+i, right)
		}
	}
}

// mayHoldText reports whether base64 in buf[start:end] holds minPlain characters of ASCII in a row. Most runs are
// names, numbers and digests, and are known as such from the first of every four characters.
func (v *view) mayHoldText(start, end int) bool {
	row := 0
	for src := v.buf[start:end]; len(src) >= 4; src = src[4:] {
		first := base64Bits[src[0]]
		if first < ' '>>2 || first >= 0x80>>2 {
			if first != 0 || row == 0 { // NUL may be half of a character
				row = 2
				continue
			}
		}
		x := uint32(first)<<18 | uint32(base64Bits[src[1]])<<12 | uint32(base64Bits[src[2]])<<6 | uint32(base64Bits[src[3]])
		for _, c := range [3]byte{byte(x >> 16), byte(x >> 8), byte(x)} {
			if row++; !printable(c) && (c != 0 || row == 1) {
				row = 0
			}
		}
		if row >= minPlain {
			return true
		}
	}
	return row >= minPlain-2
}

func (v *view) base64From(start, end int) {
	if !v.mayHoldText(start, end) {
		return
	}
	for ; start < end; start += maxRun {
		stop := min(end, start+maxRun+64)
		plain := v.scratch[:0]
		src := v.buf[start:stop]
		for ; len(src) >= 4; src = src[4:] {
			x := uint32(base64Bits[src[0]])<<18 | uint32(base64Bits[src[1]])<<12 | uint32(base64Bits[src[2]])<<6 | uint32(base64Bits[src[3]])
			plain = append(plain, byte(x>>16), byte(x>>8), byte(x))
		}
		if len(src) >= 2 {
			plain = append(plain, base64Bits[src[0]]<<2|base64Bits[src[1]]>>4)
			if len(src) == 3 {
				plain = append(plain, base64Bits[src[1]]<<4|base64Bits[src[2]]>>2)
			}
		}
		v.scratch = plain
		v.addStrings(base64Encoding, start, stop, plain)
	}
}
