package ioc

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// errPrivate is the error of an address that every network uses inside.
var errPrivate = errors.New("is private: it is in use in nearly every network (allow it with --private)")

// The fewest bytes that a word must have to tell one line from another.
const minWord = 3

// Lines that any host writes. A regular expression that matches most of them would match nearly everything.
var ordinary = []string{
	"Nov  3 10:11:12 web-01 sshd[1234]: Accepted publickey for deploy from 198.51.100.7 port 50022 ssh2",
	`203.0.113.9 - - [03/Nov/2026:10:11:12 +0000] "GET /index.html HTTP/1.1" 200 5316 "-" "curl/8.5.0"`,
	`{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":"198.51.100.7"}`,
	"2 123456789010 eni-0a1b2c3d 10.0.1.5 198.51.100.7 443 49152 6 10 840 1762164672 1762164732 ACCEPT OK",
	"type=SYSCALL msg=audit(1762164672.123:4567): arch=c000003e syscall=59 success=yes exit=0 comm=\"ls\" exe=\"/usr/bin/ls\"",
	"4624 Microsoft-Windows-Security-Auditing An account was successfully logged on. WORKSTATION01 C:\\Windows\\System32\\svchost.exe",
}

// tooBroad returns an error if the indicator would match nearly everything. It wraps errPrivate where only private
// addresses are the matter.
func tooBroad(ind Indicator) error {
	switch ind.Type {
	case IPv4, IPv6:
		return broadAddr(ind.Value)
	case CIDR:
		return broadNet(ind.Value)
	case Domain, Hostname:
		return broadHost(ind.Value)
	case Regex:
		return broadRegex(ind.Value)
	case URL, Email, MD5, SHA1, SHA256, SHA512:
		return nil
	}
	if n := len(strings.Trim(ind.Value, "/ .*")); n < minWord {
		return fmt.Errorf("%q would match nearly everything: use at least %d characters that mean something", ind.Raw, minWord)
	}
	if ind.Type == Filename && strings.ContainsAny(ind.Value, "*?") {
		return fmt.Errorf("%q has wildcards: write it as an expression after regex:, or leave them out", ind.Raw)
	}
	return nil
}

func broadAddr(s string) error {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return err
	}
	return broadIP(a)
}

func broadIP(a netip.Addr) error {
	switch {
	case a.IsUnspecified(), a.IsLoopback(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%s belongs to no host: it would match on every machine", a)
	case a.IsPrivate():
		return fmt.Errorf("%s %w", a, errPrivate)
	}
	return nil
}

func broadNet(s string) error {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return err
	}
	if shortest := map[bool]int{true: 8, false: 16}[p.Addr().Is4()]; p.Bits() < shortest {
		return fmt.Errorf("%s would match nearly everything: use networks of /%d or smaller", s, shortest)
	}
	return broadAddrOf(p)
}

func broadAddrOf(p netip.Prefix) error {
	if a := p.Addr(); a.IsUnspecified() || !a.IsLoopback() && !a.IsMulticast() && !a.IsPrivate() {
		return nil
	}
	return broadAddr(p.Addr().String())
}

func broadHost(s string) error {
	if !strings.Contains(s, ".") {
		return fmt.Errorf("%q is a top-level domain or a mere word: use string: if it is meant", s)
	}
	if suffix, icann := publicsuffix.PublicSuffix(s); icann && suffix == s {
		return fmt.Errorf("%q is a public suffix, and would match every domain below it", s)
	}
	return nil
}

func broadRegex(s string) error {
	re, err := regexp.Compile(s)
	if err != nil {
		return err
	}
	if re.MatchString("") {
		return fmt.Errorf("%q matches the empty line, and so every line", s)
	}
	if tree, err := syntax.Parse(s, syntax.Perl); err == nil && shortest(tree) < minWord {
		return fmt.Errorf("%q matches words of less than %d characters, and so nearly everything", s, minWord)
	}
	n := 0
	for _, line := range ordinary {
		if re.MatchString(line) {
			n++
		}
	}
	if 2*n > len(ordinary) {
		return fmt.Errorf("%q matches %d of %d ordinary log lines: make it narrower", s, n, len(ordinary))
	}
	return nil
}

// shortest returns how many characters a match has at least.
func shortest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min * shortest(re.Sub[0])
	case syntax.OpConcat:
		n := 0
		for _, sub := range re.Sub {
			n += shortest(sub)
		}
		return n
	case syntax.OpAlternate:
		n := shortest(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			n = min(n, shortest(sub))
		}
		return n
	}
	return 0
}
