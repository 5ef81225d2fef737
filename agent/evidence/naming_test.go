package evidence

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAssign(t *testing.T) {
	long := strings.Repeat("n", 300)
	tests := []struct{ wanted, want string }{
		{"files/var/log/auth.log.2.gz", "files/var/log/auth.log.2.gz"},
		{"files/home/a/.bash_history", "files/home/a/.bash_history"},
		{"files/C/Program Files/x (1).evtx", "files/C/Program Files/x (1).evtx"},
		{"files/C/$MFT", "files/C/$MFT"},
		{"files/a:b", "files/a_b"},
		{"files/new\nline", "files/new_line"},
		{"files/bad\xff\xfeutf8", "files/bad__utf8"},
		{"files/right\u202eleft", "files/right_left"},
		{"files/dot.", "files/dot_"},
		{"files/... ", "files/____"},
		{"files/ lead", "files/_lead"},
		{"files/-rf", "files/_rf"},
		{"files/con", "files/_con"},
		{"files/Com1.log", "files/_Com1.log"},
		{"files/lpt¹", "files/_lpt¹"},
		{"files/com10.log", "files/com10.log"},
		{"files/" + long + ".log.gz", "files/" + strings.Repeat("n", 184) + "~" + shortHash(long+".log.gz", 8) + ".log.gz"},
		{"files/a//b", "files/a/_/b"},
	}
	for _, tt := range tests {
		if got := newNamer().assign(tt.wanted); got != tt.want {
			t.Errorf("assign(%q) = %q, want %q", tt.wanted, got, tt.want)
		}
	}
}

func TestAssignKeepsNamesApart(t *testing.T) {
	n := newNamer()
	wanted := []string{"f/Log/x", "f/log/X", "f/log/x", "f/log/x", "f/a", "f/a/b", "f/c/d", "f/c", "f/q?", "f/q*", "f/q_", "f/Log/y"}
	seen := map[string]string{}
	for _, w := range wanted {
		got := n.assign(w)
		for p := got; p != "."; p = path.Dir(p) {
			key := fold(p)
			if other, ok := seen[key]; ok && (other != p || p == got) {
				t.Errorf("%q is named %q, which differs only by case, or not at all, from %q", w, got, other)
			}
			seen[key] = p
		}
	}
	if a, b := n.assign("f/Log/1"), n.assign("f/Log/2"); path.Dir(a) != path.Dir(b) {
		t.Errorf("one directory became two: %s and %s", a, b)
	}
}

func TestAssignBoundsTheWholeName(t *testing.T) {
	deep := "files/" + strings.Repeat("directory/", 400) + "access.log"
	got := newNamer().assign(deep)
	if len(got) > maxName || !strings.HasPrefix(got, "files/_long/") || !strings.HasSuffix(got, "/access.log") {
		t.Errorf("assign of a path of %d bytes = %q", len(deep), got)
	}
}

func TestCaseName(t *testing.T) {
	if got, want := CaseName("web-01", "i-0abc1234", "20261122T150405Z"), "web-01_i-0abc1234_20261122T150405Z"; got != want {
		t.Errorf("CaseName = %s, want %s", got, want)
	}
	if got, want := CaseName("../x", "", "20261122T150405Z"), ".._x_20261122T150405Z"; got != want {
		t.Errorf("CaseName = %s, want %s", got, want)
	}
}

func FuzzAssign(f *testing.F) {
	f.Add("files/var/log/x", "files/var/log/X")
	f.Add("a\x00/b.", "con/aux")
	f.Add(strings.Repeat("ä", 150), strings.Repeat("x/", 500))
	f.Fuzz(func(t *testing.T, a, b string) {
		n := newNamer()
		names := []string{n.assign(a), n.assign(b), n.assign(a)}
		folded := map[string]bool{}
		for _, name := range names {
			if folded[fold(name)] {
				t.Errorf("%q and %q: a name is given twice: %q", a, b, names)
			}
			folded[fold(name)] = true
			if err := portable(name); err != nil {
				t.Errorf("%q is named %q: %v", a, name, err)
			}
		}
	})
}

// portable says in its own words what a name may be: it is the other side of safeSegment.
func portable(name string) error {
	if len(name) > maxName || !utf8.ValidString(name) || path.Clean(name) != name || path.IsAbs(name) {
		return fmt.Errorf("not a clean, relative path of UTF-8, %d bytes long", len(name))
	}
	for _, s := range strings.Split(name, "/") {
		base, _, _ := strings.Cut(strings.ToUpper(s), ".")
		switch {
		case len(s) > 200:
			return fmt.Errorf("segment %q has %d bytes", s, len(s))
		case s == "" || s == "." || s == "..":
			return fmt.Errorf("segment %q", s)
		case strings.ContainsAny(s, "<>:\"|?*\\\x7f") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }):
			return fmt.Errorf("segment %q has a forbidden character", s)
		case strings.HasSuffix(s, ".") || strings.HasSuffix(s, " "):
			return fmt.Errorf("segment %q ends with a dot or a blank", s)
		case base == "CON" || base == "NUL" || base == "AUX" || base == "PRN" || base == "COM1" || base == "LPT9":
			return fmt.Errorf("segment %q is a device", s)
		}
	}
	return nil
}
