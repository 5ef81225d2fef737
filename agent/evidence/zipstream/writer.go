package zipstream

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"
)

// A Directory keeps the central directory until the archive ends.
type Directory interface {
	io.Writer
	io.WriterTo
}

// A Writer writes an archive. It is used by one goroutine at a time. After an error of what it writes to the archive has no end.
type Writer struct {
	w       io.Writer
	dir     Directory
	offset  int64
	entries int64
	open    *record // the streamed entry, if there is one
	err     error
}

// NewWriter returns a writer to w that keeps the central directory in dir.
func NewWriter(w io.Writer, dir Directory) *Writer { return &Writer{w: w, dir: dir} }

// Add writes an entry of known size: compressed bytes that content writes, which are size bytes of that CRC-32 when they are unpacked.
func (w *Writer) Add(h Header, method uint16, crc uint32, size, compressed int64, content io.WriterTo) error {
	r := record{Header: h, method: method, crc: crc, size: size, compressed: compressed, offset: w.offset}
	if err := w.begin(r); err != nil {
		return err
	}
	n, err := content.WriteTo(writerFunc(w.write))
	switch {
	case err != nil:
		w.err = err
	case n != compressed:
		w.err = fmt.Errorf("%s has %d bytes, not %d", h.Name, n, compressed)
	default:
		w.keep(r)
	}
	return w.err
}

// Begin starts an entry whose size isn't known. Its deflated content goes to Write.
func (w *Writer) Begin(h Header) error {
	r := record{Header: h, method: Deflate, streamed: true, offset: w.offset}
	if err := w.begin(r); err != nil {
		return err
	}
	w.open = &r
	return nil
}

// Write takes deflated content of the entry that Begin has started.
func (w *Writer) Write(p []byte) (int, error) {
	if w.open == nil {
		return 0, fs.ErrClosed
	}
	n, err := w.write(p)
	w.open.compressed += int64(n)
	return n, err
}

// End ends the entry, whose deflated content is complete. What is not kept has no place in the central directory: no tool shows it.
func (w *Writer) End(crc uint32, size int64, keep bool) error {
	if w.open == nil {
		return fs.ErrClosed
	}
	r := *w.open
	w.open = nil
	if keep {
		r.crc, r.size = crc, size
	} else {
		r.compressed = 0 // all zero: the mark of what was dropped
	}
	if _, err := w.write(r.descriptor()); err != nil {
		return err
	}
	if keep {
		w.keep(r)
	}
	return w.err
}

// Close writes the central directory. It doesn't close what the archive was written to.
func (w *Writer) Close() error {
	if w.open != nil {
		return errors.New("an entry is still open")
	}
	if w.err != nil {
		return w.err
	}
	start := w.offset
	if _, err := w.dir.WriteTo(writerFunc(w.write)); err != nil {
		w.err = err
		return err
	}
	_, err := w.write(ending(w.entries, start, w.offset-start))
	w.open, w.err = nil, errors.Join(err, w.err)
	return w.err
}

func (w *Writer) begin(r record) error {
	switch {
	case w.err != nil:
		return w.err
	case w.open != nil:
		return errors.New("an entry is still open")
	case r.Name == "" || len(r.Name) > 4096 || !utf8.ValidString(r.Name):
		return fmt.Errorf("%w: entry %q", fs.ErrInvalid, r.Name)
	case len(r.Note) > MaxNote:
		return fmt.Errorf("%w: a note of %d bytes", fs.ErrInvalid, len(r.Note))
	}
	_, err := w.write(r.local())
	return err
}

func (w *Writer) keep(r record) {
	if _, err := w.dir.Write(r.central()); err != nil {
		w.err = err
	}
	w.entries++
}

func (w *Writer) write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.w.Write(p)
	w.offset += int64(n)
	w.err = err
	return n, err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
