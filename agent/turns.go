package main

import (
	"bytes"
	"io"
	"sync"
)

// maxHeldOutput is how much output of all later files waits for the files before them, in bytes. A writer that has more waits itself.
const maxHeldOutput = 8 << 20

// turns let many writers write to one, each in its turn, so that the output has one order however fast each of them is.
type turns struct {
	w io.Writer

	mu    sync.Mutex
	cond  *sync.Cond
	head  int           // whose turn it is
	tail  int           // who comes next
	ended map[int]*turn // ended before their turn came
	held  int           // bytes of all that wait
	err   error
}

func newTurns(w io.Writer) *turns {
	t := &turns{w: w, ended: map[int]*turn{}}
	t.cond = sync.NewCond(&t.mu)
	return t
}

// next returns the next place in the queue.
func (t *turns) next() *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tail++
	return &turn{t: t, place: t.tail - 1}
}

// A turn is one writer's place. Every turn that was taken must be ended.
type turn struct {
	t     *turns
	place int
	held  bytes.Buffer
}

// Write implements [io.Writer]. The error may be that of another turn: they share their destination.
func (w *turn) Write(p []byte) (int, error) {
	t := w.t
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.head != w.place && t.held+len(p) > maxHeldOutput {
		t.cond.Wait()
	}
	if t.head != w.place {
		t.held += len(p)
		return w.held.Write(p)
	}
	w.flush()
	if t.err == nil {
		_, t.err = t.w.Write(p)
	}
	return len(p), t.err
}

// end says that nothing follows. It doesn't wait for the turn to come.
func (w *turn) end() {
	t := w.t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended[w.place] = w
	for next := t.ended[t.head]; next != nil; next = t.ended[t.head] {
		next.flush()
		delete(t.ended, t.head)
		t.head++
	}
	t.cond.Broadcast()
}

// flush writes what was held. It is this writer's turn, and the lock is held.
func (w *turn) flush() {
	if w.t.err == nil && w.held.Len() > 0 {
		_, w.t.err = w.t.w.Write(w.held.Bytes())
	}
	w.t.held -= w.held.Len()
	w.held = bytes.Buffer{}
}
