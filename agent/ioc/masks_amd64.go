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

func (m *masks) classify(buf []byte, words int) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI1 {
		m.classifyPortable(buf, words)
		return
	}
	m.alnum[0], m.runs[0] = m.alnum[chunkWords], m.runs[chunkWords]
	if words < chunkWords {
		m.alnum[chunkWords], m.runs[chunkWords] = 0, 0
	}
	_ = buf[64*words+64-1]
	classifyAVX2(unsafe.SliceData(buf), words, (*byte)(unsafe.Pointer(m)))
}

// classifyRuns does what classify does, but for the tokens.
func (m *masks) classifyRuns(buf []byte, words int) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasBMI1 {
		m.classifyPortable(buf, words)
		return
	}
	m.alnum[0] = m.alnum[chunkWords]
	if words < chunkWords {
		m.alnum[chunkWords] = 0
	}
	_ = buf[64*words+64-1]
	classifyRunsAVX2(unsafe.SliceData(buf), words, (*byte)(unsafe.Pointer(m)))
}
