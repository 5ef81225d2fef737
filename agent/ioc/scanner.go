package ioc

import (
	"context"
	"io"
	"strings"
	"time"
)

// A Scanner scans one stream that is written to it. It belongs to one goroutine.
type Scanner struct {
	set   *Set
	onHit func(Hit)
	head  []byte
	plain *lines // where the stream is text

	pipe *io.PipeWriter // where the stream must be decoded
	done chan error
}

var _ io.WriteCloser = (*Scanner)(nil)

// Scan returns a Scanner that calls onHit for every hit. Calls come one at a time, from any goroutine, and never after
// Close has returned. The name serves for errors alone.
func (s *Set) Scan(name string, onHit func(Hit)) *Scanner {
	return &Scanner{set: s, onHit: onHit}
}

// ScanReader scans a stream up to its end. An error that wraps [ErrPartial] says why the stream could be scanned only in part;
// other errors are those of the reader and of the context. If r can seek, a stream that looks damaged is read a second time.
func (s *Set) ScanReader(ctx context.Context, name string, r io.Reader, onHit func(Hit)) error {
	in := newSource(ctx, r)
	err := s.whole(in, onHit)
	if in.err != nil {
		return in.err
	}
	return partial(err)
}

func partial(err error) error {
	if err == nil {
		return nil
	}
	return &partialError{err}
}

// A partialError says in one line why a stream could be scanned only in part.
type partialError struct{ why error }

func (e *partialError) Error() string {
	return ErrPartial.Error() + ": " + strings.ReplaceAll(e.why.Error(), "\n", "; ")
}

func (e *partialError) Unwrap() []error { return []error{ErrPartial, e.why} }

// A sourceReader reads until its context ends, and remembers why it could not go on.
type sourceReader struct {
	ctx    context.Context
	r      io.Reader
	n      int64
	err    error
	meter  *meter
	now    func() time.Time
	waited time.Duration // in r

	seeker io.Seeker // reads from start on again; or nil
	start  int64
	kept   []byte // all that was read, unless forgot
	forgot bool
}

func newSource(ctx context.Context, r io.Reader) *sourceReader {
	in := &sourceReader{ctx: ctx, r: r, now: time.Now}
	if s, ok := r.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			in.seeker, in.start, in.forgot = s, at, true
		}
	}
	return in
}

func (r *sourceReader) Read(p []byte) (int, error) {
	if r.err = r.ctx.Err(); r.err != nil {
		return 0, r.err
	}
	if err := r.meter.check(); err != nil {
		return 0, err
	}
	start := r.now()
	n, err := r.r.Read(p)
	r.waited += r.now().Sub(start)
	r.n += int64(n)
	r.keep(p[:n])
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// Write takes the next bytes of the stream. It never fails: what can't be scanned is told by Close.
func (s *Scanner) Write(p []byte) (int, error) {
	switch {
	case s.plain != nil:
		return s.plain.Write(p)
	case s.pipe != nil:
		return s.pipe.Write(p)
	}
	s.head = append(s.head, p...)
	if len(s.head) >= headSize {
		s.start()
	}
	return len(p), nil
}

// start chooses how the stream is read, by what it begins with.
func (s *Scanner) start() {
	head := s.head
	s.head = nil
	if formatOf(head) == nil {
		s.plain = newLines(s.set, blockSize, overlap, s.onHit)
		_, _ = s.plain.Write(head) // it never fails
		return
	}
	r, w := io.Pipe()
	s.pipe, s.done = w, make(chan error, 1)
	go func() {
		in := newSource(context.Background(), r)
		s.done <- partial(s.set.whole(in, s.onHit))
		_, _ = io.Copy(io.Discard, r) // what is left, so that Write doesn't wait
	}()
	_, _ = s.pipe.Write(head) // the reader reads to the end
}

// Close ends the stream, reports the last hits and waits for all that Scan started. The error wraps [ErrPartial] if the stream
// could be scanned only in part, and says why.
func (s *Scanner) Close() error {
	if s.plain == nil && s.pipe == nil {
		s.start()
	}
	if s.plain != nil {
		return partial(s.plain.finish())
	}
	_ = s.pipe.Close() // it never fails
	return <-s.done
}
