package ioc

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func parseEntry(line string) (Indicator, error) { return parseEntryAs("", line) }

func TestReadListGuessesTypes(t *testing.T) {
	tests := []struct {
		line  string
		typ   Type
		value string
	}{
		{"198.51.100.7", IPv4, "198.51.100.7"}, {"198[.]51[.]100[.]7", IPv4, "198.51.100.7"}, {"198.51.100.7:8080", IPv4, "198.51.100.7"},
		{"ip:198.51.100.7", IPv4, "198.51.100.7"}, {"198.51.100.7/32", IPv4, "198.51.100.7"}, {"198.51.100.9/24", CIDR, "198.51.100.0/24"}, {"::ffff:198.51.100.7", IPv4, "198.51.100.7"},
		{"2001:DB8::1", IPv6, "2001:db8::1"}, {"[2001:db8:0:0::1]:443", IPv6, "2001:db8::1"}, {"ip:2001:db8::1", IPv6, "2001:db8::1"}, {"2001:db8::/32", CIDR, "2001:db8::/32"},
		{"Evil.COM", Domain, "evil.com"}, {"evil(.)com", Domain, "evil.com"}, {"evil [dot] com", Domain, "evil.com"}, {`evil\.com`, Domain, "evil.com"}, {"*.evil.com", Domain, "evil.com"},
		{"evil.com.", Domain, "evil.com"}, {"bücher.de", Domain, "xn--bcher-kva.de"}, {"host:a.evil.com", Hostname, "a.evil.com"}, {"domain:evil.sh", Domain, "evil.sh"}, {"evil{.}com", Domain, "evil.com"},
		{"hxxp://evil[.]com/a?b=1#c", URL, "evil.com/a?b=1"}, {"hxxps[://]evil.com", URL, "://evil.com"}, {"h**p://evil.com:8080/x", URL, "evil.com:8080/x"}, {"evil.com/a/b", URL, "evil.com/a/b"}, {"http[:]//1.2.3.4/a", URL, "1.2.3.4/a"},
		{"Joe@Evil[.]com", Email, "joe@evil.com"}, {"joe[at]evil[dot]com", Email, "joe@evil.com"},
		{"D41D8CD98F00B204E9800998ECF8427E", MD5, "d41d8cd98f00b204e9800998ecf8427e"}, {"hash:da39a3ee5e6b4b0d3255bfef95601890afd80709", SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{strings.Repeat("ab", 32), SHA256, strings.Repeat("ab", 32)}, {strings.Repeat("ab", 64), SHA512, strings.Repeat("ab", 64)},
		{"evil.exe", Filename, "evil.exe"}, {"run.sh", Filename, "run.sh"}, {"libx.so", Filename, "libx.so"}, {`C:\Temp\x`, Path, "C:/Temp/x"}, {"/tmp/.x", Path, "/tmp/.x"}, {`%TEMP%\x.exe`, Path, "/x.exe"},
		{`HKLM\Software\Evil`, Registry, "/Software/Evil"}, {"mutex:Global\\Evil", Mutex, "Global\\Evil"}, {"mimikatz", String, "mimikatz"}, {"string:a # b", String, "a # b"}, {`regex:^ev\.il # x`, Regex, `^ev\.il # x`},
		{`"evil.com",`, Domain, "evil.com"}, {"useragent:Mozilla/4.0 (evil)", UserAgent, "Mozilla/4.0 (evil)"},
	}
	for _, test := range tests {
		inds, err := ReadList("x", strings.NewReader(test.line))
		if err != nil || len(inds) != 1 {
			t.Errorf("%s: %v %v", test.line, inds, err)
			continue
		}
		if inds[0].Type != test.typ || inds[0].Value != test.value {
			t.Errorf("%s: got %s %q, want %s %q", test.line, inds[0].Type, inds[0].Value, test.typ, test.value)
		}
	}
}

func TestReadListRefuses(t *testing.T) {
	bad := []string{"ab", "string:a", "com", "Localhost", "http://", "0.0.0.0/0", "1.0.0.0/4", "10.0.0.1", "192.168.0.0/16", "fd00::1", "127.0.0.1", "::1", "0.0.0.0", "224.0.0.1", "domain:com", "domain:co.uk", "domain:localhost", "regex:.*", "regex:[", "regex:\\w+", "md5:xyz", "ip:1.2.3", "cidr:1.2.3.4", "url:", "email:joe", "filename:*.exe", "domain:ev il.com", "a\x00bcd", "\xff\xfe\xfd"}
	for _, line := range bad {
		inds, err := ReadList("x.txt", strings.NewReader("# list\nevil.com\n"+line+"\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "x.txt:3: ") {
			t.Errorf("%q: %v %v", line, inds, err)
		}
	}
}

func TestReadListPrivateAndLenient(t *testing.T) {
	list := "10.1.2.3\n10.0.0.0/8\nregex:[\n0.0.0.0/0\n"
	var warned []error
	inds, err := Options{Private: true, Warn: func(err error) { warned = append(warned, err) }}.ReadList("x", strings.NewReader(list))
	if err != nil || len(inds) != 2 || len(warned) != 2 {
		t.Error(inds, err, warned)
	}
	if _, err := ReadList("x", strings.NewReader("10.1.2.3")); !errors.Is(err, errPrivate) {
		t.Error(err)
	}
}

func TestReadListUTF16(t *testing.T) {
	data := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("evil.com\r\n1.2.3.4\r\n")) {
		data = append(data, byte(u), byte(u>>8))
	}
	inds, err := ReadList("x", strings.NewReader(string(data)))
	if err != nil || len(inds) != 2 || inds[0].Value != "evil.com" {
		t.Error(inds, err)
	}
}

// FuzzReadList checks that what a list yields is in normal form: read once more by its type, it stays what it is.
func FuzzReadList(f *testing.F) {
	for _, s := range []string{"1.2.3.4\n", "hxxp://evil[.]com/a%20b\n", "joe[@]evil.com # x", `C:\Temp\x`, "2001:db8::/33", "string: x y", "regex:a{2,3}b", "ip:[::1%eth0]:80", "://x.com", "%A%\\%B%\\c", "HKLM\\HKLM\\x", "a\\\\\\b/c.exe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		inds, err := Options{Private: true, Warn: func(error) {}}.ReadList("x", strings.NewReader(list))
		if err != nil {
			return
		}
		if _, err := NewSet(inds); err != nil {
			t.Fatal(err)
		}
		for _, ind := range inds {
			if ind.Type == Path || ind.Type == Registry {
				continue // what they lose at the front can be lost again
			}
			again, err := parseValue(ind.Type, ind.Value)
			if err != nil {
				t.Fatalf("%+v: %v", ind, err)
			}
			if diff := cmp.Diff(ind.Value, again.Value); diff != "" {
				t.Errorf("%s is not stable: %s", ind.Type, diff)
			}
		}
	})
}
