package evidence

import (
	"hash"
	"hash/crc32"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress"
	"github.com/klauspost/compress/flate"
)

const (
	// packBlock is what is deflated at once, in bytes. Blocks know nothing of each other, so several are deflated side by side.
	packBlock = 256 << 10
	// packLevel makes logs five times smaller, and is faster with them than level 1.
	packLevel = 3
	// incompressible is the estimate below which deflating gains nothing, and leastEstimate the bytes that an estimate needs.
	incompressible = 0.05
	leastEstimate  = 4 << 10
)

// packers are what deflates blocks, shared by all entries of an archive.
type packers struct {
	slots   chan struct{}
	deflate sync.Pool // of *flate.Writer
	blocks  sync.Pool // of []byte, packBlock long
}

func newPackers() *packers {
	return &packers{slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// A packer deflates one entry. What it makes goes to emit, in order, from the goroutine that writes.
type packer struct {
	p     *packers
	emit  func([]byte) error
	block []byte
	plain bool // it gains nothing: stored blocks
	began bool
	queue []*packed
	crc   hash.Hash32
	size  int64
}

// A packed is a block that is being deflated.
type packed struct {
	done chan struct{}
	out  []byte
	err  error
}

func (p *packers) begin(emit func([]byte) error) *packer {
	return &packer{p: p, emit: emit, crc: crc32.NewIEEE()}
}

// Write implements [io.Writer].
func (k *packer) Write(p []byte) (int, error) {
	k.crc.Write(p)
	k.size += int64(len(p))
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), packBlock-len(k.block))
		k.block = append(k.block, p[:n]...)
		p = p[n:]
		if len(k.block) == packBlock {
			if err := k.ship(false); err != nil {
				return total - len(p), err
			}
		}
	}
	return total, nil
}

// finish ends the stream.
func (k *packer) finish() error {
	if err := k.ship(true); err != nil {
		return err
	}
	return k.drain(0)
}

// ship hands the block to a goroutine if there is a processor for one, and takes back what is done.
func (k *packer) ship(last bool) error {
	if !k.began {
		k.began = true
		k.plain = len(k.block) >= leastEstimate && compress.Estimate(k.block[:min(len(k.block), 64<<10)]) < incompressible
	}
	b := &packed{done: make(chan struct{})}
	block := k.block
	k.block = nil
	k.queue = append(k.queue, b)
	if last || cap(k.p.slots) == 1 || k.plain {
		k.p.pack(b, block, k.plain, last)
		k.block = block[:0]
		return k.drain(0)
	}
	k.p.slots <- struct{}{}
	go func() {
		k.p.pack(b, block, false, false)
		k.p.blocks.Put(&block)
		<-k.p.slots
	}()
	if free, ok := k.p.blocks.Get().(*[]byte); ok {
		k.block = (*free)[:0]
	}
	return k.drain(cap(k.p.slots))
}

// drain emits what is done until at most so many blocks are under way.
func (k *packer) drain(most int) error {
	for len(k.queue) > most {
		b := k.queue[0]
		k.queue = k.queue[1:]
		<-b.done
		if b.err != nil {
			return b.err
		}
		if err := k.emit(b.out); err != nil {
			return err
		}
	}
	return nil
}

// abandon waits for what is under way.
func (k *packer) abandon() {
	for _, b := range k.queue {
		<-b.done
	}
	k.queue, k.block = nil, nil
}

// pack deflates one block, up to a byte's end. What gains nothing stays as it is, and the block must stay until it was emitted.
func (p *packers) pack(b *packed, block []byte, plain, last bool) {
	defer close(b.done)
	if plain {
		b.out = block // as it is: see framed
		return
	}
	sink := &appender{b: make([]byte, 0, len(block)/4+64)}
	w, ok := p.deflate.Get().(*flate.Writer)
	if ok {
		w.Reset(sink)
	} else if w, b.err = flate.NewWriter(sink, packLevel); b.err != nil {
		return
	}
	_, b.err = w.Write(block)
	if b.err == nil && last {
		b.err = w.Close()
	} else if b.err == nil {
		b.err = w.Flush()
	}
	p.deflate.Put(w)
	b.out = sink.b
}

// A framed writer makes of bytes a deflated stream in which they stand as they are: RFC 1951, section 3.2.4.
type framed struct{ w io.Writer }

// Write implements [io.Writer].
func (f framed) Write(p []byte) (int, error) {
	const most = 1<<16 - 1
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), most)
		if err := f.block(p[:n], 0); err != nil {
			return total - len(p), err
		}
		p = p[n:]
	}
	return total, nil
}

// end writes the last block, an empty one.
func (f framed) end() error { return f.block(nil, 1) }

func (f framed) block(p []byte, final byte) error {
	n := len(p)
	if _, err := f.w.Write([]byte{final, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)}); err != nil {
		return err
	}
	_, err := f.w.Write(p)
	return err
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

var _ io.Writer = (*packer)(nil)
