package collectors

import (
	"context"
	"strings"
	"testing"
	"time"

	"bellwether/collectors/anomaly"

	"github.com/google/go-cmp/cmp"
)

func TestNullScanJoinsRunsAcrossReads(t *testing.T) {
	text := "ab" + strings.Repeat("\x00", 3) + "cd\x00e" + strings.Repeat("\x00", 5)
	want := []anomaly.NullRun{{Offset: 2, Length: 3}, {Offset: 7, Length: 1}, {Offset: 9, Length: 5}}
	for size := 1; size <= len(text); size++ {
		s := nullScan{}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			s.add([]byte(rest[:n]))
			rest = rest[n:]
		}
		if diff := cmp.Diff(want, s.runs); diff != "" || s.total != 9 {
			t.Errorf("reads of %d: %d in all (-want +got):\n%s", size, s.total, diff)
		}
	}
	s := nullScan{at: 10}
	if err := s.read(context.Background(), strings.NewReader("x\x00")); err != nil || s.runs[0].Offset != 11 {
		t.Errorf("runs %v, error %v", s.runs, err)
	}
}

func FuzzNullScan(f *testing.F) {
	f.Add([]byte("ab\x00\x00c"), 2)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		s := nullScan{}
		for rest := b; len(rest) > 0; {
			n := min(max(1, size), len(rest))
			s.add(rest[:n])
			rest = rest[n:]
		}
		if s.at != int64(len(b)) || s.total != int64(strings.Count(string(b), "\x00")) {
			t.Errorf("at %d, %d NULs of %q", s.at, s.total, b)
		}
		for i, r := range s.runs {
			if r.Length <= 0 || i > 0 && r.Offset <= s.runs[i-1].Offset+s.runs[i-1].Length {
				t.Errorf("runs %v of %q", s.runs, b)
			}
		}
	})
}

func TestRotationOf(t *testing.T) {
	day := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]struct {
		live   string
		number int
		day    time.Time
	}{
		"/var/log/syslog.1": {"/var/log/syslog", 1, time.Time{}}, "/var/log/syslog.12.gz": {"/var/log/syslog", 12, time.Time{}},
		"/var/log/messages-20250301": {"/var/log/messages", 0, day}, "/var/log/a.log-20250301.xz": {"/var/log/a.log", 0, day},
		"/var/log/a.log.2025-03-01": {"/var/log/a.log", 0, day}, "/var/log/a.log-20250301-1740787200.gz": {"/var/log/a.log", 0, day},
		"/var/log/boot.log.old": {"/var/log/boot.log", 0, time.Time{}},
		"/var/log/Xorg.0.log":   {}, "/var/log/a-20259999": {}, "/var/log/report.2025": {}, "/var/log/a.gz": {},
	} {
		live, r, ok := rotationOf(name)
		if ok != (want.live != "") || live != want.live || r.Number != want.number || !r.Day.Equal(want.day) {
			t.Errorf("%s: got %q %d %v %v", name, live, r.Number, r.Day, ok)
		}
	}
}

func TestContentOf(t *testing.T) {
	for head, want := range map[string]string{
		"Mar  1 web sshd[1]: x\n": "text", "\x1f\x8b\x08\x00": "packed", "\x00\x00": "nulls", "LPKSHHRH\x01\x02\x03\x04\x05": "binary",
		strings.Repeat("\x00", 2000) + strings.Repeat("Mar 1 line\n", 100): "text", "zoë: ümlaut\n": "text",
	} {
		if got := contentOf([]byte(head)); got != want {
			t.Errorf("%q is %s, want %s", head[:min(20, len(head))], got, want)
		}
	}
}
