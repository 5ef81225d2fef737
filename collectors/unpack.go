package collectors

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

const (
	// maxUnpacked bounds what is unpacked of one rotated log, in bytes.
	maxUnpacked = 1 << 30
	// maxDictionary bounds the memory that unpacking takes, in bytes.
	maxDictionary = 16 << 20
)

// unpacked reads what a rotation has packed, known by its first bytes, and anything else as it is. The reader ends after maxUnpacked
// bytes of packed content.
func unpacked(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(6)
	if err != nil && len(head) == 0 {
		return b, nil
	}
	for _, p := range packings {
		if !bytes.HasPrefix(head, []byte(p.magic)) {
			continue
		}
		u, err := p.open(b)
		if err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", p.name, err)
		}
		return io.LimitReader(u, maxUnpacked), nil
	}
	return b, nil
}

var packings = []struct {
	name, magic string
	open        func(io.Reader) (io.Reader, error)
}{
	{"gzip", "\x1f\x8b", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"bzip2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{"xz", "\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxDictionary) }},
	{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDictionary), zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}},
}
