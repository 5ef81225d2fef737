package ioc

import (
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// A wideReader turns UTF-16 into UTF-8.
type wideReader struct {
	r     io.Reader
	order binary.ByteOrder
	in    []byte // read, not decoded
	out   []byte // decoded, not handed out
	done  []byte // the memory of out
	begun bool
	err   error
}

func newWideReader(r io.Reader, big bool) *wideReader {
	w := &wideReader{r: r, order: binary.LittleEndian, in: make([]byte, 0, 32<<10)}
	if big {
		w.order = binary.BigEndian
	}
	return w
}

func (w *wideReader) Read(p []byte) (int, error) {
	for len(w.out) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		var n int
		n, w.err = w.r.Read(w.in[len(w.in):cap(w.in)])
		w.in = w.in[:len(w.in)+n]
		w.convert()
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

// convert decodes all whole characters.
func (w *wideReader) convert() {
	out, in := w.done[:0], w.in
	for len(in) >= 2 {
		u := w.order.Uint16(in)
		if u-1 < utf8.RuneSelf-1 {
			out = append(out, byte(u))
			in = in[2:]
			continue
		}
		r, size := rune(u), 2
		if utf16.IsSurrogate(r) {
			if len(in) < 4 && w.err == nil {
				break
			}
			r = utf8.RuneError
			if len(in) >= 4 {
				r, size = utf16.DecodeRune(rune(u), rune(w.order.Uint16(in[2:]))), 4
			}
			if r == utf8.RuneError {
				size = 2
			}
		}
		if r != 0xfeff || w.begun {
			out = utf8.AppendRune(out, r)
		}
		w.begun = true
		in = in[size:]
	}
	w.in = append(w.in[:0], in...)
	w.done, w.out = out, out
}
