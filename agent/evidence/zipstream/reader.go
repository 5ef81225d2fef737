package zipstream

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

// A Reader reads an archive in the order in which it was written. No size that the archive states is taken for granted: memory is bounded,
// and what an entry holds is read as it comes.
type Reader struct {
	in      *counter
	entry   *Entry
	dir     hash.Hash // of the central directory that the entries ask for
	dirSize int64
	entries int64
	done    error
}

// An Entry is read until [Reader.Next] is called again.
type Entry struct {
	Header
	// Dropped reports that the run has given the entry up. It is known at its end.
	Dropped bool

	z       *Reader
	r       record
	content io.Reader
	crc     hash.Hash32
	size    int64
	from    int64
	err     error
}

// NewReader returns a reader of the archive in r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: newCounter(r), dir: sha256.New()}
}

// Next returns the next entry. It is io.EOF after the last one of a whole archive, an error that wraps ErrCut where the archive breaks off, and
// one that wraps ErrFormat where it was changed. An entry that was not read to its end is read now.
func (z *Reader) Next() (*Entry, error) {
	if z.done != nil {
		return nil, z.done
	}
	e, err := z.next()
	if err != nil {
		z.done = err
		return nil, err
	}
	z.entry = e
	return e, nil
}

func (z *Reader) next() (*Entry, error) {
	if z.entry != nil {
		if _, err := io.Copy(io.Discard, z.entry); err != nil {
			return nil, err
		}
	}
	offset := z.in.pos()
	head, err := z.take(4)
	if err != nil {
		return nil, err
	}
	switch le.Uint32(head) {
	case localSignature:
		return z.local(offset)
	case centralSignature, end64Signature:
		return nil, z.end(head)
	}
	return nil, fmt.Errorf("%w: no entry at byte %d", ErrFormat, offset)
}

// take reads n bytes.
func (z *Reader) take(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(z.in, b); err != nil {
		return nil, z.broken(err)
	}
	return b, nil
}

// broken tells the end of the archive from an error of what it is read from.
func (z *Reader) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w at byte %d", ErrCut, z.in.pos())
	}
	return err
}

func (z *Reader) local(offset int64) (*Entry, error) {
	fixed, err := z.take(localLen - 4)
	if err != nil {
		return nil, err
	}
	nameLen, extraLen := int(le.Uint16(fixed[22:])), int(le.Uint16(fixed[24:]))
	rest, err := z.take(nameLen + extraLen)
	if err != nil {
		return nil, err
	}
	r, err := parseLocal(fixed, string(rest[:nameLen]), rest[nameLen:])
	if err != nil {
		return nil, fmt.Errorf("%w: entry at byte %d: %w", ErrFormat, offset, err)
	}
	r.offset = offset
	raw := append(le.AppendUint32(nil, localSignature), append(fixed, rest...)...)
	if !bytes.Equal(raw, r.local()) {
		return nil, fmt.Errorf("%w: the header of %q at byte %d was changed", ErrFormat, r.Name, offset)
	}
	return z.entryOf(r), nil
}

func (z *Reader) entryOf(r record) *Entry {
	e := &Entry{Header: r.Header, z: z, r: r, crc: crc32.NewIEEE(), from: z.in.pos()}
	raw := io.Reader(z.in.Reader)
	if !r.streamed {
		raw = &exactly{r: z.in, left: r.compressed}
	}
	e.content = raw
	if r.method == Deflate {
		e.content = flate.NewReader(raw) // a ByteReader: it takes no byte more than the stream has
	}
	return e
}

// parseLocal reads a local header without its signature.
func parseLocal(fixed []byte, name string, extra []byte) (record, error) {
	r := record{method: le.Uint16(fixed[4:]), streamed: le.Uint16(fixed[2:])&flagDescriptor != 0, crc: le.Uint32(fixed[10:])}
	r.Name, r.compressed, r.size = name, int64(le.Uint32(fixed[14:])), int64(le.Uint32(fixed[18:]))
	switch {
	case name == "" || !utf8.ValidString(name):
		return r, errors.New("no name")
	case r.method != Deflate && (r.method != Store || r.streamed):
		return r, fmt.Errorf("method %d", r.method)
	}
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return r, errors.New("an extra field is cut")
		}
		if err := r.extra(id, extra[4:4+n]); err != nil {
			return r, err
		}
		extra = extra[4+n:]
	}
	if r.size < 0 || r.compressed < 0 {
		return r, errors.New("its size is no size")
	}
	return r, nil
}

func (r *record) extra(id uint16, b []byte) error {
	switch {
	case id == extraTime && len(b) == 5:
		r.ModTime = time.Unix(int64(int32(le.Uint32(b[1:]))), 0).UTC()
	case id == extraOwn && len(b) >= 2:
		r.Mode, r.Note = goMode(le.Uint16(b)), bytes.Clone(b[2:])
	case id == extraZip64 && len(b) == 16:
		r.size, r.compressed = int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	default:
		return fmt.Errorf("extra field %#x of %d bytes", id, len(b))
	}
	return nil
}

func goMode(m uint16) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for bit, is := range map[uint16]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&bit != 0 {
			mode |= is
		}
	}
	return mode
}

// Read reads the content. io.EOF means that all of it has come and fits its checksum.
func (e *Entry) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.content.Read(p)
	e.crc.Write(p[:n])
	e.size += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		e.err = e.finish()
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.err = e.short()
	default:
		e.err = e.damaged(err)
	}
	return n, e.err
}

// short is an entry that ends before its end: with the archive, or before what follows.
func (e *Entry) short() error {
	if _, err := e.z.in.Peek(1); err == nil {
		return fmt.Errorf("%w: the content of %s ends early", ErrFormat, e.Name)
	}
	return fmt.Errorf("%w in %s, at byte %d", ErrCut, e.Name, e.z.in.pos())
}

// damaged tells damage in the content from an error of what it is read from.
func (e *Entry) damaged(err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return fmt.Errorf("%w: the content of %s was changed: %w", ErrFormat, e.Name, err)
	}
	return err
}

// finish holds the content against what the archive says of it, and returns io.EOF if it fits.
func (e *Entry) finish() error {
	r := e.r
	used := e.z.in.pos() - e.from
	r.crc, r.size = e.crc.Sum32(), e.size
	if r.streamed {
		r.compressed = used
		b, err := e.z.take(descriptorLen)
		if err != nil {
			return err
		}
		dropped := record{streamed: true}
		e.Dropped = bytes.Equal(b, dropped.descriptor()) && e.size > 0
		if !e.Dropped && !bytes.Equal(b, r.descriptor()) {
			return fmt.Errorf("%w: the content of %s was changed: it doesn't fit its checksum", ErrFormat, e.Name)
		}
	} else if used != e.r.compressed || r.crc != e.r.crc || r.size != e.r.size {
		return fmt.Errorf("%w: the content of %s was changed: it doesn't fit its checksum", ErrFormat, e.Name)
	}
	if !e.Dropped {
		c := r.central()
		e.z.dir.Write(c)
		e.z.dirSize += int64(len(c))
		e.z.entries++
	}
	return io.EOF
}

// end compares what follows the entries with what must follow them.
func (z *Reader) end(head []byte) error {
	start := z.in.pos() - 4
	got := sha256.New()
	if z.dirSize > 0 {
		got.Write(head)
		if _, err := io.CopyN(got, z.in, z.dirSize-4); err != nil {
			return z.broken(err)
		}
		head = nil
	}
	if !bytes.Equal(got.Sum(nil), z.dir.Sum(nil)) {
		return fmt.Errorf("%w: the central directory doesn't fit the entries before it", ErrFormat)
	}
	b, err := z.take(endLen - len(head))
	if err != nil {
		return err
	}
	if !bytes.Equal(append(head, b...), ending(z.entries, start, z.dirSize)) {
		return fmt.Errorf("%w: the end records don't fit the central directory", ErrFormat)
	}
	if _, err := z.in.ReadByte(); !errors.Is(err, io.EOF) {
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: something was added behind its end", ErrFormat)
	}
	return io.EOF
}

// A counter knows how far it was read.
type counter struct {
	*bufio.Reader
	under *counted
}

func newCounter(r io.Reader) *counter {
	under := &counted{r: r}
	return &counter{bufio.NewReaderSize(under, 64<<10), under}
}

func (c *counter) pos() int64 { return c.under.n - int64(c.Buffered()) }

type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// exactly reads a number of bytes, and is io.ErrUnexpectedEOF where there are fewer.
type exactly struct {
	r    *counter
	left int64
}

func (x *exactly) Read(p []byte) (int, error) {
	if x.left == 0 {
		return 0, io.EOF
	}
	n, err := x.r.Read(p[:min(int64(len(p)), x.left)])
	x.left -= int64(n)
	if errors.Is(err, io.EOF) && x.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (x *exactly) ReadByte() (byte, error) {
	if x.left == 0 {
		return 0, io.EOF
	}
	b, err := x.r.ReadByte()
	if err == nil {
		x.left--
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}
