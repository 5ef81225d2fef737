package ioc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMISPTypes(t *testing.T) {
	tests := []struct {
		typ, value string
		want       []string
	}{
		{"ip-src", "198.51.100.0/24", []string{"1 cidr 198.51.100.0/24"}}, {"ip-src|port", "198.51.100.7:80", []string{"1 ipv4 198.51.100.7"}}, {"hostname|port", "a.evil.example|80", []string{"1 hostname a.evil.example"}},
		{"filename|sha256", "x y.exe|" + sha256Sample, []string{"1 filename x y.exe", "1 sha256 " + sha256Sample}}, {"filename|ssdeep", "evil.exe|3:a:b", []string{"1 filename evil.exe"}},
		{"email-src", "a@evil.example", []string{"1 email a@evil.example"}}, {"uri", "/gate.php", []string{"1 string /gate.php"}}, {"regkey", `HKLM\\Software\\Evil`, []string{"1 registry /Software/Evil"}},
		{"ja3-fingerprint-md5", md5Sample, []string{"1 md5 " + md5Sample}}, {"mutex", "Global evil", []string{"1 mutex Global evil"}}, {"named pipe", "evilpipe", []string{"1 string evilpipe"}},
		{"malware-sample", "a.exe|" + md5Sample, []string{"1 filename a.exe", "1 md5 " + md5Sample}},
	}
	for _, test := range tests {
		text := fmt.Sprintf(`{"Attribute": [{"type": "%s", "value": "%s"}]}`, test.typ, test.value)
		inds, err := Options{}.Read("x", strings.NewReader(text))
		if diff := cmp.Diff(test.want, brief("x", inds)); diff != "" || err != nil {
			t.Errorf("%s: %s %v", test.typ, diff, err)
		}
	}
	for _, typ := range []string{"ssdeep", "snort", "port", "", "filename|md5", "no-such-type"} {
		text := fmt.Sprintf(`{"Attribute": [{"type": "%s", "value": "x"}]}`, typ)
		if inds, err := (Options{}).Read("x", strings.NewReader(text)); err == nil {
			t.Errorf("%q: %v", typ, inds)
		}
	}
}

func TestMISPFlags(t *testing.T) {
	const text = `{"response": [{"Event": {"Attribute": [{"type": "domain", "value": "evil.example", "to_ids": false}, {"type": "domain", "value": "gone.example", "to_ids": true, "deleted": "1"}]}}]}`
	if inds, err := (Options{}).Read("x", strings.NewReader(text)); err == nil {
		t.Error("a list without a marked attribute is no error:", inds)
	}
	inds, err := Options{Unflagged: true}.Read("x", strings.NewReader(text))
	if diff := cmp.Diff([]string{"1 domain evil.example"}, brief("x", inds)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// FuzzMISP checks that no event makes the reader panic.
func FuzzMISP(f *testing.F) {
	f.Add([]byte(`{"Event": {"info": "x", "Object": [{"Attribute": [{"type": "filename|md5", "value": "a.exe|` + md5Sample + `", "to_ids": true}]}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFormat(t, "x", MISP, data) })
}
