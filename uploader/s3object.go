package uploader

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/minio/minio-go/v7"
)

// s3Object is one object that is being written.
type s3Object struct {
	ctx  context.Context
	s    *S3
	key  string // in the bucket
	meta Meta

	part *part   // that is being filled
	up   *upload // nil as long as there is but one part
	size int64
	crc  uint32 // CRC32C of all of it
	done bool
}

// Write takes p, and ships what makes a part. It returns the error of a part that was shipped before.
func (o *s3Object) Write(p []byte) (int, error) {
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
func (o *s3Object) explain(err error) error {
	return fmt.Errorf("uploading %s: %w", o.key, o.s.explain(err))
}

// failed returns what ended the object before its time.
func (o *s3Object) failed() error {
	if o.up != nil && o.up.ctx.Err() != nil {
		return context.Cause(o.up.ctx)
	}
	return o.ctx.Err()
}

// grow makes room for more: a chunk for the part, or for the next one if the part is to be shipped.
func (o *s3Object) grow() error {
	for {
		target, least := o.s.sizes.of(o.part.number, o.meta.Size)
		held := len(o.part.chunks)
		err := errShip
		if held < target {
			var chunk []byte
			if chunk, err = o.s.pool.take(o.context(), least-held); err == nil {
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
func (o *s3Object) context() context.Context {
	if o.up != nil {
		return o.up.ctx
	}
	return o.ctx
}

// ship sends the part in the background, and begins the next.
func (o *s3Object) ship() error {
	if o.part.number == maxParts {
		return fmt.Errorf("%w: more than %s in 10,000 parts", ErrTooLarge, humanize.IBytes(uint64(o.size)))
	}
	if o.up == nil {
		o.up = newUpload(o.ctx, o.s, o.key, metadata(o.meta))
	}
	o.up.send(o.part)
	o.part = &part{number: o.part.number + 1}
	return nil
}

// Commit makes the object.
func (o *s3Object) Commit() error {
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
func (o *s3Object) Abort() error {
	if o.done {
		return fmt.Errorf("aborting %s: %w", o.key, fs.ErrClosed)
	}
	o.done = true
	o.s.pool.give(o.part.chunks)
	if o.up != nil {
		o.up.abort()
	}
	return nil
}

// putWhole sends an object of one part in one request.
func (o *s3Object) putWhole() error {
	o.s.pool.launch(len(o.part.chunks))
	defer o.s.pool.land(o.part.chunks)
	release, err := o.s.acquire(o.ctx)
	if err != nil {
		return err
	}
	defer release()

	sum := o.part.sha256()
	opts := minio.PutObjectOptions{UserMetadata: metadata(o.meta), DisableContentSha256: true}
	opts.UserMetadata["X-Amz-Checksum-Sha256"] = base64.StdEncoding.EncodeToString(sum[:])
	opts.UserMetadata["sha256"] = hex.EncodeToString(sum[:])
	opts.SetMatchETagExcept("*")
	return o.s.create(o.ctx, o.key, func(ctx context.Context) (sent bool, err error) {
		return o.s.try(ctx, o.s.stall, o.part, func(ctx context.Context, body io.Reader) error {
			info, err := o.s.core.PutObject(ctx, o.s.url.Bucket, o.key, body, int64(o.part.size), "", hex.EncodeToString(sum[:]), opts)
			if err != nil {
				return err
			}
			return compare(info.ChecksumSHA256, opts.UserMetadata["X-Amz-Checksum-Sha256"])
		})
	})
}

// create makes a request that creates an object, and makes it again until it succeeds. A try reports whether all of the
// request was sent. The store refuses it if the key is taken, and then the question is by whom: by us, if the answer to an
// earlier try was lost on its way.
func (s *S3) create(ctx context.Context, key string, try func(context.Context) (sent bool, err error)) error {
	ours := false   // an earlier try may have succeeded
	var wrong error // the store has other bytes than were sent, and nothing that we may do replaces them
	err := s.retry.do(ctx, key, func(ctx context.Context) error {
		sent, err := try(ctx)
		switch {
		case err == nil:
			return nil
		case ours && (isTaken(err) || isCode(err, minio.NoSuchUpload)):
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
func (s *S3) try(ctx context.Context, stall time.Duration, p *part, request func(context.Context, io.Reader) error) (sent bool, err error) {
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
	if isCode(err, expiredCodes...) {
		s.expire() // a file may have been renewed
	}
	_, answered := answer(err)
	return wrote.Load() || answered, err
}

var errStalled = errors.New("the connection has stalled")

// metadata is what is kept with an object. The form of mtime is the one that rclone reads and writes.
func metadata(meta Meta) map[string]string {
	m := map[string]string{}
	if !meta.ModTime.IsZero() {
		m["mtime"] = unixSeconds(meta.ModTime)
	}
	return m
}

// unixSeconds writes t as seconds with nine decimals.
func unixSeconds(t time.Time) string {
	sec, nsec, sign := t.Unix(), int64(t.Nanosecond()), ""
	if sec < 0 {
		sign = "-"
		if nsec > 0 {
			sec, nsec = sec+1, 1e9-nsec
		}
		sec = -sec
	}
	return fmt.Sprintf("%s%d.%09d", sign, sec, nsec)
}
