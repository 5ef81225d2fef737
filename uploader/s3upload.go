package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

// maxParts is S3's limit for one object ("Amazon S3 multipart upload limits", Amazon S3 User Guide).
const maxParts = 10_000

// partSizes says how large the parts of objects are, in chunks.
type partSizes struct {
	top     int   // the largest
	largest int64 // object that 10,000 parts are sure to hold, in bytes
}

func newPartSizes(memory int64) partSizes {
	const mib = 1 << 20
	s := partSizes{top: int(memory / 3 / mib * mib / chunkSize)}
	for number := 1; number <= maxParts; number++ {
		_, least := s.of(number, -1)
		s.largest += int64(least) * chunkSize
	}
	return s
}

// of returns how large a part of an object of size bytes should become, and from how many chunks on it may be shipped if
// memory is low. S3 takes no part below 5 MiB but the last.
func (s partSizes) of(number int, size int64) (target, least int) {
	const (
		normal   = 8 << 20 / chunkSize
		smallest = 5 << 20 / chunkSize
		doubled  = 1000 // parts after which parts are twice as large
	)
	target = max(normal, int(min(size/maxParts/chunkSize+1, int64(s.top))))
	for n := number; n > doubled && target < s.top; n -= doubled {
		target *= 2
	}
	target = min(target, s.top)
	if number <= doubled {
		return target, smallest
	}
	return target, target
}

// An upload is an object on its way in parts.
type upload struct {
	s        *S3
	key      string
	metadata map[string]string
	group    *errgroup.Group
	ctx      context.Context // of the upload: ends when a part has failed for good, or the object is aborted
	end      context.CancelCauseFunc
	requests context.Context // of what is under way: outlives ctx, so that nothing arrives after it was to be dropped
	cut      context.CancelFunc

	mu      sync.Mutex
	id      string               // empty until the store has given one
	refused error                // if it never will
	sent    []minio.CompletePart // that the store has confirmed, in the order of its answers
}

func newUpload(ctx context.Context, s *S3, key string, metadata map[string]string) *upload {
	u := &upload{s: s, key: key, metadata: metadata}
	u.requests, u.cut = context.WithCancel(ctx)
	ctx, u.end = context.WithCancelCause(ctx)
	u.group, u.ctx = errgroup.WithContext(ctx)
	return u
}

// send sends the part in the background, and gives its chunks back. An empty one has nothing to send.
func (u *upload) send(p *part) {
	if p.size == 0 {
		u.s.pool.give(p.chunks)
		return
	}
	u.s.pool.launch(len(p.chunks))
	u.group.Go(func() error {
		defer u.s.pool.land(p.chunks)
		release, err := u.s.acquire(u.ctx)
		if err != nil {
			return err
		}
		defer release()
		return u.put(p)
	})
}

// put sends the part. If the store has dropped the upload, it begins a new one as long as nothing is lost by that.
func (u *upload) put(p *part) error {
	for {
		id, err := u.begin()
		if err != nil {
			return err
		}
		done, err := u.putTo(id, p)
		if isCode(err, minio.NoSuchUpload) && u.restart(id) {
			continue
		}
		if err != nil {
			return fmt.Errorf("part %d: %w", p.number, err)
		}
		if u.confirm(id, done) {
			return nil
		}
	}
}

// begin returns the id of the upload, and asks the store for one if there is none.
func (u *upload) begin() (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.id != "" || u.refused != nil {
		return u.id, u.refused
	}
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{
		"X-Amz-Checksum-Algorithm": "CRC32C",
		"X-Amz-Checksum-Type":      "FULL_OBJECT",
	}}
	for name, value := range u.metadata {
		opts.UserMetadata[name] = value
	}
	u.refused = u.s.retry.do(u.ctx, u.key, func(context.Context) error {
		_, err := u.s.try(u.requests, u.s.stall, nil, func(ctx context.Context, _ io.Reader) (err error) {
			u.id, err = u.s.core.NewMultipartUpload(ctx, u.s.url.Bucket, u.key, opts)
			return err
		})
		return err
	})
	return u.id, u.refused
}

// restart forgets the upload id, unless parts have gone there that can't be sent again. It reports whether it did.
func (u *upload) restart(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.sent) > 0 {
		return false
	}
	if u.id == id {
		u.id = ""
	}
	return true
}

// confirm notes a part that has arrived. It reports whether that was in the upload that still is the object's.
func (u *upload) confirm(id string, done minio.CompletePart) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.id != id {
		return false
	}
	u.sent = append(u.sent, done)
	return true
}

// putTo sends the part to the upload named id. A part that is sent twice replaces itself.
func (u *upload) putTo(id string, p *part) (minio.CompletePart, error) {
	crc := crcText(p.crc)
	opts := minio.PutObjectPartOptions{DisableContentSha256: true, CustomHeader: http.Header{}}
	opts.CustomHeader.Set("X-Amz-Checksum-Crc32c", crc)
	if !u.s.secure {
		// Under TLS nobody can change the body. Without, it is signed.
		opts.Sha256Hex = fmt.Sprintf("%x", p.sha256())
	}
	var done minio.CompletePart
	err := u.s.retry.do(u.ctx, u.key, func(context.Context) error {
		_, err := u.s.try(u.requests, u.s.stall, p, func(ctx context.Context, body io.Reader) error {
			info, err := u.s.core.PutObjectPart(ctx, u.s.url.Bucket, u.key, id, p.number, body, int64(p.size), opts)
			if err != nil {
				return err
			}
			done = minio.CompletePart{PartNumber: p.number, ETag: info.ETag, ChecksumCRC32C: crc}
			return compare(info.ChecksumCRC32C, crc)
		})
		return err
	})
	return done, err
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
		u.drop()
	}
	return err
}

// join asks the store to make the object.
func (u *upload) join(ctx context.Context, crc uint32) error {
	release, err := u.s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()

	slices.SortFunc(u.sent, func(a, b minio.CompletePart) int { return a.PartNumber - b.PartNumber })
	whole := crcText(crc)
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{
		"X-Amz-Checksum-Crc32c": whole,
		"X-Amz-Checksum-Type":   "FULL_OBJECT",
	}}
	opts.SetMatchETagExcept("*")
	return u.s.create(ctx, u.key, func(ctx context.Context) (sent bool, err error) {
		return u.s.try(ctx, completeTimeout, nil, func(ctx context.Context, _ io.Reader) error {
			info, err := u.s.core.CompleteMultipartUpload(ctx, u.s.url.Bucket, u.key, u.id, u.sent, opts)
			if err != nil {
				return err
			}
			return compare(info.ChecksumCRC32C, whole)
		})
	})
}

// abort waits for the requests under way, but not for long, and drops what has been sent.
func (u *upload) abort() {
	u.end(errAborted)
	defer time.AfterFunc(abortTimeout, u.cut).Stop()
	_ = u.group.Wait() // it is errAborted, or what the caller knows from Write
	u.drop()
	u.cut()
}

var errAborted = errors.New("the object was aborted")

// drop asks the store to forget the parts.
func (u *upload) drop() {
	if u.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTimeout)
	defer cancel()
	if err := u.s.core.AbortMultipartUpload(ctx, u.s.url.Bucket, u.key, u.id); err != nil {
		u.s.retry.log.Info("unfinished upload stays in the bucket", "key", u.key, "upload", u.id, "error", err)
	}
}
