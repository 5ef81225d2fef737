package uploader

import (
	"context"
	"errors"
	"io/fs"
	"sync"
)

// A multi sends each part of an object to several stores from one memory.
type multi struct {
	*engine
	legs []*leg
}

var _ backend = (*multi)(nil)

// name implements backend: the objects have another name in each store, and it is found when they are sent.
func (m *multi) name(ctx context.Context, key string, _ Meta) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return key, checkKey(key)
}

// whole implements backend.
func (m *multi) whole(ctx context.Context, key string, meta Meta, p *part) error {
	return m.every(len(m.legs), func(i int) error {
		l := m.legs[i]
		full, err := l.to.name(ctx, key, meta)
		if err == nil {
			err = l.to.whole(ctx, full, meta, p)
		}
		return m.lose(ctx, l, err)
	})
}

// lose notes an error of a store, and says what it means.
func (m *multi) lose(ctx context.Context, l *leg, err error) error {
	if err == nil {
		return nil
	}
	err = l.to.explain(err)
	if ctx.Err() == nil {
		l.note(err)
	}
	return err
}

// every calls do for 0 to n-1 side by side. It is an error if none succeeds, or one says that the name is taken.
func (m *multi) every(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	failed := 0
	for _, err := range errs {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		if err != nil {
			failed++
		}
	}
	if failed < n {
		return nil
	}
	return errors.Join(errs...)
}

// explain implements backend: each store has explained its own.
func (m *multi) explain(err error) error { return err }

// parts implements backend.
func (m *multi) parts(u *upload, meta Meta) partTarget {
	t := &multiParts{m: m, u: u}
	for _, l := range m.legs {
		one := &multiPart{leg: l}
		t.legs = append(t.legs, one)
		full, err := l.to.name(u.ctx, u.key, meta)
		if err != nil {
			one.err = m.lose(u.ctx, l, err)
			continue
		}
		one.to = l.to.parts(&upload{e: u.e, key: full, ctx: u.ctx, requests: u.requests}, meta)
	}
	return t
}

// multiParts are the parts of one object in several stores.
type multiParts struct {
	m    *multi
	u    *upload
	legs []*multiPart
}

// A multiPart is the object in one of them.
type multiPart struct {
	leg *leg
	to  partTarget // nil if the store doesn't take it

	mu  sync.Mutex
	err error // that has ended it
}

// do calls the function unless the store has dropped out, and drops it out if it fails.
func (t *multiParts) do(ctx context.Context, one *multiPart, call func(partTarget) error) error {
	one.mu.Lock()
	err := one.err
	one.mu.Unlock()
	if err != nil {
		return err
	}
	if err = call(one.to); err == nil {
		return nil
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.err == nil { // else another part has failed before
		one.err = t.m.lose(ctx, one.leg, err)
	}
	return one.err
}

// put implements partTarget.
func (t *multiParts) put(p *part) error {
	return t.m.every(len(t.legs), func(i int) error {
		return t.do(t.u.ctx, t.legs[i], func(to partTarget) error { return to.put(p) })
	})
}

// join implements partTarget.
func (t *multiParts) join(ctx context.Context, crc uint32) error {
	err := t.m.every(len(t.legs), func(i int) error {
		return t.do(ctx, t.legs[i], func(to partTarget) error { return to.join(ctx, crc) })
	})
	if err == nil {
		for _, one := range t.legs {
			if one.err != nil && one.to != nil {
				one.to.drop()
			}
		}
	}
	return err
}

// drop implements partTarget.
func (t *multiParts) drop() {
	for _, one := range t.legs {
		if one.to != nil {
			one.to.drop()
		}
	}
}
