//go:build amd64 && !purego

package ioc

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// classifyAVX2 fills the masks for words words of text. The 64 bytes after them must be readable.
//
//go:noescape
func classifyAVX2(text *byte, words int, m *byte)

// classifyRunsAVX2 does the same without the masks of tokens: alnum and long, special and names.
//
//go:noescape
func classifyRunsAVX2(text *byte, words int, m *byte)

// classifyAVX512 does what classifyAVX2 does.
//
//go:noescape
func classifyAVX512(text *byte, words int, m *byte)

// classifyRunsAVX512 does what classifyRunsAVX2 does.
//
//go:noescape
func classifyRunsAVX512(text *byte, words int, m *byte)

func (m *masks) classify(buf []byte, words int) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI1 || !cpu.X86.HasBMI2 {
		m.classifyPortable(buf, words)
		return
	}
	text := m.next(buf, words)
	if cpu.X86.HasAVX512BW {
		classifyAVX512(text, words, (*byte)(unsafe.Pointer(m)))
		return
	}
	classifyAVX2(text, words, (*byte)(unsafe.Pointer(m)))
}

// classifyRuns does what classify does, but for the tokens.
func (m *masks) classifyRuns(buf []byte, words int) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI1 || !cpu.X86.HasBMI2 {
		m.classifyPortable(buf, words)
		return
	}
	text := m.next(buf, words)
	if cpu.X86.HasAVX512BW {
		classifyRunsAVX512(text, words, (*byte)(unsafe.Pointer(m)))
		return
	}
	classifyRunsAVX2(text, words, (*byte)(unsafe.Pointer(m)))
}

// next goes on to the next chunk, and checks that it can be read.
func (m *masks) next(buf []byte, words int) *byte {
	m.alnum[0], m.runs[0] = m.alnum[chunkWords], m.runs[chunkWords]
	if words < chunkWords {
		m.alnum[chunkWords], m.runs[chunkWords] = 0, 0
	}
	_ = buf[64*words+64-1]
	return unsafe.SliceData(buf)
}
