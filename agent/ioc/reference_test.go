package ioc

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// The reference matcher: one regular expression for each indicator, tried on each line.

// The edges as regular expressions.
var (
	letters  = `\p{Latin}\p{Greek}\p{Cyrillic}\p{Mn}`
	refLeft  = map[edge]string{anything: ``, notAlnum: `(?:^|[^0-9A-Za-z])`, notAddr: `(?:^|^\.|[^0-9]\.|[^0-9A-Za-z.])`, notHost: `(?:^|[^-0-9A-Za-z_.` + letters + `])`, notLabel: `(?:^|[^-0-9A-Za-z_` + letters + `])`, notMail: `(?:^|[^-0-9A-Za-z_.+%` + letters + `])`, notName: `(?:^|[^-0-9A-Za-z_.` + letters + `])`}
	refRight = map[edge]string{anything: ``, notAlnum: `(?:$|[^0-9A-Za-z])`, notAddr: `(?:$|\.$|\.[^0-9]|[^0-9A-Za-z.])`, notHost: `(?:$|\.$|\.[^0-9A-Za-z]|[^-0-9A-Za-z_.@` + letters + `])`, notName: `(?:$|\.$|\.[^0-9A-Za-z]|[^-0-9A-Za-z_.` + letters + `])`, notWord: `(?:$|[^-0-9A-Za-z_%` + letters + `]|%(?:$|[^2-7]|2(?:$|[^dD])|3(?:$|[^0-9])|[46](?:$|[^1-9a-fA-F])|5(?:$|[^0-9aAfF])|7(?:$|[^0-9aA])))`}
)

func refExpr(ind Indicator) string {
	v := ind.Value
	switch ind.Type {
	case IPv4:
		return refLeft[notAddr] + anyCase(v) + refRight[notAddr]
	case Domain:
		return refLeft[notLabel] + anyCase(v) + refRight[notHost]
	case Hostname:
		return refLeft[notHost] + anyCase(v) + refRight[notHost]
	case Email:
		return refLeft[notMail] + anyCase(v) + refRight[notHost]
	case URL:
		if strings.HasPrefix(v, "://") {
			return anyCase(v) + refRight[notHost]
		}
		return refLeft[notHost] + anyCase(v) + refRight[map[bool]edge{true: notWord, false: anything}[isLabel(v[len(v)-1])]]
	case MD5, SHA1, SHA256, SHA512:
		return refLeft[notAlnum] + anyCase(v) + refRight[notAlnum]
	case Filename:
		return refLeft[notName] + anyCase(v) + refRight[notName]
	case Path:
		l := refLeft[notName]
		if v[0] == '/' {
			l = ""
		}
		return l + `(?:` + anyCase(v) + `|` + anyCase(strings.ReplaceAll(v, "/", `\`)) + `|` + anyCase(strings.ReplaceAll(v, "/", `\\`)) + `)` + refRight[notName]
	case Regex:
		return v
	}
	return anyCase(v)
}

func anyCase(s string) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, c := range []byte(s) {
		if l := strings.ToLower(string(c)); isAlnum(c) && c > '9' {
			fmt.Fprintf(&b, "[%s%s]", l, strings.ToUpper(l))
		} else {
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String() + ")"
}

// reference returns "line value" for each indicator that is on a line.
func reference(inds []Indicator, text string) []string {
	var hits []string
	exprs := make([]*regexp.Regexp, len(inds))
	for i, ind := range inds {
		exprs[i] = regexp.MustCompile(refExpr(ind))
	}
	for n, line := range strings.Split(text, "\n") {
		for i, ind := range inds {
			if refMatch(ind, exprs[i], line) {
				hits = append(hits, fmt.Sprint(n+1, " ", ind.Type, " ", ind.Value))
			}
		}
	}
	sort.Strings(hits)
	return hits
}

func refMatch(ind Indicator, expr *regexp.Regexp, line string) bool {
	switch ind.Type {
	case IPv6:
		return ref6(line, func(a netip.Addr) bool { return a.WithZone("") == netip.MustParseAddr(ind.Value) })
	case CIDR:
		p := netip.MustParsePrefix(ind.Value)
		return p.Addr().Is4() && refNet(ind.Value, line) || p.Addr().Is6() && ref6(line, p.Contains)
	}
	return expr.MatchString(line)
}

func refNet(network, line string) bool {
	p := netip.MustParsePrefix(network)
	for i := range line {
		for n := 7; n <= 15 && i+n <= len(line); n++ {
			a, err := netip.ParseAddr(line[i : i+n])
			if err == nil && p.Contains(a) && regexp.MustCompile(refLeft[notAddr]+regexp.QuoteMeta(line[i:i+n])+refRight[notAddr]).MatchString(line[max(0, i-2):min(len(line), i+n+2)]) {
				return true
			}
		}
	}
	return false
}

// hitText writes a hit as the reference does. What stands in an encoded text is marked, because the reference decodes nothing.
func hitText(h Hit) string {
	s := fmt.Sprint(h.Line, " ", h.Indicator.Type, " ", h.Indicator.Value)
	if h.Inside != "" {
		s += decoded
	}
	return s
}

const decoded = " (decoded)"

// diffHits compares hits with those of the reference. A decoded one may stand for what the reference finds on the line, or be one more:
// random texts hold escapes like %ab.
func diffHits(want, got []string) string {
	var same []string
	for _, hit := range got {
		plain, inside := strings.CutSuffix(hit, decoded)
		if !inside || slices.Contains(want, plain) {
			same = append(same, plain)
		}
	}
	sort.Strings(same)
	return cmp.Diff(want, same)
}

// scanSplit returns the hits in the form of the reference, with the text written in random parts and small blocks.
func scanSplit(t testing.TB, set *Set, text string, r *rand.Rand) []string {
	var hits []string
	last := int64(0)
	lines := newLines(set, 512, 160, func(h Hit) {
		hits = append(hits, hitText(h))
		if h.Line < last {
			t.Errorf("line %d is reported after line %d", h.Line, last)
		}
		last = h.Line
		if n := int64(strings.Count(text[:h.Offset], "\n")) + 1; n != h.Line {
			t.Errorf("offset %d is on line %d, reported as %d", h.Offset, n, h.Line)
		}
	})
	for rest := text; rest != ""; {
		n := 1 + r.IntN(min(len(rest), 1+r.IntN(300)))
		lines.Write([]byte(rest[:n]))
		rest = rest[n:]
	}
	lines.finish()
	return hits
}

var fuzzValues = []string{
	"1.2.3.4", "11.2.3.40", "2.3.4.5", "1.2.0.0/16", "2.3.4.0/22", "evil.com", "not-evil.com", "www.evil.com", "com.evil.com", "a.co",
	"hostname:evil.com", "http://evil.com/a/b.php", "http://evil.com/", "https://1.2.3.4:8080/a", "joe@evil.com", "d41d8cd98f00b204e9800998ecf8427e",
	"da39a3ee5e6b4b0d3255bfef95601890afd80709", "ab12.exe", "evil-ab12.exe", "b12.exe", "/tmp/x", "C:\\Temp\\x.exe", "string:abc", "string:evil", "string:a b c d e f g",
	"string:.exe", "regex:ev[i1]l\\d", "regex:(?i)x{3,5}y", "string:aaaaaaaaaa",
	"2001:db8::1", "2001:db8:0:1::4:0", "2001:db8::/48", "2a00:1:2:3:4:5:6:7",
}

var fuzzGlue = []string{" ", "", ".", "-", "_", "/", ":", "@", "a", "1", "\n", "\n", "\r\n", "é", "\xc3", "\\", "://", "www.", "x", "[", "]", "%", "(", "=", "0", "evil", "aaaaaa", "  ", "::", ":0:", "db8", "addr:", "%eth0"}

func fuzzSet(t testing.TB, r *rand.Rand) ([]Indicator, *Set) {
	var inds []Indicator
	for range 1 + r.IntN(8) {
		value := fuzzValues[r.IntN(len(fuzzValues))]
		ind, err := parseEntry(value)
		if err != nil {
			t.Fatal(value, err)
		}
		inds = append(inds, ind)
	}
	n, all := len(inds), inds
	if r.IntN(2) == 0 { // many are searched for in another way than few
		for i := range maxFew {
			all = append(all, Indicator{Type: Domain, Value: fmt.Sprint("many", i, ".invalid")})
		}
	}
	set, err := NewSet(all)
	if err != nil {
		t.Fatal(err)
	}
	return set.Indicators()[:set.Len()-(len(all)-n)], set
}

func fuzzText(inds []Indicator, r *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		switch r.IntN(6) {
		case 0, 1:
			b.WriteString(spelled(inds[r.IntN(len(inds))], r))
		case 2:
			ind, _ := parseEntry(fuzzValues[r.IntN(len(fuzzValues))])
			b.WriteString(strings.ToUpper(ind.Value))
		case 3:
			b.WriteByte(byte(r.IntN(256)))
		default:
			b.WriteString(fuzzGlue[r.IntN(len(fuzzGlue))])
		}
	}
	return b.String()
}

// spelled is one of the spellings of an indicator that it is found in.
func spelled(ind Indicator, r *rand.Rand) string {
	if ind.Type == IPv6 {
		return spell6(netip.MustParseAddr(ind.Value), r)
	}
	return ind.Value
}

func FuzzScan(f *testing.F) {
	for i := range uint64(40) {
		f.Add(i, uint16(i*50), "1.2.3.4 evil.com\n")
	}
	f.Add(uint64(1470), uint16(2001), "0") // an escape before a name
	f.Fuzz(func(t *testing.T, seed uint64, size uint16, extra string) {
		r := rand.New(rand.NewPCG(seed, 1))
		inds, set := fuzzSet(t, r)
		text := fuzzText(inds, r, int(size%3000)) + extra
		got, want := scanSplit(t, set, text, r), reference(inds, text)
		if diff := diffHits(want, got); diff != "" && !longLine(text) {
			t.Errorf("%+v in\n%q\n-reference +scan:\n%s", inds, text, diff)
		}
		checkWide(t, set, text, want)
	})
}

// checkWide checks that a log in UTF-16 has the hits of the same text in UTF-8.
func checkWide(t testing.TB, set *Set, text string, want []string) {
	if !utf8.ValidString(text) || longLine(text) {
		return
	}
	for _, order := range []string{"\xff\xfe", "\xfe\xff"} {
		var got []string
		sc := set.Scan("wide", func(h Hit) {
			h.Inside = strings.TrimPrefix(strings.TrimPrefix(h.Inside, "utf-16"), "+")
			got = append(got, hitText(h))
		})
		for part := range chunks([]byte(order+wide(text, order == "\xfe\xff")), 77) {
			sc.Write(part)
		}
		sc.Close()
		if diff := diffHits(want, got); diff != "" {
			t.Errorf("%q in UTF-16\n-reference +scan:\n%s", text, diff)
		}
	}
}

// longLine reports whether a line is longer than a block, so that ^ and $ in a regular expression are not those of the line.
func longLine(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 150 {
			return strings.Contains(line, "\r")
		}
	}
	return false
}

func TestScanAgainstReference(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		inds, set := fuzzSet(t, r)
		text := fuzzText(inds, r, r.IntN(1500))
		if diff := diffHits(reference(inds, text), scanSplit(t, set, text, r)); diff != "" {
			t.Fatalf("seed %d: %+v in\n%q\n-reference +scan:\n%s", seed, inds, text, diff)
		}
	}
}
