//go:build !amd64 || purego

package ioc

func (m *masks) classify(buf []byte, words int) { m.classifyPortable(buf, words) }

func (m *masks) classifyRuns(buf []byte, words int) { m.classifyPortable(buf, words) }
