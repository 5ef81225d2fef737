package uploader

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"testing/iotest"
)

func TestPart(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef!"), 40_000)
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, len(data)} {
		p := &part{}
		for rest := data[:size]; len(rest) > 0; {
			n := p.fill(rest[:min(1000, len(rest))])
			if rest = rest[n:]; n == 0 {
				p.chunks = append(p.chunks, make([]byte, chunkSize))
			}
		}
		if p.size != size || p.crc != crc32.Checksum(data[:size], castagnoli) || p.sha256() != sha256.Sum256(data[:size]) {
			t.Errorf("%d bytes: got %d, or a wrong checksum", size, p.size)
		}
		b := &body{part: p, progress: func() {}}
		if err := iotest.TestReader(b, data[:size]); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		b.detach()
		if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, errDetached) {
			t.Errorf("a detached body gave %d bytes, %v", n, err)
		}
		if _, ok := any(b).(io.Seeker); ok {
			t.Error("a body can be rewound by others")
		}
	}
}
