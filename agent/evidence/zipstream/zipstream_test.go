package zipstream

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"archive/zip"
)

type entry struct {
	name    string
	content []byte
	stream  bool
	store   bool
	drop    bool
}

var stamp = time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)

func deflated(b []byte, level int) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func build(t testing.TB, entries []entry) []byte {
	t.Helper()
	var out, dir bytes.Buffer
	w := NewWriter(&out, &dir)
	for i, e := range entries {
		h := Header{Name: e.name, Mode: 0o640, ModTime: stamp, Note: fmt.Append(nil, "note ", i)}
		sum, size := crc32.ChecksumIEEE(e.content), int64(len(e.content))
		var err error
		switch {
		case e.stream:
			err = w.Begin(h)
			if err == nil {
				_, err = w.Write(deflated(e.content, 1))
			}
			err = errors.Join(err, w.End(sum, size, !e.drop))
		case e.store:
			err = w.Add(h, Store, sum, size, size, bytes.NewReader(e.content))
		default:
			packed := deflated(e.content, 6)
			err = w.Add(h, Deflate, sum, size, int64(len(packed)), bytes.NewReader(packed))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sample() []entry {
	noise := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	return []entry{
		{name: "IR-7/web/case.json", content: []byte("{}\n")},
		{name: "IR-7/web/files/Prüfung", content: bytes.Repeat([]byte("a line of a log\n"), 9000), stream: true},
		{name: "IR-7/web/files/noise", content: noise, store: true},
		{name: "IR-7/web/files/streamed-noise", content: noise, stream: true},
		{name: "IR-7/web/files/dropped", content: []byte("half"), stream: true, drop: true},
		{name: "IR-7/web/files/empty"},
		{name: "IR-7/web/manifest.jsonl", content: []byte("{\"kind\":\"end\"}\n")},
	}
}

// readAll returns what the archive holds of whole entries, and how it ended.
func readAll(b []byte) (got []entry, notes int, err error) {
	z := NewReader(bytes.NewReader(b))
	for {
		e, err := z.Next()
		if err != nil {
			return got, notes, err
		}
		notes += len(e.Note)
		content, err := io.ReadAll(e)
		if err == nil && !e.Dropped {
			got = append(got, entry{name: e.Name, content: content})
		}
	}
}

func TestReadsWhatWasWritten(t *testing.T) {
	entries := sample()
	got, notes, err := readAll(build(t, entries))
	if !errors.Is(err, io.EOF) || errors.Is(err, ErrCut) {
		t.Fatalf("the end is %v", err)
	}
	if notes != len(entries)*len("note 0") {
		t.Errorf("%d bytes of notes", notes)
	}
	i := 0
	for _, want := range entries {
		if want.drop {
			continue
		}
		if got[i].name != want.name || !bytes.Equal(got[i].content, want.content) {
			t.Errorf("entry %d is %s of %d bytes, want %s", i, got[i].name, len(got[i].content), want.name)
		}
		i++
	}
}

// The library of the standard knows nothing of ours: what it reads, others do.
func TestStandardLibraryReadsIt(t *testing.T) {
	b := build(t, sample())
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != len(sample())-1 {
		t.Fatalf("%d files", len(z.File))
	}
	for _, f := range z.File {
		if f.Mode() != 0o640 || !f.Modified.Equal(stamp) {
			t.Errorf("%s: mode %v, time %v", f.Name, f.Mode(), f.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// Tools that are installed open it too; the standard library above stands for those that are not.
func TestToolsReadIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "case.zip")
	if err := os.WriteFile(file, build(t, sample()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{{"unzip", "-tq", file}, {"7z", "t", file}, {"bsdtar", "-xOf", file}} {
		if _, err := exec.LookPath(argv[0]); err != nil {
			t.Logf("%s is not installed", argv[0])
			continue
		}
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", argv, err, out)
		}
	}
}

func TestCutAnywhereGivesWhatIsWhole(t *testing.T) {
	whole := build(t, sample())
	all, _, _ := readAll(whole)
	for cut := 0; cut < len(whole); cut += 1 + cut/50 {
		got, _, err := readAll(whole[:cut])
		if !errors.Is(err, ErrCut) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for i := range got {
			if got[i].name != all[i].name || !bytes.Equal(got[i].content, all[i].content) {
				t.Fatalf("cut at %d: entry %d differs", cut, i)
			}
		}
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	entries := sample()
	noise := entries[2].content
	for i := 1; i <= 3; i++ {
		entries[i].content = noise[i*300 : i*300+300] // what can't be deflated can be written in one way alone
	}
	whole := build(t, entries)
	want := sha256.Sum256(whole)
	var unseen []int
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x10
		got, notes, err := readAll(b)
		if errors.Is(err, io.EOF) && !errors.Is(err, ErrCut) && !errors.Is(err, ErrFormat) && same(got, entries) && notes == len(entries)*len("note 0") && !inNote(whole, i) {
			unseen = append(unseen, i)
		}
	}
	// The bits between the head of a stored block and the next byte, and behind the end of a stream, mean nothing to anybody.
	if padded := 8; len(unseen) > padded {
		t.Fatalf("bytes %v were changed, and nobody sees it", unseen)
	}
	if sha256.Sum256(whole) != want {
		t.Fatal("the test changed its sample")
	}
}

// inNote reports the bytes that the package leaves to its caller: notes, and the mode and times of a dropped entry.
func inNote(b []byte, at int) bool {
	for i := range 7 {
		if p := bytes.Index(b, fmt.Append(nil, "note ", i)); at >= p && at < p+6 {
			return true
		}
	}
	p := bytes.Index(b, []byte("IR-7/web/files/dropped"))
	return at > p-30 && at < p+80
}

func same(got, want []entry) bool {
	i := 0
	for _, w := range want {
		if w.drop {
			continue
		}
		if i >= len(got) || got[i].name != w.name || !bytes.Equal(got[i].content, w.content) {
			return false
		}
		i++
	}
	return i == len(got)
}

func TestTimesOutOfRange(t *testing.T) {
	for _, year := range []int{1, 1969, 1979, 2039, 2200} {
		var out, dir bytes.Buffer
		w := NewWriter(&out, &dir)
		err := w.Add(Header{Name: "a", ModTime: time.Date(year, 1, 2, 3, 4, 5, 0, time.UTC)}, Store, 0, 0, 0, bytes.NewReader(nil))
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		if got, _, err := readAll(out.Bytes()); !errors.Is(err, io.EOF) || len(got) != 1 {
			t.Errorf("year %d: %v", year, err)
		}
	}
}

// Whatever bytes come, the reader ends, and what it calls whole is what a writer of ours makes of the same entries.
func FuzzReader(f *testing.F) {
	whole := build(f, sample()[:3])
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(build(f, nil))
	f.Add(build(f, sample()[4:]))
	f.Fuzz(func(t *testing.T, b []byte) {
		z := NewReader(bytes.NewReader(b))
		for range 10_000 {
			e, err := z.Next()
			if err != nil {
				if _, again := z.Next(); !errors.Is(again, err) {
					t.Fatalf("the reader ended with %v, then with %v", err, again)
				}
				if errors.Is(err, io.EOF) && z.in.pos() != int64(len(b)) {
					t.Fatalf("%d bytes of %d were read", z.in.pos(), len(b))
				}
				return
			}
			if n, _ := io.Copy(io.Discard, io.LimitReader(e, 64<<20)); n == 64<<20 {
				return // a bomb; whoever unpacks bounds it
			}
		}
	})
}
