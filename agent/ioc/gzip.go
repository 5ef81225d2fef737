package ioc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// The bounds of what a compressed stream may become. Logs shrink 5 to 50 times; deflate can do 1,032.
const (
	bombFloor = 256 << 20 // bytes that are decoded whatever the ratio
	bombRatio = 300
	bombBytes = 1 << 40
)

var errBomb = errors.New("decodes to far more than a log would: taken for a decompression bomb")

// A counter counts the bytes that are read through it, and keeps the first ones.
type counter struct {
	r    io.Reader
	n    int64
	head []byte
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if room := cap(c.head) - len(c.head); room > 0 {
		c.head = append(c.head, p[:min(n, room)]...)
	}
	return n, err
}

// scanGzip scans what a stream of gzip members holds. Where it is damaged, the bytes from there on are scanned as they are.
func (s *Set) scanGzip(r io.Reader, onHit func(Hit)) error {
	in := &counter{r: r, head: make([]byte, 0, 64<<10)}
	src := bufio.NewReaderSize(in, 64<<10)
	text := newLines(s, "gzip", blockSize, overlap, onHit)
	out, err := gunzip(text, src, in)
	text.finish()
	if err == nil || errors.Is(err, errBomb) {
		return err
	}
	s.scanRest(in, src, onHit)
	return fmt.Errorf("gzip, after %d bytes decoded: %w", out, err)
}

// scanRest scans what can't be decoded as it is: the whole stream if it was no gzip to speak of, or else what is left.
func (s *Set) scanRest(in *counter, src io.Reader, onHit func(Hit)) {
	text := newLines(s, "", blockSize, overlap, onHit)
	if in.n <= int64(cap(in.head)) {
		text.Write(in.head)
		src = in.r
	}
	io.Copy(text, src)
	text.finish()
}

// gunzip writes the content of all members to w.
func gunzip(w io.Writer, src *bufio.Reader, in *counter) (out int64, err error) {
	zr, err := gzip.NewReader(src)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for {
		zr.Multistream(false)
		for {
			n, err := zr.Read(buf)
			out += int64(n)
			w.Write(buf[:n])
			if err == io.EOF {
				break
			}
			if err != nil {
				return out, err
			}
			if out > bombBytes || out > bombFloor && out > in.n*bombRatio {
				return out, errBomb
			}
		}
		if more, err := skipZeros(src); !more || err != nil {
			return out, err
		}
		if b, _ := src.Peek(3); !bytes.Equal(b, gzipMagic) {
			return out, errors.New("trailing garbage after the last member")
		}
		if err := zr.Reset(src); err != nil {
			return out, err
		}
	}
}

// skipZeros skips the padding that tapes and block devices leave, and reports whether anything follows.
func skipZeros(r *bufio.Reader) (bool, error) {
	for {
		c, err := r.ReadByte()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if c != 0 {
			return true, r.UnreadByte()
		}
	}
}
