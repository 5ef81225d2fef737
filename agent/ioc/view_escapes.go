package ioc

import (
	"bytes"
	"unicode/utf8"
)

// maxEscaped bounds the text on each side of an escape that is decoded with it.
const maxEscaped = 2048

// escapes decodes the words of buf[at:end] that hold an escape which begins with mark.
func (v *view) escapes(e encoding, mark byte, at, end int) {
	for at = max(at, v.until[e]); at < end; {
		i := bytes.IndexByte(v.buf[at:end], mark)
		if i < 0 {
			return
		}
		at += i
		_, n := v.escape(e, at)
		if n == 0 {
			at++
			continue
		}
		at = v.escaped(e, at, at+n)
		v.until[e] = at
	}
}

// escape returns the character that an escape stands for and the escape's length; 0 if buf[at:] is none.
func (v *view) escape(e encoding, at int) (rune, int) {
	if e == percentEncoding {
		if at+2 < len(v.buf) && isHex(v.buf[at+1]) && isHex(v.buf[at+2]) {
			return rune(hexValue(v.buf[at+1])<<4 | hexValue(v.buf[at+2])), 3
		}
		return 0, 0
	}
	if at+1 >= len(v.buf) {
		return 0, 0
	}
	switch c := v.buf[at+1]; c {
	case '/', '\\', '"', '\'':
		return rune(c), 2
	case 'n', 'r', 't', 'b', 'f':
		return ' ', 2
	case 'x':
		if at+3 < len(v.buf) && isHex(v.buf[at+2]) && isHex(v.buf[at+3]) {
			return rune(hexValue(v.buf[at+2])<<4 | hexValue(v.buf[at+3])), 4
		}
	case 'u':
		if at+5 < len(v.buf) && allHex(v.buf[at+2:at+6]) {
			r := rune(0)
			for _, c := range v.buf[at+2 : at+6] {
				r = r<<4 | rune(hexValue(c))
			}
			return r, 6
		}
	}
	return 0, 0
}

// escaped decodes the word around the escape buf[at:after], and returns where it ends.
func (v *view) escaped(e encoding, at, after int) int {
	start := at
	for start > 0 && at-start < maxEscaped && inWord(v.buf[start-1]) {
		start--
	}
	plain := v.scratch[:0]
	i := start
	for i < len(v.buf) && i-at < maxEscaped {
		c := v.buf[i]
		if c == '%' && e == percentEncoding || c == '\\' && e == jsonEscapes {
			if r, n := v.escape(e, i); n > 0 {
				plain = appendDecoded(plain, e, r, n)
				i += n
				continue
			}
		}
		if !inWord(c) {
			break
		}
		plain = append(plain, c)
		i++
	}
	v.scratch = plain
	v.add(e, start, i, plain)
	return max(i, after)
}

// appendDecoded appends what an escape of n bytes stands for: a byte, or for \u a character. No line ends there.
func appendDecoded(dst []byte, e encoding, r rune, n int) []byte {
	switch {
	case r == '\n' || r == '\r':
		return append(dst, ' ')
	case e == jsonEscapes && n == 6:
		return utf8.AppendRune(dst, r)
	}
	return append(dst, byte(r))
}

// inWord reports whether c can be part of a URL or of a path.
func inWord(c byte) bool {
	return c > ' ' && c != '"' && c != '\'' && c != '<' && c != '>'
}
