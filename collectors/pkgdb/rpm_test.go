package pkgdb

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
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

// smallHeader is the header of the smaller of the two packages.
func smallHeader(t testing.TB) []byte {
	t.Helper()
	var small []byte
	db := unpack(t, "Packages.db")
	if err := walkNDB(bytes.NewReader(db), int64(len(db)), func(b []byte) error {
		if small == nil || len(b) < len(small) {
			small = bytes.Clone(b)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return small
}

// addAll puts what a reader of a database hands over into an index, and checks that it is no more than the database can hold.
func addAll(t *testing.T, x *Index, size int) func([]byte) error {
	total := 0
	return func(b []byte) error {
		if total += len(b); total > 3*size {
			t.Fatalf("%d bytes of packages in a database of %d", total, size)
		}
		_ = addHeader(b, x)
		return nil
	}
}

// walkers are the readers of the formats.
var walkers = map[string]func(db []byte, blob func([]byte) error) error{
	"rpmdb.sqlite": func(db []byte, blob func([]byte) error) error {
		return walkSQLite(bytes.NewReader(db), int64(len(db)), nil, blob)
	},
	"Packages.db": func(db []byte, blob func([]byte) error) error {
		return walkNDB(bytes.NewReader(db), int64(len(db)), blob)
	},
	"Packages": func(db []byte, blob func([]byte) error) error {
		return walkBDB(bytes.NewReader(db), int64(len(db)), blob)
	},
}

// Whatever bytes of a real database are damaged, reading comes to an end, and the index answers.
func TestDamagedDatabases(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, walk := range walkers {
		whole := unpack(t, name)
		for range 300 {
			db := bytes.Clone(whole[:len(whole)-random.IntN(2)*random.IntN(len(whole))])
			for range 1 + random.IntN(40) {
				db[random.IntN(min(len(db), 1+random.IntN(len(db))))] = byte(random.IntN(256))
			}
			x := newIndex()
			_ = walk(db, addAll(t, x, len(db)))
			usable(t, x)
		}
	}
}

func FuzzSQLite(f *testing.F) {
	f.Add([]byte(sqliteMagic+"\x02\x00\x01\x01\x00"+strings.Repeat("\x00", 79)+"\x0d\x00\x00\x00\x01\x01\x00\x00\x01\x00"+strings.Repeat("\x00", 402)), []byte{})
	f.Fuzz(func(t *testing.T, db, log []byte) {
		x := newIndex()
		_ = walkSQLite(bytes.NewReader(db), int64(len(db)), readWAL(bytes.NewReader(log)), addAll(t, x, len(db)+len(log)))
		usable(t, x)
	})
}

func FuzzNDB(f *testing.F) {
	header := smallHeader(f)
	db := make([]byte, ndbPage)
	for i, n := range []uint32{ndbMagic, 0, 1, 1, 3, 0, 0, 0, ndbSlotMagic, 1, ndbPage / ndbBlock, 1} {
		binary.LittleEndian.PutUint32(db[4*i:], n)
	}
	for _, n := range []uint32{ndbBlobMagic, 1, 1, uint32(len(header))} {
		db = binary.LittleEndian.AppendUint32(db, n)
	}
	f.Add(append(db, header...))
	f.Fuzz(func(t *testing.T, db []byte) {
		x := newIndex()
		_ = walkNDB(bytes.NewReader(db), int64(len(db)), addAll(t, x, len(db)))
		usable(t, x)
	})
}

func FuzzBDB(f *testing.F) {
	db := make([]byte, 3*512)
	binary.LittleEndian.PutUint32(db[12:], bdbHashMagic)
	binary.LittleEndian.PutUint32(db[20:], 512)
	page := db[512:]
	page[20], page[25] = 2, bdbHash
	binary.LittleEndian.PutUint16(page[26:], 507) // the key
	copy(page[507:], "\x01\x01\x00\x00\x00")
	binary.LittleEndian.PutUint16(page[28:], 495) // the value, on page 2
	copy(page[495:], "\x03\x00\x00\x00\x02\x00\x00\x00\x10\x00\x00\x00")
	page = db[1024:]
	page[22], page[25] = 16, bdbOverflow
	f.Add(db)
	f.Fuzz(func(t *testing.T, db []byte) {
		x := newIndex()
		_ = walkBDB(bytes.NewReader(db), int64(len(db)), addAll(t, x, len(db)))
		usable(t, x)
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(smallHeader(f))
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
