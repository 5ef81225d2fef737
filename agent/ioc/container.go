package ioc

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
)

const (
	headSize   = 512       // bytes of a stream that tell what it is
	maxNest    = 6         // containers inside each other
	maxWindow  = 32 << 20  // bytes of the window that a stream may ask for
	maxReplay  = 512 << 10 // bytes of a stream after which it is certain that it is what it began like
	maxDoubted = 64 << 10  // decoded bytes after which it is
)

var errNest = fmt.Errorf("more than %d containers inside each other", maxNest)

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
	set     *Set
	onHit   func(Hit)
	total   *meter
	doubts  *doubts
	library bool // inflate is the library's
	inside  string
	member  string
	depth   int
}

func newScan(s *Set, in *sourceReader, onHit func(Hit)) *scan {
	c := &scan{set: s, onHit: onHit, total: &meter{in: in}, doubts: &doubts{}}
	in.meter = c.total
	return c
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
			c.doubts.broke = true
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
	head = head[:n]
	f := formatOf(head)
	r = io.MultiReader(bytes.NewReader(head), r)
	if f == nil {
		if c.depth == 0 {
			c.total.in.forget()
		}
		return c.text(r)
	}
	if c.depth >= maxNest {
		return errors.Join(errNest, c.text(r))
	}
	return c.container(f, head, r)
}

// container scans a stream that begins like a container of format f. What can't be decoded is scanned as text.
func (c *scan) container(f *format, head []byte, r io.Reader) error {
	in, known := &replay{r: r}, c.doubts.found
	inside, damage := c.into(f.name).decode(f, in)
	switch {
	case c.total.over != nil:
		return c.total.over
	case damage == nil:
		return inside
	case looksLikeText(head) && !in.forgot && !looksLikeText(in.sample):
		c.doubts.found = known
		return c.text(in.whole()) // it began like one by chance
	}
	return errors.Join(inside, fmt.Errorf("%s: %w", f.name, damage), c.text(in.rest()))
}

// decode scans the content of a container. One error is of what is inside, the other of the container itself.
func (c *scan) decode(f *format, in *replay) (inside, damage error) {
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
		return nil, err
	}
	if closer, ok := r.(io.Closer); ok {
		defer closer.Close()
	}
	m := &metered{r: r, total: c.total, in: in}
	inside = c.stream(m)
	return inside, m.drain()
}

// text scans r as it is.
func (c *scan) text(r io.Reader) error {
	text := c.newLines()
	_, err := text.ReadFrom(r)
	return errors.Join(err, text.finish())
}

// textMin is how many bytes of a stream are neither the header of a container nor too few to tell a text by.
const textMin = 16

// looksLikeText reports whether what stands behind a header of 16 bytes is text in UTF-8, as it never is in a container.
func looksLikeText(head []byte) bool {
	if len(head) <= textMin {
		return false
	}
	head = head[textMin:]
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size == 1 && utf8.FullRune(head) || r < ' ' && !isSpace(byte(r)) {
			return false
		}
		head = head[size:]
	}
	return true
}

func isSpace(c byte) bool { return c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\x1b' }

// A replay keeps the first bytes of a stream until it is certain that it can be decoded.
type replay struct {
	r      io.Reader
	kept   []byte
	sample []byte // the first that was decoded
	out    int    // bytes that were decoded
	forgot bool   // kept is empty: it is certain
	left   []byte // what a decoder has read and not used
}

func (p *replay) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if !p.forgot {
		p.kept = append(p.kept, b[:n]...)
		if len(p.kept) > maxReplay {
			p.forget()
		}
	}
	return n, err
}

func (p *replay) forget() { p.kept, p.forgot = nil, true }

// decoded takes what was decoded.
func (p *replay) decoded(b []byte) {
	if p.forgot {
		return
	}
	if p.out += len(b); len(p.sample) < 64 {
		p.sample = append(p.sample, b[:min(len(b), 64)]...)
	}
	if p.out > maxDoubted {
		p.forget()
	}
}

// whole returns the stream from its beginning on.
func (p *replay) whole() io.Reader { return io.MultiReader(bytes.NewReader(p.kept), p.r) }

// rest returns what has not been decoded: the whole stream if nothing has.
func (p *replay) rest() io.Reader {
	if p.out == 0 && !p.forgot {
		return p.whole()
	}
	return io.MultiReader(bytes.NewReader(p.left), p.r)
}
