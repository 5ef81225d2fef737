package ioc

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
)

// Addrs find the addresses that have more than one spelling, and those of networks.
type addrs struct {
	v4     map[netip.Addr]int32 // only where they are looked for with dashes
	dashed bool
	v6     map[netip.Addr]int32
	nets4  netTable
	nets6  netTable
}

// A netTable answers which networks hold an address. Networks nest or are apart, so the ones that hold an address are
// found by walking up from the closest that begins before it.
type netTable struct {
	nets []netOf
}

type netOf struct {
	netip.Prefix
	id int32
	up int32 // the smallest network around this one, or -1
}

func (a *addrs) add(id int32, ind *Indicator) {
	switch ind.Type {
	case IPv4:
		if addr, err := netip.ParseAddr(ind.Value); err == nil && a.dashed {
			a.v4[addr] = id
		}
	case IPv6:
		if addr, err := netip.ParseAddr(ind.Value); err == nil {
			if a.v6 == nil {
				a.v6 = map[netip.Addr]int32{}
			}
			a.v6[addr] = id
		}
	case CIDR:
		if p, err := netip.ParsePrefix(ind.Value); err == nil {
			t := &a.nets6
			if p.Addr().Is4() {
				t = &a.nets4
			}
			t.nets = append(t.nets, netOf{p, id, -1})
		}
	}
}

func (t *netTable) seal() {
	slices.SortFunc(t.nets, func(a, b netOf) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	for i := range t.nets {
		up := int32(i) - 1
		for up >= 0 && !t.nets[up].Contains(t.nets[i].Addr()) {
			up = t.nets[up].up
		}
		t.nets[i].up = up
	}
}

// holding calls found for every network that holds the address.
func (t *netTable) holding(addr netip.Addr, found func(id int32)) {
	i, _ := slices.BinarySearchFunc(t.nets, addr, func(n netOf, a netip.Addr) int {
		if n.Addr().Compare(a) <= 0 {
			return -1
		}
		return 1
	})
	for k := int32(i) - 1; k >= 0; k = t.nets[k].up {
		if t.nets[k].Contains(addr) {
			found(t.nets[k].id)
		}
	}
}

// parse4 reads four groups of digits without leading zeros, and returns how long they are; 0 if there are none.
func parse4(b []byte) (netip.Addr, int) {
	var ip [4]byte
	i := 0
	for g := range 4 {
		if g > 0 {
			if i >= len(b) || b[i] != '.' {
				return netip.Addr{}, 0
			}
			i++
		}
		v, start := 0, i
		for i < len(b) && i < start+3 && isDigit(b[i]) {
			v = v*10 + int(b[i]-'0')
			i++
		}
		if i == start || v > 255 || b[start] == '0' && i > start+1 {
			return netip.Addr{}, 0
		}
		ip[g] = byte(v)
	}
	return netip.AddrFrom4(ip), i
}

// maxRun6 bounds the run of letters, digits, colons and dots that an address of IPv6 may stand in.
const maxRun6 = 96

// find6 adds every listed address of version 6, and every address of a listed network, that begins in buf[from:end]. The first
// two colons of an address are at most five bytes apart.
func (a *addrs) find6(buf []byte, from, end int, hits *hitList) {
	for i := from; i < end; {
		colon := bytes.IndexByte(buf[i:end], ':')
		if colon < 0 {
			return
		}
		i += colon
		if bytes.IndexByte(buf[i+1:min(len(buf), i+6)], ':') < 0 {
			i++
			continue
		}
		start, stop := i, i+1
		for start > 0 && i-start <= maxRun6 && inRun6(buf[start-1]) {
			start--
		}
		for stop < len(buf) && inRun6(buf[stop]) {
			stop++
		}
		if stop-start <= maxRun6 && mayBe6(buf[start:stop]) {
			a.check6(buf, start, stop, hits)
		}
		i = stop
	}
}

// mayBe6 reports whether a run has the colons of an address: eight groups, or two colons side by side. Times of day have not.
func mayBe6(run []byte) bool {
	return bytes.Contains(run, []byte("::")) || bytes.Count(run, []byte(":")) >= 6
}

func inRun6(c byte) bool { return isAlnum(c) || c == ':' || c == '.' }

func (a *addrs) check6(buf []byte, start, end int, hits *hitList) {
	at, n, addr := parse6(buf[start:end])
	if n == 0 || addr.Is4In6() {
		return
	}
	if id, ok := a.v6[addr]; ok {
		hits.add(id, start+at, n)
	}
	a.nets6.holding(addr, func(id int32) { hits.add(id, start+at, n) })
}

// parse6 finds the address in a run of letters, digits, colons and dots: words before it (addr:), a port or a full stop after
// it do not belong to it.
func parse6(run []byte) (at, n int, addr netip.Addr) {
	for {
		colon := slices.Index(run[at:], ':')
		if colon < 0 {
			return 0, 0, addr
		}
		if colon <= 4 && allHex(run[at:at+colon]) {
			break
		}
		at += colon + 1
	}
	s := string(run[at:])
	for len(s) > 2 && (s[len(s)-1] == '.' || s[len(s)-1] == ':' && s[len(s)-2] != ':') {
		s = s[:len(s)-1]
	}
	for _, t := range []string{s, s[1:], dropAfter(s, '.'), dropAfter(s, ':')} {
		if a, err := netip.ParseAddr(t); err == nil && a.Is6() {
			if len(s) > 1 && t == s[1:] {
				at++
			}
			return at, len(t), a
		}
	}
	return 0, 0, addr
}

// dropAfter cuts s before the last c.
func dropAfter(s string, c byte) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == c {
			return s[:i]
		}
	}
	return s
}

func allHex(b []byte) bool {
	for _, c := range b {
		if hexDigits[c] == 0 {
			return false
		}
	}
	return true
}

// hexDigits holds the values of the digits of hexadecimal numbers, and 16 more; it is zero for all other bytes.
var hexDigits = func() (t [256]byte) {
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i) | 16
	}
	for i, c := range []byte("ABCDEF") {
		t[c] = byte(i+10) | 16
	}
	return t
}()
