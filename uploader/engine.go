package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
)

// Limits say how much an object store may use, and how long it is waited for.
type Limits struct {
	Memory   int64         // bytes that objects may hold, 48 MiB if 0, at least 24 MiB
	Parallel int           // requests at once, 8 if 0
	RetryFor time.Duration // how long a store that fails is waited for, 5 minutes if 0
	Logger   *slog.Logger  // nil: no log

	Now   func() time.Time                           // nil: time.Now
	Sleep func(context.Context, time.Duration) error // nil: a timer
}

func (l *Limits) setDefaults() {
	if l.Memory == 0 {
		l.Memory = defaultMemory
	}
	l.Memory = max(l.Memory, leastMemory)
	if l.Parallel <= 0 {
		l.Parallel = defaultParallel
	}
	if l.RetryFor <= 0 {
		l.RetryFor = defaultRetryFor
	}
	if l.Logger == nil {
		l.Logger = slog.New(slog.DiscardHandler)
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	if l.Sleep == nil {
		l.Sleep = sleep
	}
}

// An engine moves objects to a store in requests: what all object stores have in common. It holds the memory, the slots for
// requests and the patience of one store.
type engine struct {
	parallel int
	stall    time.Duration
	pool     *pool
	sizes    partSizes
	slots    chan struct{}
	retry    *retrier
	expire   func() // has the credentials read again; nil where that makes no sense
}

func newEngine(l Limits) *engine {
	e := &engine{
		parallel: l.Parallel,
		stall:    stallAfter,
		sizes:    newPartSizes(l.Memory),
		slots:    make(chan struct{}, l.Parallel),
		retry:    &retrier{window: l.RetryFor, now: l.Now, sleep: l.Sleep, log: l.Logger},
	}
	e.pool = newPool(int(l.Memory/chunkSize), e.sizes.top)
	return e
}

// A backend makes the requests of one kind of store.
type backend interface {
	// name returns the object's name in the store, or what is wrong with what is known of it.
	name(ctx context.Context, key string, meta Meta) (string, error)
	// whole makes the object key from one part, with as many tries as it takes, unless the key is taken.
	whole(ctx context.Context, key string, meta Meta, p *part) error
	// parts begins the object of u, which has several parts.
	parts(u *upload, meta Meta) partTarget
	// explain adds to an error what it means, and what can be done about it.
	explain(err error) error
}

// A partTarget takes the parts of one object.
type partTarget interface {
	// put sends a part. Several are sent at once, in any order. The part's bytes may be used until it returns.
	put(p *part) error
	// join makes the object of all parts. The CRC32C is that of the whole.
	join(ctx context.Context, crc uint32) error
	// drop forgets the parts.
	drop()
}

// Parallel returns how many commits pay to be in flight at once.
func (e *engine) Parallel() int { return e.parallel }

// create starts an object of the store.
func (e *engine) create(ctx context.Context, to backend, key string, meta Meta) (Object, error) {
	full, err := to.name(ctx, key, meta)
	if err != nil {
		return nil, err
	}
	if meta.Size > e.sizes.largest {
		return nil, fmt.Errorf("creating %s: %w: %s in 10,000 parts; %s are the most", key, ErrTooLarge,
			humanize.IBytes(uint64(meta.Size)), humanize.IBytes(uint64(e.sizes.largest)))
	}
	return &object{ctx: ctx, e: e, to: to, key: full, meta: meta, part: &part{number: 1}}, nil
}

// checkCreate reports what is wrong with a key below prefix, or that the context has ended.
func checkCreate(ctx context.Context, where fmt.Stringer, key, full string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if err := checkKey(full); err != nil {
		return fmt.Errorf("in %s: %w", where, err)
	}
	return nil
}

// acquire waits for one of the slots for requests, and returns what gives it back.
func (e *engine) acquire(ctx context.Context) (release func(), err error) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// once makes a request that creates an object, and makes it again until it succeeds. A try reports whether all of the
// request was sent. The store refuses it if the key is taken, and then the question is by whom: by us, if the answer to an
// earlier try was lost on its way.
func (e *engine) once(ctx context.Context, key string, try func(context.Context) (sent bool, err error)) error {
	ours := false   // an earlier try may have succeeded
	var wrong error // the store has other bytes than were sent, and nothing that we may do replaces them
	err := e.retry.do(ctx, key, func(ctx context.Context) error {
		sent, err := try(ctx)
		switch {
		case err == nil:
			return nil
		case ours && (isTaken(err) || isCode(err, "NoSuchUpload")):
			// An upload that was completed is gone, and nobody but us knew of it.
			return nil
		case isTaken(err):
			return fmt.Errorf("%w: %w", fs.ErrExist, err)
		case errors.Is(err, ErrChecksum):
			wrong = err
			return nil
		}
		ours = ours || sent && !settled(err)
		return err
	})
	if err != nil {
		return err
	}
	return wrong
}

// try makes one try of a request with p as its body, if it is not nil, and ends it when nothing moves for the time of
// stall. It reports whether the whole of the request was handed to the network, as far as one can tell.
func (e *engine) try(ctx context.Context, stall time.Duration, p payload, request func(context.Context, *body) error) (sent bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer timer.Stop()
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { wrote.Store(info.Err == nil) },
	})

	b := &body{part: p, progress: func() { timer.Reset(stall) }}
	err = request(ctx, b)
	b.detach()
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	}
	if e.expire != nil && isCode(err, expiredCodes...) {
		e.expire() // a file may have been renewed
	}
	_, answered := answer(err)
	return wrote.Load() || answered, err
}

var errStalled = errors.New("the connection has stalled")
