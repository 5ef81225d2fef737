package procfs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func accessed(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return time.Unix(st.Atim.Unix())
}

// What is read of programs and lists does not say that somebody has used them.
func TestReadingLeavesTheAccessTimeAlone(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "program")
	if err := os.WriteFile(path, []byte("\x7fELF\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	fs := New(root)
	line := func(s string) (string, bool) { return s, true }
	readers := map[string]func() bool{
		"digest": func() bool { sum, err := digest(path, 1<<20); return err == nil && sum != "" },
		"Read":   func() bool { b, err := fs.Read("program"); return err == nil && len(b) == 5 },
		"lines":  func() bool { l, err := lines(fs, "program", 10, line); return err == nil && len(l) == 1 },
		"isELF":  func() bool { return fs.isELF("program") },
	}
	before := time.Now().AddDate(0, 0, -60).Truncate(time.Second)
	for name, read := range readers {
		if err := os.Chtimes(path, before, time.Now()); err != nil {
			t.Fatal(err)
		}
		if !read() {
			t.Errorf("%s does not read", name)
		}
		if got := accessed(t, path); !got.Equal(before) {
			t.Errorf("%s sets the access time to %s", name, got)
		}
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if accessed(t, path).Equal(before) {
		t.Skip("this file system keeps no access times")
	}
}
