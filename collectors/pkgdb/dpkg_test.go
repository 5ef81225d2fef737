package pkgdb

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	sumA = "0123456789abcdef0123456789abcdef"
	sumB = "ffffffffffffffffffffffffffffffff"
)

func dpkgRoot(t *testing.T) dirRoot {
	root := rootWith(t, map[string]string{
		"usr/bin/x": "",
		"var/lib/dpkg/status": "Package: one\nStatus: install ok installed\nVersion: 1-2\nArchitecture: amd64\nMulti-Arch: same\n" +
			"Conffiles:\n /etc/one.conf " + sumB + "\n /etc/new newconffile\nDescription: text\n /etc/not-a-conffile " + sumB + "\n\n" +
			"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n" +
			"Package: two\nStatus: install ok installed\nVersion: 3\nArchitecture: all\n",
		"var/lib/dpkg/diversions":             "/usr/bin/ls\n/usr/bin/ls.real\ntwo\n",
		"var/lib/dpkg/info/one:amd64.list":    "/.\n/usr\n/bin/prog\n/usr/bin/ls\n/etc/one.conf\n/usr/lib/.hidden\n",
		"var/lib/dpkg/info/one:amd64.md5sums": sumA + "  bin/prog\n" + sumA + "  usr/bin/ls\n\\" + sumA + "  usr/a\\\\b\\nc\nnot a line\n",
		"var/lib/dpkg/info/two.list":          "/usr/bin/ls\n",
		"var/lib/dpkg/info/two.md5sums":       sumB + "  usr/bin/ls\n",
		"var/lib/dpkg/info/gone.list":         "/usr/bin/gone\n",
	})
	if err := os.Symlink("usr/bin", filepath.Join(string(root), "bin")); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestDpkg(t *testing.T) {
	x := Read(dpkgRoot(t))
	for _, want := range []struct {
		path, pkg, digest string
		config            bool
	}{
		{"/usr/bin/prog", "one", sumA, false}, // the package says /bin, which is a link here
		{"/usr/bin/ls", "two", sumB, false},   // diverted by two
		{"/usr/bin/ls.real", "one", sumA, false},
		{"/usr/a\\b\nc", "one", sumA, false},
		{"/etc/one.conf", "one", sumB, true},
		{"/etc/new", "one", "", true},
		{"/usr/lib/.hidden", "one", "", false},
	} {
		f, ok := x.Lookup(want.path)
		if !ok || f.Package.Name != want.pkg || hex.EncodeToString(f.Digest) != want.digest || f.Config != want.config {
			t.Errorf("Lookup(%q) = %+v, %v; want %+v", want.path, f, ok, want)
		}
	}
	for _, path := range []string{"/bin/prog", "/usr/bin/gone", "/etc/not-a-conffile", "/usr/bin/nothing"} {
		if f, ok := x.Lookup(path); ok {
			t.Errorf("Lookup(%q) = %+v, want nothing", path, f)
		}
	}
	if f, _ := x.Lookup("/usr/bin/prog"); f.Package.Time.IsZero() || f.Package.Version != "1-2" {
		t.Errorf("the package is %+v", f.Package)
	}
	if len(x.Problems) != 1 || !strings.Contains(x.Problems[0], "one:amd64.md5sums") {
		t.Errorf("problems %q, want the bad line of one:amd64.md5sums", x.Problems)
	}
}

func TestAPK(t *testing.T) {
	x := Read(rootWith(t, map[string]string{"lib/apk/db/installed": "C:Q1x\nP:musl\nV:1.2\nF:lib\nR:ld-musl.so.1\na:0:0:755\nZ:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nR:link\n\n" +
		"P:busybox\nV:3\nF:bin\nR:busybox\nZ:Q1//////////////////////////8=\n"}))
	for path, want := range map[string]string{
		"/lib/ld-musl.so.1": "musl 0000000000000000000000000000000000000000", "/lib/link": "musl ", "/bin/busybox": "busybox " + strings.Repeat("f", 40),
	} {
		f, ok := x.Lookup(path)
		if got := f.Package.Name + " " + hex.EncodeToString(f.Digest); !ok || got != want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", path, got, ok, want)
		}
	}
}

func TestMatchesAnyOfSeveralPackages(t *testing.T) {
	x := newIndex()
	for _, sum := range []string{sumA, sumB} {
		n, _ := x.addPackage(Package{Name: sum})
		d, err := hex.DecodeString(sum)
		if err != nil {
			t.Fatal(err)
		}
		x.add([]byte("/usr/lib/a.so"), n, MD5, d, 0)
	}
	x.finish()
	for sum, want := range map[string]bool{sumA: true, sumB: true, strings.Repeat("0", 32): false} {
		d, _ := hex.DecodeString(sum)
		if got := x.Matches("/usr/lib/a.so", MD5, d); got != want {
			t.Errorf("Matches(%s) = %v", sum, got)
		}
	}
}

// On a Debian host every file that dpkg lists is known to belong to a package.
func TestDpkgOfThisHost(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-L", "dpkg", "libc6", "base-files").Output()
	if err != nil {
		t.Skip("no host with dpkg")
	}
	x := Read(dirRoot("/"))
	known := 0
	for p := range strings.Lines(string(out)) {
		p = strings.TrimSpace(p)
		if !filepath.IsAbs(p) {
			continue // "diverted by"
		}
		if _, ok := x.Lookup(string(x.real([]byte(p)))); !ok && !strings.Contains(p, "diver") {
			t.Errorf("%s is not known", p)
		}
		known++
	}
	if known < 100 {
		t.Errorf("%d files compared", known)
	}
	t.Logf("%d files of %d packages, %d bytes of digests, problems %q", x.Len(), x.Packages(), len(x.digests), x.Problems)
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte("Package: a\nStatus: install ok installed\nConffiles:\n /etc/a " + sumA + "\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = parseStatus(bytes.NewReader(b), func(s stanza) {
			if s.name == "" {
				t.Error("a package without a name")
			}
			for _, c := range s.conffiles {
				if !filepath.IsAbs(c.path) || (c.digest != nil && len(c.digest) != 16) {
					t.Errorf("conffile %+v", c)
				}
			}
		})
	})
}

func FuzzSums(f *testing.F) {
	f.Add([]byte(sumA + "  usr/bin/a\n"))
	f.Add([]byte("\\" + sumA + " *a\\nb\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = parseSums(nil, bytes.NewReader(b), func(p, digest []byte) {
			if !filepath.IsAbs(string(p)) || len(digest) != 16 {
				t.Errorf("path %q, digest of %d bytes", p, len(digest))
			}
		})
	})
}

func FuzzDiversions(f *testing.F) {
	f.Add([]byte("/a\n/b\nc\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for from, v := range parseDiversions(bytes.NewReader(b)) {
			if !filepath.IsAbs(from) || !filepath.IsAbs(v.to) {
				t.Errorf("%q goes to %q", from, v.to)
			}
		}
	})
}

func FuzzAPK(f *testing.F) {
	f.Add([]byte("P:a\nV:1\nF:bin\nR:b\nZ:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := newIndex()
		_ = parseAPK(bytes.NewReader(b), x, Package{System: "apk"})
		usable(t, x)
	})
}

func BenchmarkReadDpkg(b *testing.B) {
	if _, err := os.Stat("/" + dpkgStatus); err != nil {
		b.Skip("no host with dpkg")
	}
	for b.Loop() {
		b.ReportMetric(float64(Read(dirRoot("/")).Len()), "files")
	}
}
