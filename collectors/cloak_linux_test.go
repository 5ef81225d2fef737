package collectors

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/collectors/anomaly"

	"github.com/google/go-cmp/cmp"
)

func TestViewsOfAFileAgree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crontab")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c := cloaked(f, path); c != nil {
		t.Errorf("an honest file is cloaked: %+v", c)
	}
	// Behind the end of a file that shrank the mapping faults, and the program goes on.
	if err := f.Truncate(10); err != nil {
		t.Fatal(err)
	}
	if b, err := mapped(f, 10_000); err == nil {
		t.Errorf("%d bytes of a mapping behind the file's end", len(b))
	}
}

func TestDiffer(t *testing.T) {
	got := differ([]byte("module a\n"), []byte("module a\nmodule evil\n"))
	if diff := cmp.Diff(&anomaly.Cloak{Read: 9, Mapped: 21, At: 9}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if differ([]byte("a"), []byte("a")) != nil {
		t.Error("equal views differ")
	}
}
