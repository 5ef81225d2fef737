package corpus

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"unicode/utf16"
)

// The spellings in which an indicator is found, and those that look alike and mean something else. The star is the indicator, ~ eight
// hexadecimal digits. The first hit of each type is the indicator alone. What begins with %, ! or ( is changed more than that, see spell.
var spellings = map[string]struct{ hits, decoys []string }{
	"ipv4": {
		hits:   []string{"*", "*:443", "[*]", "[*]:8080", "<*>", "*/32", "::ffff:*", "http://*/x", "'*'"},
		decoys: []string{"*7", "1*", "*.7", "9.*", "v*", "*a"},
	},
	"domain": {
		hits:   []string{"*", "www.*", "a.cdn.*", "*.", "*:8443", "https://*/login?next=1", "//*/pixel.gif", "billing@*", "[*]", "https%3A%2F%2F*%2Fnext", `https:\/\/*\/next`, "(*)"},
		decoys: []string{"not*", "my-*", "www.not*", "*.au", "*.invalid", "*pany", "*@example.org", "https://not*/"},
	},
	"url": {
		hits:   []string{"*", "*?id=7", "*#top", "*/", "%*"},
		decoys: []string{"*x", "*_old", "!*"},
	},
	"digest": {
		hits:   []string{"*", "SHA256=*", "{*}", "/quarantine/*.bin", "digest:*"},
		decoys: []string{"*~", "~*"},
	},
	"filename": {
		hits:   []string{"*", "/tmp/*", "./*", `C:\Windows\Temp\*`, `\\files\public\*`, "/dev/shm/.x/*"},
		decoys: []string{"/tmp/my*", "/tmp/*x", "/tmp/*.bak", "/tmp/old-*", `C:\Temp\x*`},
	},
}

// spell writes an indicator in one of its spellings; bare asks for the first one, or a decoy that is one word.
func spell(rng *rand.Rand, ind Indicator, decoy, bare bool) string {
	s, ok := spellings[ind.Type]
	if !ok {
		s = spellings["digest"]
	}
	form := pick(rng, s.hits)
	switch {
	case decoy && bare:
		form = pick(rng, s.decoys[:2])
	case decoy:
		form = pick(rng, s.decoys)
	case bare:
		form = s.hits[0]
	}
	value := ind.Value
	if rng.IntN(4) == 0 {
		value = mixCase(rng, value)
	}
	switch form[0] {
	case '%':
		return url.QueryEscape(value)
	case '(':
		return dnsLabels(value)
	case '!':
		return strings.Replace(value, "://", "://not", 1)
	}
	return strings.NewReplacer("*", value, "~", hexDigits(rng, 8)).Replace(form)
}

func mixCase(rng *rand.Rand, s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' && rng.IntN(2) == 0 {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// dnsLabels is a name as the Windows DNS server logs it.
func dnsLabels(name string) string {
	var b strings.Builder
	for label := range strings.SplitSeq(name, ".") {
		fmt.Fprintf(&b, "(%d)%s", len(label), label)
	}
	return b.String() + "(0)"
}

// quoteJSON is s inside a string of JSON.
func quoteJSON(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }

// hexArguments is a command line as auditd logs it: the arguments end with NUL, all in hexadecimal.
func hexArguments(s string) string {
	return strings.ToUpper(hex.EncodeToString([]byte("curl\x00-so\x00/tmp/x\x00" + s)))
}

// encodedCommand is a command line as PowerShell takes it after -EncodedCommand: UTF-16LE in base64.
func encodedCommand(s string) string {
	var wide []byte
	for _, u := range utf16.Encode([]rune("Invoke-WebRequest " + s + " -OutFile x")) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(wide)
}
