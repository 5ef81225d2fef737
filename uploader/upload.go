package uploader

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// An upload is an object on its way in parts.
type upload struct {
	e        *engine
	to       partTarget
	key      string
	group    *errgroup.Group
	ctx      context.Context // of the upload: ends when a part has failed for good, or the object is aborted
	end      context.CancelCauseFunc
	requests context.Context // of what is under way: outlives ctx, so that nothing arrives after it was to be dropped
	cut      context.CancelFunc
}

func newUpload(ctx context.Context, e *engine, to backend, key string, meta Meta) *upload {
	u := &upload{e: e, key: key}
	u.requests, u.cut = context.WithCancel(ctx)
	ctx, u.end = context.WithCancelCause(ctx)
	u.group, u.ctx = errgroup.WithContext(ctx)
	u.to = to.parts(u, meta)
	return u
}

// send sends the part in the background, and gives its chunks back. An empty one has nothing to send.
func (u *upload) send(p *part) {
	if p.size == 0 {
		u.e.pool.give(p.chunks)
		return
	}
	u.e.pool.launch(len(p.chunks))
	u.group.Go(func() error {
		defer u.e.pool.land(p.chunks)
		release, err := u.e.acquire(u.ctx)
		if err != nil {
			return err
		}
		defer release()
		return u.to.put(p)
	})
}

// complete waits for all parts, and makes one object of them that has the given CRC32C.
func (u *upload) complete(ctx context.Context, crc uint32) error {
	defer u.end(nil)
	defer u.cut()
	err := u.group.Wait()
	if err == nil {
		err = u.join(ctx, crc)
	}
	if err != nil {
		u.to.drop()
	}
	return err
}

func (u *upload) join(ctx context.Context, crc uint32) error {
	release, err := u.e.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	return u.to.join(ctx, crc)
}

// abort waits for the requests under way, but not for long, and drops what has been sent.
func (u *upload) abort() {
	u.end(errAborted)
	defer time.AfterFunc(abortTimeout, u.cut).Stop()
	_ = u.group.Wait() // it is errAborted, or what the caller knows from Write
	u.to.drop()
	u.cut()
}

var errAborted = errors.New("the object was aborted")
