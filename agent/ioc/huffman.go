package ioc

import "math/bits"

// The order in which the lengths of the code for code lengths are written (RFC 1951, 3.2.7).
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// The entries of the symbols without the lengths of their codes: extra bits, and lengths or distances (RFC 1951, 3.2.5).
var (
	lengthBase = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase   = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra  = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// litEntry makes the entry of a literal or length whose code has n bits.
func litEntry(symbol int, n uint8) uint32 {
	switch {
	case symbol < 256:
		return uint32(n) | oneLiteral | uint32(symbol)<<16
	case symbol == 256:
		return uint32(n) | entryEnd
	case symbol < 286:
		return uint32(n+lengthBits[symbol-257]) | uint32(n)<<8 | uint32(lengthBase[symbol-257])<<16
	}
	return entryBad
}

func distEntry(symbol int, n uint8) uint32 {
	if symbol >= 30 {
		return entryBad
	}
	return uint32(n+distExtra[symbol]) | uint32(n)<<8 | uint32(distBase[symbol])<<16
}

// dynamicHeader reads the codes of a block.
func (d *inflater) dynamicHeader() error {
	d.final = d.take(3)&1 == 1
	d.state = inCodes
	if len(d.in)-d.ip < maxHeader {
		d.fill()
	}
	return d.readCodes()
}

func (d *inflater) readCodes() error {
	if err := d.need(14); err != nil {
		return err
	}
	nlit, ndist, ncode := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if nlit > 286 || ndist > 30 {
		return errDeflate
	}
	var lens [19]uint8
	for _, i := range codeOrder[:ncode] {
		if err := d.need(3); err != nil {
			return err
		}
		lens[i] = uint8(d.take(3))
	}
	var table [1 << 7]uint32
	if err := d.build(table[:], 7, lens[:], lenEntry); err != nil {
		return err
	}
	if err := d.readLens(&table, nlit+ndist); err != nil {
		return err
	}
	distLens := d.lens[nlit : nlit+ndist]
	if err := d.build(d.dist[:], distBits, distLens, distEntry); err != nil {
		return err
	}
	if err := d.build(d.lit[:], litBits, d.lens[:nlit], litEntry); err != nil {
		return err
	}
	d.pairLiterals()
	return nil
}

func lenEntry(symbol int, n uint8) uint32 { return uint32(n) | uint32(symbol)<<16 }

// readLens reads the lengths of n codes, which are run-length encoded.
func (d *inflater) readLens(table *[1 << 7]uint32, n int) error {
	for i := 0; i < n; {
		if err := d.need(7 + 7); err != nil && d.nbits == 0 {
			return err
		}
		e := table[d.bits&(1<<7-1)]
		if uint(e&31) > d.nbits {
			return d.unexpected()
		}
		if e&31 == 0 {
			return errDeflate
		}
		d.take(uint(e & 31))
		symbol := e >> 16
		if symbol < 16 {
			d.lens[i] = uint8(symbol)
			i++
			continue
		}
		extra, least := uint(2), 3
		switch symbol {
		case 17:
			extra = 3
		case 18:
			extra, least = 7, 11
		}
		if d.nbits < extra {
			return d.unexpected()
		}
		count, value := least+int(d.take(extra)), uint8(0)
		if symbol == 16 {
			if i == 0 {
				return errDeflate
			}
			value = d.lens[i-1]
		}
		if i+count > n {
			return errDeflate
		}
		for range count {
			d.lens[i] = value
			i++
		}
	}
	return nil
}

func (d *inflater) fixedTables() error {
	for i := range 288 {
		switch {
		case i < 144:
			d.lens[i] = 8
		case i < 256:
			d.lens[i] = 9
		case i < 280:
			d.lens[i] = 7
		default:
			d.lens[i] = 8
		}
	}
	if err := d.build(d.lit[:], litBits, d.lens[:288], litEntry); err != nil {
		return err
	}
	d.pairLiterals()
	var lens [32]uint8
	for i := range lens {
		lens[i] = 5
	}
	return d.build(d.dist[:], distBits, lens[:], distEntry)
}

// build makes the table of a code. The code is complete, or it has one symbol at most (as zlib and compress/flate want it).
func (d *inflater) build(table []uint32, width uint, lens []uint8, entry func(symbol int, n uint8) uint32) error {
	var count [maxCode + 1]int
	for _, n := range lens {
		count[n]++
	}
	left := 1
	var first [maxCode + 2]int // index in sort of the first symbol of each length
	for n := 1; n <= maxCode; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return errDeflate
		}
		first[n+1] = first[n] + count[n]
	}
	symbols := first[maxCode+1]
	for symbol, n := range lens {
		if n > 0 {
			d.sort[first[n]] = uint16(symbol)
			first[n]++
		}
	}
	if left > 0 {
		return d.placeOne(table[:1<<width], symbols, count[1], entry)
	}
	d.place(table, width, &count, entry)
	return nil
}

// placeOne writes the table of a code that has one symbol, or none.
func (d *inflater) placeOne(table []uint32, symbols, ofOneBit int, entry func(symbol int, n uint8) uint32) error {
	if symbols > 1 || symbols == 1 && ofOneBit == 0 {
		return errDeflate
	}
	for i := range table {
		table[i] = entryBad
		if symbols == 1 && i&1 == 0 {
			table[i] = entry(int(d.sort[0]), 1)
		}
	}
	return nil
}

// place writes the entries in the order of the codes. A code is read from its lowest bit, so the places of a table that
// doubles in size are those of the smaller one, twice.
func (d *inflater) place(table []uint32, width uint, count *[maxCode + 1]int, entry func(symbol int, n uint8) uint32) {
	code, i := uint(0), 0
	for n := uint(1); n <= width; n++ {
		code <<= 1
		half := 1 << (n - 1)
		copy(table[half:2*half], table[:half])
		for range count[n] {
			table[reverse(code, n)] = entry(int(d.sort[i]), uint8(n))
			code++
			i++
		}
	}
	d.placeLong(table, width, code, i, count, entry)
}

// placeLong writes the tables below the first for codes of more than width bits; code is the first of those, as far as the width.
func (d *inflater) placeLong(table []uint32, width, code uint, i int, count *[maxCode + 1]int, entry func(symbol int, n uint8) uint32) {
	end, sub, at, prefix := 1<<width, uint(0), 0, ^uint(0)
	for n := width + 1; n <= maxCode; n++ {
		code <<= 1
		below := n - width
		for left := count[n]; left > 0; left-- {
			if code>>below != prefix {
				prefix = code >> below
				sub, at = subBits(count, left, below, width), end
				end += 1 << sub
				table[reverse(prefix, width)] = subTable | uint32(sub)<<8 | uint32(at)<<16
			}
			e := entry(int(d.sort[i]), uint8(n))
			for j := reverse(code&(1<<below-1), below); j < 1<<sub; j += 1 << below {
				table[at+int(j)] = e
			}
			code++
			i++
		}
	}
}

// subBits returns how many bits index a table that begins with a code of below bits more than the width, of which length
// there are left.
func subBits(count *[maxCode + 1]int, left int, below, width uint) uint {
	for used := left; used < 1<<below; {
		below++
		used = used<<1 + count[width+below]
	}
	return below
}

func reverse(code, n uint) uint { return uint(bits.Reverse16(uint16(code))) >> (16 - n) }

// pairPortable puts into the entry of a literal the one that follows it, where both codes fit into the index. It takes the
// entries from the one before n down, because what follows is found at a smaller index.
func (d *inflater) pairPortable(n uint32) {
	const kind = literals | subTable
	lit := (*[1 << litBits]uint32)(d.lit[:])
	for i := n - 1; i < 1<<litBits; i-- {
		e := lit[i]
		next := lit[i>>(e&31)&(1<<litBits-1)]
		// Without branches, because what follows can't be foreseen.
		differs := (e^oneLiteral)&kind | (next^oneLiteral)&kind | (litBits-e&31-next&31)>>31
		pair := next&31 + oneLiteral + next&0xff0000<<8
		lit[i] = e + pair&uint32((int64(differs)-1)>>63)
	}
}
