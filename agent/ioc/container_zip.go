package ioc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/crc32"
)

// The marks of a zip file (APPNOTE 4.3) and the bits of a member's flags.
const (
	zipLocal      = 0x04034b50
	zipDescriptor = 0x08074b50
	zipEncrypted  = 1 << 0
	zipStreamed   = 1 << 3 // sizes and checksum follow the content
	zipStored     = 0
	zipDeflated   = 8

	zipMagic   = "PK\x03\x04"
	headerRoom = 512 // bytes that are looked through at a time for the next header
)

var (
	errZipSize = errors.New("the member's size is not known before its content")
	errSize    = errors.New("the size is wrong")
)

// A zipReader reads the members of a zip file one after the other, as they stand in the stream.
type zipReader struct {
	*inflater
	sum     hash.Hash32
	members *replay // counts what is decoded of them
}

// A zipMember is the header of one member.
type zipMember struct {
	name          string
	flags, method uint16
	sum           uint32
	packed, size  uint64
}

// zip scans the members of a zip file. Its directory at the end is not needed.
func (c *scan) zip(in *replay) (inside, damage error) {
	z := zipReader{c.newInflater(in), crc32.NewIEEE(), in}
	defer func() { in.left = z.unread() }()
	var failed memberErrors
	for {
		m, err := z.header()
		if errors.Is(err, io.EOF) {
			return failed.err(), nil
		}
		if err != nil {
			return failed.err(), err
		}
		known, err := z.member(c.inMember(m.name), m)
		if c.total.over != nil {
			return nil, c.total.over
		}
		failed.add(m.name, err)
		if !known && !z.findHeader() {
			return failed.err(), nil
		}
	}
}

// findHeader goes on to the next header that there is, where a member does not tell where it ends.
func (z *zipReader) findHeader() bool {
	z.align()
	for {
		b := z.peek(headerRoom)
		if i := bytes.Index(b, []byte(zipMagic)); i >= 0 {
			z.ip += i
			return true
		}
		if len(b) < headerRoom {
			return false
		}
		z.ip += len(b) - len(zipMagic) + 1
	}
}

// header reads the header of the next member; io.EOF if there is none.
func (z *zipReader) header() (*zipMember, error) {
	b, err := z.take16(30)
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != zipLocal {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	m := &zipMember{flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), sum: le.Uint32(b[14:]), packed: uint64(le.Uint32(b[18:])), size: uint64(le.Uint32(b[22:]))}
	names, extras := int(le.Uint16(b[26:])), int(le.Uint16(b[28:]))
	name, err := z.takeN(names)
	if err != nil {
		return nil, err
	}
	m.name = string(name)
	extra, err := z.takeN(extras)
	if err != nil {
		return nil, err
	}
	m.zip64(extra)
	return m, nil
}

// zip64 takes the sizes from the extra field, where they do not fit into the header.
func (m *zipMember) zip64(extra []byte) {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if n > len(extra) {
			return
		}
		if id == 1 && n >= 16 && m.packed == 0xffffffff {
			m.size, m.packed = binary.LittleEndian.Uint64(extra), binary.LittleEndian.Uint64(extra[8:])
		}
		extra = extra[n:]
	}
}

// member scans one member and reports whether the place of the next one is known.
func (z *zipReader) member(c *scan, m *zipMember) (known bool, err error) {
	streamed := m.flags&zipStreamed != 0
	switch {
	case m.flags&zipEncrypted != 0:
		err = errors.New("is encrypted")
	case m.method == zipDeflated:
		return z.deflated(c, m)
	case m.method == zipStored || m.method == 12 || m.method == 93 || m.method == 95: // bzip2, zstd and xz are recognised
		if !streamed {
			err = c.stream(&metered{r: &storedReader{z.inflater, &m.packed}, total: c.total, in: z.members})
		}
	default:
		err = fmt.Errorf("compression method %d is not known", m.method)
	}
	if streamed {
		return false, errors.Join(err, errZipSize)
	}
	_, skipErr := io.Copy(io.Discard, &storedReader{z.inflater, &m.packed})
	return skipErr == nil, errors.Join(err, skipErr)
}

// deflated scans a member whose end is seen in its content.
func (z *zipReader) deflated(c *scan, m *zipMember) (known bool, err error) {
	z.reset()
	z.sum.Reset()
	c.doubts.streams++
	var w *windowReader
	w = &windowReader{sum: z.sum, decode: func(buf []byte, at int) (int, error) {
		return z.run(buf, at-int(min(w.n, windowSize)), at)
	}}
	r := &metered{r: w, total: c.total, in: z.members}
	inside := c.stream(r)
	damage := r.drain()
	known = damage == nil
	if known {
		damage = z.check(m, w.n)
	}
	if damage != nil && c.total.over == nil {
		c.doubts.add(w.n, z.sum.Sum32())
	}
	return known, errors.Join(inside, damage)
}

// check compares what was decoded of a member with what its header or its descriptor says.
func (z *zipReader) check(m *zipMember, n int64) error {
	switch streamed := m.flags&zipStreamed != 0; {
	case streamed && z.descriptor(n) != z.sum.Sum32(), !streamed && z.sum.Sum32() != m.sum:
		return errChecksum
	case !streamed && m.size != uint64(n):
		return errSize
	}
	return nil
}

// descriptor skips what follows a streamed member of the given size, and returns the checksum in it.
func (z *zipReader) descriptor(size int64) uint32 {
	b := z.peek(24)
	if len(b) >= 16 && binary.LittleEndian.Uint32(b) == zipDescriptor {
		z.ip += 4
		b = b[4:]
	}
	if len(b) < 12 {
		return 0
	}
	sum := binary.LittleEndian.Uint32(b)
	if len(b) >= 20 && binary.LittleEndian.Uint64(b[12:]) == uint64(size) && binary.LittleEndian.Uint32(b[8:]) != uint32(size) {
		z.ip += 20
	} else {
		z.ip += 12
	}
	return sum
}

// peek returns the next n bytes of the input between two members, or fewer at its end.
func (d *inflater) peek(n int) []byte {
	if len(d.in)-d.ip < n {
		d.fill()
	}
	return d.in[d.ip:min(len(d.in), d.ip+n)]
}

func (z *zipReader) take16(n int) ([]byte, error) {
	b := z.peek(n)
	if len(b) < n {
		return b, z.unexpected()
	}
	if binary.LittleEndian.Uint32(b) == zipLocal {
		z.ip += n
	}
	return b, nil
}

// takeN returns the next n bytes, n < 64 KiB.
func (z *zipReader) takeN(n int) ([]byte, error) {
	b := make([]byte, 0, n)
	for len(b) < n {
		p := z.peek(1)
		if len(p) == 0 {
			return nil, z.unexpected()
		}
		p = z.in[z.ip:min(len(z.in), z.ip+n-len(b))]
		b = append(b, p...)
		z.ip += len(p)
	}
	return b, nil
}

// A storedReader reads as many bytes of the input as are left of a member.
type storedReader struct {
	*inflater
	left *uint64
}

func (s *storedReader) Read(p []byte) (int, error) {
	if *s.left == 0 {
		return 0, io.EOF
	}
	if len(s.peek(1)) == 0 {
		return 0, s.unexpected()
	}
	n := copy(p[:min(uint64(len(p)), *s.left)], s.in[s.ip:])
	s.ip += n
	*s.left -= uint64(n)
	return n, nil
}
