package logins

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// A Reader reads records one by one. Make it with [NewReader].
type Reader struct {
	r       *bufio.Reader
	size    int
	buf     []byte
	row     int64
	skipped int // bytes of a record that was cut off
}

// sample is how many records are looked at to tell how long a record is.
const sample = 64

// NewReader looks at the first records and tells by them how long a record is on the system that wrote them.
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReaderSize(r, sample*size64)
	head, err := b.Peek(sample * size64)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the first records: %w", err)
	}
	size := size32
	if plausible(head, size64) > plausible(head, size32) {
		size = size64
	}
	return &Reader{r: b, size: size, buf: make([]byte, size)}, nil
}

// plausible counts, in percent, the rows that look like records if they are that long. Null rows say nothing.
func plausible(b []byte, size int) int {
	good, all := 0, 0
	for ; len(b) >= size; b = b[size:] {
		if isNull(b[:size]) {
			continue
		}
		all++
		r := parse(b[:size])
		if r.Type >= Empty && r.Type <= Accounting && isNull(b[2:4]) && !r.Time.IsZero() {
			good++
		}
	}
	if all == 0 {
		return 0
	}
	return 100 * good / all
}

// RecordSize is the length of a record, in bytes.
func (r *Reader) RecordSize() int { return r.size }

// Row is the number of the record that Next has returned last, from 0, null rows included.
func (r *Reader) Row() int64 { return r.row - 1 }

// Tail is how many bytes of a cut record stand at the end. It is known when Next has returned [io.EOF].
func (r *Reader) Tail() int { return r.skipped }

// Next returns the next record, and io.EOF after the last. Another error is that of the reader below.
func (r *Reader) Next() (Record, error) {
	n, err := io.ReadFull(r.r, r.buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		r.skipped = n
		return Record{}, io.EOF
	}
	if errors.Is(err, io.EOF) {
		return Record{}, io.EOF
	}
	if err != nil {
		return Record{}, fmt.Errorf("reading record %d: %w", r.row, err)
	}
	r.row++
	return parse(r.buf), nil
}
