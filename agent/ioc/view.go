package ioc

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"
)

// An encoding is a way in which a text can stand inside another.
type encoding uint8

const (
	percentEncoding encoding = iota + 1
	jsonEscapes
	base64Encoding
	hexEncoding
	wideLE
	wideBE
	dnsLabels
)

var encodingNames = [...]string{"", "percent", "json", "base64", "hex", "utf-16le", "utf-16be", "dns"}

// Encodings are up to four encodings inside each other, the outermost in the lowest bits.
type encodings uint16

func (e encoding) around(inner encodings) encodings { return inner<<4 | encodings(e) }

// names joins the names of a container and of the encodings inside it.
func (e encodings) names(container string) string {
	if e == 0 {
		return container
	}
	var names []string
	if container != "" {
		names = append(names, container)
	}
	for ; e != 0; e >>= 4 {
		names = append(names, encodingNames[e&15])
	}
	return strings.Join(names, "+")
}

// A view is the plain text of all encoded texts of one block, one after the other, a line each. It is searched like a block.
type view struct {
	active   bool
	depth    int
	buf      []byte // the block
	from     int
	limit    int
	text     []byte
	segments []segment
	overflow bool // some text was left out
	scratch  []byte
	until    [dnsLabels + 1]int // by encoding: how far the block has been decoded
	variants int                // how often the run that base64 ended with has been decoded
}

// A segment is an encoded text, buf[start:end], of which the plain text begins at text[at].
type segment struct {
	at, start, end int
	encoding       encoding
}

// maxView bounds the plain text that one block may add. A block decodes to less, unless it is made to be decoded in many ways.
const maxView = 8 * blockSize

// minPlain is how many bytes of text make it worth to look at what was decoded.
const minPlain = 6

func (v *view) start(buf []byte, from, limit int) {
	v.buf, v.from, v.limit = buf, from, limit
	v.text, v.segments = v.text[:0], v.segments[:0]
	v.until = [dnsLabels + 1]int{}
}

// add takes the plain text of buf[start:end]. What is no text in it becomes the end of a line.
func (v *view) add(e encoding, start, end int, plain []byte) {
	if end <= v.from || start >= v.limit {
		return
	}
	if len(v.text)+len(plain) > maxView {
		v.overflow = true
		return
	}
	v.segments = append(v.segments, segment{len(v.text), start, end, e})
	v.text = append(append(v.text, plain...), '\n')
}

func (v *view) segmentOf(at int) segment {
	i, ok := slices.BinarySearchFunc(v.segments, at, func(s segment, at int) int { return s.at - at })
	if !ok {
		i--
	}
	return v.segments[i]
}

// special looks for escapes and wide characters in a part of the block that has %, \ or NUL.
func (v *view) special(at, end int) {
	end = min(end, len(v.buf))
	v.escapes(percentEncoding, '%', at, end)
	v.escapes(jsonEscapes, '\\', at, end)
	v.wide(at, end)
}

// long looks at 16 or more letters and digits, buf[start:end].
func (v *view) long(start, end int) {
	if !onlyHex(v.buf[start:end]) {
		if end-start >= minBase64 || start > 0 && base64Bits[v.buf[start-1]] != 0xff || base64Bits[v.buf[:end+1][end]] != 0xff {
			v.base64(start, end)
		}
	} else if hexMayStart(v.buf[start:end]) {
		v.hex(start, end)
	}
}

// onlyHex is allHex for at least 8 letters and digits.
func onlyHex(run []byte) bool {
	const beyondF = (0x7f - 'f') * ones
	odd := (binary.LittleEndian.Uint64(run[len(run)-8:]) | caseless) + beyondF
	for ; len(run) > 8; run = run[8:] {
		odd |= (binary.LittleEndian.Uint64(run) | caseless) + beyondF
	}
	return odd&highs == 0
}

// printable reports whether c can be part of a line of text in ASCII.
func printable(c byte) bool { return c >= ' ' && c < 0x7f || c == '\t' }

// addStrings adds the texts of at least minPlain bytes in what was decoded, in UTF-8 or in UTF-16. It overwrites plain.
func (v *view) addStrings(e encoding, start, end int, plain []byte) {
	for len(plain) > 0 {
		n, step := textAt(plain)
		if n >= minPlain {
			for i := 1; i < n && step == 2; i++ {
				plain[i] = plain[2*i]
			}
			v.add(e, start, end, plain[:n])
		}
		plain = plain[max(1, n*step):]
	}
}

// isWide reports whether p begins with a character in UTF-16.
func isWide(p []byte) bool { return len(p) > 1 && p[1] == 0 && printable(p[0]) }

// textAt returns how many bytes of text p begins with, and whether each of them is followed by a NUL (step is 2).
func textAt(p []byte) (n, step int) {
	if isWide(p) {
		for n = 1; 2*n+1 < len(p) && printable(p[2*n]) && p[2*n+1] == 0; {
			n++
		}
		return n, 2
	}
	for n < len(p) {
		switch {
		case printable(p[n]):
			n++
			continue
		case p[n] >= utf8.RuneSelf:
			if r, size := utf8.DecodeRune(p[n:]); r != utf8.RuneError && r > 0x9f {
				n += size
				continue
			}
		}
		return n, 1
	}
	return n, 1
}

// dnsNames undoes the notation of the Windows DNS server's log: (3)www(4)evil(3)com(0).
func (v *view) dnsNames(from, end int) {
	end = min(end+2, len(v.buf))
	for at := max(from, v.until[dnsLabels]); at < end; {
		i := bytes.Index(v.buf[at:end], []byte("(0)"))
		if i < 0 {
			return
		}
		stop := at + i
		v.dnsName(stop)
		at = stop + 3
		v.until[dnsLabels] = at
	}
}

// dnsName undoes the name whose root label stands at buf[stop].
func (v *view) dnsName(stop int) {
	start := stop
	for start > v.until[dnsLabels] && stop-start < 512 && (isLabel(v.buf[start-1]) || v.buf[start-1] == '(' || v.buf[start-1] == ')') {
		start--
	}
	i := bytes.IndexByte(v.buf[start:stop], '(')
	if i < 0 {
		return
	}
	start += i
	name := v.scratch[:0]
	for p := v.buf[start:stop]; len(p) > 0; {
		i := bytes.IndexByte(p, ')')
		if i < 0 || p[0] != '(' {
			break
		}
		n := 0
		for _, c := range p[1:i] {
			n = n*10 + int(c-'0')&15
		}
		if n > len(p)-i-1 {
			break
		}
		name = append(append(name, p[i+1:i+1+n]...), '.')
		p = p[i+1+n:]
	}
	if len(name) > 0 {
		v.add(dnsLabels, start, stop+3, name)
	}
	v.scratch = name
}
