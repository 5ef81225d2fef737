package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestStarved(t *testing.T) {
	for _, tt := range []struct {
		ran, waited time.Duration
		want        bool
	}{
		{0, 0, false},                     // it waits for a disk or a command
		{time.Second, time.Second, false}, // one of two
		{10 * time.Millisecond, 2 * time.Second, true},
		{10 * time.Millisecond, time.Second / 2, false}, // most of the time it wanted none
	} {
		if got := (schedTimes{tt.ran, tt.waited}).starved(); got != tt.want {
			t.Errorf("ran %s, waited %s: starved %v, want %v", tt.ran, tt.waited, got, tt.want)
		}
	}
}

func TestReadSchedTimes(t *testing.T) {
	dir := t.TempDir()
	for tid, text := range map[string]string{"1": "1000 500 3\n", "2": "20 30 1\n", "3": "nonsense", "4": "1 x 2"} {
		if err := os.MkdirAll(filepath.Join(dir, tid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, tid, "schedstat"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := readSchedTimes(dir), (schedTimes{1020, 530}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if own := readSchedTimes("/proc/self/task"); own.ran <= 0 {
		t.Errorf("this process ran for %s", own.ran)
	}
}

func FuzzSchedstat(f *testing.F) {
	f.Add("1000 500 3\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) { _ = parseSchedstat(text).starved() })
}
