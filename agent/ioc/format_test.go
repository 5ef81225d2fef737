package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// loadSample reads a sample under the name that it has.
func loadSample(t *testing.T, o Options, name string) ([]Indicator, error) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "formats", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return o.Read(name, f)
}

// brief are the type, the value and the line of each indicator.
func brief(name string, inds []Indicator) []string {
	var lines []string
	for _, ind := range inds {
		line, _, _ := strings.Cut(strings.TrimPrefix(ind.Sources[0], name+":"), "#")
		lines = append(lines, fmt.Sprintf("%s %s %s", line, ind.Type, ind.Value))
	}
	return lines
}

const (
	md5Sample    = "44d88612fea8a8f36de82e1278abb02f"
	sha1Sample   = "3395856ce81f2b7382dee72602f798b642f14140"
	sha256Sample = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func TestReadSamples(t *testing.T) {
	tests := []struct {
		name   string
		format Format
		want   []string
	}{
		{"plain.txt", Plain, []string{
			"2 ipv4 198.51.100.7", "3 cidr 203.0.113.0/25", "4 ipv6 2001:db8::bad", "5 url update.badsite.example/login?id=7", "6 domain badsite.example",
			"7 email billing@badsite.example", "8 md5 " + md5Sample, "9 path C:/ProgramData/svcupd.exe",
			"10 registry /Software/Microsoft/Windows/CurrentVersion/Run/Updater", "11 hostname mail.badsite.example", `12 mutex Global\svcupd-7f3a`,
			"13 useragent Mozilla/4.0 (compatible; svcupd)", `14 regex svcupd-[0-9a-f]{8}\.tmp`, "15 ipv4 198.51.100.7",
		}},
		{"header.csv", CSV, []string{"2 ipv4 198.51.100.7", "3 domain badsite.example", "4 url badsite.example/a,b", "5 sha256 " + sha256Sample, "6 email billing@badsite.example"}},
		{"columns.csv", CSV, []string{
			"3 sha256 " + sha256Sample, "3 md5 " + md5Sample, "3 filename svcupd.exe", "4 sha256 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", "4 filename stage2.dll",
		}},
		{"noheader.csv", CSV, []string{"1 ipv4 198.51.100.7", "2 ipv4 203.0.113.9", "3 domain badsite.example"}},
		{"misp.csv", CSV, []string{"2 ipv4 198.51.100.7", "3 filename svcupd.exe", "3 md5 " + md5Sample, "5 hostname mail.badsite.example"}},
		{"misp.json", MISP, []string{
			"6 ipv4 198.51.100.7", "8 domain badsite.example", "8 ipv4 203.0.113.9", "9 hostname mail.badsite.example", "10 registry /Software/SvcUpd", "11 useragent SvcUpd/1.0",
			"13 string svcupd_config", "19 filename svcupd.exe", "19 md5 " + md5Sample, "20 filename stage2.dll", "20 sha1 " + sha1Sample,
		}},
		{"stix.json", STIX, []string{
			"10 ipv4 198.51.100.7", "10 cidr 203.0.113.0/25", "10 domain badsite.example", "10 domain badsite.test", "19 sha256 " + sha256Sample, "19 url badsite.example/a/",
			`27 regex svcupd\.exe\s+-k`, "27 registry /Software/SvcUpd", "50 filename svcupd.exe", "52 md5 " + md5Sample, "60 email billing@badsite.example", `66 mutex Global\svcupd-7f3a`,
		}},
		{"openioc10.ioc", OpenIOC, []string{"10 md5 " + md5Sample, `14 regex (?i)Software[\\/]+SvcUpd`, "18 domain badsite.example", "23 filename stage2.dll", "31 ipv4 198.51.100.7"}},
		{"openioc11.ioc", OpenIOC, []string{"10 sha256 " + sha256Sample, `14 regex svcupd\.exe\s+-k`, "18 url badsite.example/a/", `22 mutex Global\svcupd-7f3a`}},
		{"hash-iocs.txt", Loki, []string{"4 md5 " + md5Sample, "5 sha1 " + sha1Sample, "6 sha256 " + sha256Sample}},
		{"filename-iocs.txt", Loki, []string{`4 regex \\svcupd(64)?\.exe$`, `5 regex (?i)\\procdump(64)?\.exe`, `8 regex /tmp/\.svcupd-[a-z]{4}`}},
		{"c2-iocs.txt", Loki, []string{"2 ipv4 198.51.100.7", "3 domain badsite.example", "4 domain updates.sh", "5 cidr 203.0.113.0/25"}},
		{"rules.yar", YARA, []string{
			"13 string svcupd_config", "14 regex (?:^|[^0-9A-Za-z])(?:SvcUpd v2)(?:$|[^0-9A-Za-z])", `15 regex (?i:svcupd-[0-9a-f]{8}\.tmp)`, `16 regex svcupd.{1,3}k(?:e|E).y`,
			"25 regex SvcUpdMain", `26 regex cmd\.exe /c ping`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inds, err := loadSample(t, Options{}, test.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, brief(test.name, inds)); diff != "" {
				t.Error(diff)
			}
			data, err := os.ReadFile(filepath.Join("testdata", "formats", test.name))
			if err != nil {
				t.Fatal(err)
			}
			if f, err := detect(test.name, data); f != test.format || err != nil {
				t.Errorf("got %s, %v, want %s", f, err, test.format)
			}
			checkAll(t, test.name, inds)
		})
	}
}

func TestReadBrokenSamples(t *testing.T) {
	tests := []struct {
		name  string
		lines []int
	}{
		{"plain-broken.txt", []int{3, 11}}, {"header-broken.csv", []int{2, 3}}, {"columns-broken.csv", []int{3}}, {"noheader-broken.csv", []int{2, 3}},
		{"misp-broken.csv", []int{3}}, {"misp-broken.json", []int{8, 11}}, {"misp-cut-broken.json", []int{10}}, {"stix-broken.json", []int{10, 27, 60}},
		{"openioc10-broken.ioc", []int{10}}, {"openioc11-broken.ioc", []int{14, 22}}, {"broken-hash-iocs.txt", []int{5}}, {"broken-filename-iocs.txt", []int{5, 8}},
		{"broken-c2-iocs.txt", []int{4}}, {"rules-broken.yar", []int{3, 11, 17}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := loadSample(t, Options{}, test.name)
			if err == nil {
				t.Fatal("no error")
			}
			messages := strings.Split(err.Error(), "\n")
			if len(messages) != len(test.lines) {
				t.Fatalf("got %q, want errors in lines %d", messages, test.lines)
			}
			for i, m := range messages {
				if want := fmt.Sprintf("%s:%d: ", test.name, test.lines[i]); !strings.HasPrefix(m, want) {
					t.Errorf("got %q, want %q", m, want)
				}
			}
		})
	}
}

// Lenient, a broken list gives what its sound twin gives, but for what is broken.
func TestReadBrokenSamplesLenient(t *testing.T) {
	for _, name := range []string{"plain", "header", "columns", "noheader", "misp.csv", "misp", "stix", "openioc10", "openioc11", "hash", "filename", "c2", "rules"} {
		sound, broken := twins(t, name)
		var warned []error
		inds, err := loadSample(t, Options{Warn: func(err error) { warned = append(warned, err) }}, broken)
		if err != nil || len(inds) == 0 || len(warned) == 0 {
			t.Errorf("%s: %d indicators, warned %v, %v", broken, len(inds), warned, err)
		}
		if name == "rules" {
			continue // other rules
		}
		all, err := loadSample(t, Options{}, sound)
		if err != nil || len(inds) >= len(all) {
			t.Errorf("%s: %d indicators are left of %d, %v", broken, len(inds), len(all), err)
		}
	}
}

// twins returns the names of a sample and of its broken twin.
func twins(t *testing.T, name string) (sound, broken string) {
	t.Helper()
	names := map[string]string{"plain": "plain.txt", "header": "header.csv", "columns": "columns.csv", "noheader": "noheader.csv", "misp.csv": "misp.csv", "misp": "misp.json", "stix": "stix.json",
		"openioc10": "openioc10.ioc", "openioc11": "openioc11.ioc", "hash": "hash-iocs.txt", "filename": "filename-iocs.txt", "c2": "c2-iocs.txt", "rules": "rules.yar"}
	sound = names[name]
	if strings.HasSuffix(sound, "-iocs.txt") {
		return sound, "broken-" + sound
	}
	ext := filepath.Ext(sound)
	return sound, strings.TrimSuffix(sound, ext) + "-broken" + ext
}

// checkAll checks what holds for every indicator of every list: a known type, a value, a source that names the list, and that a
// set can be made of them.
func checkAll(t *testing.T, name string, inds []Indicator) {
	t.Helper()
	known := map[Type]bool{IPv4: true, IPv6: true, CIDR: true, Domain: true, Hostname: true, URL: true, Email: true, MD5: true, SHA1: true, SHA256: true, SHA512: true,
		Filename: true, Path: true, Registry: true, Mutex: true, UserAgent: true, String: true, Regex: true}
	for _, ind := range inds {
		if !known[ind.Type] || ind.Value == "" || ind.Raw == "" || len(ind.Sources) != 1 || !strings.HasPrefix(ind.Sources[0], name+":") {
			t.Errorf("%+v is not complete", ind)
		}
		if ind.Type == Path || ind.Type == Registry {
			continue // what they lose at the front can be lost again
		}
		if again, err := parseValue(ind.Type, ind.Value); err != nil || again.Value != ind.Value || again.Type != ind.Type {
			t.Errorf("%s %q read again is %s %q, %v", ind.Type, ind.Value, again.Type, again.Value, err)
		}
	}
	if _, err := NewSet(inds); err != nil {
		t.Errorf("no set can be made: %v", err)
	}
}

func TestDetect(t *testing.T) {
	tests := []struct {
		name, text string
		want       Format
	}{
		{"x", "", Plain}, {"x", "[2001:db8::1]:443\n", Plain}, {"x", "{.}\n", Plain}, {"x", "http://a.example/x,1;2\nhttp://b.example/y,3\n", Plain},
		{"x", "string:a, b, c\nstring:d, e, f\n", Plain}, {"x", `"evil.example",` + "\n" + `"evil.test",` + "\n", Plain}, {"x", "evil.example\n# a,b\n198.51.100.7\n", Plain},
		{"x", "198.51.100.7,beacon\n198.51.100.8,loader\n", CSV}, {"x.csv", "http://a.example/x,malware\n", CSV}, {"x", "http://a.example/x,malware,2026\nhttp://b.example/x,malware,2026\n", CSV},
		{"x", "value\ttype\n198.51.100.7\tip\n", CSV}, {"x", "domain|198.51.100.7\n", CSV},
		{"x", `{"type": "bundle", "objects": []}`, STIX}, {"x", `[{"type": "indicator"}]`, STIX}, {"x", `{"more": false, "objects": []}`, STIX},
		{"x", `{"response": [{"Event": {}}]}`, MISP}, {"x", `[{"Event": {}}]`, MISP}, {"x", `{"Attribute": []}`, MISP},
		{"x", "<?xml version='1.0'?><!-- c --><ioc/>", OpenIOC}, {"x", "<OpenIOC/>", OpenIOC},
		{"x", md5Sample + ";evil\n", Loki}, {"x", `\\evil\.exe;70` + "\n", Loki}, {"iocs/otx-c2-iocs.txt", "evil.sh\n", Loki}, {`C:\x\keywords.txt`, "evil\n", Loki},
		{"x", "// c\n/* d */ private rule a { condition: true }", YARA}, {"x", `import "pe"`, YARA}, {"x", "rule of thumb.example\n", YARA},
	}
	for _, test := range tests {
		if got, err := detect(test.name, []byte(test.text)); got != test.want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", test.text, got, err, test.want)
		}
	}
}

func TestReadRefusesOtherFiles(t *testing.T) {
	for _, text := range []string{
		"<html><body>Sign in</body></html>", "<stix:STIX_Package xmlns:stix='x'/>", "<rss/>", `{"5f1f5f0a-0000-4000-8000-000000000000": {"info": "x"}}`, `["x"]`, `{"a": `, "\x1f\x8b\x08", "PK\x03\x04",
	} {
		if inds, err := (Options{}).Read("x", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), "x:1: ") {
			t.Errorf("%q: %v, %v", text, inds, err)
		}
	}
	if _, err := (Options{Format: "docx"}).Read("x", strings.NewReader("")); err == nil {
		t.Error("an unknown format is read")
	}
	if _, err := (Options{Type: "colour"}).Read("x", strings.NewReader("evil.example")); err == nil {
		t.Error("an unknown type is read")
	}
	if _, err := (Options{}).Read("x", readerOf(func([]byte) (int, error) { return 0, os.ErrPermission })); !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
}

type readerOf func([]byte) (int, error)

func (r readerOf) Read(p []byte) (int, error) { return r(p) }

func TestReadHasABound(t *testing.T) {
	n := 0
	_, err := Options{}.Read("x", readerOf(func(p []byte) (int, error) {
		n += len(p)
		return len(p), nil
	}))
	if err == nil || n > 2*maxList {
		t.Errorf("%d bytes were read, %v", n, err)
	}
}

func TestReadBoundsRegexes(t *testing.T) {
	large := "regex:" + strings.Repeat("[a-z]{1000}", 100) + "\n"
	if inds, err := ReadList("x", strings.NewReader(large)); err == nil {
		t.Errorf("%d expressions are read", len(inds))
	}
	var warned int
	inds, err := Options{Warn: func(error) { warned++ }}.ReadList("x", strings.NewReader(strings.Repeat("regex:evil[a-z]{1000}[0-9]{1000}x{1000}\n", 1500)))
	if err != nil || warned == 0 || len(inds) > maxRegexSteps/3000 {
		t.Errorf("%d expressions are read, %d refused, %v", len(inds), warned, err)
	}
}

// docs/indicators.md tells of every type and format.
func TestDocsAreComplete(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "indicators.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []Type{IPv4, IPv6, CIDR, Domain, Hostname, URL, Email, MD5, SHA1, SHA256, SHA512, Filename, Path, Registry, Mutex, UserAgent, String, Regex} {
		if !bytes.Contains(docs, []byte("`"+typ+"`")) {
			t.Errorf("the type %s is not told", typ)
		}
	}
	for _, f := range Formats() {
		if !bytes.Contains(bytes.ToLower(docs), []byte("\n### "+f.Format)) {
			t.Errorf("the format %s has no section", f.Format)
		}
	}
}

func TestReadUTF16(t *testing.T) {
	for _, name := range []string{"header.csv", "misp.json", "rules.yar", "c2-iocs.txt"} {
		data, err := os.ReadFile(filepath.Join("testdata", "formats", name))
		if err != nil {
			t.Fatal(err)
		}
		wide := []byte{0xfe, 0xff}
		for _, u := range utf16.Encode([]rune(string(data))) {
			wide = append(wide, byte(u>>8), byte(u))
		}
		got, err := Options{}.Read(name, bytes.NewReader(wide))
		want, wantErr := loadSample(t, Options{}, name)
		if err != nil || wantErr != nil {
			t.Fatal(err, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestForcedType(t *testing.T) {
	for _, test := range []struct {
		force      Type
		text, want string
	}{
		{String, "198.51.100.7 # x", "1 string 198.51.100.7 # x"}, {Domain, "evil.sh", "1 domain evil.sh"}, {Domain, "ip:198.51.100.7", "1 ipv4 198.51.100.7"},
		{"ip", "2001:db8::1", "1 ipv6 2001:db8::1"}, {"hash", md5Sample, "1 md5 " + md5Sample}, {IPv4, "198.51.100.0/24", "1 cidr 198.51.100.0/24"},
		{Filename, "name,198.51.100.7\n", "1 filename name,198.51.100.7"},
	} {
		inds, err := Options{Type: test.force, Format: Plain}.Read("x", strings.NewReader(test.text))
		if diff := cmp.Diff([]string{test.want}, brief("x", inds)); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

func TestFormatsAreAllRead(t *testing.T) {
	for _, f := range Formats() {
		if readers[f.Format] == nil || f.What == "" {
			t.Errorf("%s can't be read or is not described", f.Format)
		}
	}
	if len(Formats()) != len(readers) {
		t.Errorf("%d formats are described, %d can be read", len(Formats()), len(readers))
	}
}

func TestFormatsShareIndicators(t *testing.T) {
	var all []Indicator
	for _, name := range []string{"plain.txt", "stix.json", "c2-iocs.txt"} {
		inds, err := loadSample(t, Options{}, name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, inds...)
	}
	set, err := NewSet(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, ind := range set.Indicators() {
		if ind.Value != "198.51.100.7" {
			continue
		}
		want := []string{"plain.txt:2", "plain.txt:15", "stix.json:10#indicator--7d1e1f8e-0001-4000-8000-000000000001", "c2-iocs.txt:2"}
		if diff := cmp.Diff(want, ind.Sources); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzRead checks that no list of any format and name makes a reader panic, and that what it yields is sound.
func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "formats", "*"))
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Base(p), data)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		fuzzFormat(t, name, "", data)
	})
}

// fuzzFormat reads a list and checks what comes of it.
func fuzzFormat(t *testing.T, name string, format Format, data []byte) {
	t.Helper()
	o := Options{Private: true, Format: format, Warn: func(error) {}}
	inds, err := o.Read(name, bytes.NewReader(data))
	checkAll(t, name, inds)
	if o.Warn = nil; err == nil {
		return
	}
	if _, err := o.Read(name, bytes.NewReader(data)); err == nil {
		t.Error("a list that is broken when lenient is sound when strict")
	}
}
