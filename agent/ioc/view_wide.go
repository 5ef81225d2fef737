package ioc

import "bytes"

// minWide is how many characters of two bytes make a text in a binary file.
const minWide = 4

// wide adds the texts in UTF-16 of buf[at:end] whose characters are all in ASCII, wherever they begin.
func (v *view) wide(at, end int) {
	for at = max(at, v.until[wideLE]); at < end; {
		i := bytes.IndexByte(v.buf[at:end], 0)
		if i < 0 {
			return
		}
		at = v.wideTexts(at + i)
		v.until[wideLE] = at
	}
}

// wideTexts adds the text in either byte order that goes around the NUL buf[at], and returns where to look for the next. A text in
// one order is one in the other too, but for its first or last character: the order that reaches further is right.
func (v *view) wideTexts(at int) int {
	little, big := 0, v.wideEnd(at, 1)
	if at > 0 {
		little = v.wideEnd(at-1, 0)
	}
	switch {
	case little > big && little-at+1 >= 2*minWide:
		v.wideText(wideLE, at-1, little)
		return little
	case big > little && big-at >= 2*minWide:
		v.wideText(wideBE, at, big)
		return big
	}
	return v.lastNUL(at) + 1
}

// lastNUL returns the end of a run of NULs that begins with buf[at], but for the one that a character may follow.
func (v *view) lastNUL(at int) int {
	n := at + 1
	for n < len(v.buf) && v.buf[n] == 0 {
		n++
	}
	return max(at, n-2)
}

// wideEnd returns where the text ends that begins with buf[at], each character having its only byte at low.
func (v *view) wideEnd(at, low int) int {
	for at+1 < len(v.buf) && v.buf[at+1-low] == 0 && printable(v.buf[at+low]) {
		at += 2
	}
	return at
}

func (v *view) wideText(e encoding, start, end int) {
	low := int(e - wideLE)
	plain := v.scratch[:0]
	for i := start; i < end; i += 2 {
		plain = append(plain, v.buf[i+low])
	}
	v.scratch = plain
	v.add(e, start, end, plain)
}
