package ioc

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const twoLines = "first line\nsecond evil.com line\n"

func tarOf(t testing.TB, name string, content []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755})
	w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644})
	w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, method uint16, raw bool, files ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &zip.FileHeader{Name: files[i], Method: method}
		var f io.Writer
		var err error
		if raw { // sizes in the header, as most programs write them
			h.CompressedSize64, h.UncompressedSize64, h.CRC32 = uint64(len(files[i+1])), uint64(len(files[i+1])), 1
			f, err = w.CreateRaw(h)
		} else {
			f, err = w.CreateHeader(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, files[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t testing.TB, open func(io.Writer) io.WriteCloser, content []byte) []byte {
	var b bytes.Buffer
	w := open(&b)
	w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, content []byte) []byte {
	return packed(t, func(w io.Writer) io.WriteCloser { e, _ := zstd.NewWriter(w); return e }, content)
}

func lz(t testing.TB, content []byte) []byte {
	return packed(t, func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }, content)
}

func sample(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/containers/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// grepMembers returns member|inside:line of every hit.
func grepMembers(set *Set, data []byte, n int) (hits []string, err error) {
	sc := set.Scan("test", func(h Hit) { hits = append(hits, fmt.Sprintf("%s|%s:%d", h.Member, h.Inside, h.Line)) })
	for part := range chunks(data, n) {
		sc.Write(part)
	}
	return hits, sc.Close()
}

func TestContainers(t *testing.T) {
	set := mustSet(t, "evil.com")
	gz := zipped(t, twoLines)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"gzip", gz, "|gzip:2"},
		{"bzip2", sample(t, "text.bz2"), "|bzip2:2"},
		{"xz", sample(t, "text.xz"), "|xz:2"},
		{"zstd", zst(t, []byte(twoLines)), "|zstd:2"},
		{"lz4", lz(t, []byte(twoLines)), "|lz4:2"},
		{"tar", tarOf(t, "d/a.log", []byte(twoLines)), "d/a.log|tar:2"},
		{"tar.gz", zipped(t, string(tarOf(t, "d/a.log", []byte(twoLines)))), "d/a.log|gzip+tar:2"},
		{"gz in tar", tarOf(t, "a.gz", gz), "a.gz|tar+gzip:2"},
		{"gz in gz", zipped(t, string(gz)), "|gzip+gzip:2"},
		{"zip", zipOf(t, zip.Deflate, false, "a", "nothing", "b/c", twoLines), "b/c|zip:2"},
		{"stored zip", zipOf(t, zip.Store, true, "a", "nothing", "b", twoLines), "b|zip:2"},
		{"zip in zip in zip", zipOf(t, zip.Deflate, false, "a", string(zipOf(t, zip.Deflate, false, "b", string(zipOf(t, zip.Deflate, false, "c", twoLines))))), "a!b!c|zip+zip+zip:2"},
		{"utf-16le", []byte("\xff\xfe" + wide(twoLines, false)), "|utf-16le:2"},
		{"utf-16be", []byte("\xfe\xff" + wide("é😀"+twoLines, true)), "|utf-16be:2"},
		{"utf-16le in gzip", zipped(t, "\xff\xfe"+wide(twoLines, false)), "|gzip+utf-16le:2"},
	}
	for _, test := range tests {
		for _, n := range []int{1, 100, 1 << 20} {
			got, err := grepMembers(set, test.data, n)
			if diff := cmp.Diff([]string{test.want}, got); diff != "" || err != nil {
				t.Errorf("%s in parts of %d: %v\n%s", test.name, n, err, diff)
			}
		}
	}
}

func TestContainersCutAnywhere(t *testing.T) {
	set := mustSet(t, "evil.com")
	text := []byte(logText(3000))
	for name, data := range map[string][]byte{"gzip": zipped(t, string(text)), "zstd": zst(t, text), "lz4": lz(t, text), "tar": tarOf(t, "a", text), "zip": zipOf(t, zip.Deflate, false, "a", string(text)), "tar.gz": zipped(t, string(tarOf(t, "a", text)))} {
		whole, err := grepMembers(set, data, 1<<20)
		if len(whole) != 3 || err != nil {
			t.Errorf("%s: %q %v", name, whole, err)
		}
		for n := 10; n < len(data); n += len(data)/7 + 1 {
			got, err := grepMembers(set, data[:n], 5000)
			if !errors.Is(err, ErrPartial) && n > headSize && n < len(data)-2048 {
				t.Errorf("%s cut at %d of %d: %q, %v", name, n, len(data), got, err)
			}
			if len(got) > 3 || len(got) > 0 && got[0] != whole[0] && name != "lz4" { // whose literals can be read in its raw bytes
				t.Errorf("%s cut at %d: %q", name, n, got)
			}
		}
	}
}

// A text may begin like any container, and must not be lost.
func TestTextThatBeginsLikeAContainer(t *testing.T) {
	set := mustSet(t, "evil.com")
	for _, f := range formats {
		head := strings.Repeat("x", f.offset) + f.magic
		got, err := grepMembers(set, []byte(head+" and so on\n"+twoLines), 64)
		if strings.HasPrefix(f.name, "utf-16") {
			continue // it is taken at its word
		}
		if diff := cmp.Diff([]string{"|:3"}, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", f.name, err, diff)
		}
	}
}

func TestNestedBombs(t *testing.T) {
	set := mustSet(t, "evil.com")
	data := []byte("evil.com\n" + strings.Repeat("\x00", 1<<20))
	for range 12 {
		data = zipped(t, string(data))
	}
	if _, err := grepMembers(set, data, 1<<20); !errors.Is(err, errNest) {
		t.Error("12 times gzip:", err)
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	zeros := tarOf(t, "zeros", bytes.Repeat([]byte("\n"), 1<<20))
	for range 330 {
		w.Write(zeros[:len(zeros)-1024])
	}
	w.Close()
	if _, err := grepMembers(set, zipped(t, b.String()), 1<<20); !errors.Is(err, errBomb) || strings.Count(err.Error(), "bomb") != 1 {
		t.Error("tar in gzip in gzip:", err)
	}
}

// FuzzContainers checks that nothing that a stream may hold makes a scan panic, and that parts of it are the same as the whole.
func FuzzContainers(f *testing.F) {
	gz := zipped(f, twoLines)
	f.Add(gz, uint64(1))
	f.Add(tarOf(f, "a", gz), uint64(2))
	f.Add(zipOf(f, zip.Deflate, false, "a", twoLines, "b", string(gz)), uint64(3))
	f.Add(zipOf(f, zip.Store, true, "a", twoLines), uint64(4))
	f.Add(zst(f, []byte(twoLines)), uint64(5))
	f.Add(lz(f, []byte(twoLines)), uint64(6))
	f.Add(sample(f, "text.xz"), uint64(7))
	f.Add(sample(f, "text.bz2"), uint64(8))
	f.Add([]byte("\xff\xfe"+wide(twoLines, false)), uint64(9))
	set := mustSet(f, "evil.com\nstring:second\n1.2.3.0/24\n2001:db8::/32")
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 6))
		whole, err := grepMembers(set, data, len(data)+1)
		parts, partsErr := grepMembers(set, data, 1+r.IntN(len(data)+1))
		if diff := cmp.Diff(whole, parts); diff != "" || (err == nil) != (partsErr == nil) {
			t.Errorf("%v; in parts: %v\n%s", err, partsErr, diff)
		}
		if errors.Is(err, errDisagreed) {
			t.Error(err)
		}
	})
}
