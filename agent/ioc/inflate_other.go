//go:build !amd64 || purego

package ioc

// litBits is the width of the table of literals and lengths. A wider one costs more than it saves here.
const litBits = 11

func (d *inflater) fast(buf []byte, start, at int) (int, error) {
	return d.fastPortable(buf, start, at)
}

func (d *inflater) pairLiterals() { d.pairPortable(1 << litBits) }
