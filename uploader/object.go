package uploader

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/dustin/go-humanize"
)

// object is one object that is being written.
type object struct {
	ctx  context.Context
	e    *engine
	to   backend
	key  string // in the store
	meta Meta

	part *part   // that is being filled
	up   *upload // nil as long as there is but one part
	size int64
	crc  uint32 // CRC32C of all of it
	done bool
}

// Write takes p, and ships what makes a part. It returns the error of a part that was shipped before.
func (o *object) Write(p []byte) (int, error) {
	if o.done {
		return 0, fmt.Errorf("writing %s: %w", o.key, fs.ErrClosed)
	}
	total := 0
	for len(p) > 0 {
		if err := o.failed(); err != nil {
			return total, o.explain(err)
		}
		n := o.part.fill(p)
		o.crc = crc32.Update(o.crc, castagnoli, p[:n])
		o.size += int64(n)
		total += n
		if p = p[n:]; len(p) > 0 {
			if err := o.grow(); err != nil {
				return total, o.explain(err)
			}
		}
	}
	return total, nil
}

// explain says in an error which object it is about, and what can be done.
func (o *object) explain(err error) error {
	return fmt.Errorf("uploading %s: %w", o.key, o.to.explain(err))
}

// failed returns what ended the object before its time.
func (o *object) failed() error {
	if o.up != nil && o.up.ctx.Err() != nil {
		return context.Cause(o.up.ctx)
	}
	return o.ctx.Err()
}

// grow makes room for more: a chunk for the part, or for the next one if the part is to be shipped.
func (o *object) grow() error {
	for {
		target, least := o.e.sizes.of(o.part.number, o.meta.Size)
		held := len(o.part.chunks)
		err := errShip
		if held < target {
			var chunk []byte
			if chunk, err = o.e.pool.take(o.context(), least-held); err == nil {
				o.part.chunks = append(o.part.chunks, chunk)
				return nil
			}
		}
		if !errors.Is(err, errShip) {
			return err
		}
		if err := o.ship(); err != nil {
			return err
		}
	}
}

// context is the one whose end ends the object.
func (o *object) context() context.Context {
	if o.up != nil {
		return o.up.ctx
	}
	return o.ctx
}

// ship sends the part in the background, and begins the next.
func (o *object) ship() error {
	if o.part.number == maxParts {
		return fmt.Errorf("%w: more than %s in 10,000 parts", ErrTooLarge, humanize.IBytes(uint64(o.size)))
	}
	if o.up == nil {
		o.up = newUpload(o.ctx, o.e, o.to, o.key, o.meta)
	}
	o.up.send(o.part)
	o.part = &part{number: o.part.number + 1, offset: o.size}
	return nil
}

// Commit makes the object.
func (o *object) Commit() error {
	if o.done {
		return fmt.Errorf("committing %s: %w", o.key, fs.ErrClosed)
	}
	o.done = true
	var err error
	if o.up == nil {
		err = o.putWhole()
	} else {
		o.up.send(o.part)
		err = o.up.complete(o.ctx, o.crc)
	}
	if err != nil {
		return o.explain(err)
	}
	return nil
}

// Abort ends what is being sent and drops what has been.
func (o *object) Abort() error {
	if o.done {
		return fmt.Errorf("aborting %s: %w", o.key, fs.ErrClosed)
	}
	o.done = true
	o.e.pool.give(o.part.chunks)
	if o.up != nil {
		o.up.abort()
	}
	return nil
}

// putWhole sends an object of one part in one request.
func (o *object) putWhole() error {
	o.e.pool.launch(len(o.part.chunks))
	defer o.e.pool.land(o.part.chunks)
	release, err := o.e.acquire(o.ctx)
	if err != nil {
		return err
	}
	defer release()
	return o.to.whole(o.ctx, o.key, o.meta, o.part)
}
