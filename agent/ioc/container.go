package ioc

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
)

// The bounds of what a stream may become. Logs shrink 5 to 50 times; deflate can do 1,032.
const (
	headSize  = 512       // bytes of a stream that tell what it is
	maxNest   = 6         // containers inside each other
	bombFloor = 256 << 20 // bytes that are decoded whatever the ratio
	bombRatio = 300
	bombBytes = 256 << 30 // bytes that are decoded of one stream, all containers in it together
	maxWindow = 32 << 20  // bytes of the window that a stream may ask for
	maxReplay = 64 << 10  // bytes of a stream after which it is certain that it is what it began like
)

var (
	errBomb = errors.New("decodes to far more than a log would: taken for a decompression bomb")
	errNest = fmt.Errorf("more than %d containers inside each other", maxNest)
)

// A format is a container that is recognised by what it begins with.
type format struct {
	name   string
	offset int
	magic  string
	open   func(io.Reader) (io.Reader, error) // of formats that hold one stream
}

var formats = []format{
	{name: "gzip", magic: "\x1f\x8b\x08"},
	{name: "bzip2", magic: "BZh", open: func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{name: "xz", magic: "\xfd7zXZ\x00", open: func(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxWindow) }},
	{name: "zstd", magic: "\x28\xb5\x2f\xfd", open: openZstd},
	{name: "lz4", magic: "\x04\x22\x4d\x18", open: func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }},
	{name: "zip", magic: "PK\x03\x04"},
	{name: "tar", magic: "ustar", offset: 257},
	{name: "utf-16le", magic: "\xff\xfe", open: func(r io.Reader) (io.Reader, error) { return newWideReader(r, false), nil }},
	{name: "utf-16be", magic: "\xfe\xff", open: func(r io.Reader) (io.Reader, error) { return newWideReader(r, true), nil }},
}

func openZstd(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// formatOf returns the container that a stream with this head is, or nil.
func formatOf(head []byte) *format {
	for i := range formats {
		f := &formats[i]
		if len(head) >= f.offset && bytes.HasPrefix(head[f.offset:], []byte(f.magic)) {
			return f
		}
	}
	return nil
}

// A scan is the scan of one stream, through all containers in it.
type scan struct {
	set    *Set
	onHit  func(Hit)
	total  *meter
	inside string
	member string
	depth  int
}

// A meter compares what was read with what it became.
type meter struct {
	in  *sourceReader
	out int64
}

// add counts decoded bytes.
func (m *meter) add(n int) error {
	m.out += int64(n)
	if m.out > bombBytes || m.out > bombFloor && m.out > m.in.n*bombRatio {
		return errBomb
	}
	return nil
}

func newScan(s *Set, in *sourceReader, onHit func(Hit)) *scan {
	return &scan{set: s, onHit: onHit, total: &meter{in: in}}
}

// into returns the scan of what a container holds.
func (c *scan) into(name string) *scan {
	inner := *c
	inner.depth++
	if inner.inside != "" {
		name = inner.inside + "+" + name
	}
	inner.inside = name
	return &inner
}

func (c *scan) newLines() *lines {
	l := newLines(c.set, blockSize, overlap, c.onHit)
	l.inside, l.member = c.inside, c.member
	return l
}

// guarded is stream, but that a panic ends the scan of this stream alone: what a hostile file holds passes through decoders that aren't ours.
func (c *scan) guarded(r io.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the scan broke off: %v", p)
		}
	}()
	return c.stream(r)
}

// stream scans r, whatever it is. The error says why it could be scanned only in part.
func (c *scan) stream(r io.Reader) error {
	head := make([]byte, headSize)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Join(err, c.text(bytes.NewReader(head[:n])))
	}
	f := formatOf(head[:n])
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if f == nil {
		return c.text(r)
	}
	if c.depth >= maxNest {
		return errors.Join(errNest, c.text(r))
	}
	in := &replay{r: r}
	err = c.into(f.name).decode(f, in)
	if err == nil || errors.Is(err, errBomb) || errors.Is(err, errUnread) {
		return err
	}
	return errors.Join(fmt.Errorf("%s: %w", f.name, err), c.text(in.rest()))
}

// decode scans the content of a container.
func (c *scan) decode(f *format, in *replay) error {
	switch f.name {
	case "gzip":
		return c.gzip(in)
	case "zip":
		return c.zip(in)
	case "tar":
		return c.tar(in)
	}
	r, err := f.open(in)
	if err != nil {
		return err
	}
	if closer, ok := r.(io.Closer); ok {
		defer closer.Close()
	}
	return c.stream(&metered{r, c.total, in})
}

// text scans r as it is.
func (c *scan) text(r io.Reader) error {
	text := c.newLines()
	_, err := text.ReadFrom(r)
	return errors.Join(err, text.finish())
}

// A metered reader counts what is decoded.
type metered struct {
	r     io.Reader
	total *meter
	in    *replay
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if n > 0 {
		m.in.decoded()
	}
	if bomb := m.total.add(n); bomb != nil {
		return n, bomb
	}
	return n, err
}

// A replay keeps the first bytes of a stream until it is certain that it can be decoded.
type replay struct {
	r      io.Reader
	kept   []byte
	forget bool
}

func (p *replay) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if !p.forget {
		p.kept = append(p.kept, b[:n]...)
		if len(p.kept) > maxReplay {
			p.decoded()
		}
	}
	return n, err
}

// decoded says that some of the stream was decoded.
func (p *replay) decoded() { p.kept, p.forget = nil, true }

// rest returns what has not been decoded: the whole stream if it was not what it began like.
func (p *replay) rest() io.Reader {
	return io.MultiReader(bytes.NewReader(p.kept), p.r)
}
