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

// What is written while the views are looked at differs from one look to the next; what the kernel hides does not.
func TestOnlyViewsThatStayAreCloaked(t *testing.T) {
	// looks answers every look as the first, but for one.
	looks := func(odd int, read, view string) (func(bool) ([]byte, []byte, error), *int) {
		n := 0
		return func(bool) ([]byte, []byte, error) {
			if n++; n == odd {
				return []byte(read), []byte(view), nil
			}
			return []byte("a\n"), []byte("a\nevil\n"), nil
		}, &n
	}
	look, n := looks(0, "", "")
	if c := steady(look); c == nil || c.At != 2 || *n != cloakLooks {
		t.Errorf("a part that is hidden every time: %+v in %d looks", c, *n)
	}
	for _, other := range [][2]string{{"b\n", "a\nevil\n"}, {"a\n", "b\nevil\n"}, {"a\nevil\n", "a\n"}, {"a\n", "a\n"}} {
		for odd := 1; odd <= cloakLooks; odd++ {
			look, _ := looks(odd, other[0], other[1])
			if c := steady(look); c != nil {
				t.Errorf("other views %q in look %d: %+v", other, odd, c)
			}
		}
	}
}
