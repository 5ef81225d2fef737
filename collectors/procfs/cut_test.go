package procfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A reader that stops at its limit says so, and one that ends there by itself does not.
func TestWhatIsCutIsTold(t *testing.T) {
	root := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "list"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fs := New(root)
	row := func(s string) (string, bool) { return s, s != "" }
	write("a\nb\n\n")
	if got, err := lines(fs, "list", 2, row); err != nil || len(got) != 2 {
		t.Errorf("a whole list: %q, %v", got, err)
	}
	write("a\nb\n\nc\n")
	if got, err := lines(fs, "list", 2, row); !errors.Is(err, ErrCut) || len(got) != 2 {
		t.Errorf("a list that is cut: %q, %v", got, err)
	}
	write(strings.Repeat("x", maxFile))
	if b, err := fs.Beginning("list"); err != nil || len(b) != maxFile {
		t.Errorf("a whole file: %d bytes, %v", len(b), err)
	}
	write(strings.Repeat("x", maxFile+1))
	if b, err := fs.Beginning("list"); !errors.Is(err, ErrCut) || len(b) != maxFile {
		t.Errorf("a file that is cut: %d bytes, %v", len(b), err)
	}
	if b, err := fs.Read("list"); err != nil || len(b) != maxFile {
		t.Errorf("Read of a file that is cut: %d bytes, %v", len(b), err)
	}
}
