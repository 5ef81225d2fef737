package ioc

import (
	"unicode"
	"unicode/utf8"
)

// A rule says what may stand beside a form of an indicator.
type rule struct{ left, right edge }

// An edge names what must not stand on one side. It looks at no more than one character and two bytes.
type edge uint8

const (
	anything edge = iota
	notAlnum      // digests
	notAddr       // addresses: no letter or digit, no further group of digits
	notHost       // names of hosts: no byte of a label, no further label
	notLabel      // domains: as notHost, but further labels may stand on the left
	notMail       // e-mail addresses
	notName       // names of files
	notWord       // URLs: the word must end; whatever follows may follow
)

// fits reports whether buf[start:end] stands as r wants it.
func (r rule) fits(buf []byte, start, end int) bool {
	return r.left.fitsLeft(buf[:start]) && r.right.fitsRight(buf[end:])
}

func (e edge) fitsLeft(before []byte) bool {
	if e == anything || len(before) == 0 {
		return true
	}
	c := before[len(before)-1]
	if c >= utf8.RuneSelf && e >= notHost {
		r, _ := utf8.DecodeLastRune(before)
		return !joinsWord(r)
	}
	switch e {
	case notAddr:
		return !isAlnum(c) && !(c == '.' && len(before) > 1 && isDigit(before[len(before)-2]))
	case notHost, notName:
		return !isLabel(c) && c != '.'
	case notLabel:
		return !isLabel(c)
	case notMail:
		return !isLabel(c) && c != '.' && c != '+' && c != '%'
	}
	return !isAlnum(c)
}

func (e edge) fitsRight(after []byte) bool {
	if e == anything || len(after) == 0 {
		return true
	}
	c := after[0]
	if c >= utf8.RuneSelf && e >= notHost {
		r, _ := utf8.DecodeRune(after)
		return !joinsWord(r)
	}
	next := byte(0)
	if len(after) > 1 {
		next = after[1]
	}
	switch e {
	case notAddr:
		return !isAlnum(c) && !(c == '.' && isDigit(next))
	case notHost, notLabel, notMail:
		return !isLabel(c) && c != '@' && !(c == '.' && isAlnum(next))
	case notName:
		return !isLabel(c) && !(c == '.' && isAlnum(next))
	case notWord:
		return !isLabel(c) && !(c == '%' && len(after) > 2 && isHex(after[1]) && isHex(after[2]) && isLabel(hexPair(after[1:])))
	}
	return !isAlnum(c)
}

// joinsWord reports whether a letter beyond ASCII makes one word with what stands beside it. The scripts that write without
// spaces, or that put particles at the end of a foreign word, do not.
func joinsWord(r rune) bool {
	return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Mn)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLabel(c byte) bool { return isAlnum(c) || c == '-' || c == '_' }
