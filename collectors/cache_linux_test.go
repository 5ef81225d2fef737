package collectors

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"bellwether/profiles"

	"golang.org/x/sys/unix"
)

// cachedFile writes a file to the disk and has so many pages of it in the page cache, from one on.
func cachedFile(t *testing.T, name, magic string, first, pages int) *os.File {
	t.Helper()
	const size = 64 * firstRead
	if err := os.WriteFile(name, append([]byte(magic), bytes.Repeat([]byte("x"), size-len(magic))...), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	dropCache(f)
	if inCache(f, 0, size) {
		t.Skip("the file system of " + name + " keeps its files in memory")
	}
	readPage(f)
	for i := first; i < first+pages; i++ {
		if _, err := f.ReadAt(make([]byte, firstRead), int64(i)*firstRead); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// A walk leaves the page cache as it was: what the host had of a file stays, also where that is less than half, and what it had not goes.
func TestWalkLeavesThePageCache(t *testing.T) {
	for name, tt := range map[string]struct {
		magic        string
		first, pages int
		want         [3]bool // the first page, the second, the fourth
	}{
		"database, a few pages":  {"data", 3, 4, [3]bool{false, false, true}},
		"database, first pages":  {"data", 0, 4, [3]bool{true, true, true}},
		"database, nothing":      {"data", 0, 0, [3]bool{}},
		"program, a few pages":   {"\x7fELF", 3, 4, [3]bool{true, true, true}},
		"program, first page":    {"\x7fELF", 0, 1, [3]bool{true, true, true}},
		"program, nothing of it": {"\x7fELF", 0, 0, [3]bool{}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			f := cachedFile(t, filepath.Join(root, "file"), tt.magic, tt.first, tt.pages)
			env := NewEnv(root, slog.New(slog.DiscardHandler))
			sink := &manyItems{items: map[string]string{}, errs: map[string]error{}}
			if err := Run(context.Background(), &profiles.Plan{Steps: []profiles.Step{{Name: "walk", Collector: profiles.Walk}}}, env, sink); err != nil {
				t.Fatal(err)
			}
			var got [3]bool
			for i, page := range []int64{0, 1, 3} {
				got[i] = inCache(f, page*firstRead, firstRead)
			}
			if got != tt.want {
				t.Errorf("pages 0, 1 and 3 are in the cache: %v, want %v", got, tt.want)
			}
		})
	}
}

// mincore says the same as cachestat, which older kernels don't have.
func TestMincoreEqualsCachestat(t *testing.T) {
	f := cachedFile(t, filepath.Join(t.TempDir(), "file"), "data", 3, 4)
	if err := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{Len: 1}, &unix.Cachestat_t{}, 0); err != nil {
		t.Skip("this kernel has no cachestat: ", err)
	}
	for _, span := range [][2]int64{{0, 64}, {0, 1}, {1, 2}, {1, 63}, {3, 1}, {6, 2}, {7, 57}} {
		offset, length := span[0]*firstRead, span[1]*firstRead
		if got, want := mincore(f, offset, length), inCache(f, offset, length); got != want {
			t.Errorf("pages from %d, %d of them: mincore says %v, cachestat %v", span[0], span[1], got, want)
		}
	}
}
