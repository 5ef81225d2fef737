package ioc

import "hash"

// A windowReader makes a reader of a decoder that writes into a window.
type windowReader struct {
	decode func(buf []byte, at int) (int, error)
	sum    hash.Hash32 // of all that was decoded; nil if nobody asks
	buf    []byte
	r, w   int   // what of buf is decoded and not read yet
	n      int64 // decoded bytes
	end    error // of decode
}

func (w *windowReader) Read(p []byte) (int, error) {
	for w.r == w.w {
		if w.end != nil {
			return 0, w.end
		}
		w.more()
	}
	n := copy(p, w.buf[w.r:w.w])
	w.r += n
	return n, nil
}

// more decodes what there is room for.
func (w *windowReader) more() {
	if w.buf == nil {
		w.buf = make([]byte, 4*windowSize)
	}
	if gone := w.w - windowSize; gone > 0 {
		copy(w.buf, w.buf[gone:w.w])
		w.r, w.w = w.r-gone, w.w-gone
	}
	at := w.w
	w.w, w.end = w.decode(w.buf, at)
	w.n += int64(w.w - at)
	if w.sum != nil {
		w.sum.Write(w.buf[at:w.w])
	}
}
