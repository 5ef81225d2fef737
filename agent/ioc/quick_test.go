package ioc

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var quickLines = []string{
	"198.51.100.7", "10.0.0.1", "0.0.0.0", "255.255.255.255", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "127.0.0.1", "evil.example", "www.evil.com", "com",
	"co.uk", "evil.co.uk", "foo.blogspot.com", "blogspot.com", "svchost.exe", "a.b", "run.sh", "a.run.sh", "x.local", "-a.com", "a-.com", "a..com", ".com", "a.com.",
	"min_18.jsp", "kobe.jp", "city.kobe.jp", "x.kobe.jp", "x.ck", "www.ck", "a.x.ck", "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"http://evil.com/a.php", "https://evil.com:443/a?b=%20c", "http://evil.com", "http://1.2.3.4/x", "http://u@evil.com/x", "http://evil.com?x", "http://evil.com:8080/",
	"http://a.com/x,", "http:///x", "http://[::1]/x", "hxxp://evil.com/a", "https://evil.com/#x", "http", "http://ex ample.com/", "http.example.com", "mal.tool-long", "1e.10.com", "a.1b",
	"xn--e1awd7f.com", "1.2.3.a", "a.ps", "a.zip", "x-1.2.3-4",
}

func TestQuickEntryReadsMostLines(t *testing.T) {
	for _, line := range []string{"198.51.100.7", "www.evil.com", "svchost.exe", "d41d8cd98f00b204e9800998ecf8427e", "http://evil.com/a.php"} {
		if _, ok := quickEntry(line); !ok {
			t.Errorf("%s is not read quickly", line)
		}
	}
}

// What is read quickly is what the parser reads.
func FuzzQuickEntry(f *testing.F) {
	for _, line := range quickLines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := quickEntry(line)
		if !ok {
			return
		}
		want, err := parseEntryAs("", line)
		if err = (&loader{}).judge(want, err); err != nil {
			t.Fatalf("%q is read quickly, and is an error: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q is read quickly as something else: -want +got\n%s", line, diff)
		}
	})
}

// Sets share the indicators that they are made of only as long as none of them is merged.
func TestNewSetLeavesIndicatorsAsTheyAre(t *testing.T) {
	text := "evil.example\nmal.exe\nEVIL.example\n198.51.100.7\nevil.example\nmal.exe\n"
	inds, err := ReadList("list", bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadList("list", bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(inds)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, inds); diff != "" {
		t.Errorf("NewSet has changed its indicators: -want +got\n%s", diff)
	}
	var sources [][]string
	for _, i := range set.Indicators() {
		sources = append(sources, i.Sources)
	}
	want := [][]string{{"list:1", "list:3", "list:5"}, {"list:2", "list:6"}, {"list:4"}}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("sources: -want +got\n%s", diff)
	}
}
