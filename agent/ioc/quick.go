package ioc

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Most lines of long lists are a bare address, name, digest or URL. Each of these can be told by one look, which saves most of the time of
// reading a list; whatever is spelt in any other way is left to parseEntryAs. A fuzz target compares the two.

// quickEntry reads a line that is nothing but an address of version 4, a name in lower case, a digest or a URL, and that is not too broad.
// It reports false for every other line, and for those that parseEntryAs would read differently.
func quickEntry(line string) (Indicator, bool) {
	if strings.HasPrefix(line, "http") && strings.IndexByte(line, ':') > 0 {
		return quickURL(line)
	}
	ind := Indicator{Value: line, Raw: line}
	switch letters, dots := bareWord(line); {
	case dots < 0:
		return ind, false
	case dots == 0:
		ind.Type = digestType(line)
	case !letters && dots == 3:
		if a, err := netip.ParseAddr(line); err == nil && broadIP(a) == nil {
			ind.Type = IPv4
		}
	case letters && line[len(line)-1] > '9':
		ind.Type = quickName(line)
	}
	return ind, ind.Type != ""
}

// quickURL reads a URL that is spelt as browsers do, and holds nothing that lists put around or into one.
func quickURL(line string) (Indicator, bool) {
	ind := Indicator{Type: URL, Raw: line}
	scheme, rest, ok := strings.Cut(line, "://")
	if !ok || rest == "" || scheme != "http" && scheme != "https" || len(line) > maxValue {
		return ind, false
	}
	for i := range len(rest) {
		if rest[i] <= ' ' || rest[i] >= 0x7f || oddInURL[rest[i]] {
			return ind, false
		}
	}
	var err error
	ind.Value, err = parseURL(line)
	return ind, err == nil
}

// What may be part of a list's notation and not of the URL.
var oddInURL = [256]bool{'"': true, '\'': true, ',': true, '#': true, '[': true, '(': true, '{': true, '<': true, '\\': true, ']': true}

// bareWord counts the full stops of a line of digits, letters in lower case, dashes, underscores and full stops, and reports whether it has letters.
// It returns -1 if the line has anything else, or is none.
func bareWord(line string) (letters bool, dots int) {
	if len(line) < minWord || len(line) > 253 {
		return false, -1
	}
	for i := range len(line) {
		switch c := line[i]; {
		case 'a' <= c && c <= 'z':
			letters = true
		case isDigit(c), c == '-', c == '_':
		case c == '.':
			dots++
		default:
			return false, -1
		}
	}
	return letters, dots
}

// quickName tells names of hosts from those of files; "" if it is neither, or a public suffix.
func quickName(name string) Type {
	if !isHost(name) {
		return ""
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	switch {
	case underTLD(name, suffix, icann):
		if icann && len(suffix) == len(name) {
			return ""
		}
		return Domain
	case isFileSuffix(name[strings.LastIndexByte(name, '.')+1:]):
		return Filename
	}
	return ""
}

// isFileSuffix reports whether a label may tell the type of a file.
func isFileSuffix(label string) bool {
	return len(label) <= 5 && label[0] > '9' && isWord(label) && strings.IndexByte(label, '-') < 0
}
