//go:build amd64 && !purego

package ioc

import (
	"io"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// litBits is the width of the table of literals and lengths.
const litBits = 12

// A fastState is what the assembly works on.
type fastState struct {
	in, inStop   unsafe.Pointer
	out, outStop unsafe.Pointer
	window       unsafe.Pointer // the first byte that a match may reach
	bits         uint64
	nbits        uint64
	lit, dist    unsafe.Pointer
	end          uint64 // why it has stopped; see the constants
}

// Why the assembly has stopped.
const (
	endOfRoom = iota
	endOfBlock
	endBadCode
	endBadDistance
)

// inflateBMI2 does what fastPortable does.
//
//go:noescape
func inflateBMI2(s *byte)

// pairAVX2 pairs all entries but the first eight.
//
//go:noescape
func pairAVX2(lit *uint32)

func (d *inflater) pairLiterals() {
	if !cpu.X86.HasAVX2 {
		d.pairPortable(1 << litBits)
		return
	}
	pairAVX2(&d.lit[0])
	d.pairPortable(8)
}

func (d *inflater) fast(buf []byte, start, at int) (int, error) {
	if !cpu.X86.HasBMI2 || !cpu.X86.HasAVX2 {
		return d.fastPortable(buf, start, at)
	}
	in, out := unsafe.Pointer(unsafe.SliceData(d.in)), unsafe.Pointer(unsafe.SliceData(buf))
	s := fastState{
		in: unsafe.Add(in, d.ip), inStop: unsafe.Add(in, len(d.in)-inSlack),
		out: unsafe.Add(out, at), outStop: unsafe.Add(out, len(buf)-outRoom-outSlack),
		window: unsafe.Add(out, start), bits: d.bits, nbits: uint64(d.nbits),
		lit: unsafe.Pointer(&d.lit), dist: unsafe.Pointer(&d.dist),
	}
	inflateBMI2((*byte)(unsafe.Pointer(&s)))
	d.ip, d.bits, d.nbits = int(uintptr(s.in)-uintptr(in)), s.bits, uint(s.nbits)
	at = int(uintptr(s.out) - uintptr(out))
	switch s.end {
	case endOfBlock:
		return at, io.EOF
	case endBadCode:
		return at, errDeflate
	case endBadDistance:
		return at, errDistance
	}
	return at, nil
}
