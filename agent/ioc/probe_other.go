//go:build !amd64 || purego

package ioc

func (s *tokenSearch) probeWords(at, w, words int) int { return s.probePortable(at, w, words) }
