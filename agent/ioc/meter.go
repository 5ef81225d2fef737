package ioc

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// The bounds of what a stream may become. Logs shrink 5 to 50 times; deflate can do 1,032. The slowest decoder that there is, for bzip2, takes
// a third of a second for a megabyte of a log, and ten times that where the ratio is extreme.
const (
	bombFloor   = 256 << 20 // bytes that are decoded whatever the ratio
	bombRatio   = 300
	bombBytes   = 256 << 30 // bytes that are decoded of one stream, all containers in it together
	bombTime    = time.Minute
	bombPerByte = 4 * time.Microsecond // that are added to it for every byte of the stream
)

var (
	errBomb  = errors.New("taken for a decompression bomb")
	errLarge = fmt.Errorf("decodes to far more than a log would: %w", errBomb)
	errSlow  = fmt.Errorf("takes far longer to decode than a log would: %w", errBomb)
)

// A meter compares what was read with what it became, and with the time that this took.
type meter struct {
	in      *sourceReader
	out     int64         // decoded bytes
	spent   time.Duration // on decoding: neither on waiting for the source nor on searching
	working bool
	began   time.Time
	waited  time.Duration // of the source, when the work began
	over    error         // the bound that was met
}

// add counts decoded bytes.
func (m *meter) add(n int) error {
	m.out += int64(n)
	return m.check()
}

// check returns an error if a bound is met, and from then on.
func (m *meter) check() error {
	if m.over == nil {
		m.over = m.bound()
	}
	return m.over
}

func (m *meter) bound() error {
	spent := m.spent
	if m.working {
		spent += m.sinceBegin()
	}
	switch {
	case m.out > bombBytes || m.out > bombFloor && m.out > m.in.n*bombRatio:
		return errLarge
	case spent > bombTime+time.Duration(m.in.n)*bombPerByte:
		return errSlow
	}
	return nil
}

func (m *meter) sinceBegin() time.Duration { return m.in.now().Sub(m.began) - (m.in.waited - m.waited) }

// timed calls decode and counts its time. Of decoders inside each other the outermost counts.
func (m *meter) timed(decode func() (int, error)) (int, error) {
	if m.working {
		return decode()
	}
	m.working, m.began, m.waited = true, m.in.now(), m.in.waited
	n, err := decode()
	m.spent += m.sinceBegin()
	m.working = false
	return n, err
}

// A metered reader counts what is decoded. The error of its decoder ends the stream, and is told by drain.
type metered struct {
	r     io.Reader
	total *meter
	in    *replay
	err   error
}

func (m *metered) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, io.EOF
	}
	n, err := m.total.timed(func() (int, error) { return m.r.Read(p) })
	m.in.decoded(p[:n])
	if over := m.total.add(n); over != nil {
		return n, over
	}
	if err != nil && !errors.Is(err, io.EOF) {
		m.err, err = err, io.EOF
	}
	return n, err
}

// drain reads what the scan has left, and returns why the decoder ended, nil if with its stream.
func (m *metered) drain() error {
	_, err := io.Copy(io.Discard, m)
	return errors.Join(m.err, err)
}
