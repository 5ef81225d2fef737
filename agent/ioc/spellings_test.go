package ioc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What may stand around an address of version 6 in a log.
var around6 = [][2]string{
	{"", ""}, {"from ", " port 22"}, {"[", "]:443"}, {"(", ")"}, {`"`, `"`}, {"src=", ","}, {"addr:", " x"}, {"", "/64"}, {"", "%eth0"}, {"peer ", "."}, {"", ": connected"},
	{"IP6 ", ".443 > x"}, {"http://[", "]/a"}, {"<", ">"}, {"'", "';"}, {"inet6 ", "/128 scope global"}, {"\t", "\t"}, {`{"ip":"`, `"}`}, {"é", " é"}, {"=", "&"}, {"/", "/"},
}

func randomAddr6(r *rand.Rand) netip.Addr {
	var b [16]byte
	b[0], b[1] = 0x20, byte(r.IntN(256))
	for i := 2; i < 16; i++ {
		if r.IntN(2) == 0 {
			b[i] = byte(r.IntN(256))
		}
	}
	return netip.AddrFrom16(b)
}

// A spelledLine is a line and whether the indicator is on it.
type spelledLine struct {
	text string
	hit  bool
}

func lineWith6(addr netip.Addr, r *rand.Rand) spelledLine {
	hit := r.IntN(3) > 0
	shown := addr
	for !hit && shown == addr {
		b := addr.As16()
		b[r.IntN(16)] ^= 1 << r.IntN(8)
		shown = netip.AddrFrom16(b)
	}
	beside := around6[r.IntN(len(around6))]
	return spelledLine{beside[0] + spell6(shown, r) + beside[1], hit}
}

// lineWithURL writes some characters of a URL as percent-encoded bytes, as the address of a page or as an argument of one.
func lineWithURL(url string, r *rand.Rand) spelledLine {
	hit := r.IntN(3) > 0
	if !hit {
		url = []string{strings.Replace(url, "evil", "notevil", 1), strings.Replace(url, "/a", "/b", 1), url + "x"}[r.IntN(3)]
	}
	var b strings.Builder
	often := 1 + r.IntN(10)
	for _, c := range []byte("http://" + url) {
		if r.IntN(often) == 0 {
			fmt.Fprintf(&b, []string{"%%%02x", "%%%02X"}[r.IntN(2)], c)
		} else {
			b.WriteByte(c)
		}
	}
	beside := [][2]string{{"GET ", " HTTP/1.1"}, {"GET /r?to=", ""}, {`"`, `"`}, {"<", ">"}, {"url=", ""}}[r.IntN(5)]
	return spelledLine{beside[0] + b.String() + beside[1], hit}
}

// FuzzSpellings checks that an address in any spelling that RFC 4291 allows, and a URL however it is percent-encoded, are found on their
// lines and nowhere else, in UTF-8 and in UTF-16.
func FuzzSpellings(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, lines uint8) {
		r := rand.New(rand.NewPCG(seed, 8))
		addr, url := randomAddr6(r), "evil.com/a/b%20c-"+fmt.Sprint(r.IntN(1000))+"/z"
		set := mustSet(t, addr.String()+"\nhttp://"+url)
		var text strings.Builder
		var want []string
		for n := range int(lines) {
			line, value := lineWith6(addr, r), addr.String()
			if r.IntN(2) == 0 {
				line, value = lineWithURL(url, r), url
			}
			text.WriteString(line.text + "\n")
			if line.hit {
				want = append(want, fmt.Sprint(n+1, " ", value))
			}
		}
		for _, encoded := range []string{text.String(), "\xff\xfe" + wide(text.String(), false), "\xfe\xff" + wide(text.String(), true)} {
			var got []string
			err := set.ScanReader(context.Background(), "x", strings.NewReader(encoded), func(h Hit) { got = append(got, fmt.Sprint(h.Line, " ", h.Indicator.Value)) })
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v in\n%s\n-want +scan:\n%s", err, text.String(), diff)
			}
		}
	})
}
