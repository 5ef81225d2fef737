//go:build !amd64 || purego

package ioc

func (d *inflater) fast(buf []byte, start, at int) (int, error) {
	return d.fastPortable(buf, start, at)
}

func (d *inflater) pairLiterals() { d.pairPortable(1 << litBits) }
