package collectors_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bellwether/collectors/collectorstest"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

// differing returns the paths in package-differs.txt.
func differing(t *testing.T, root string) []string {
	t.Helper()
	var got []string
	for _, line := range list(t, walkRoot(t, root, profiles.Step{Verify: profiles.VerifyAll}), "package-differs") {
		got = append(got, strings.Fields(line)[2])
	}
	slices.Sort(got)
	return got
}

// verified returns the paths whose digest a verifier says to differ: a 5 in the third place.
func verified(out string) []string {
	var paths []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) >= 2 && len(f[0]) == 9 && f[0][2] == '5' {
			paths = append(paths, f[len(f)-1])
		}
	}
	slices.Sort(paths)
	return paths
}

// What the walk says to differ from its package is what dpkg says.
func TestWalkDiffersAsDpkgVerifies(t *testing.T) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("no host with dpkg")
	}
	root := collectorstest.Root(t, map[string]string{
		"usr/bin/good": elf, "usr/bin/bad": elf + "x", "usr/share/bad.txt": "x", "usr/share/good.txt": "good", "etc/p.conf": "changed",
	})
	good := collectorstest.Root(t, map[string]string{"good": "good"})
	sum, text := md5Of(t, filepath.Join(root, "usr/bin/good")), md5Of(t, filepath.Join(good, "good"))
	for name, content := range map[string]string{
		"var/lib/dpkg/status":         "Package: p\nStatus: install ok installed\nMaintainer: m\nArchitecture: all\nVersion: 1\nDescription: d\nConffiles:\n /etc/p.conf " + text + "\n",
		"var/lib/dpkg/info/p.list":    "/.\n/usr\n/usr/bin\n/usr/bin/good\n/usr/bin/bad\n/usr/share\n/usr/share/bad.txt\n/usr/share/good.txt\n/etc\n/etc/p.conf\n",
		"var/lib/dpkg/info/p.md5sums": fmt.Sprintf("%s  usr/bin/good\n%s  usr/bin/bad\n%s  usr/share/bad.txt\n%s  usr/share/good.txt\n", sum, sum, text, text),
		"var/lib/dpkg/info/format":    "1\n",
	} {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "usr/bin/bad"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("dpkg", "--root="+root, "--verify").Output() // its status tells that something differs
	want := verified(string(out))
	if got := differing(t, root); len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("package-differs (-dpkg +walk):\n%s\n%s", cmp.Diff(want, got), out)
	}
}

// The same for rpm, with the database that it wrote.
func TestWalkDiffersAsRPMVerifies(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("needs rpm (Debian: rpm)")
	}
	packed, err := os.Open("pkgdb/testdata/rpmdb.sqlite.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	db, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"var/lib/rpm/rpmdb.sqlite": string(db), "bin/sample": "a program\n", "bin/sample-su": "another program\n", "bin/sample-cap": "with capabilities\n",
		"etc/sample/sample.conf": "another setting\n",
	}
	for i := range 300 {
		files[fmt.Sprintf("usr/share/sample/a-file-with-a-long-name-%d", i+1)] = fmt.Sprintf("file %d\n", i+1)
	}
	files["usr/share/sample/a-file-with-a-long-name-77"] = "file 78\n"
	root := collectorstest.Root(t, files)
	out, err := exec.Command("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-V", "--nodeps", "--noscripts", "sample").Output()
	if len(out) == 0 {
		t.Skipf("rpm can't look into a root here: %v", err)
	}
	want := verified(string(out))
	if got := differing(t, root); len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("package-differs (-rpm +walk):\n%s\n%s", cmp.Diff(want, got), out)
	}
}
