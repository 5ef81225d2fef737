package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"

	"bellwether/collectors"
)

// errBudget ends an item at the run's budget.
var errBudget = errors.New("budget")

// An itemWriter is the one pass: what is written to it is hashed, shown to the taps, and written to the store.
type itemWriter struct {
	c        *Case
	object   Object
	hash     hash.Hash
	size     int64
	taps     []*tap
	alone    bool // one goroutine runs at a time: there is nothing to gain by a second one
	storeErr error
	cut      bool // at the run's budget
}

func (c *Case) newItemWriter(name string, object Object) *itemWriter {
	w := &itemWriter{c: c, object: object, hash: sha256.New(), alone: runtime.GOMAXPROCS(0) == 1}
	for _, t := range c.opt.Taps {
		w.taps = append(w.taps, &tap{w: t(name)})
	}
	return w
}

// Write implements [io.Writer]. A store that fails ends the item; a tap that fails does not.
func (w *itemWriter) Write(p []byte) (int, error) {
	n := w.c.budget.take(len(p))
	if n < len(p) {
		w.cut = true
		p = p[:n]
	}
	wait := w.feed(p)
	w.hash.Write(p)
	_, err := w.object.Write(p)
	wait()
	w.size += int64(n)
	if err != nil {
		w.storeErr = err
		return 0, err
	}
	if w.cut {
		return n, errBudget
	}
	return n, nil
}

// smallWrite is what is not worth a goroutine, in bytes.
const smallWrite = 16 << 10

// feed shows the bytes to the taps while the caller hashes and stores them. The bytes may be used again after wait.
func (w *itemWriter) feed(p []byte) (wait func()) {
	if len(w.taps) == 0 {
		return func() {}
	}
	if w.alone || len(p) < smallWrite {
		w.tapAll(p)
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.tapAll(p)
	}()
	return func() { <-done }
}

func (w *itemWriter) tapAll(p []byte) {
	for _, t := range w.taps {
		t.write(p)
	}
}

// closeTaps ends the scan, and returns why it is incomplete, or "".
func (w *itemWriter) closeTaps() string {
	reason := ""
	for _, t := range w.taps {
		if err := t.close(); err != nil && reason == "" {
			reason = valid(err.Error())
		}
	}
	return reason
}

// describe puts what the pass has shown into the item's line.
func (w *itemWriter) describe(l *Line, writeErr error) {
	size := w.size
	l.Size, l.SHA256 = &size, hexSum(w.hash)
	if w.cut {
		l.Status, l.Reason, l.TruncatedAt = collectors.Partial, w.c.budget.reason(), size
		return
	}
	switch {
	case writeErr != nil && size > 0:
		l.Status, l.Reason = collectors.Partial, join(l.Reason, valid(writeErr.Error()))
	case writeErr != nil:
		l.Status, l.Reason = collectors.Failed, join(l.Reason, valid(writeErr.Error()))
	case l.Status != "":
	case size > 0:
		l.Status = collectors.OK
	default:
		l.Status = collectors.Empty
	}
}

func join(a, b string) string {
	if a == "" || a == b {
		return b
	}
	return a + "; " + b
}

// A tap is one reader of an item's bytes. Its first error ends it.
type tap struct {
	w   io.WriteCloser
	err error
}

func (t *tap) write(p []byte) {
	if t.err != nil {
		return
	}
	t.err = guard(func() error {
		_, err := t.w.Write(p)
		return err
	})
}

func (t *tap) close() error {
	return errors.Join(t.err, guard(t.w.Close))
}

// guard turns a panic into an error: whatever a file holds, its bytes are kept.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the scan broke off: %v", r)
		}
	}()
	return f()
}
