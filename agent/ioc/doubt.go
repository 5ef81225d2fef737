package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Our own inflate is fast, and may be wrong. Where it reports damage, a stream is read a second time and decoded with the library,
// whole, with nothing searched. Where the library comes no further, the damage is in the stream. Where it does, the stream is scanned
// anew with the library, so that a fault of ours loses no hit. What can't be read twice is kept in memory up to maxKept.

// maxKept is how many bytes are kept of a stream that can't be read twice.
const maxKept = 4 << 20

// maxDoubts bounds what is remembered of one stream.
const maxDoubts = 1000

var (
	errAgreed    = errors.New("the library's decoder comes no further")
	errDisagreed = errors.New("the library's decoder comes further: this is a fault of bellwether, please report it; the library's hits are listed too, some for the second time")
	errUnchecked = fmt.Errorf("the library's decoder was not asked: it is not possible to read this stream twice, and more than its %d MiB that are kept", maxKept>>20)
)

// Doubts are the places of a stream at which our inflate could not go on, or found a wrong checksum.
type doubts struct {
	streams int // of deflate that have begun
	found   []doubt
	broke   bool // the scan panicked
}

// A doubt is one of them: the number of its deflate stream, and what was decoded of it.
type doubt struct {
	stream int
	size   int64
	sum    uint32
}

func (d *doubts) add(size int64, sum uint32) {
	if len(d.found) < maxDoubts {
		d.found = append(d.found, doubt{d.streams, size, sum})
	}
}

func (d *doubts) none() bool { return len(d.found) == 0 && !d.broke }

// settledBy reports whether the library has decoded no more than we have.
func (d *doubts) settledBy(library *doubts) bool {
	if len(d.found) != len(library.found) || d.broke != library.broke {
		return false
	}
	for i, ours := range d.found {
		theirs := library.found[i]
		if theirs.stream != ours.stream || theirs.size > ours.size || theirs.size == ours.size && theirs.sum != ours.sum {
			return false
		}
	}
	return true
}

// whole scans a source up to its end, with a second look where there are doubts.
func (s *Set) whole(in *sourceReader, onHit func(Hit)) error {
	c := newScan(s, in, onHit)
	err := c.guarded(in)
	if c.doubts.none() || c.total.over != nil || in.err != nil {
		return err
	}
	return errors.Join(err, c.secondLook(in))
}

// secondLook decodes the source again with the library, and scans it again if that decodes something else. The error says which it was.
func (c *scan) secondLook(in *sourceReader) error {
	nothing, err := NewSet(nil)
	if err != nil {
		return err
	}
	look, err := nothing.byLibrary(in, func(Hit) {})
	switch {
	case err != nil:
		return err
	case c.doubts.settledBy(look.doubts):
		return errAgreed
	}
	if _, err := c.set.byLibrary(in, c.onHit); err != nil {
		return errors.Join(errDisagreed, err)
	}
	return errDisagreed
}

// byLibrary scans a source from its beginning on with the library's inflate. What is damaged has been told before.
func (s *Set) byLibrary(in *sourceReader, onHit func(Hit)) (*scan, error) {
	r, err := in.again()
	if err != nil {
		return nil, err
	}
	again := newSource(in.ctx, r)
	again.forget()
	c := newScan(s, again, onHit)
	c.library = true
	_ = c.guarded(again)
	if again.err != nil {
		return nil, fmt.Errorf("reading it again: %w", again.err)
	}
	return c, nil
}

// again returns a reader of the same bytes.
func (r *sourceReader) again() (io.Reader, error) {
	switch {
	case r.seeker != nil:
		_, err := r.seeker.Seek(r.start, io.SeekStart)
		return r.r, err
	case r.forgot:
		return nil, errUnchecked
	}
	return bytes.NewReader(r.kept), nil
}

// keep keeps what was read, as long as it may be read again.
func (r *sourceReader) keep(p []byte) {
	if r.forgot {
		return
	}
	if len(r.kept)+len(p) > maxKept {
		r.forget()
		return
	}
	r.kept = append(r.kept, p...)
}

// forget says that the source won't be read again.
func (r *sourceReader) forget() { r.kept, r.forgot = nil, true }
