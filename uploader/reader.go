package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
)

// A reader reads an object, and goes on where it was when a connection breaks.
type reader struct {
	ctx context.Context
	end context.CancelFunc
	s   *source
	key string // in the bucket

	body   io.ReadCloser // nil if it is to be asked for
	etag   string        // of the object; empty until the first answer
	size   int64         // of the object
	offset int64         // of the next byte
	closed bool
}

// Open asks for an object.
func (s *source) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if s.full(key) == "" {
		return nil, fmt.Errorf("reading %s: %w: a bucket is no object", s, fs.ErrInvalid)
	}
	r := &reader{s: s, key: s.full(key)}
	r.ctx, r.end = context.WithCancel(ctx)
	if err := s.retry.do(r.ctx, r.name(), func(context.Context) error { return r.ask() }); err != nil {
		r.end()
		return nil, r.explain(err)
	}
	return r, nil
}

func (r *reader) name() string { return joinURL(r.s.bucket, r.key) }

// explain says in an error which object it is about, and what can be done.
func (r *reader) explain(err error) error {
	return fmt.Errorf("reading %s: %w", r.name(), r.s.from.explain(err, false))
}

// Read reads what comes next.
func (r *reader) Read(p []byte) (n int, err error) {
	if r.closed {
		return 0, fmt.Errorf("reading %s: %w", r.name(), fs.ErrClosed)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.offset == r.size {
		return 0, io.EOF
	}
	err = r.s.retry.do(r.ctx, r.name(), func(context.Context) (err error) {
		n, err = r.try(p)
		return err
	})
	if err != nil {
		return 0, r.explain(err)
	}
	return n, nil
}

// try makes one try to read at least a byte.
func (r *reader) try(p []byte) (int, error) {
	if r.body == nil {
		if err := r.ask(); err != nil {
			return 0, err
		}
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.size-r.offset)])
	r.offset += int64(n)
	if err == nil {
		return n, nil
	}
	r.drop()
	if n > 0 {
		return n, nil // what was wrong, if anything was, shows with the next byte
	}
	if errors.Is(err, io.EOF) {
		return 0, io.ErrUnexpectedEOF
	}
	return 0, err
}

// ask asks for the object from the next byte on.
func (r *reader) ask() error {
	a, err := r.s.from.get(r.ctx, r.key, r.etag, r.offset)
	if err != nil {
		status, _ := answer(err)
		if r.etag != "" && (status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable) {
			return fmt.Errorf("%w: %w", ErrChanged, err)
		}
		return err
	}
	first := r.etag == ""
	if first {
		r.etag, r.size = a.etag, a.size
	}
	switch {
	case a.etag == "" || a.size < 0:
		err = fmt.Errorf("%w: the store names neither the length nor the ETag of the object", errors.ErrUnsupported)
	case a.etag != r.etag:
		err = ErrChanged
	case a.start != r.offset:
		err = fmt.Errorf("%w: the store begins at byte %d, and was asked for byte %d", errors.ErrUnsupported, a.start, r.offset)
	}
	if err != nil {
		_ = a.body.Close() // nothing of it is wanted
		return err
	}
	r.body = a.body
	return nil
}

// drop ends the request.
func (r *reader) drop() {
	if r.body != nil {
		_ = r.body.Close() // of a body that is read; there is nothing to lose
		r.body = nil
	}
}

// Close ends the reading.
func (r *reader) Close() error {
	r.closed = true
	r.drop()
	r.end()
	return nil
}
