package collectors

import (
	"fmt"
	"testing"
)

func TestParseStat(t *testing.T) {
	tests := []struct {
		text string
		want process
	}{
		{"17 (bash) S 1 17 17 34816 17 4194304", process{pid: 17, parent: 1, session: 17, state: 'S'}},
		{"18 (a) b) Z (c\n) Z 17 18 9 0", process{pid: 18, parent: 17, session: 9, state: 'Z'}},
	}
	for _, tt := range tests {
		got, err := parseStat([]byte(tt.text))
		if err != nil || got != tt.want {
			t.Errorf("parseStat(%q) = %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "17", "17 (x", "x (y) S 1 1 1", "17 (x) S 1", "17 (x) SS 1 2 3", ") ("} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q) = %+v, want an error", bad, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (bash) S 1 17 17 34816"))
	f.Add([]byte("18 (a) b) Z (c\n) Z 17 18 9 0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseStat(b)
		if err != nil {
			return
		}
		again, err := parseStat(fmt.Appendf(nil, "%d (x) %c %d 0 %d", p.pid, p.state, p.parent, p.session))
		if err != nil || again != p {
			t.Errorf("%+v reads back as %+v, %v", p, again, err)
		}
	})
}
