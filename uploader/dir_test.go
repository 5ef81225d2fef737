package uploader_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bellwether/uploader"
)

func TestDirModeAndTime(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	name := filepath.Join(t.TempDir(), "case")
	dir := openDir(t, name, uploader.DirOptions{})
	when := time.Date(2001, 2, 3, 4, 5, 6, 789_000_000, time.UTC)
	for _, test := range []struct{ mode, want fs.FileMode }{
		{0, 0o600},
		{0o644, 0o600},
		{0o755, 0o700},
		{0o400, 0o400},
		{0o200, 0o600},
		{0o077, 0o600},
		{fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o4777, 0o700},
	} {
		key := fmt.Sprintf("a/b/%o", test.mode)
		object, err := dir.Create(t.Context(), key, uploader.Meta{Size: -1, Mode: test.mode, ModTime: when})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := object.Commit(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(name, key))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != test.want {
			t.Errorf("mode %v: got %v, want %v", test.mode, got, test.want)
		}
		if !info.ModTime().Equal(when) {
			t.Errorf("got mtime %v, want %v", info.ModTime(), when)
		}
	}
	for _, d := range []string{"", "a", "a/b"} {
		info, err := os.Stat(filepath.Join(name, d))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("directory %q: got mode %04o, want 0700", d, got)
		}
	}
}

// A link that someone planted below the destination leads nowhere.
func TestDirPlantedLinks(t *testing.T) {
	base := t.TempDir()
	name, outside := filepath.Join(base, "case"), filepath.Join(base, "outside")
	for _, d := range []string{name, outside, filepath.Join(name, "real")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"absolute": outside,
		"relative": filepath.Join("..", "outside"),
		"inside":   "real",
		"dangling": filepath.Join(outside, "new"),
		"loop":     "loop",
	} {
		if err := os.Symlink(target, filepath.Join(name, link)); err != nil {
			t.Fatal(err)
		}
	}
	dir := openDir(t, name, uploader.DirOptions{})
	for _, link := range []string{"absolute", "relative", "inside", "dangling", "loop"} {
		for _, key := range []string{link, link + "/file", link + "/sub/file"} {
			object, err := dir.Create(t.Context(), key, uploader.Meta{Size: -1})
			if err == nil {
				t.Errorf("%s was made through a link", key)
				_ = object.Abort()
			} else if taken := errors.Is(err, fs.ErrExist); taken != (key == link) {
				t.Errorf("%s: %v; taken: %v", key, err, taken)
			}
		}
	}
	for _, d := range []string{outside, filepath.Join(name, "real")} {
		entries, err := os.ReadDir(d)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > 0 {
			t.Errorf("%s has %v", d, entries)
		}
	}
}

// A directory that is replaced by a link while the run goes on does not lead out of the store.
func TestDirSwappedDirectory(t *testing.T) {
	base := t.TempDir()
	name, outside := filepath.Join(base, "case"), filepath.Join(base, "outside")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := openDir(t, name, uploader.DirOptions{})
	if err := send(t, dir, "logs/first", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(name, "logs"), filepath.Join(name, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(name, "logs")); err != nil {
		t.Fatal(err)
	}
	if err := send(t, dir, "logs/second", []byte("x")); err == nil {
		t.Error("written through a link")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("outside has %v, %v", entries, err)
	}
}

func TestDirFloor(t *testing.T) {
	name := t.TempDir()
	probe := openDir(t, name, uploader.DirOptions{})
	free, total, err := probe.Free()
	if err != nil {
		t.Fatal(err)
	}
	if free == 0 || free > total {
		t.Fatalf("got %d bytes free of %d", free, total)
	}
	floor := func(format string, n uint64) uploader.Floor {
		f, err := uploader.ParseFloor(fmt.Sprintf(format, n))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}

	above := openDir(t, name, uploader.DirOptions{MinFree: floor("%d", 2*total)})
	_, err = above.Create(t.Context(), "known", uploader.Meta{Size: 1})
	if !errors.Is(err, uploader.ErrFloor) {
		t.Errorf("known size: got error %v, want ErrFloor", err)
	}
	if !strings.Contains(fmt.Sprint(err), "free") || !strings.Contains(fmt.Sprint(err), "--min-free") {
		t.Errorf("error %q has neither the figures nor the way out", err)
	}
	if _, err := above.Create(t.Context(), "unknown", uploader.Meta{Size: -1}); !errors.Is(err, uploader.ErrFloor) {
		t.Errorf("unknown size: got error %v, want ErrFloor", err)
	}
	book, err := above.Create(t.Context(), "book", uploader.Meta{Size: 100, Reserve: 4096})
	if err != nil {
		t.Fatalf("the case's own book: %v", err)
	}
	if _, err := book.Write(content(10 << 20)); err != nil {
		t.Errorf("the case's own book: %v", err)
	}
	if err := book.Abort(); err != nil {
		t.Error(err)
	}

	if free > 1<<30 {
		half := openDir(t, name, uploader.DirOptions{MinFree: floor("%d", free/2)})
		if _, err := half.Create(t.Context(), "too large", uploader.Meta{Size: int64(free/2) + 1<<29}); !errors.Is(err, uploader.ErrFloor) {
			t.Errorf("too large: got error %v, want ErrFloor", err)
		}
		if err := send(t, half, "small enough", []byte("x")); err != nil {
			t.Error(err)
		}
	}
}

func TestDirSync(t *testing.T) {
	dir := openDir(t, t.TempDir(), uploader.DirOptions{})
	if err := send(t, dir, "x", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestNewDirNotADirectory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := uploader.NewDir(name, uploader.DirOptions{}); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("got error %v, want one that names %s", err, name)
	}
}
