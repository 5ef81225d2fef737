package logrotate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got := Parse(`# of Debian
weekly
rotate 4
include /etc/logrotate.d

/var/log/syslog
"/var/log/with blank.log"
/var/log/{a,b}.log
{
	daily   # every day
	rotate 7
	notifempty
	sharedscripts
	postrotate
		# tell it
		/usr/lib/rsyslog/rsyslog-rotate
		true
	endscript
}
/var/log/btmp { monthly copytruncate }
/var/log/size.log {
	size 10M
}
/var/log/cut {
	prerotate
		echo cut
`)
	want := []Rule{
		{Every: 7 * day, Keep: 4, Line: 1},
		{
			Paths: []string{"/var/log/syslog", "/var/log/with blank.log", "/var/log/{a,b}.log"}, Every: day, Keep: 7, NotIfEmpty: true, Line: 9,
			Scripts: []Script{{"postrotate", "/usr/lib/rsyslog/rsyslog-rotate\ntrue", 16}},
		},
		{Paths: []string{"/var/log/btmp"}, Every: 31 * day, Keep: 4, Line: 20},
		{Paths: []string{"/var/log/size.log"}, Every: 7 * day, Keep: 4, BySize: true, Line: 21},
		{Paths: []string{"/var/log/cut"}, Every: 7 * day, Keep: 4, Line: 24, Scripts: []Script{{"prerotate", "echo cut", 26}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("weekly\n/var/log/a {\nrotate 3\npostrotate\nx\nendscript\n}\n")
	f.Add("/a/{b,c}.log { size 1 }")
	f.Add("{{{\n}}}\n\"'\\")
	f.Fuzz(func(t *testing.T, text string) {
		rules := Parse(text)
		if len(rules) == 0 || len(rules) > strings.Count(text, "{")+1 {
			t.Errorf("%d rules", len(rules))
		}
		lines := strings.Count(text, "\n") + 1
		for _, r := range rules {
			if r.Line < 1 || r.Line > lines || r.Keep < -1 || r.Every < 0 {
				t.Errorf("rule %+v of %d lines", r, lines)
			}
			for _, s := range r.Scripts {
				if s.Command == "" || !isScript(s.When) {
					t.Errorf("script %+v", s)
				}
			}
		}
	})
}
