package ioc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCSVColumns(t *testing.T) {
	const header = "id,observed,what,note\n1,198.51.100.7,ip-dst,x\n2,evil.example,domain,y\n"
	const bare = "1,evil.sh,8.8.8.8\n2,evil.py,8.8.4.4\n"
	tests := []struct {
		name    string
		options Options
		text    string
		want    []string
	}{
		{"by name", Options{Columns: Columns{Value: "Observed", Type: "what"}}, header, []string{"2 ipv4 198.51.100.7", "3 domain evil.example"}},
		{"by number", Options{Columns: Columns{Value: "2"}, Type: Domain}, bare, []string{"1 domain evil.sh", "2 domain evil.py"}},
		{"by number below a header", Options{Columns: Columns{Value: "2"}, Format: CSV}, "n,domain\n1,evil.example\n", []string{"2 domain evil.example"}},
		{"guessed", Options{}, bare, []string{"1 ipv4 8.8.8.8", "2 ipv4 8.8.4.4"}},
		{"type first", Options{}, "domain,evil.example,x\nip,198.51.100.7,x\n", []string{"1 domain evil.example", "2 ipv4 198.51.100.7"}},
		{"tabs", Options{}, "Indicator\tType\nevil.example\tdomain\n", []string{"2 domain evil.example"}},
		{"generic beside typed", Options{}, "md5,value\n" + md5Sample + ",evil.example\n", []string{"2 domain evil.example"}},
		{"quoted over lines", Options{}, "value,comment\nevil.example,\"a\nb\"\n198.51.100.7,c\n", []string{"2 domain evil.example", "4 ipv4 198.51.100.7"}},
		{"references", Options{}, "evil.example,https://reports.example.org/1\nevil.test,https://reports.example.org/1\n", []string{"1 domain evil.example", "2 domain evil.test"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inds, err := test.options.Read("x", strings.NewReader(test.text))
			if diff := cmp.Diff(test.want, brief("x", inds)); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	for _, c := range []Columns{{Value: "nothing"}, {Type: "nothing"}, {Value: "0"}} {
		if inds, err := (Options{Columns: c}).Read("x", strings.NewReader(header)); err == nil {
			t.Errorf("%+v: %v", c, inds)
		}
	}
}

// FuzzCSV checks that no table makes the reader panic.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"value,type\nevil.example,domain\n", "a;\"b\";198.51.100.7\n", "# md5,sha1\n" + md5Sample + "," + sha1Sample + "\n", "\"\n", "a|b|c\n1\t2\n"} {
		f.Add([]byte(s), "", "")
	}
	f.Add([]byte("a,b\n1,evil.example\n"), "2", "domain")
	f.Fuzz(func(t *testing.T, data []byte, value, typ string) {
		fuzzFormat(t, "x", CSV, data)
		o := Options{Columns: Columns{Value: value}, Type: Type(typ), Warn: func(error) {}}
		inds, _ := o.Read("x", strings.NewReader(string(data)))
		checkAll(t, "x", inds)
	})
}
