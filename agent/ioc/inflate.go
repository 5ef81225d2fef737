package ioc

import (
	"encoding/binary"
	"errors"
	"io"
	"unsafe"
)

// The library's reader hands out 32 KiB at a time and copies every byte twice more than a scan needs. This one writes into
// the block that is searched, whose older bytes are the window. It is built like libdeflate's decoder: a bit buffer of 64
// bits that is refilled without branches, tables of 12 and 8 bits with tables below them for longer codes, and up to two
// literals in one entry. What it accepts is what compress/flate accepts, and a fuzz target compares the two.

const (
	distBits   = 8
	inSlack    = 16        // readable bytes after the input; the fast loop stops that much before its end
	outRoom    = 3*4 + 258 // the most that one turn of the fast loop writes
	outSlack   = 64        // what a copy may write beyond its end
	windowSize = 32 << 10  // how far back a match reaches
	inSize     = 128 << 10 // bytes of input that are read at once
	maxHeader  = 1 << 10   // bytes that no header of a block reaches
	maxCode    = 15        // bits of the longest code
	literals   = 3 << 12
	oneLiteral = 1 << 12
	subTable   = 1 << 15     // an entry that is no literal, length or distance by itself
	entryEnd   = subTable    // the end of a block: a sub-table entry that consumes what it says and leads nowhere
	entryBad   = subTable    // and so is a code that does not exist, with no bits to consume
	litTable   = 1<<12 + 512 // enough for 288 codes of up to 15 bits of which 4,096 are indexed at once
	distTable  = 1<<8 + 256  // enough for 32 codes of up to 15 bits (libdeflate: 402)
)

var (
	errDeflate  = errors.New("damaged deflate data")
	errDistance = errors.New("damaged deflate data: a match reaches before the start")
)

// An inflater decodes one stream of deflate blocks after the other.
//
// An entry of its tables is, from the lowest bit: 8 bits, how many to consume, extra bits included; 4 bits, the length of the code
// alone; 2 bits, how many literals; 1 zero; subTable; 16 bits, the literals, or the length or distance without its extra bits. The
// entry of a table below has its index bits where the length of the code stands, and its place in the upper half.
type inflater struct {
	r    io.Reader
	in   []byte // what was read; inSlack bytes follow
	ip   int    // the first byte of in that is not in bits
	read int64  // bytes read from r
	eof  bool
	err  error // of r, other than io.EOF

	bits  uint64
	nbits uint // how many of bits count; those above may hold the next byte already, and are the same as it

	state  blockState
	final  bool
	stored int // bytes of a stored block that are left

	lit  [litTable]uint32
	dist [distTable]uint32
	lens [288 + 32 + 138]uint8
	sort [288]uint16

	library *libraryInflater // decodes in place of this one; or nil
}

type blockState uint8

const (
	atHeader blockState = iota
	inStored
	inCodes
)

func newInflater(r io.Reader) *inflater {
	return &inflater{r: r, in: make([]byte, 0, inSize+inSlack)}
}

// reuse makes the inflater that of another stream.
func (d *inflater) reuse(r io.Reader) {
	d.reset()
	d.r, d.in, d.ip, d.read, d.eof, d.err = r, d.in[:0], 0, 0, false, nil
	d.bits, d.nbits, d.stored = 0, 0, 0
}

// fill reads more input, if there is any.
func (d *inflater) fill() {
	if d.eof {
		return
	}
	used := max(0, d.ip-8) // align may give back what is in bits
	n := copy(d.in[:cap(d.in)], d.in[used:])
	d.ip -= used
	for n < inSize && !d.eof {
		k, err := d.r.Read(d.in[n:inSize])
		n += k
		d.read += int64(k)
		if err != nil {
			d.eof = true
			if err != io.EOF {
				d.err = err
			}
		}
		if n-d.ip >= maxHeader {
			break
		}
	}
	d.in = d.in[:n]
	clear(d.in[n : n+inSlack])
}

// need makes n bits available, n ≤ 32.
func (d *inflater) need(n uint) error {
	for d.nbits < n {
		if d.ip >= len(d.in) {
			d.fill()
			if d.ip >= len(d.in) {
				return d.unexpected()
			}
		}
		d.bits &= 1<<d.nbits - 1
		d.bits |= uint64(d.in[d.ip]) << d.nbits
		d.ip++
		d.nbits += 8
	}
	return nil
}

func (d *inflater) unexpected() error {
	if d.err != nil {
		return d.err
	}
	return io.ErrUnexpectedEOF
}

func (d *inflater) take(n uint) uint {
	v := uint(d.bits & (1<<n - 1))
	d.bits >>= n
	d.nbits -= n
	return v
}

// align drops the bits up to the next byte and gives the whole bytes back to the input.
func (d *inflater) align() {
	d.ip -= int(d.nbits / 8)
	d.bits, d.nbits = 0, 0
}

// reset begins a new stream where the last one has ended.
func (d *inflater) reset() {
	d.state, d.final = atHeader, false
	if d.library != nil {
		d.library.reset(d)
	}
}

// run decodes into buf[at:], whose last bytes from start on are the window. It returns where it ended: nil if there is no room for more,
// io.EOF at the end of the stream, whose trailer is then next in the input.
func (d *inflater) run(buf []byte, start, at int) (int, error) {
	if d.library != nil {
		return d.library.run(d, buf, at)
	}
	for {
		var err error
		switch d.state {
		case atHeader:
			if d.final {
				d.align()
				return at, io.EOF
			}
			err = d.header()
		case inStored:
			at, err = d.copyStored(buf, at)
		case inCodes:
			at, err = d.codes(buf, start, at)
		}
		if errors.Is(err, errFull) {
			return at, nil
		}
		if err != nil {
			return at, err
		}
	}
}

// errFull ends a step for want of room.
var errFull = errors.New("no room")

func (d *inflater) header() error {
	if err := d.need(3); err != nil {
		return err
	}
	kind := d.bits >> 1 & 3
	switch kind {
	case 0:
		d.final = d.take(3)&1 == 1
		return d.storedHeader()
	case 1:
		d.final = d.take(3)&1 == 1
		d.state = inCodes
		return d.fixedTables()
	case 2:
		return d.dynamicHeader()
	}
	return errDeflate
}

func (d *inflater) storedHeader() error {
	d.take(d.nbits & 7)
	if err := d.need(32); err != nil {
		return err
	}
	n, inverse := d.take(16), d.take(16)
	if n != inverse^0xffff {
		return errDeflate
	}
	d.align()
	d.stored, d.state = int(n), inStored
	return nil
}

func (d *inflater) copyStored(buf []byte, at int) (int, error) {
	for d.stored > 0 {
		if d.ip >= len(d.in) {
			d.fill()
			if d.ip >= len(d.in) {
				return at, d.unexpected()
			}
		}
		room := len(buf) - at - outRoom - outSlack
		if room <= 0 {
			return at, errFull
		}
		n := copy(buf[at:at+room], d.in[d.ip:min(len(d.in), d.ip+d.stored)])
		at, d.ip, d.stored = at+n, d.ip+n, d.stored-n
	}
	d.state = atHeader
	return at, nil
}

// codes decodes the codes of a block: most of them in the fast loop, those at the end of the input with care.
func (d *inflater) codes(buf []byte, start, at int) (int, error) {
	for {
		if len(buf)-at < outRoom+outSlack {
			return at, errFull
		}
		if len(d.in)-d.ip < inSlack && !d.eof {
			d.fill()
		}
		var err error
		if len(d.in)-d.ip >= inSlack {
			at, err = d.fast(buf, start, at)
		} else {
			at, err = d.careful(buf, start, at)
		}
		if errors.Is(err, io.EOF) {
			d.state = atHeader
			return at, nil
		}
		if err != nil {
			return at, err
		}
	}
}

// fastPortable decodes until it comes near the end of the input or of buf. It returns io.EOF at the end of the block.
func (d *inflater) fastPortable(buf []byte, start, at int) (int, error) {
	var (
		in      = unsafe.Pointer(unsafe.SliceData(d.in))
		out     = unsafe.Pointer(unsafe.SliceData(buf))
		ip      = d.ip
		inStop  = len(d.in) - inSlack
		outStop = len(buf) - outRoom - outSlack
		bits    = d.bits
		nbits   = d.nbits
		lit     = &d.lit
		dist    = &d.dist
		err     error
	)
	for ip <= inStop && at <= outStop {
		bits |= load64(in, ip) << (nbits & 63)
		ip += int((63 - nbits) >> 3)
		nbits |= 56
		e := lit[bits&(1<<litBits-1)]
		if e&literals != 0 {
			store32(out, at, e>>16)
			at += int(e >> 12 & 3)
			bits >>= e & 31
			nbits -= uint(e & 31)
			e = lit[bits&(1<<litBits-1)]
			if e&literals != 0 {
				store32(out, at, e>>16)
				at += int(e >> 12 & 3)
				bits >>= e & 31
				nbits -= uint(e & 31)
				e = lit[bits&(1<<litBits-1)]
				if e&literals != 0 {
					store32(out, at, e>>16)
					at += int(e >> 12 & 3)
					bits >>= e & 31
					nbits -= uint(e & 31)
					continue
				}
			}
			bits |= load64(in, ip) << (nbits & 63)
			ip += int((63 - nbits) >> 3)
			nbits |= 56
		}
		if e&subTable != 0 {
			if e>>16 == 0 {
				bits >>= e & 31
				nbits -= uint(e & 31)
				err = io.EOF
				if e&31 == 0 {
					err = errDeflate
				}
				break
			}
			e = lit[(e>>16+uint32(bits>>litBits)&(1<<(e>>8&15)-1))%litTable]
			if e&literals != 0 {
				store32(out, at, e>>16)
				at++
				bits >>= e & 31
				nbits -= uint(e & 31)
				continue
			}
			if e&subTable != 0 {
				bits >>= e & 31
				nbits -= uint(e & 31)
				err = io.EOF
				if e&31 == 0 {
					err = errDeflate
				}
				break
			}
		}
		length := int(e>>16) + int(bits&(1<<(e&31)-1)>>(e>>8&15))
		bits >>= e & 31
		nbits -= uint(e & 31)
		e = dist[bits&(1<<distBits-1)]
		if e&subTable != 0 {
			if e>>16 == 0 {
				err = errDeflate
				break
			}
			e = dist[(e>>16+uint32(bits>>distBits)&(1<<(e>>8&15)-1))%distTable]
			if e&subTable != 0 {
				err = errDeflate
				break
			}
		}
		distance := int(e>>16) + int(bits&(1<<(e&31)-1)>>(e>>8&15))
		bits >>= e & 31
		nbits -= uint(e & 31)
		if distance > at-start {
			err = errDistance
			break
		}
		if distance >= 32 {
			dst, src, end := at, at-distance, at+length
			copy32(out, dst, src)
			for dst += 32; dst < end; dst += 32 {
				src += 32
				copy32(out, dst, src)
			}
		} else {
			copyNear(out, at, distance, length)
		}
		at += length
	}
	d.ip, d.bits, d.nbits = ip, bits, nbits
	return at, err
}

// copyNear copies a match that overlaps itself.
func copyNear(out unsafe.Pointer, at, distance, length int) {
	end := at + length
	if distance >= 8 {
		for ; at < end; at += 8 {
			store64(out, at, load64(out, at-distance))
		}
		return
	}
	if distance == 1 {
		word := uint64(*(*byte)(unsafe.Add(out, at-1))) * 0x0101010101010101
		for ; at < end; at += 8 {
			store64(out, at, word)
		}
		return
	}
	for ; at < end; at++ {
		*(*byte)(unsafe.Add(out, at)) = *(*byte)(unsafe.Add(out, at-distance))
	}
}

// careful decodes what is left at the end of the input, one code after the other, and none that misses a bit. It returns io.EOF at the end of the block.
func (d *inflater) careful(buf []byte, start, at int) (int, error) {
	for at <= len(buf)-outRoom-outSlack {
		d.topUp()
		e := d.lit[d.bits&(1<<litBits-1)]
		if e&literals > oneLiteral { // more than one literal may take bits that are not there
			e = d.single(e)
		}
		if e&subTable != 0 && e>>16 != 0 {
			e = d.lit[(e>>16+uint32(d.bits>>litBits)&(1<<(e>>8&15)-1))%litTable]
		}
		n := uint(e & 31)
		switch {
		case e&subTable != 0 && n == 0:
			if d.nbits < maxCode {
				return at, d.unexpected()
			}
			return at, errDeflate
		case n > d.nbits:
			return at, d.unexpected()
		case e&subTable != 0:
			d.take(n)
			return at, io.EOF
		case e&literals != 0:
			buf[at] = byte(e >> 16)
			at++
			d.take(n)
			continue
		}
		length := int(e>>16) + int(d.bits&(1<<n-1)>>(e>>8&15))
		d.take(n)
		distance, err := d.distance()
		if err != nil {
			return at, err
		}
		if distance > at-start {
			return at, errDistance
		}
		for end := at + length; at < end; at++ {
			buf[at] = buf[at-distance]
		}
	}
	return at, nil
}

// single returns the entry of the first literal alone.
func (d *inflater) single(e uint32) uint32 {
	return uint32(d.lens[byte(e>>16)]) | oneLiteral | e&0xff0000
}

func (d *inflater) distance() (int, error) {
	d.topUp()
	e := d.dist[d.bits&(1<<distBits-1)]
	if e&subTable != 0 && e>>16 != 0 {
		e = d.dist[(e>>16+uint32(d.bits>>distBits)&(1<<(e>>8&15)-1))%distTable]
	}
	n := uint(e & 31)
	if n > d.nbits || e&subTable != 0 && d.nbits < maxCode {
		return 0, d.unexpected()
	}
	if e&subTable != 0 {
		return 0, errDeflate
	}
	v := int(e>>16) + int(d.bits&(1<<n-1)>>(e>>8&15))
	d.take(n)
	return v, nil
}

// topUp takes as many bytes of the input as the bit buffer has room for.
func (d *inflater) topUp() {
	d.bits &= 1<<d.nbits - 1
	for d.nbits <= 48 && d.ip < len(d.in) {
		d.bits |= uint64(d.in[d.ip]) << d.nbits
		d.ip++
		d.nbits += 8
	}
}

func load64(p unsafe.Pointer, at int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, at))[:])
}

func store64(p unsafe.Pointer, at int, v uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, at))[:], v)
}

func store32(p unsafe.Pointer, at int, v uint32) {
	binary.LittleEndian.PutUint32((*[4]byte)(unsafe.Add(p, at))[:], v)
}

func copy32(p unsafe.Pointer, dst, src int) {
	a, b, c, d := load64(p, src), load64(p, src+8), load64(p, src+16), load64(p, src+24)
	store64(p, dst, a)
	store64(p, dst+8, b)
	store64(p, dst+16, c)
	store64(p, dst+24, d)
}
