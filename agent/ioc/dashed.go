package ioc

import (
	"bytes"
	"net/netip"
)

// An Option changes what a set looks for.
type Option func(*Set)

// Dashed makes a set look for addresses of version 4 in the names of hosts too, as clouds and providers write them:
// ip-198-51-100-7.eu-west-1.compute.internal, 198-51-100-7.static.example.net.
func Dashed(s *Set) { s.addrs.dashed, s.addrs.v4 = true, map[netip.Addr]int32{} }

// findDashed adds every listed address of version 4, and every address of a listed network, that is written with dashes and begins in buf[from:end].
func (a *addrs) findDashed(buf []byte, from, end int, hits *hitList) {
	for i := from; i < end; {
		dash := bytes.IndexByte(buf[i:min(len(buf), end+3)], '-')
		if dash < 0 {
			return
		}
		i += dash
		start := digitsBefore(buf, i, 3)
		addr, n := parseDashed(buf[start:])
		if n == 0 || !dashedAlone(buf, start, start+n) {
			i++
			continue
		}
		if id, ok := a.v4[addr]; ok {
			hits.add(id, start, n)
		}
		a.nets4.holding(addr, func(id int32) { hits.add(id, start, n) })
		i = start + n
	}
}

// parseDashed reads four groups of digits with dashes between them, and returns how long they are; 0 if there are none.
func parseDashed(b []byte) (netip.Addr, int) {
	var dotted [15]byte
	n := copy(dotted[:], b)
	for i, c := range dotted[:n] {
		switch c {
		case '-':
			dotted[i] = '.'
		case '.':
			dotted[i] = '-'
		}
	}
	return parse4(dotted[:n])
}

// digitsBefore returns where the digits begin that end before buf[end], no more than most of them.
func digitsBefore(buf []byte, end, most int) int {
	start := end
	for start > 0 && end-start < most && isDigit(buf[start-1]) {
		start--
	}
	return start
}

// dashedAlone reports whether buf[start:end] is no part of a longer word or number. A group before it must belong to a word: ec2-198-51-100-7.
func dashedAlone(buf []byte, start, end int) bool {
	if end < len(buf) && (isAlnum(buf[end]) || buf[end] == '-' && end+1 < len(buf) && isDigit(buf[end+1])) {
		return false
	}
	if start == 0 {
		return true
	}
	if buf[start-1] != '-' {
		return !isAlnum(buf[start-1])
	}
	word := digitsBefore(buf, start-1, 4)
	return word == start-1 || word > 0 && isAlnum(buf[word-1]) && !isDigit(buf[word-1])
}
