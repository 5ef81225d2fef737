package uploader

import (
	"context"
	"errors"
	"sync"
)

// chunkSize is the unit in which objects take memory.
const chunkSize = 256 << 10

// A pool is the memory that the objects of one store fill their parts with: a fixed number of chunks, taken as the
// objects grow and given back when their bytes have arrived.
//
// When it runs low, objects that all grow at once must not each end up with a piece of a part that none can finish.
// So the last chunks go only to an object that can be sure of all it still lacks for a part that can be shipped: of what
// is free, and of what is in flight and will come back. The object that was served last can go on, therefore, and its
// part comes back to the others. (It is the banker's algorithm, simplified by claims that are alike.)
//
// What it can't prevent is a wait for objects that are left open without being written: they may hold a part each.
type pool struct {
	limit   int // chunks in all
	reserve int // chunks that only an object sure of a whole part may take

	mu     sync.Mutex
	cond   *sync.Cond
	idle   [][]byte // given back, to be used again
	used   int      // chunks that objects hold or have in flight
	flying int      // those in flight
	peak   int      // the highest used has been
}

func newPool(limit, reserve int) *pool {
	p := &pool{limit: limit, reserve: reserve}
	p.cond = sync.NewCond(&p.mu)
	return p
}

// errShip says that memory is low, and that the object holds enough to ship it rather than to grow.
var errShip = errors.New("memory is low, ship the part")

// take returns a chunk for an object that lacks need chunks, this one included, to a part that can be shipped. It waits
// until there is one, or the context has ended. An object that lacks none gets errShip if memory is low.
func (p *pool) take(ctx context.Context, need int) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cond.Broadcast()
	})
	defer stop()

	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.grants(need) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if need <= 0 {
			return nil, errShip
		}
		p.cond.Wait()
	}
	p.used++
	p.peak = max(p.peak, p.used)
	if n := len(p.idle); n > 0 {
		chunk := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return chunk, nil
	}
	return make([]byte, chunkSize), nil
}

func (p *pool) grants(need int) bool {
	free := p.limit - p.used
	return free > p.reserve || free > 0 && need > 0 && need <= free+p.flying
}

// launch says that n chunks are in flight: they come back through land, whatever any other object does.
func (p *pool) launch(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying += n
	p.cond.Broadcast()
}

// land takes chunks back that were launched.
func (p *pool) land(chunks [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying -= len(chunks)
	p.release(chunks)
}

// give takes chunks back that were not launched.
func (p *pool) give(chunks [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(chunks)
}

func (p *pool) release(chunks [][]byte) {
	p.used -= len(chunks)
	p.idle = append(p.idle, chunks...)
	p.cond.Broadcast()
}
