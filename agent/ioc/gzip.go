package ioc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/crc32"
)

var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// The bounds of what a compressed stream may become. Logs shrink 5 to 50 times; deflate can do 1,032.
const (
	bombFloor = 256 << 20 // bytes that are decoded whatever the ratio
	bombRatio = 300
	bombBytes = 1 << 40
)

var (
	errBomb     = errors.New("decodes to far more than a log would: taken for a decompression bomb")
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

// A gunzipper decodes gzip members straight into the block that is searched.
type gunzipper struct {
	*inflater
	text  *lines
	start int // where in the block the member begins
	out   int64
}

// scanGzip scans what a stream of gzip members holds. Where it is damaged, the bytes from there on are scanned as they are.
func (s *Set) scanGzip(r io.Reader, onHit func(Hit)) error {
	g := gunzipper{inflater: newInflater(r), text: newLines(s, "gzip", blockSize, overlap, onHit)}
	g.text.history = windowSize
	err := g.members()
	g.text.finish()
	if err == nil || errors.Is(err, errBomb) {
		return err
	}
	rest := newLines(s, "", blockSize, overlap, onHit)
	rest.Write(g.unread())
	io.Copy(rest, g.r)
	rest.finish()
	return fmt.Errorf("gzip, after %d bytes decoded: %w", g.out, err)
}

// unread returns the input from the place on where decoding has ended, or all of it if it began there.
func (d *inflater) unread() []byte {
	d.align()
	if d.read == int64(len(d.in)) {
		return d.in
	}
	return d.in[d.ip:]
}

// members decodes all members.
func (g *gunzipper) members() error {
	if err := g.memberHeader(); err != nil {
		return err
	}
	for {
		if err := g.member(); err != nil {
			return err
		}
		if more, err := g.skipZeros(); !more || err != nil {
			return err
		}
		if err := g.memberHeader(); err == errHeader {
			return errGarbage
		} else if err != nil {
			return err
		}
	}
}

// member decodes one member and compares it with its trailer.
func (g *gunzipper) member() error {
	g.reset()
	g.start = len(g.text.buf)
	sum, size := uint32(0), uint32(0)
	for {
		at, buf := len(g.text.buf), g.text.buf[:cap(g.text.buf)-slack]
		end, err := g.run(buf, g.start, at)
		sum = crc32.Update(sum, crc32.IEEETable, buf[at:end])
		size += uint32(end - at)
		g.out += int64(end - at)
		g.text.buf = buf[:end]
		if err == io.EOF {
			return g.trailer(sum, size)
		}
		if err != nil {
			return err
		}
		if g.out > bombBytes || g.out > bombFloor && g.out > g.read*bombRatio {
			return errBomb
		}
		g.start = max(0, g.start-g.text.round(g.text.limit()))
	}
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
	if [3]byte(b) != [3]byte(gzipMagic) || b[3]&flagReserved != 0 {
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
		for c := byte(1); flags&flag != 0 && c != 0; {
			var err error
			if c, err = g.next(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		g.next()
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
