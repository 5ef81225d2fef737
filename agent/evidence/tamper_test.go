package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/agent/evidence/zipstream"
	"bellwether/collectors"

	"aead.dev/minisign"
	"filippo.io/age"
)

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func bytesOf(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// keep makes a small case of a host, in the form that opt asks for, below dir. It returns its place.
func keep(t testing.TB, dir, host string, opts ...func(*Options)) (string, Summary) {
	t.Helper()
	m := newMemory()
	opt := Options{
		Info: Info{Schema: 1, Incident: "IR-7"}, InFlight: 1, Wait: func(time.Duration) {},
		Name: func(start time.Time) string { return CaseName(host, "", start.Format("20060102T150405Z")) },
		Now:  func() time.Time { return time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC) },
	}
	for _, o := range opts {
		o(&opt)
	}
	c, err := New(context.Background(), m, opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range []struct {
		name string
		b    []byte
	}{{"files/a", []byte("of " + host)}, {"files/noise", noise(300 << 10)}, {"files/b/log", bytes.Repeat([]byte("a line of "+host+"\n"), 40_000)}} {
		err := c.Add(&collectors.Item{Name: item.name, Source: "/" + item.name, ModTime: time.Unix(1_700_000_000, 5), Perm: 0o640}, bytesOf(item.b))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Add(&collectors.Item{Source: "/absent", Status: collectors.Skipped, Reason: "nothing there"}, nil); err != nil {
		t.Fatal(err)
	}
	s, err := c.Close()
	if err != nil {
		t.Fatal(err)
	}
	for key, b := range m.objects {
		p := filepath.Join(dir, filepath.FromSlash(key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, filepath.FromSlash(s.Place)), s
}

func inArchive(dir string) func(*Options) {
	return func(o *Options) {
		o.Archive = &ArchiveOptions{Scratch: func() (*os.File, error) { return os.CreateTemp(dir, "scratch-*") }}
	}
}

func encryptedTo(t testing.TB) (opt func(*Options), id *age.X25519Identity) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Encrypt = []age.Recipient{id.Recipient()} }, id
}

// A part is an entry of an archive as a forger sees it.
type part struct {
	name    string
	content []byte
	note    []byte
}

// rebuilt reads an archive, lets a forger edit its entries, and writes one that any zip tool takes for whole.
func rebuilt(t testing.TB, b []byte, edit func([]part) []part) []byte {
	t.Helper()
	var parts []part
	for z := zipstream.NewReader(bytes.NewReader(b)); ; {
		e, err := z.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(e)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{strings.TrimPrefix(e.Name, "IR-7/web-01_20261122T150405Z/"), content, e.Note})
	}
	var out, dir bytes.Buffer
	w := zipstream.NewWriter(&out, &dir)
	for _, p := range edit(parts) {
		name := p.name
		if !strings.HasPrefix(name, "IR-") && !strings.HasPrefix(name, "/") {
			name = "IR-7/web-01_20261122T150405Z/" + name
		}
		h := zipstream.Header{Name: name, Mode: 0o600, ModTime: time.Unix(1_700_000_000, 0), Note: p.note}
		n := int64(len(p.content))
		if err := w.Add(h, zipstream.Store, crc32.ChecksumIEEE(p.content), n, n, bytes.NewReader(p.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func partNamed(parts []part, name string) *part {
	for i := range parts {
		if parts[i].name == name {
			return &parts[i]
		}
	}
	return &part{}
}

// Every kind of edit to an archive is found, and says what it is. The forger makes archives that every zip tool takes for whole.
func TestTamperedArchive(t *testing.T) {
	swap := func(name, from, to string) func([]part) []part {
		return func(p []part) []part {
			e := partNamed(p, name)
			e.content = []byte(strings.Replace(string(e.content), from, to, 1))
			return p
		}
	}
	without := func(name string) func([]part) []part {
		return func(p []part) (out []part) {
			for _, e := range p {
				if e.name != name {
					out = append(out, e)
				}
			}
			return out
		}
	}
	added := func(name string, at int) func([]part) []part {
		return func(p []part) []part {
			i := at
			if at < 0 {
				i = len(p)
			}
			return append(append(append([]part(nil), p[:i]...), part{name: name, content: []byte("x")}), p[i:]...)
		}
	}
	for _, tt := range []struct {
		name string
		edit func([]part) []part
		want string
	}{
		{"nothing", func(p []part) []part { return p }, ""},
		{"a changed byte", swap("files/a", "of", "if"), "files/a was changed: its SHA-256 is"},
		{"a byte more", swap("files/a", "of", "off"), "files/a was changed: it has 10 bytes, not 9"},
		{"a renamed file", func(p []part) []part { partNamed(p, "files/a").name = "files/z"; return p }, "files/a is missing"},
		{"a removed file", without("files/a"), "files/a is missing"},
		{"an added file", added("files/x", 2), "files/x was added: it has no line"},
		{"a file behind the manifest", added("files/x", -1), "files/x was added: it stands behind the last entry"},
		{"a file twice", added("files/a", 4), "the entry files/a stands twice"},
		{"a file twice but for case", added("FILES/A", 4), "the entry FILES/A stands twice, first as files/a"},
		{"a path out of the case", added("IR-7/../../etc/cron.d/x", 2), "has a name that no case has"},
		{"an absolute path", added("/etc/cron.d/x", 2), "has a name that no case has"},
		{"a path of Windows", added(`files\..\..\x`, 2), "has a name that no case has"},
		{"a drive", added("files/C:/x", 2), "has a name that no case has"},
		{"a device", added("files/NUL.txt", 2), "has a name that no case has"},
		{"another host's file", added("IR-7/db-02_20261122T150405Z/files/a", 2), "belongs to another case"},
		{"an edited line", swap(ManifestFile, "nothing there", "nothing to see"), "manifest.jsonl: line 5 was changed"},
		{"a removed line", func(p []part) []part {
			e := partNamed(p, ManifestFile)
			at := strings.SplitAfter(string(e.content), "\n")
			e.content = []byte(strings.Join(append(at[:3], at[4:]...), ""))
			return p
		}, "lines between it and line 4 were added or removed"},
		{"a cut manifest", func(p []part) []part {
			e := partNamed(p, ManifestFile)
			e.content = e.content[:bytes.LastIndexByte(e.content[:len(e.content)-1], '\n')+1]
			return p
		}, "the manifest has no end line"},
		{"no manifest", without(ManifestFile), "SHA256SUMS stands before manifest.jsonl"},
		{"a changed sum", func(p []part) []part { partNamed(p, SumsFile).content[0] ^= 1; return p }, "SHA256SUMS: line 1 was changed"},
		{"a removed sum", func(p []part) []part {
			e := partNamed(p, SumsFile)
			_, rest, _ := bytes.Cut(e.content, []byte("\n"))
			e.content = rest
			return p
		}, "SHA256SUMS: the line of case.json was removed"},
		{"no sums", without(SumsFile), "SHA256SUMS.minisig stands before SHA256SUMS"},
		{"no signature", without(SignatureFile), "SHA256SUMS.minisig is missing"},
		{"a changed signature", func(p []part) []part {
			e := partNamed(p, SignatureFile)
			e.content = bytes.Replace(e.content, []byte("complete=true"), []byte("complete=none"), 1)
			return p
		}, "the signature in SHA256SUMS.minisig doesn't fit"},
		{"a changed note", func(p []part) []part { partNamed(p, "files/b/log").note[3] ^= 1; return p }, "a header says of the manifest"},
		{"entries exchanged", func(p []part) []part {
			last := len(p) - 1
			p[last], p[last-1] = p[last-1], p[last]
			return p
		}, "SHA256SUMS.minisig stands before SHA256SUMS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file, s := keep(t, dir, "web-01", inArchive(dir))
			b, err := os.ReadFile(file)
			must(t, err)
			must(t, os.WriteFile(file, rebuilt(t, b, tt.edit), 0o600))
			_, err = Verify(t.Context(), file, VerifyOptions{Seal: s.Seal})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A case of another host, whole in itself, under this host's name: by name, by seal, by key.
func TestReplayedCase(t *testing.T) {
	for _, form := range []string{"folder", "archive"} {
		dir, other := t.TempDir(), t.TempDir()
		var opts []func(*Options)
		if form == "archive" {
			opts = append(opts, inArchive(dir))
		}
		ours, s := keep(t, dir, "web-01", opts...)
		theirs, _ := keep(t, other, "db-02", opts...)
		must(t, os.RemoveAll(ours))
		must(t, os.Rename(theirs, ours))
		for _, tt := range []struct {
			opt  VerifyOptions
			want string
		}{
			{VerifyOptions{}, "this is another case: it is named web-01_20261122T150405Z"},
			{VerifyOptions{Seal: s.Seal}, "this is not the manifest that the run sealed"},
			{VerifyOptions{Key: s.Key}, ""},
		} {
			_, err := Verify(t.Context(), ours, tt.opt)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: got %v, want %q", form, err, tt.want)
			}
		}
	}
}

// Whoever has another run's signature, or makes a key of his own, is found out as well.
func TestReplayedSignature(t *testing.T) {
	dir := t.TempDir()
	ours, s := keep(t, dir, "web-01")
	theirs, o := keep(t, dir, "db-02")
	b, err := os.ReadFile(filepath.Join(theirs, SignatureFile))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(ours, SignatureFile), b, 0o600))
	if _, err := Verify(t.Context(), ours, VerifyOptions{}); err == nil || !strings.Contains(err.Error(), "it is the signature of another run") {
		t.Errorf("got %v", err)
	}
	if _, err := Verify(t.Context(), theirs, VerifyOptions{Key: s.Key}); err == nil || !strings.Contains(err.Error(), "it is the signature of another run") {
		t.Errorf("got %v", err)
	}
	if _, err := Verify(t.Context(), theirs, VerifyOptions{Key: o.Key, Seal: o.Seal}); err != nil {
		t.Error(err)
	}
}

// What is stored encrypted can be checked without the private key, and what it holds with it.
func TestTamperedEncryptedFolder(t *testing.T) {
	encrypt, id := encryptedTo(t)
	flip := func(name string) func(string) {
		return func(dir string) {
			p := filepath.Join(dir, name)
			b, err := os.ReadFile(p)
			must(t, err)
			b[len(b)-1] ^= 1
			must(t, os.WriteFile(p, b, 0o600))
		}
	}
	rm := func(name string) func(string) {
		return func(dir string) { must(t, os.Remove(filepath.Join(dir, name))) }
	}
	put := func(name string) func(string) {
		return func(dir string) { must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600)) }
	}
	for _, tt := range []struct {
		name          string
		edit          func(string)
		blind, seeing string
	}{
		{"nothing", func(string) {}, "", ""},
		{"a changed byte", flip("files/a.age"), "files/a.age was changed: its SHA-256 is", "files/a.age was changed: its SHA-256 is"},
		{"a removed file", rm("files/a.age"), "files/a.age is missing", "files/a.age is missing"},
		{"an added file", put("files/x.age"), "files/x.age was added", "files/x.age was added"},
		{"an added clear file", put("files/a"), "files/a was added", "files/a was added"},
		{"a changed manifest", flip(ManifestFile + SealedExt), "manifest.jsonl.age was changed", "its end was cut off later"},
		{"a changed sum", func(dir string) {
			p := filepath.Join(dir, SumsFile)
			b, err := os.ReadFile(p)
			must(t, err)
			must(t, os.WriteFile(p, bytes.Replace(b, []byte("files/a.age"), []byte("files/z.age"), 1), 0o600))
		}, "files/z.age is missing", "was added or changed"},
		{"a removed sum", func(dir string) {
			p := filepath.Join(dir, SumsFile)
			b, err := os.ReadFile(p)
			must(t, err)
			_, rest, _ := bytes.Cut(b, []byte("\n"))
			must(t, os.WriteFile(p, rest, 0o600))
		}, "the signature in SHA256SUMS.minisig doesn't fit", "the line of case.json.age was removed"},
		{"no signature", rm(SignatureFile), "SHA256SUMS.minisig is missing", "SHA256SUMS.minisig is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, s := keep(t, t.TempDir(), "web-01", encrypt)
			tt.edit(dir)
			for opt, want := range map[*VerifyOptions]string{{Key: s.Key, Seal: s.Seal}: tt.blind, {Identities: []age.Identity{id}, Seal: s.Seal}: tt.seeing} {
				_, err := Verify(t.Context(), dir, *opt)
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("with %d keys: got %v, want %q", len(opt.Identities), err, want)
				}
			}
		})
	}
}

func TestSealNeedsAKey(t *testing.T) {
	encrypt, _ := encryptedTo(t)
	dir, s := keep(t, t.TempDir(), "web-01", encrypt)
	_, stranger := encryptedTo(t)
	if _, err := Verify(t.Context(), dir, VerifyOptions{Seal: s.Seal}); !errors.Is(err, ErrNeedsKey) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := Verify(t.Context(), dir, VerifyOptions{Identities: []age.Identity{stranger}}); !errors.Is(err, ErrNeedsKey) {
		t.Errorf("with another's key: %v", err)
	}
}

// Wherever an archive breaks off, what has arrived is opened and nothing else, and it is said that it is not all.
func TestCutArchive(t *testing.T) {
	dir := t.TempDir()
	encrypt, id := encryptedTo(t)
	for _, opts := range [][]func(*Options){{inArchive(dir)}, {inArchive(dir), encrypt}} {
		file, _ := keep(t, dir, "web-01", opts...)
		whole, err := os.ReadFile(file)
		must(t, err)
		most := 0
		var cuts []int
		for cut := 600; cut < len(whole)-9000; cut += len(whole) / 37 {
			cuts = append(cuts, cut)
		}
		for left := 8000; left > 0; left -= 100 {
			cuts = append(cuts, len(whole)-left)
		}
		for _, cut := range cuts {
			must(t, os.WriteFile(file, whole[:cut], 0o600))
			p := newPlace(t)
			o, err := Open(t.Context(), file, VerifyOptions{Identities: []age.Identity{id}}, p, inFolder)
			if !errors.Is(err, ErrIncomplete) {
				t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
			}
			if o.Written < most && o.Written > 0 {
				t.Errorf("cut at %d: %d files, fewer than before", cut, o.Written)
			}
			most = max(most, o.Written)
		}
		least := 4
		if len(opts) > 1 {
			least = 2 // age gives out pieces of 64 KiB, and the last one not at all if it is cut
		}
		if most < least {
			t.Errorf("%d files of the longest piece", most)
		}
	}
}

// A place is a folder for tests.
type place struct {
	*memory
}

func newPlace(testing.TB) place { return place{newMemory()} }

func (p place) Read(key string) (io.ReadCloser, error) {
	b, ok := p.objects[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func TestOpenNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	encrypt, id := encryptedTo(t)
	for _, form := range [][]func(*Options){{inArchive(dir)}, {inArchive(dir), encrypt}, {encrypt}} {
		name, _ := keep(t, t.TempDir(), "web-01", form...)
		p, opt := newPlace(t), VerifyOptions{Identities: []age.Identity{id}}
		first, err := Open(t.Context(), name, opt, p, inFolder)
		must(t, err)
		if string(p.objects[first.Folder+"/files/a"]) != "of web-01" {
			t.Errorf("files/a holds %q", p.objects[first.Folder+"/files/a"])
		}
		delete(p.objects, first.Folder+"/files/a")
		again, err := Open(t.Context(), name, opt, p, inFolder)
		must(t, err)
		if again.Written != 1 || again.There != first.Written-1 {
			t.Errorf("%d written, %d there, after %d", again.Written, again.There, first.Written)
		}
		p.objects[first.Folder+"/files/a"] = []byte("another")
		if _, err := Open(t.Context(), name, opt, p, inFolder); !errors.Is(err, ErrDiffers) {
			t.Errorf("got %v", err)
		}
		if string(p.objects[first.Folder+"/files/a"]) != "another" {
			t.Error("it was overwritten")
		}
	}
}

// However many objects are open at once, none waits for another, memory is bounded, and all arrive.
func TestArchiveOfManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	m := newMemory()
	c := newCase(t, m, inArchive(dir))
	open := []io.Writer{}
	ends := []func(){}
	for i := range 6 { // one goroutine feeds six items by turns
		started, end, done := make(chan io.Writer), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			_ = c.Add(&collectors.Item{Name: fmt.Sprintf("state/list-%d", i), Source: "walk"}, func(w io.Writer) error {
				started <- w
				<-end
				return nil
			})
		}()
		open = append(open, <-started)
		ends = append(ends, func() { close(end); <-done })
	}
	block := noise(1 << 20)
	for range 4 {
		for _, w := range open {
			_, err := w.Write(block)
			must(t, err)
		}
	}
	add(t, c, "files/small", text("small"))
	if held := c.archive.scratch.used; held > archiveMemory {
		t.Errorf("%d bytes are held", held)
	}
	if c.archive.scratch.file == nil {
		t.Error("nothing went to the file: the test shows nothing")
	}
	for _, end := range ends {
		end()
	}
	s := closeCase(t, c)
	file := filepath.Join(dir, "x.zip")
	must(t, os.WriteFile(file, m.objects[s.Place], 0o600))
	v, err := Verify(t.Context(), file, VerifyOptions{Seal: s.Seal})
	if err != nil || v.Files != 11 {
		t.Errorf("%v, %d files", err, v.Files)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "scratch-*")); len(left) > 0 {
		t.Errorf("%v stays", left)
	}
}

// An item for which there is no room is left out, and the archive stays whole.
func TestArchiveWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	m := newMemory()
	full := false
	c := newCase(t, m, inArchive(dir), func(o *Options) {
		o.Archive.Room = func(int64) error {
			if full {
				return fmt.Errorf("%w: full", ErrNoRoom)
			}
			return nil
		}
	})
	add(t, c, "files/a", text("a"))
	must(t, c.Add(&collectors.Item{Name: "files/large", Source: "/large"}, func(w io.Writer) error {
		for i := range 40 {
			full = i > 10
			if _, err := w.Write(noise(1 << 20)); err != nil {
				return err
			}
		}
		return nil
	}))
	s := closeCase(t, c)
	if s.Totals.Complete || s.Totals.Failed != 1 {
		t.Errorf("totals %+v", s.Totals)
	}
	file := filepath.Join(dir, "x.zip")
	must(t, os.WriteFile(file, m.objects[s.Place], 0o600))
	if _, err := Verify(t.Context(), file, VerifyOptions{Seal: s.Seal}); err != nil {
		t.Error(err)
	}
}

// Whatever stands in a file that calls itself an archive, reading it ends without harm.
func FuzzReadArchive(f *testing.F) {
	dir := f.TempDir()
	file, _ := keep(f, dir, "web-01", inArchive(dir))
	b, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:2000])
	f.Add(rebuilt(f, b, func(p []part) []part { return append(p[:1], p[len(p)-3:]...) }))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x.zip")
		must(t, os.WriteFile(name, b, 0o600))
		p := newPlace(t)
		_, err := Open(t.Context(), name, VerifyOptions{}, p, func(incident, host string) string { return incident + host })
		if err != nil && !errors.Is(err, ErrIncomplete) && len(p.objects) > 0 {
			t.Fatalf("it was refused (%v), and %d files were written", err, len(p.objects))
		}
		for key := range p.objects {
			if !filepath.IsLocal(key) {
				t.Fatalf("written: %q", key)
			}
		}
	})
}

// A key is read, or refused, and no error holds a private one.
func FuzzKeys(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("# a comment\n" + id.Recipient().String() + "\n")
	f.Add(id.String() + "\n")
	f.Add("0AGE-SECRET-KEY-1")
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbmVb9hbzx9nQPcLGYJbB8o0hNs0uPDNBCDrWPkZpCx alice\n")
	f.Add("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		to, err := parseRecipients(strings.NewReader(text))
		if (err == nil) != (len(to) > 0) {
			t.Fatalf("%d recipients, and %v", len(to), err)
		}
		if err != nil && strings.Contains(err.Error(), "AGE-SECRET-KEY-1") {
			t.Fatal("a private key stands in the error")
		}
		if ids, err := parseIdentities(text); err == nil && len(ids) == 0 {
			t.Fatal("no identity, and no error")
		}
	})
}

// A signature file is refused or says what was signed; it never proves other bytes.
func FuzzSignature(f *testing.F) {
	s, err := newSigner()
	if err != nil {
		f.Fatal(err)
	}
	_, _ = s.Write([]byte("sums\n"))
	good := s.sign(comment("IR-7/web-01", strings.Repeat("0", 64), true))
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := minisign.NewReader(strings.NewReader("sums\n"))
		_, _ = io.Copy(io.Discard, r)
		if c, err := checkSignature(r, b, s.key()); err == nil && (c.Case != "IR-7/web-01" || c.Seal != strings.Repeat("0", 64)) {
			t.Fatalf("proved: %+v", c)
		}
	})
}

func inFolder(incident, host string) string { return path.Join(incident, host) }

// Cases that were made before there were signatures are as provable as they were then; testdata/unsigned holds one.
func TestCaseWithoutSignature(t *testing.T) {
	found, err := filepath.Glob("testdata/unsigned/*")
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	v, err := Verify(t.Context(), found[0], VerifyOptions{})
	if err != nil || !v.Totals.Complete || v.Key != "" {
		t.Errorf("verify: %v, %+v", err, v)
	}
	_, err = Verify(t.Context(), found[0], VerifyOptions{Key: "RWQRUn1q/LBuiUDwwPNVpdXpg8RAia/Bd/kF/uvArMmnp0HEduD7UIMY"})
	if err == nil || err.Error() != SignatureFile+" is missing" {
		t.Errorf("with the key of a run that signs: %v", err)
	}
	signed, _ := keep(t, t.TempDir(), "web-01")
	if err := os.Remove(filepath.Join(signed, SignatureFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), signed, VerifyOptions{}); err == nil || err.Error() != SignatureFile+" is missing" {
		t.Errorf("a signed case that lost its signature: %v", err)
	}
}
