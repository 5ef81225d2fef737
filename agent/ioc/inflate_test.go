package ioc

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// inflateAll decodes with our decoder, in blocks of the given size.
func inflateAll(r io.Reader, block int) ([]byte, error) {
	d := newInflater(r)
	buf := make([]byte, block)
	var out []byte
	start, at := 0, 0
	for {
		end, err := d.run(buf, start, at)
		out = append(out, buf[at:end]...)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		moved := max(0, end-windowSize)
		at = copy(buf, buf[moved:end])
		start = max(0, start-moved)
	}
}

// FuzzInflate compares our decoder with the library's on bytes that may or may not be deflate data.
func FuzzInflate(f *testing.F) {
	for _, text := range []string{"", "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", logText(300), strings.Repeat("abcdefg", 5000)} {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			f.Add(deflated(f, []byte(text), level), uint16(len(text)))
		}
	}
	f.Add([]byte{5, 0xc0, 1}, uint16(0))
	f.Fuzz(func(t *testing.T, data []byte, flip uint16) {
		if n := int(flip) / 8; n < len(data) {
			data[n] ^= 1 << (flip % 8)
		}
		checkInflate(t, data)
	})
}

func checkInflate(t testing.TB, data []byte) {
	want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 8<<20))
	if len(want) == 8<<20 {
		return // more than the test has time for
	}
	got, err := inflateAll(bytes.NewReader(data), 70000)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, want %v", err, wantErr)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) != errors.Is(wantErr, io.ErrUnexpectedEOF) && len(got) < len(want) {
		t.Fatalf("error %v, want %v", err, wantErr)
	}
	if err == nil && !bytes.Equal(got, want) || !bytes.HasPrefix(got, want[:min(len(got), len(want))]) {
		t.Fatalf("%d bytes differ from the %d wanted", len(got), len(want))
	}
	slow, slowErr := inflateAll(iotest.OneByteReader(bytes.NewReader(data)), 33500)
	if !bytes.Equal(slow, got) || !errors.Is(slowErr, err) {
		t.Fatalf("byte by byte: %d bytes, %v; at once: %d, %v", len(slow), slowErr, len(got), err)
	}
}

func deflated(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestInflateRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		data := make([]byte, r.IntN(200000))
		alphabet := 1 + r.IntN(255)
		for j := range data {
			if j > 0 && r.IntN(4) > 0 {
				data[j] = data[r.IntN(j)] // far and near repetitions, in unequal numbers
			} else {
				data[j] = byte(r.IntN(alphabet) * r.IntN(2))
			}
			if j > 10 && r.IntN(3) == 0 {
				copy(data[j:], data[r.IntN(j):j])
			}
		}
		packed := deflated(t, data, []int{flate.HuffmanOnly, 1, 6, 9}[i%4])
		got, err := inflateAll(bytes.NewReader(packed), 40000+r.IntN(100000))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("round %d: %d of %d bytes, %v", i, len(got), len(data), err)
		}
		packed = packed[:r.IntN(len(packed)+1)]
		checkInflate(t, packed)
		if len(packed) > 0 {
			packed[r.IntN(len(packed))] ^= 1 << r.IntN(8)
			checkInflate(t, packed)
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	text := logText(200000)
	packed := deflated(b, []byte(text), 6)
	b.SetBytes(int64(len(text)))
	d := newInflater(nil)
	buf := make([]byte, blockSize)
	for b.Loop() {
		*d = inflater{r: bytes.NewReader(packed), in: d.in[:0]}
		for start, at := 0, 0; ; {
			end, err := d.run(buf, start, at)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			at = copy(buf, buf[end-windowSize:end])
		}
	}
}
