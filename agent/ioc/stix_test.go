package ioc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// patternOf reads one pattern and returns type, value and comment of what it holds, and the errors.
func patternOf(pattern string, o Options) ([]string, error) {
	text := fmt.Sprintf("{\"type\": \"indicator\",\n \"pattern\": %q}", pattern)
	inds, err := o.Read("x", strings.NewReader(text))
	var got []string
	for _, ind := range inds {
		got = append(got, strings.TrimSuffix(string(ind.Type)+" "+ind.Value+" # "+ind.Comment, " # "))
	}
	return got, err
}

func TestPatterns(t *testing.T) {
	const and2 = " # one of 2 joined by AND, each looked for by itself"
	tests := []struct {
		pattern string
		want    []string
	}{
		{"[ipv4-addr:value = '198.51.100.7']", []string{"ipv4 198.51.100.7"}},
		{"[ipv4-addr:value='198.51.100.0/24']", []string{"cidr 198.51.100.0/24"}},
		{"[domain-name:value = 'evil[.]example']", []string{"domain evil.example"}},
		{"[domain-name:value = 'a.example' OR url:value = 'http://b.example/x']", []string{"domain a.example", "url b.example/x"}},
		{"[domain-name:value = 'a.example'] OR [domain-name:value = 'b.example']", []string{"domain a.example", "domain b.example"}},
		{"[domain-name:value = 'a.example' AND email-addr:value = 'x@b.example']", []string{"domain a.example" + and2, "email x@b.example" + and2}},
		{"[domain-name:value = 'a.example' AND network-traffic:dst_port = 443]", []string{"domain a.example" + and2 + "; not looked for: network-traffic:dst_port = 443"}},
		{"[domain-name:value = 'a.example' AND domain-name:value != 'b.example']", []string{"domain a.example" + and2 + "; not looked for: domain-name:value != 'b.example'"}},
		{"[file:hashes.MD5 = '" + md5Sample + "' AND (file:size = 1 OR file:size = 2)]", []string{"md5 " + md5Sample + and2 + "; not looked for: file:size = 1, file:size = 2"}},
		{"[file:hashes.'SHA-1' IN ('" + sha1Sample + "')]", []string{"sha1 " + sha1Sample}},
		{"[file:name LIKE 'svc%.exe']", []string{`regex (?i)\bsvc.*\.exe\b`}}, {"[domain-name:value LIKE '%.evil.example']", []string{"domain evil.example"}},
		{`[directory:path LIKE '%\\\\Temp\\\\svc_']`, []string{`regex (?i)[\\/]+Temp[\\/]+svc.`}},
		{"[url:value LIKE 'http://evil.example/a%']", []string{"url evil.example/a"}}, {"[file:name MATCHES '^svc[0-9]+$']", []string{"regex ^svc[0-9]+$"}},
		{"[network-traffic:dst_ref.value = '198.51.100.7']", []string{"ipv4 198.51.100.7"}}, {"[network-traffic:dst_ref.value ISSUBSET '198.51.100.0/24']", []string{"cidr 198.51.100.0/24"}},
		{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'evil/1']", []string{"useragent evil/1"}},
		{"[email-message:body_multipart[*].body_raw_ref.name = 'a.docm']", []string{"filename a.docm"}},
		{`[mutex:name = 'it\\'s \\\\ mine']`, []string{`mutex it's \ mine`}}, {"[domain-name:value='a.example']REPEATS 5 TIMES", []string{"domain a.example # without REPEATS 5 TIMES"}},
		{"[domain-name:value='a.example'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'", []string{"domain a.example # without START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'"}},
		{"[file:name = 'svchost.exe']", []string{"filename svchost.exe"}}, {"[file:name = 'cmd.exe' AND file:name = 'bash']", []string{"filename cmd.exe" + and2, "filename bash" + and2}},
	}
	for _, test := range tests {
		got, err := patternOf(strings.ReplaceAll(test.pattern, `\\`, `\`), Options{})
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %s %v", test.pattern, diff, err)
		}
	}
}

func TestPatternsRefused(t *testing.T) {
	for _, pattern := range []string{
		"", "[", "[]", "[ipv4-addr:value = ]", "[ipv4-addr:value = '1.2.3']", "ipv4-addr:value = '198.51.100.7'", "[ipv4-addr:value = '198.51.100.7'", "[ipv4-addr:value = '198.51.100.7]",
		"[ipv4-addr:value NOT = '198.51.100.7']", "[ipv4-addr:value != '198.51.100.7']", "[file:size = 7]", "[file:size = 7 AND file:size = 8]", "[EXISTS file:name]", "[file:name LIKE '%']",
		"[domain-name:value = 'a.example' OR file:size = 7]", "[ipv4-addr:value ISSUPERSET '198.51.100.0/24']", "[ipv4-addr:value = '198.51.100.7'] x", "[ipv4-addr:value ~ '198.51.100.7']",
		"[file:name MATCHES '(?=x)y']", "[ipv4-addr:value ISSUBSET '0.0.0.0/0']", strings.Repeat("(", 1e5), "[" + strings.Repeat("(", 1e5), "[ipv4-addr:value IN ('198.51.100.7'", "[a:b",
	} {
		if got, err := patternOf(pattern, Options{}); err == nil || !strings.HasPrefix(err.Error(), "x:2: ") {
			t.Errorf("%.80s: %v, %v", pattern, got, err)
		}
	}
	got, err := patternOf("[domain-name:value = 'a.example' OR file:size = 7]", Options{Warn: func(error) {}})
	if want := []string{"domain a.example"}; !cmp.Equal(got, want) || err != nil {
		t.Errorf("lenient: %v, %v", got, err)
	}
}

func TestSTIXShapes(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{"objects": [{"type": "ipv6-addr", "value": "2001:db8::1"}], "more": false}`, "1 ipv6 2001:db8::1"},
		{`[{"type": "url", "value": "http://evil.example/x"}]`, "1 url evil.example/x"},
		{`{"type": "observed-data", "id": "o", "objects": {"0": {"type": "domain-name", "value": "evil.example"}}}`, "1 domain evil.example"},
		{"{\"type\": \"indicator\", \"pattern_type\": \"yara\",\n \"pattern\": \"rule A { strings: $a = \\\"svcupd\\\" nocase condition: $a }\"}", "2 string svcupd"},
		{`{"objects": [{"value": "198.51.100.7", "type": "ipv4-addr"}], "type": "bundle"}`, "1 ipv4 198.51.100.7"},
		{`{"type": "windows-registry-key", "key": "HKLM\\Software\\Evil"}`, "1 registry /Software/Evil"},
	}
	for _, test := range tests {
		inds, err := Options{}.Read("x", strings.NewReader(test.text))
		if diff := cmp.Diff([]string{test.want}, brief("x", inds)); diff != "" || err != nil {
			t.Errorf("%s: %s %v", test.text, diff, err)
		}
	}
	if _, err := (Options{}).Read("x", strings.NewReader(`{"type": "indicator", "pattern_type": "snort", "pattern": "alert"}`)); err == nil {
		t.Error("a rule of snort is read")
	}
}

// FuzzPattern checks that no pattern makes the parser panic, and that a conjunction with itself says the same.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{"[ipv4-addr:value = '198.51.100.7']", "[a:b.'c'[*].d IN (1, h'00', t'x', true) AND NOT x:y LIKE 'a%' OR (a:b = 1)] FOLLOWEDBY ([c:d > 5] WITHIN 5 SECONDS) REPEATS 2 TIMES", "[url:value MATCHES 'a\\'b\\\\']"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		c, err := parsePattern(pattern, place{line: 1})
		if err != nil {
			return
		}
		both, err := parsePattern("("+pattern+") AND ("+pattern+")", place{line: 1})
		if err != nil {
			if strings.Count(pattern, "(") < maxPatternDepth-2 {
				t.Fatal(err)
			}
			return
		}
		var one, two []string
		c.each(func(f *leaf, _ *condition) { one = append(one, string(f.ind.Type)+f.ind.Value) })
		both.each(func(f *leaf, _ *condition) { two = append(two, string(f.ind.Type)+f.ind.Value) })
		if diff := cmp.Diff(append(one, one...), two); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzSTIX checks that no bundle makes the reader panic.
func FuzzSTIX(f *testing.F) {
	f.Add([]byte(`{"type": "bundle", "objects": [{"type": "indicator", "pattern": "[file:name = 'a.exe']"}, {"type": "file", "hashes": {"MD5": "` + md5Sample + `"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFormat(t, "x", STIX, data) })
}
