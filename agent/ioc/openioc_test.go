package ioc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpenIOCItems(t *testing.T) {
	tests := []struct{ search, condition, value, want string }{
		{"FileItem/FileName", "contains", "svcupd", "1 string svcupd"}, {"FileItem/FullPath", "contains", `\Temp\svc`, `1 regex (?i)[\\/]+Temp[\\/]+svc`},
		{"FileItem/FileName", "ends-with", ".scr", `1 regex (?i)\.scr\b`}, {"DnsEntryItem/RecordName", "is", "evil.example", "1 domain evil.example"},
		{"PortItem/remoteIP", "is", "198.51.100.7", "1 ipv4 198.51.100.7"}, {"Network/UserAgent", "is", "evil/1", "1 useragent evil/1"}, {"UrlHistoryItem/URL", "contains", "/gate.php", "1 string /gate.php"},
		{"RegistryItem/KeyPath", "is", `HKEY_LOCAL_MACHINE\Software\Evil`, "1 registry /Software/Evil"}, {"FileItem/FilePath", "matches", `temp\\svc\d`, `1 regex (?i)temp\\svc\d`},
		{"Some/New/Md5sum", "is", md5Sample, "1 md5 " + md5Sample},
	}
	for _, test := range tests {
		inds, err := Options{}.Read("x", strings.NewReader(itemOf(test.search, test.condition, test.value)))
		if diff := cmp.Diff([]string{test.want}, brief("x", inds)); diff != "" || err != nil {
			t.Errorf("%s: %s %v", test.search, diff, err)
		}
	}
}

func itemOf(search, comparison, value string) string {
	return fmt.Sprintf(`<ioc><definition><Indicator operator="OR"><IndicatorItem id="i" condition="%s"><Context search="%s"/><Content type="string">%s</Content></IndicatorItem></Indicator></definition></ioc>`, comparison, search, value)
}

func TestOpenIOCRefuses(t *testing.T) {
	for _, text := range []string{
		itemOf("FileItem/SizeInBytes", "is", "7"), itemOf("FileItem/Md5sum", "isnot", md5Sample), itemOf("FileItem/Md5sum", "is", "x"), itemOf("FileItem/FileName", "contains", "a"),
		"<ioc><definition>", "<ioc></OpenIOC>", "<ioc>&x;</ioc>", "<?xml version='1.0' encoding='ebcdic'?><ioc/>", `<ioc><definition><Indicator operator="XOR"><IndicatorItem/></Indicator></definition></ioc>`,
		strings.Repeat("<ioc>", 1e5), "<ioc><definition>" + strings.Repeat(`<Indicator operator="OR">`, 1e5), `<!DOCTYPE ioc [<!ENTITY a "aaaa">]><ioc><short_description>&a;</short_description></ioc>`,
	} {
		if inds, err := (Options{Format: OpenIOC}).Read("x", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), "x:1: ") {
			t.Errorf("%.120s: %v, %v", text, inds, err)
		}
	}
}

// FuzzOpenIOC checks that no XML makes the reader panic.
func FuzzOpenIOC(f *testing.F) {
	f.Add([]byte(itemOf("FileItem/FileName", "contains", "svcupd")))
	f.Add([]byte(`<?xml version="1.0" encoding="latin1"?><OpenIOC><criteria><Indicator operator="AND"><IndicatorItem condition="matches" negate="true"><Context search="x"/></IndicatorItem></Indicator></criteria></OpenIOC>`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFormat(t, "x", OpenIOC, data) })
}
