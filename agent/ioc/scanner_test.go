package ioc

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustSet(t testing.TB, list string) *Set {
	t.Helper()
	inds, err := ReadList("list", strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(inds)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// grep scans data written in parts of n bytes, and returns inside:line:indicator of every hit.
func grep(set *Set, data []byte, n int) (hits []string, err error) {
	sc := set.Scan("test", func(h Hit) {
		hits = append(hits, fmt.Sprintf("%s:%d:%s", h.Inside, h.Line, h.Indicator.Value))
	})
	for part := range chunks(data, n) {
		sc.Write(part)
	}
	return hits, sc.Close()
}

func chunks(data []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			k := min(n, len(data))
			if !yield(data[:k]) {
				return
			}
			data = data[k:]
		}
	}
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTokens(t *testing.T) {
	tests := []struct {
		indicator string
		yes, no   []string
	}{
		{"198.51.100.7", []string{"198.51.100.7", "[198.51.100.7]", "198.51.100.7:443", "::ffff:198.51.100.7", "198.51.100.7.", "198.51.100.7/32", "x.198.51.100.7", "198.51.100.7.log", `"198.51.100.7"`},
			[]string{"1198.51.100.7", "198.51.100.70", "198.51.100.7.5", "5.198.51.100.7", "a198.51.100.7", "198.51.100.7a", "198.051.100.007"}},
		{"198.51.100.0/24", []string{"198.51.100.0", "198.51.100.255", "[198.51.100.9]", "::ffff:198.51.100.9"}, []string{"198.51.101.1", "1198.51.100.9", "198.51.100.256", "198.51.100.9.1"}},
		{"evil.com", []string{"evil.com", "www.evil.com", "EVIL.com.", "http://evil.com/x", "joe@evil.com", "evil.com:443", "(evil.com)", "。evil.com", "\xffevil.com", "访问evil.com下载"},
			[]string{"notevil.com", "not-evil.com", "evil.com.au", "evil.community", "evil-com", "evil.com@good.net", "_evil.com", "évil.com", "éevil.com"}},
		{"hostname:www.evil.com", []string{"www.evil.com", "https://www.evil.com/"}, []string{"a.www.evil.com", "evil.com"}},
		{"https://evil.com/a/b.php", []string{"http://EVIL.com/A/b.php", "evil.com/a/b.php?x=1", "https://u@evil.com/a/b.php#x"}, []string{"notevil.com/a/b.php", "evil.com/a/b.phpx", "www.evil.com/a/b.php", "evil.com/a"}},
		{"http://evil.com/", []string{"http://evil.com", "https://evil.com/x", "http://evil.com:80/"}, []string{"evil.com", "http://evil.com.au", "http://evil.community/"}},
		{"joe@evil.com", []string{"<joe@evil.com>", "JOE@evil.com,", "mailto:joe@evil.com"}, []string{"xjoe@evil.com", "a.joe@evil.com", "joe@evil.com.au", "joe@www.evil.com"}},
		{"d41d8cd98f00b204e9800998ecf8427e", []string{"d41d8cd98f00b204e9800998ecf8427e", "MD5=D41D8CD98F00B204E9800998ECF8427E,"}, []string{"d41d8cd98f00b204e9800998ecf8427e0", "ad41d8cd98f00b204e9800998ecf8427e"}},
		{"evil.exe", []string{`C:\Temp\EVIL.exe`, "/tmp/evil.exe", `"evil.exe"`, "evil.exe."}, []string{"notevil.exe", "evil.exe.config", "evil.exes", "my-evil.exe", ".evil.exe"}},
		{`C:\Temp\evil`, []string{`c:\temp\evil`, `C:\\Temp\\evil`, "C:/Temp/evil", `C:\Temp\evil\x`}, []string{`C:\Temp\evil2`, `C:\Temp\evil.exe`, `xC:\Temp\evil`}},
		{"/tmp/.x/run", []string{"/tmp/.x/run", "/proc/7/root/tmp/.x/run", "(/tmp/.x/run)"}, []string{"/tmp/.x/runner", "/tmp/x/run"}},
		{`%APPDATA%\Foo\bar.exe`, []string{`C:\Users\joe\AppData\Roaming\Foo\bar.exe`}, []string{`C:\Foo2\bar.exe`}},
		{`HKLM\Software\Run\Evil`, []string{`HKEY_LOCAL_MACHINE\SOFTWARE\Run\Evil`, `\REGISTRY\MACHINE\Software\Run\Evil = 1`}, []string{`HKLM\Software\Run\Evil2`}},
		{"string:Evil Words", []string{"some evil words here", "EVIL WORDSMITH"}, []string{"evil  words"}},
		{`regex:ev[i1]l\d+$`, []string{"x evil7", "ev1l12"}, []string{"evil", "Evil7", "evil7x"}},
		{"2001:db8::1", []string{"2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:db8::1]:443", "2001:db8::1%eth0", "2001:db8::1/64", "2001:db8:0::1", "from 2001:db8::1: x", "2001:db8::1.443 >", "addr:2001:db8::1", "2001:db8::0.0.0.1", "end 2001:db8::1."},
			[]string{"2001:db8::11", "2001:db8::1:1", "12001:db8::1", "2001:db8::1x"}},
		{"2001:db8::/32", []string{"2001:db8:1::7", "[2001:db8::]:80"}, []string{"2001:db9::1"}},
		{"http://evil.com/a%20b", []string{"http://evil.com/a%20b", "http://evil.com/a b"}, []string{"http://evil.com/a"}},
		{"bücher.example", []string{"xn--bcher-kva.example", "www.bücher.example", "BÜCHER.example"}, []string{"bucher.example"}},
	}
	for _, test := range tests {
		set := mustSet(t, test.indicator)
		for _, text := range test.yes {
			if hits, _ := grep(set, []byte(text), 7); len(hits) != 1 {
				t.Errorf("%s in %q: %q", test.indicator, text, hits)
			}
		}
		for _, text := range test.no {
			if hits, _ := grep(set, []byte(text), 7); len(hits) != 0 {
				t.Errorf("%s must not be in %q: %q", test.indicator, text, hits)
			}
		}
	}
}

func TestOverlappingIndicators(t *testing.T) {
	set := mustSet(t, "evil.com\nwww.evil.com\nstring:evil\nhttp://www.evil.com/x\n")
	got, err := grep(set, []byte("a\nget http://www.evil.com/x evil.com evil\n"), 1)
	want := []string{":2:www.evil.com", ":2:www.evil.com/x", ":2:evil.com", ":2:evil"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestDuplicatesRememberTheirSources(t *testing.T) {
	a, _ := ReadList("a.txt", strings.NewReader("evil.com\n1[.]2[.]3[.]4\n"))
	b, _ := ReadList("b.txt", strings.NewReader("# c2\n\n*.EVIL.com # seen in May\n"))
	set, err := NewSet(append(a, b...))
	if err != nil || set.Len() != 2 {
		t.Fatal(set.Len(), err)
	}
	got := set.Indicators()[0]
	want := Indicator{Type: Domain, Value: "evil.com", Raw: "evil.com", Sources: []string{"a.txt:1", "b.txt:3"}, Comment: "seen in May"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEverySplitPoint(t *testing.T) {
	set := mustSet(t, "1.2.3.4\nevil.com\nstring:needle\n2.0.0.0/8\n")
	text := []byte("x 1.2.3.4\r\nwww.evil.com. y\n\nneedle 2.3.4.5 11.2.3.45 1.2.3.4")
	want := []string{":1:1.2.3.4", ":2:evil.com", ":4:needle", ":4:2.0.0.0/8", ":4:1.2.3.4"}
	for _, data := range [][]byte{text, zipped(t, string(text))} {
		for i := range data {
			var got []string
			sc := set.Scan("x", func(h Hit) { got = append(got, fmt.Sprintf(":%d:%s", h.Line, h.Indicator.Value)) })
			sc.Write(data[:i])
			sc.Write(data[i:])
			if err := sc.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("split at %d: %s", i, diff)
			}
		}
	}
}

// logText is a text whose line n holds the indicator if n is a multiple of 1,000.
func logText(lines int) string {
	var b strings.Builder
	for n := 1; n <= lines; n++ {
		fmt.Fprintf(&b, "%d some line of a log that says nothing much, number %x", n, n*7919)
		if n%1000 == 0 {
			b.WriteString(" evil.com")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestGzip(t *testing.T) {
	set := mustSet(t, "evil.com")
	text := logText(20000)
	whole := zipped(t, text)
	half := len(text) / 2
	members := append(zipped(t, text[:half]), zipped(t, text[half:])...)
	tests := []struct {
		name    string
		data    []byte
		hits    int
		partial bool
	}{
		{"one member", whole, 20, false},
		{"two members", members, 20, false},
		{"zero padding", append(bytes.Clone(whole), make([]byte, 1000)...), 20, false},
		{"trailing text", append(bytes.Clone(whole), "\nsome evil.com here"...), 21, true},
		{"truncated", whole[:len(whole)-9], 19, true},
		{"truncated in the trailer", whole[:len(whole)-5], 20, true},
		{"wrong checksum", append(bytes.Clone(whole[:len(whole)-8]), make([]byte, 8)...), 20, true},
		{"plain text", []byte(text), 20, false},
		{"text that begins like gzip", append([]byte("\x1f\x8b\x08"), text...), 20, false},
		{"text that begins with a header of gzip", append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), text...), 20, false},
		{"text that begins with a header and a name of gzip", append([]byte("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"), text...), 20, false},
		{"only the magic", []byte("\x1f\x8b\x08"), 0, true},
		{"nothing", nil, 0, false},
	}
	for _, test := range tests {
		hits, err := grep(set, test.data, 4000)
		if len(hits) < test.hits || len(hits) > test.hits+1 || errors.Is(err, ErrPartial) != test.partial {
			t.Errorf("%s: %d hits, want %d; %v", test.name, len(hits), test.hits, err)
		}
		var pulled int
		err = set.ScanReader(context.Background(), "x", bytes.NewReader(test.data), func(Hit) { pulled++ })
		if pulled != len(hits) || errors.Is(err, ErrPartial) != test.partial {
			t.Errorf("%s: %d hits pulled, %d pushed; %v", test.name, pulled, len(hits), err)
		}
	}
}

func TestGzipBomb(t *testing.T) {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	io.WriteString(w, "evil.com\n")
	for range 600 {
		w.Write(make([]byte, 1<<20))
	}
	w.Close()
	hits, err := grep(mustSet(t, "evil.com"), b.Bytes(), 1<<20)
	if len(hits) != 1 || !errors.Is(err, errBomb) {
		t.Error(hits, err)
	}
}

func TestLongLine(t *testing.T) {
	set := mustSet(t, "evil.com\n1.2.3.4")
	long := strings.Repeat("no newline anywhere ", 100000)
	var texts []string
	sc := set.Scan("x", func(h Hit) { texts = append(texts, fmt.Sprint(h.Line, h.Offset, len(h.Text))) })
	io.WriteString(sc, "x\n"+long+"evil.com "+long+"evil.com 1.2.3.4 "+long)
	if err := sc.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprint(2, 2+len(long), 2*maxBeside+8), fmt.Sprint(2, 2+2*len(long)+18, 2*maxBeside+7)}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

func TestMatchHashAndName(t *testing.T) {
	set := mustSet(t, "d41d8cd98f00b204e9800998ecf8427e\nevil.exe\nC:\\Temp\\x.dll\nregex:^/dev/shm/\\w+$\n")
	if ind := set.MatchHash("D41D8CD98F00B204E9800998ECF8427E"); ind == nil || ind.Type != MD5 {
		t.Error("digest not found:", ind)
	}
	if ind := set.MatchHash("d41d8cd98f00b204e9800998ecf8427f"); ind != nil {
		t.Error("found", ind)
	}
	for path, want := range map[string]int{`C:\Temp\EVIL.exe`: 1, "/x/evil.exe": 1, "/x/my evil.exe": 0, "/x/evil.exe 2": 0, "c:/temp/x.dll": 1, "/dev/shm/abc": 1, "/dev/shm/abc d": 0, "/evil.exe/evil.exe": 1} {
		if got := set.MatchName(path); len(got) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestBinaryShowsOnlyTheString(t *testing.T) {
	set := mustSet(t, "evil.com\n198.51.100.7")
	data := "\x7fELF\x00\x01junk\x00get http://evil.com/x now\x00more\x01\x02" + wide("to 198.51.100.7 port", false) + "\x00\xff\x01"
	var texts []string
	sc := set.Scan("x", func(h Hit) { texts = append(texts, string(h.Text)) })
	io.WriteString(sc, data)
	if err := sc.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"get http://evil.com/x now", "to 198.51.100.7 port"}, texts); diff != "" {
		t.Error(diff)
	}
}
