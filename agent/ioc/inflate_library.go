package ioc

import (
	"compress/flate"
	"errors"
	"io"
)

// A libraryInflater decodes with compress/flate, from the input of an inflater and into the same buffers.
type libraryInflater struct{ r io.ReadCloser }

// newInflater returns the decoder that the scan uses.
func (c *scan) newInflater(r io.Reader) *inflater {
	if !c.library {
		return c.set.inflater(r)
	}
	d := newInflater(r)
	d.library = &libraryInflater{flate.NewReader(inflaterInput{d})}
	return d
}

// reset begins a new stream at the next byte of the input.
func (l *libraryInflater) reset(d *inflater) {
	d.align()
	_ = l.r.(flate.Resetter).Reset(inflaterInput{d}, nil) // it never fails
}

// run is that of an inflater.
func (l *libraryInflater) run(d *inflater, buf []byte, at int) (int, error) {
	for room := len(buf) - outRoom - outSlack; at < room; {
		n, err := l.r.Read(buf[at:room])
		at += n
		var corrupt flate.CorruptInputError
		switch {
		case errors.As(err, &corrupt):
			return at, errDeflate
		case errors.Is(err, io.ErrUnexpectedEOF):
			return at, d.unexpected()
		case err != nil:
			return at, err
		}
	}
	return at, nil
}

// inflaterInput reads the input of an inflater, and never more than it is asked for.
type inflaterInput struct{ d *inflater }

func (i inflaterInput) Read(p []byte) (int, error) {
	if i.d.ip >= len(i.d.in) {
		i.d.fill()
	}
	if i.d.ip >= len(i.d.in) {
		return 0, i.end()
	}
	n := copy(p, i.d.in[i.d.ip:])
	i.d.ip += n
	return n, nil
}

func (i inflaterInput) ReadByte() (byte, error) {
	if i.d.ip >= len(i.d.in) {
		i.d.fill()
	}
	if i.d.ip >= len(i.d.in) {
		return 0, i.end()
	}
	i.d.ip++
	return i.d.in[i.d.ip-1], nil
}

func (i inflaterInput) end() error {
	if i.d.err != nil {
		return i.d.err
	}
	return io.EOF
}
