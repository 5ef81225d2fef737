//go:build amd64 && !purego

package ioc

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// A probeState is what the assembly works on.
type probeState struct {
	text                   unsafe.Pointer // the next word
	masks                  unsafe.Pointer // its bits of the alnum masks, where the others are found from
	first, last            unsafe.Pointer // of the chunk: the first byte, and the one behind
	filter                 unsafe.Pointer
	block, block6, block12 uint64 // shifts
	cuts                   unsafe.Pointer
	out, stop              unsafe.Pointer
	domains, quads, nets   uint64 // not zero if they are looked for
}

// probeBMI2 looks up the tokens of a chunk; s is a *probeState.
//
//go:noescape
func probeBMI2(s *byte)

// probeWords does what probePortable does.
func (s *tokenSearch) probeWords(at, w, words int) int {
	if !cpu.X86.HasBMI2 || !cpu.X86.HasBMI1 || !cpu.X86.HasAVX2 {
		return s.probePortable(at, w, words)
	}
	text, out := unsafe.Add(unsafe.Pointer(unsafe.SliceData(s.buf)), at), unsafe.Pointer(&s.records.list[s.records.n])
	p := probeState{
		text: unsafe.Add(text, 64*w), masks: unsafe.Pointer(&s.masks.alnum[w]),
		first: text, last: unsafe.Add(text, 64*words), filter: unsafe.Pointer(&s.filter[0]),
		block: uint64(s.block), block6: uint64(s.block-6) & 63, block12: uint64(s.block-12) & 63, cuts: unsafe.Pointer(&cutMasks),
		out: out, stop: unsafe.Pointer(&s.records.list[maxRecords-wordRecords]),
		domains: flag(s.domains), quads: flag(s.quads), nets: flag(s.nets != nil),
	}
	probeBMI2((*byte)(unsafe.Pointer(&p)))
	s.records.n += int(uintptr(p.out)-uintptr(out)) / 4
	return int(uintptr(p.text)-uintptr(text)) / 64
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
