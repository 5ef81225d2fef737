package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// A Leg is one store of a [Fan].
type Leg struct {
	Name  string // for people
	Store Store
}

// Fan is a store that puts every object into several stores. One that fails doesn't stop the others: an object exists if one of them has
// it, and [Fan.Losses] says which have not all. What is taken in one of them is taken.
//
// All object stores share one memory, so that each further one costs none. Each part waits for the slowest of them; a store that stays
// away is waited for once, as long as it would be alone.
type Fan struct {
	legs  []*leg
	plain []*leg // of legs: those that write straight away
	multi *multi // the others; nil if there are none
}

var _ Store = (*Fan)(nil)

// A leg is a store and what it has not taken.
type leg struct {
	Leg
	to backend // nil for a store that is no engine

	mu    sync.Mutex
	lost  int
	first error
}

// note counts an object that the store has not taken.
func (l *leg) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost++; l.first == nil {
		l.first = err
	}
}

// A Loss is what one store of a [Fan] has not taken.
type Loss struct {
	Name    string // of the leg
	Objects int
	First   error // the error of the first of them
}

// NewFan makes one store of several. The limits are those of all object stores together.
func NewFan(limits Limits, legs ...Leg) *Fan {
	limits.setDefaults()
	f := &Fan{}
	for _, l := range legs {
		each := &leg{Leg: l}
		f.legs = append(f.legs, each)
		to, ok := l.Store.(backend)
		if !ok {
			f.plain = append(f.plain, each)
			continue
		}
		each.to = to
		if f.multi == nil {
			f.multi = &multi{engine: newEngine(limits)}
		}
		f.multi.legs = append(f.multi.legs, each)
	}
	return f
}

// Parallel returns how many commits pay to be in flight at once.
func (f *Fan) Parallel() int {
	if f.multi == nil {
		return 1
	}
	return f.multi.parallel
}

// Losses returns what each store has not taken so far. It is empty if every store has everything.
func (f *Fan) Losses() []Loss {
	var losses []Loss
	for _, l := range f.legs {
		l.mu.Lock()
		if l.lost > 0 {
			losses = append(losses, Loss{Name: l.Name, Objects: l.lost, First: l.first})
		}
		l.mu.Unlock()
	}
	return losses
}

// Create starts an object in each store.
func (f *Fan) Create(ctx context.Context, key string, meta Meta) (Object, error) {
	o := &fanObject{key: key}
	for _, l := range f.plain {
		if err := o.add(l, func() (Object, error) { return l.Store.Create(ctx, key, meta) }); err != nil {
			return nil, err
		}
	}
	if f.multi != nil {
		if err := o.add(nil, func() (Object, error) { return f.multi.create(ctx, f.multi, key, meta) }); err != nil {
			return nil, err
		}
	}
	if len(o.open) == 0 {
		return nil, errors.Join(o.errs...)
	}
	return o, nil
}

// A fanObject is an object in several stores.
type fanObject struct {
	key  string
	open []fanPart
	errs []error // of the stores that have dropped out
	done bool
}

// A fanPart is the object in one store, or in all that share memory, which count their own losses.
type fanPart struct {
	leg *leg // nil for those
	Object
}

// add starts the object in one store. It is an error only if there must be no object at all.
func (o *fanObject) add(l *leg, create func() (Object, error)) error {
	object, err := create()
	switch {
	case err == nil:
		o.open = append(o.open, fanPart{l, object})
	case errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, context.Canceled):
		return errors.Join(err, o.Abort())
	default:
		o.drop(l, err)
	}
	return nil
}

func (o *fanObject) drop(l *leg, err error) {
	o.errs = append(o.errs, err)
	if l != nil {
		l.note(err)
	}
}

// each calls do for every store that has the object, and keeps those where it succeeds. It is an error if there is none.
func (o *fanObject) each(do func(Object) error) error {
	var left []fanPart
	for _, p := range o.open {
		if err := do(p.Object); err != nil {
			o.drop(p.leg, err)
			continue
		}
		left = append(left, p)
	}
	if o.open = left; len(left) == 0 {
		return errors.Join(o.errs...)
	}
	return nil
}

// Write implements [io.Writer].
func (o *fanObject) Write(p []byte) (int, error) {
	if o.done {
		return 0, fmt.Errorf("writing %s: %w", o.key, fs.ErrClosed)
	}
	if len(o.open) == 0 {
		return 0, errors.Join(o.errs...)
	}
	err := o.each(func(object Object) error {
		_, err := object.Write(p)
		if err != nil {
			err = errors.Join(err, object.Abort())
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Commit implements [Object].
func (o *fanObject) Commit() error {
	if o.done {
		return fmt.Errorf("committing %s: %w", o.key, fs.ErrClosed)
	}
	o.done = true
	if len(o.open) == 0 {
		return errors.Join(o.errs...)
	}
	err := o.each(Object.Commit)
	for _, e := range o.errs {
		if errors.Is(e, fs.ErrExist) {
			return e
		}
	}
	return err
}

// Abort implements [Object].
func (o *fanObject) Abort() error {
	if o.done {
		return fmt.Errorf("aborting %s: %w", o.key, fs.ErrClosed)
	}
	o.done = true
	var errs []error
	for _, p := range o.open {
		errs = append(errs, p.Abort())
	}
	return errors.Join(errs...)
}
