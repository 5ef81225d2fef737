package evidence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether/collectors"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)

// newCase starts a case in a store.
func newCase(t *testing.T, store Store, change ...func(*Options)) *Case {
	t.Helper()
	now := start
	opt := Options{
		Info: Info{Schema: 1, Incident: "IR-7"},
		Name: func(s time.Time) string { return CaseName("web-01", "", s.Format("20060102T150405Z")) },
		Now:  func() time.Time { return now },
		Wait: func(d time.Duration) { now = now.Add(d) },
	}
	for _, c := range change {
		c(&opt)
	}
	c, err := New(t.Context(), store, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func add(t *testing.T, c *Case, name string, write func(io.Writer) error) {
	t.Helper()
	if err := c.Add(&collectors.Item{Step: "s", Collector: "file", Name: name, Source: "/" + name, SizeHint: -1}, write); err != nil {
		t.Fatal(err)
	}
}

func closeCase(t *testing.T, c *Case, missing ...string) Summary {
	t.Helper()
	s, err := c.Close(missing...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lines reads a finished manifest.
func lines(t *testing.T, manifest []byte) []Line {
	t.Helper()
	r := newChainReader(strings.NewReader(string(manifest)))
	var out []Line
	for {
		l, err := r.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
}

func byName(all []Line) map[string]Line {
	m := map[string]Line{}
	for _, l := range all {
		m[l.Source] = l
	}
	return m
}

const folder = "IR-7/web-01_20261122T150405Z/"

func TestOutcomes(t *testing.T) {
	m := newMemory()
	c := newCase(t, m)
	code := 1
	add(t, c, "ok", text("bytes"))
	add(t, c, "empty", text(""))
	add(t, c, "partial", func(w io.Writer) error { _ = text("half")(w); return errors.New("shrank") })
	add(t, c, "failed", func(io.Writer) error { return errors.New("permission denied") })
	must(t, c.Add(&collectors.Item{Name: "ran", Source: "/ran", ExitCode: &code}, func(io.Writer) error { return errors.New("exit status 1") }))
	must(t, c.Add(&collectors.Item{Source: "/skipped", Status: collectors.Skipped, Reason: "not installed"}, nil))
	s := closeCase(t, c)
	got := byName(lines(t, m.objects[folder+ManifestFile]))
	want := map[string]struct {
		status collectors.Status
		reason string
		name   string
	}{
		"/ok": {collectors.OK, "", "ok"}, "/empty": {collectors.Empty, "", "empty"}, "/partial": {collectors.Partial, "shrank", "partial"},
		"/failed": {collectors.Failed, "permission denied", ""}, "/ran": {collectors.Failed, "exit status 1", "ran"},
		"/skipped": {collectors.Skipped, "not installed", ""},
	}
	for source, w := range want {
		l := got[source]
		if l.Status != w.status || l.Reason != w.reason || l.Name != w.name {
			t.Errorf("%s: %s, %q, name %q; want %+v", source, l.Status, l.Reason, l.Name, w)
		}
		_, there := m.objects[folder+strings.TrimPrefix(source, "/")]
		if there != (w.name != "") {
			t.Errorf("%s: object there: %v, want %v", source, there, w.name != "")
		}
	}
	if !s.Totals.Complete || s.Totals.Failed != 2 || s.Totals.Skipped != 1 || s.Totals.Partial != 1 {
		t.Errorf("totals %+v", s.Totals)
	}
	if !strings.Contains(string(m.objects[folder+SumsFile]), hashOf([]byte("bytes"))+"  ok\n") {
		t.Errorf("SHA256SUMS lacks the item:\n%s", m.objects[folder+SumsFile])
	}
}

func TestSealIsTheHashOfTheLastLine(t *testing.T) {
	m := newMemory()
	c := newCase(t, m)
	add(t, c, "x", text("x"))
	s := closeCase(t, c)
	all := strings.Split(strings.TrimSuffix(string(m.objects[folder+ManifestFile]), "\n"), "\n")
	if want := hashOf([]byte(all[len(all)-1])); s.Seal != want {
		t.Errorf("seal %s, want %s", s.Seal, want)
	}
	if first := lines(t, m.objects[folder+ManifestFile])[0]; first.Name != CaseFile || first.Prev != "" || first.Seq != 1 {
		t.Errorf("first line %+v, want case.json without a predecessor", first)
	}
}

func TestTwoRunsInOneSecondTakeTwoFolders(t *testing.T) {
	m := newMemory()
	first, second := newCase(t, m), newCase(t, m)
	if first.Name() == second.Name() {
		t.Fatalf("both are in %s", first.Name())
	}
	if want := "IR-7/web-01_20261122T150406Z"; second.Name() != want {
		t.Errorf("the second is in %s, want %s", second.Name(), want)
	}
}

func TestStoreThatFailsEndsTheRun(t *testing.T) {
	m := newMemory()
	c := newCase(t, m)
	add(t, c, "before", text("1"))
	m.fail = func(key string, _ []byte) error {
		if strings.HasSuffix(key, "/big") {
			return errDisk
		}
		return nil
	}
	err := c.Add(&collectors.Item{Name: "big", Source: "/big"}, text("2"))
	if !errors.Is(err, errDisk) {
		t.Fatalf("Add: %v, want the store's error", err)
	}
	if err := c.Add(&collectors.Item{Name: "later", Source: "/later"}, text("3")); !errors.Is(err, errDisk) {
		t.Errorf("Add after that: %v, want the same error", err)
	}
	s := closeCase(t, c, "step x: not reached")
	if s.Totals.Complete || len(s.Totals.Missing) != 2 || s.Seal == "" {
		t.Errorf("totals %+v, seal %q; want an end line that says what is missing", s.Totals, s.Seal)
	}
	l := byName(lines(t, m.objects[folder+ManifestFile]))["/big"]
	if l.Status != collectors.Failed || !strings.Contains(l.Reason, "no space left") {
		t.Errorf("the item: %s, %q", l.Status, l.Reason)
	}
}

func TestStoreWithoutRoomForOneItemTakesOthers(t *testing.T) {
	m := newMemory()
	c := newCase(t, m)
	m.fail = func(key string, _ []byte) error {
		if strings.HasSuffix(key, "/big") {
			return fmt.Errorf("%w: 1 GiB free", ErrNoRoom)
		}
		return nil
	}
	add(t, c, "big", text("2"))
	add(t, c, "small", text("3"))
	s := closeCase(t, c)
	if s.Totals.Complete || s.Totals.Failed != 1 || m.objects[folder+"small"] == nil {
		t.Errorf("totals %+v; want one failed item, the other kept, and an incomplete case", s.Totals)
	}
}

func TestBudget(t *testing.T) {
	m := newMemory()
	c := newCase(t, m, func(o *Options) { o.MaxBytes = 10 })
	add(t, c, "a", text("1234"))
	must(t, c.Add(&collectors.Item{Name: "known", Source: "/known", SizeHint: 7}, text("7777777")))
	add(t, c, "unknown", text("123456789"))
	s := closeCase(t, c)
	got := byName(lines(t, m.objects[folder+ManifestFile]))
	if l := got["/known"]; l.Status != collectors.Skipped || !strings.Contains(l.Reason, "budget") {
		t.Errorf("too large from the start: %s, %q", l.Status, l.Reason)
	}
	if l := got["/unknown"]; l.Status != collectors.Partial || l.TruncatedAt != 6 || string(m.objects[folder+"unknown"]) != "123456" {
		t.Errorf("too large in the end: %s, cut at %d, kept %q", l.Status, l.TruncatedAt, m.objects[folder+"unknown"])
	}
	if !s.Totals.Complete {
		t.Error("a budget that the user has set makes the case incomplete")
	}
}

// brokenTap fails in one of the ways that a tap can.
type brokenTap struct{ write, close func() error }

func (b brokenTap) Write(p []byte) (int, error) { return len(p), b.write() }
func (b brokenTap) Close() error                { return b.close() }

func TestTapThatFailsCutsNothing(t *testing.T) {
	fine := func() error { return nil }
	fails := func() error { return errors.New("damaged gzip") }
	panics := func() error { panic("index out of range") }
	for name, tap := range map[string]brokenTap{"write": {fails, fine}, "close": {fine, fails}, "panic": {panics, fine}} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			c := newCase(t, m, func(o *Options) { o.Taps = []Tap{func(string) io.WriteCloser { return tap }} })
			long := strings.Repeat("x", 100_000)
			add(t, c, "x", text(long))
			closeCase(t, c)
			l := byName(lines(t, m.objects[folder+ManifestFile]))["/x"]
			if l.Status != collectors.OK || l.Scan == "" || string(m.objects[folder+"x"]) != long {
				t.Errorf("status %s, scan %q, %d bytes; want all bytes, and a word on the scan", l.Status, l.Scan, len(m.objects[folder+"x"]))
			}
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	m := newMemory()
	c := newCase(t, m, func(o *Options) { o.InFlight = 8 })
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				_ = c.Add(&collectors.Item{Name: fmt.Sprintf("f%d-%d", i, j), Source: fmt.Sprintf("/f%d-%d", i, j)}, text("x"))
			}
		})
	}
	wg.Wait()
	s := closeCase(t, c)
	all := lines(t, m.objects[folder+ManifestFile])
	if s.Totals.OK != 201 || len(all) != 205 || len(m.objects) != 207 { // with case.json, sums and signature; log, hits and findings are empty
		t.Errorf("%d ok, %d lines, %d objects", s.Totals.OK, len(all), len(m.objects))
	}
}

func TestSourceKeepsItsBytes(t *testing.T) {
	m := newMemory()
	c := newCase(t, m)
	source := "/l/caf\xe9\n"
	must(t, c.Add(&collectors.Item{Name: "files" + source, Source: source}, text("x")))
	closeCase(t, c)
	for _, l := range lines(t, m.objects[folder+ManifestFile]) {
		if l.SourceBase64 == "" {
			continue
		}
		if l.SourceBase64 != "L2wvY2Fm6Qo=" || l.Name != "files/l/caf__" {
			t.Errorf("source_base64 %s, name %s", l.SourceBase64, l.Name)
		}
		return
	}
	t.Error("no line holds the bytes of the source")
}

func TestFindings(t *testing.T) {
	m := newMemory()
	c := newCase(t, m)
	must(t, c.Find(Finding{Kind: IOC, Indicator: "1.2.3.4", Severity: "high", Name: "files/x", Line: 7, Text: "a \x1b[31m 1.2.3.4 \xff"}))
	closeCase(t, c)
	if got, want := string(m.objects[folder+HitsFile]), "files/x:7:a \\x1b[31m 1.2.3.4 \uFFFD\n"; got != want {
		t.Errorf("hits.txt %q, want %q", got, want)
	}
	if !strings.Contains(string(m.objects[folder+FindingsFile]), `"indicator":"1.2.3.4"`) {
		t.Errorf("findings.jsonl: %s", m.objects[folder+FindingsFile])
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// onDisk writes a finished case to a folder.
func onDisk(t *testing.T) (dir string, s Summary) {
	t.Helper()
	m := newMemory()
	c := newCase(t, m)
	add(t, c, "files/a", text("aaa"))
	add(t, c, "files/b/c", text("ccc"))
	must(t, c.Add(&collectors.Item{Source: "/absent", Status: collectors.Skipped, Reason: "nothing there matches"}, nil))
	s = closeCase(t, c)
	dir = t.TempDir()
	for key, b := range m.objects {
		p := filepath.Join(dir, strings.TrimPrefix(key, folder))
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, b, 0o644))
	}
	return dir, s
}

func TestVerify(t *testing.T) {
	dir, s := onDisk(t)
	v, err := Verify(t.Context(), dir, VerifyOptions{Seal: s.Seal})
	if err != nil {
		t.Fatal(err)
	}
	want := Verdict{Seal: s.Seal, Lines: 8, Files: 6, Bytes: v.Bytes, Totals: s.Totals, Case: s.Case, Key: s.Key}
	if diff := cmp.Diff(want, v); diff != "" || v.Bytes == 0 {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	edit := func(name string, f func(string) string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			p := filepath.Join(dir, name)
			b, err := os.ReadFile(p)
			must(t, err)
			must(t, os.WriteFile(p, []byte(f(string(b))), 0o644))
		}
	}
	line := func(s string, n int) string { return strings.SplitAfter(s, "\n")[n-1] }
	tests := []struct {
		name string
		do   func(t *testing.T, dir string)
		seal string
		want string
	}{
		{"a changed byte", edit("files/a", func(s string) string { return "aab" }), "", "files/a was changed: its SHA-256 is"},
		{"a byte more", edit("files/a", func(s string) string { return "aaaa" }), "", "files/a was changed: it has 4 bytes, not 3"},
		{"a missing file", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "files/b/c"))) }, "", "files/b/c is missing"},
		{"a file that became a link", func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "files/a")))
			must(t, os.Symlink("b/c", filepath.Join(dir, "files/a")))
		}, "", "files/a is no longer a regular file"},
		{"an added file", func(t *testing.T, dir string) { must(t, os.WriteFile(filepath.Join(dir, "files/x"), nil, 0o644)) }, "", "files/x was added"},
		{"an added link", func(t *testing.T, dir string) { must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "x"))) }, "", "x was added"},
		{"an edited line", edit(ManifestFile, func(s string) string { return strings.Replace(s, "nothing there matches", "nothing to see", 1) }),
			"", "manifest.jsonl: line 4 was changed"},
		{"an edited end line", edit(ManifestFile, func(s string) string { return strings.Replace(s, `"complete":true`, `"complete":null`, 1) }),
			"", "manifest.jsonl was changed"},
		{"a removed line", edit(ManifestFile, func(s string) string { return strings.Replace(s, line(s, 4), "", 1) }), "", "lines between it and line 4"},
		{"a removed first line", edit(ManifestFile, func(s string) string { return strings.Replace(s, line(s, 1), "", 1) }), "", "line 1 is not the first line"},
		{"two lines exchanged", edit(ManifestFile, func(s string) string {
			return strings.Replace(s, line(s, 2)+line(s, 3), line(s, 3)+line(s, 2), 1)
		}), "", "line 1 was changed, or lines"},
		{"a line behind the end", edit(ManifestFile, func(s string) string { return s + line(s, 1) }), "", "stands behind the end line"},
		{"a cut manifest", edit(ManifestFile, func(s string) string { return s[:len(s)-20] }), "", "the manifest has no end line; 6 files up to line 7 are intact"},
		{"a missing end", edit(ManifestFile, func(s string) string { return strings.Replace(s, line(s, 8), "", 1) }), "", "the case is incomplete"},
		{"no manifest", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, ManifestFile))) }, "", "no case"},
		{"a changed sum", edit(SumsFile, func(s string) string { return string(s[0]^1) + s[1:] }), "", "SHA256SUMS: line 1 was changed"},
		{"a removed sum", edit(SumsFile, func(s string) string { return strings.Replace(s, line(s, 2), "", 1) }), "", "SHA256SUMS: the line of files/a was removed"},
		{"an added sum", edit(SumsFile, func(s string) string { return s + line(s, 1) }), "", "was added or changed"},
		{"a directory for a file", func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, SumsFile)))
			must(t, os.Mkdir(filepath.Join(dir, SumsFile), 0o755))
		}, "", "SHA256SUMS: it is no regular file"},
		{"no sums", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, SumsFile))) }, "", "SHA256SUMS is missing"},
		{"another run's seal", func(*testing.T, string) {}, strings.Repeat("0", 64), "this is not the manifest that the run sealed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := onDisk(t)
			tt.do(t, dir)
			_, err := Verify(t.Context(), dir, VerifyOptions{Seal: tt.seal})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A manifest that a hostile host has written must not lead verify out of the case.
func TestVerifyStaysInTheCase(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(outside, []byte("x"), 0o644))
	for _, name := range []string{"../secret", outside, "files/../../secret", "a/./b", `a\b`} {
		dir := t.TempDir()
		var b strings.Builder
		ch := chain{w: &b}
		size := int64(1)
		_, err := ch.append(Line{Kind: kindItem, Name: name, Size: &size, SHA256: hashOf([]byte("x"))})
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, ManifestFile), []byte(b.String()), 0o644))
		if _, err := Verify(t.Context(), dir, VerifyOptions{}); err == nil || !strings.Contains(err.Error(), "outside the case") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}
