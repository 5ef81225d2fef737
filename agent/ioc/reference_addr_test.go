package ioc

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
)

// Addresses of version 6 in the reference matcher.

var run6 = regexp.MustCompile(`[0-9A-Za-z:.]+`)

// ref6 reports whether a line holds an address of version 6 that fits.
func ref6(line string, fits func(netip.Addr) bool) bool {
	for _, run := range run6.FindAllString(line, -1) {
		if a, ok := refAddr6(run); ok && len(run) <= maxRun6 && fits(a) {
			return true
		}
	}
	return false
}

var wordBefore = regexp.MustCompile(`^(?:[0-9A-Za-z.]{5,}|[0-9A-Za-z.]*[G-Zg-z.][0-9A-Za-z.]*):`) // no group of an address

// refAddr6 returns the address in a run: words may stand before it; a full stop, a colon or a port after it.
func refAddr6(run string) (netip.Addr, bool) {
	for wordBefore.MatchString(run) {
		run = wordBefore.ReplaceAllString(run, "")
	}
	for len(run) > 2 && (strings.HasSuffix(run, ".") || strings.HasSuffix(run, ":") && !strings.HasSuffix(run, "::")) {
		run = run[:len(run)-1]
	}
	spellings := []string{run, strings.TrimPrefix(run, ":")}
	for _, mark := range []string{".", ":"} {
		if i := strings.LastIndex(run, mark); i >= 0 {
			spellings = append(spellings, run[:i])
		}
	}
	for _, s := range spellings {
		if a, err := netip.ParseAddr(s); err == nil && a.Is6() {
			return a, !a.Is4In6()
		}
	}
	return netip.Addr{}, false
}

// spell6 writes an address in one of the spellings that RFC 4291 allows.
func spell6(addr netip.Addr, r *rand.Rand) string {
	b := addr.As16()
	groups := make([]uint16, 8)
	for i := range groups {
		groups[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	tail := ""
	if r.IntN(4) == 0 {
		tail = fmt.Sprintf("%d.%d.%d.%d", b[12], b[13], b[14], b[15])
		groups = groups[:6]
	}
	from, to := zeroGroups(groups, r)
	var parts []string
	for i, g := range groups {
		switch {
		case i == from:
			parts = append(parts, "")
		case i > from && i < to:
		default:
			parts = append(parts, fmt.Sprintf("%0*x", 1+r.IntN(4), g))
		}
	}
	if tail != "" {
		parts = append(parts, tail)
	}
	s := strings.Join(parts, ":")
	if from == 0 {
		s = ":" + s
	}
	if to == len(groups) && tail == "" && from >= 0 {
		s += ":"
	}
	return mixCase(s, r)
}

// zeroGroups chooses some groups of zeros in a row that are left out; from is -1 if there are none.
func zeroGroups(groups []uint16, r *rand.Rand) (from, to int) {
	from = r.IntN(len(groups))
	for to = from; to < len(groups) && groups[to] == 0 && (to == from || r.IntN(4) > 0); {
		to++
	}
	if to == from {
		return -1, -1
	}
	return from, to
}

func mixCase(s string, r *rand.Rand) string {
	b := []byte(s)
	for i, c := range b {
		if isAlnum(c) && c > '9' && r.IntN(2) == 0 {
			b[i] ^= 0x20
		}
	}
	return string(b)
}
