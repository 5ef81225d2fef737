package ioc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/crc32"
)

var (
	errGarbage  = errors.New("trailing garbage after the last member")
	errHeader   = errors.New("no gzip header")
	errChecksum = errors.New("the checksum is wrong")
)

// The flags of a gzip header (RFC 1952).
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagReserved  = 0xe0
)

// maxField bounds the name and the comment in a header: a text that begins like one would be read to its end.
const maxField = 64 << 10

// A gunzipper decodes gzip members into the block that is searched, or into any other buffer.
type gunzipper struct {
	*inflater
	doubts   *doubts
	inMember bool
	begun    bool  // a member has been decoded
	out      int64 // bytes of the member
	sum      uint32
}

// gzip scans what a stream of gzip members holds, straight in the block where it is text.
func (c *scan) gzip(in *replay) (inside, damage error) {
	g := &gunzipper{inflater: c.newInflater(in), doubts: c.doubts}
	text := c.newLines()
	text.history = windowSize
	inside, damage = c.gzipText(g, text, in)
	inside = errors.Join(inside, text.finish())
	in.left = g.unread()
	if inside == nil && damage == nil && len(in.left) == 0 && g.library == nil { // nobody looks into it any more
		c.set.inflaters.Put(g.inflater)
	}
	return inside, damage
}

func (c *scan) gzipText(g *gunzipper, text *lines, in *replay) (inside, damage error) {
	for first := true; ; first = false {
		at, buf := len(text.buf), text.buf[:cap(text.buf)-slack]
		end, err := c.total.timed(func() (int, error) { return g.step(buf, at) })
		if first && formatOf(buf[:end]) != nil {
			w := &windowReader{decode: g.step, buf: bytes.Clone(buf), w: end, end: err}
			m := &metered{r: w, total: c.total, in: in}
			inside = c.stream(m)
			return inside, afterBytes(w.n+int64(end), m.drain()) // what an archive does not read counts for the checksum
		}
		in.decoded(buf[at:end])
		text.buf = buf[:end]
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if over := c.total.add(end - at); over != nil {
			return nil, over
		}
		if err != nil {
			return nil, afterBytes(text.base+int64(end), err)
		}
		text.round(text.limit())
	}
}

func afterBytes(n int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("after %d bytes decoded: %w", n, err)
}

// step decodes until buf is full, or the stream ends, which is io.EOF. The window before buf[at] must be what it has written before.
func (g *gunzipper) step(buf []byte, at int) (int, error) {
	for {
		if !g.inMember {
			if err := g.nextMember(); err != nil {
				return at, err
			}
			g.inMember, g.out, g.sum = true, 0, 0
			g.reset()
			g.doubts.streams++
		}
		end, err := g.run(buf, at-int(min(g.out, windowSize)), at)
		g.sum = crc32.Update(g.sum, crc32.IEEETable, buf[at:end])
		g.out += int64(end - at)
		at = end
		if errors.Is(err, io.EOF) {
			err = g.trailer(g.sum, uint32(g.out))
		} else if err == nil {
			return at, nil
		}
		if err != nil {
			g.doubts.add(g.out, g.sum)
			return at, err
		}
		g.inMember, g.begun = false, true
	}
}

// nextMember reads the header of the next member; io.EOF if there is none.
func (g *gunzipper) nextMember() error {
	if g.begun {
		if more, err := g.skipZeros(); err != nil {
			return err
		} else if !more {
			return io.EOF
		}
	}
	err := g.memberHeader()
	if errors.Is(err, errHeader) && g.begun {
		return errGarbage
	}
	return err
}

// unread returns the input from the place on where decoding has ended.
func (d *inflater) unread() []byte {
	d.align()
	return d.in[d.ip:]
}

func (g *gunzipper) trailer(sum, size uint32) error {
	var b [8]byte
	for i := range b {
		c, err := g.next()
		if err != nil {
			return err
		}
		b[i] = c
	}
	if binary.LittleEndian.Uint32(b[:]) != sum || binary.LittleEndian.Uint32(b[4:]) != size {
		return errChecksum
	}
	return nil
}

// memberHeader reads the header of a member. It gives back what it read if that is none.
func (g *gunzipper) memberHeader() error {
	if len(g.in)-g.ip < inSlack {
		g.fill()
	}
	b := g.in[g.ip:]
	if len(b) < 10 {
		return g.unexpected()
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&flagReserved != 0 {
		return errHeader
	}
	flags := b[3]
	g.ip += 10
	if flags&flagExtra != 0 {
		lo, _ := g.next()
		hi, err := g.next()
		for n := int(lo) | int(hi)<<8; n > 0 && err == nil; n-- {
			_, err = g.next()
		}
		if err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		for n, c := 0, byte(1); flags&flag != 0 && c != 0; n++ {
			var err error
			if c, err = g.next(); err != nil {
				return err
			}
			if n > maxField {
				return errHeader
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		if _, err := g.next(); err != nil {
			return err
		}
		if _, err := g.next(); err != nil {
			return err
		}
	}
	return nil
}

// next returns the next byte between two streams of deflate.
func (d *inflater) next() (byte, error) {
	if err := d.need(8); err != nil {
		return 0, err
	}
	return byte(d.take(8)), nil
}

// skipZeros skips the padding that tapes and block devices leave, and reports whether anything follows.
func (d *inflater) skipZeros() (bool, error) {
	for {
		for d.ip < len(d.in) {
			if d.in[d.ip] != 0 {
				return true, nil
			}
			d.ip++
		}
		if d.fill(); d.ip >= len(d.in) {
			return false, d.err
		}
	}
}
