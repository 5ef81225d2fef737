package pkgdb

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// unpack returns the bytes of a database in testdata.
func unpack(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rootWith is a root that holds files.
func rootWith(t testing.TB, files map[string]string) dirRoot {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dirRoot(root)
}

func TestRPMEveryFormatSaysWhatRPMSays(t *testing.T) {
	want, err := os.ReadFile("testdata/rpm-dump.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
		x := Read(rootWith(t, map[string]string{"var/lib/rpm/" + name: string(unpack(t, name))}))
		if len(x.Problems) > 0 || x.Packages() != 2 {
			t.Errorf("%s: %d packages, problems %q", name, x.Packages(), x.Problems)
		}
		checkDump(t, name, x, string(want))
	}
}

// checkDump compares with lines of path, size, mtime, digest, mode, owner, group, configuration …
func checkDump(t *testing.T, name string, x *Index, dump string) {
	t.Helper()
	checked := 0
	for line := range strings.Lines(dump) {
		f := strings.Fields(line)
		mode, err := strconv.ParseUint(f[4], 8, 32)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := x.Lookup(f[0])
		if f[0] == "/var/log/sample.log" { // a ghost is no file of the package until somebody makes it
			if ok {
				t.Errorf("%s: %s is known", name, f[0])
			}
			continue
		}
		digest := ""
		if mode&typeMode == fileMode {
			digest = f[3]
		}
		if !ok || hex.EncodeToString(got.Digest) != digest || got.Config != (f[7] == "1") || got.SetID != (mode&setIDMode != 0) ||
			got.Package.Name != "sample" || got.Package.Version != "1.2-3" || got.Caps != (f[0] == "/bin/sample-cap") || !got.Modes {
			t.Errorf("%s: %s is %+v, %v; rpm says %s", name, f[0], got, ok, line)
		}
		checked++
	}
	if checked != 306 {
		t.Errorf("%s: %d files compared, want 306", name, checked)
	}
}

// What rpm wrote last may stand in the log beside its database only.
func TestSQLiteReadsTheLog(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3, for its SQLite")
	}
	root := rootWith(t, map[string]string{"var/lib/rpm/rpmdb.sqlite": string(unpack(t, "rpmdb.sqlite"))})
	db := filepath.Join(string(root), "var/lib/rpm/rpmdb.sqlite")
	script := `
import os, shutil, sqlite3, sys
db = sys.argv[1]
c = sqlite3.connect(db)
c.execute("pragma journal_mode=wal")
c.execute("delete from Packages where hnum = (select min(hnum) from Packages)")
c.commit()
for f in (db, db + "-wal"): shutil.copy(f, f + ".copy")
c.close()
for f in (db, db + "-wal"): os.replace(f + ".copy", f)
`
	before := Read(root)
	if out, err := exec.Command("python3", "-c", script, db).CombinedOutput(); err != nil {
		t.Skipf("python3 has no usable SQLite: %v: %s", err, out)
	}
	after := Read(root)
	if before.Packages() != 2 || after.Packages() != 1 || len(after.Problems) > 0 {
		t.Errorf("packages: %d before, %d after one was removed in the log; problems %q", before.Packages(), after.Packages(), after.Problems)
	}
	if err := os.Remove(db + "-wal"); err != nil {
		t.Fatal(err)
	}
	if x := Read(root); x.Packages() != 2 {
		t.Errorf("without the log: %d packages, want 2", x.Packages())
	}
}

// A database whose pages point at each other comes to an end.
func FuzzSQLite(f *testing.F) {
	seed := unpack(f, "rpmdb.sqlite")
	f.Add(seed[:40960], []byte{})
	f.Add(seed, []byte("\x37\x7f\x06\x82"))
	f.Fuzz(func(t *testing.T, db, log []byte) {
		x := newIndex()
		_ = walkSQLite(bytes.NewReader(db), int64(len(db)), readWAL(bytes.NewReader(log)), func(b []byte) error {
			_ = addHeader(b, x)
			return nil
		})
		usable(t, x)
	})
}

func FuzzNDB(f *testing.F) {
	f.Add(unpack(f, "Packages.db"))
	f.Fuzz(func(t *testing.T, db []byte) {
		x := newIndex()
		total := 0
		_ = walkNDB(bytes.NewReader(db), int64(len(db)), func(b []byte) error {
			total += len(b)
			_ = addHeader(b, x)
			return nil
		})
		if total > len(db) {
			t.Errorf("%d bytes of packages in a database of %d", total, len(db))
		}
		usable(t, x)
	})
}

func FuzzBDB(f *testing.F) {
	f.Add(unpack(f, "Packages"))
	f.Fuzz(func(t *testing.T, db []byte) {
		x := newIndex()
		_ = walkBDB(bytes.NewReader(db), int64(len(db)), func(b []byte) error {
			_ = addHeader(b, x)
			return nil
		})
		usable(t, x)
	})
}

func FuzzHeader(f *testing.F) {
	_ = walkNDB(bytes.NewReader(unpack(f, "Packages.db")), 1<<30, func(b []byte) error {
		f.Add(bytes.Clone(b))
		return nil
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		x := newIndex()
		_ = addHeader(b, x)
		usable(t, x)
	})
}

// usable checks that an index answers for all that it holds.
func usable(t *testing.T, x *Index) {
	t.Helper()
	x.finish()
	for _, r := range x.records {
		if f := x.file(r); len(f.Digest) != f.Algorithm.Size() {
			t.Fatalf("a digest of %d bytes of %s", len(f.Digest), f.Algorithm)
		}
	}
}
