package uploader

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/minio/minio-go/v7"
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

// s3Parts is an upload in several parts as S3 knows it.
type s3Parts struct {
	s        *S3
	u        *upload
	key      string
	metadata map[string]string

	mu      sync.Mutex
	id      string               // empty until the store has given one
	refused error                // if it never will
	sent    []minio.CompletePart // that the store has confirmed, in the order of its answers
}

// put sends the part. If the store has dropped the upload, it begins a new one as long as nothing is lost by that.
func (t *s3Parts) put(p *part) error {
	for {
		id, err := t.begin()
		if err != nil {
			return err
		}
		done, err := t.putTo(id, p)
		if isCode(err, minio.NoSuchUpload) && t.restart(id) {
			continue
		}
		if err != nil {
			return fmt.Errorf("part %d: %w", p.number, err)
		}
		if t.confirm(id, done) {
			return nil
		}
	}
}

// begin returns the id of the upload, and asks the store for one if there is none.
func (t *s3Parts) begin() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.id != "" || t.refused != nil {
		return t.id, t.refused
	}
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{
		"X-Amz-Checksum-Algorithm": "CRC32C",
		"X-Amz-Checksum-Type":      "FULL_OBJECT",
	}}
	for name, value := range t.metadata {
		opts.UserMetadata[name] = value
	}
	t.refused = t.s.retry.do(t.u.ctx, t.key, func(context.Context) error {
		_, err := t.s.try(t.u.requests, t.s.stall, nil, func(ctx context.Context, _ *body) (err error) {
			t.id, err = t.s.core.NewMultipartUpload(ctx, t.s.url.Bucket, t.key, opts)
			return err
		})
		return err
	})
	return t.id, t.refused
}

// restart forgets the upload id, unless parts have gone there that can't be sent again. It reports whether it did.
func (t *s3Parts) restart(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.sent) > 0 {
		return false
	}
	if t.id == id {
		t.id = ""
	}
	return true
}

// confirm notes a part that has arrived. It reports whether that was in the upload that still is the object's.
func (t *s3Parts) confirm(id string, done minio.CompletePart) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.id != id {
		return false
	}
	t.sent = append(t.sent, done)
	return true
}

// putTo sends the part to the upload named id. A part that is sent twice replaces itself.
func (t *s3Parts) putTo(id string, p *part) (minio.CompletePart, error) {
	crc := crcText(p.crc)
	opts := minio.PutObjectPartOptions{DisableContentSha256: true, CustomHeader: http.Header{}}
	opts.CustomHeader.Set("X-Amz-Checksum-Crc32c", crc)
	if !t.s.secure {
		// Under TLS nobody can change the body. Without, it is signed.
		opts.Sha256Hex = fmt.Sprintf("%x", p.sha256())
	}
	var done minio.CompletePart
	err := t.s.retry.do(t.u.ctx, t.key, func(context.Context) error {
		_, err := t.s.try(t.u.requests, t.s.stall, p, func(ctx context.Context, body *body) error {
			info, err := t.s.core.PutObjectPart(ctx, t.s.url.Bucket, t.key, id, p.number, body, int64(p.size), opts)
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

// join asks the store to make the object.
func (t *s3Parts) join(ctx context.Context, crc uint32) error {
	slices.SortFunc(t.sent, func(a, b minio.CompletePart) int { return a.PartNumber - b.PartNumber })
	whole := crcText(crc)
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{
		"X-Amz-Checksum-Crc32c": whole,
		"X-Amz-Checksum-Type":   "FULL_OBJECT",
	}}
	opts.SetMatchETagExcept("*")
	return t.s.once(ctx, t.key, func(ctx context.Context) (sent bool, err error) {
		return t.s.try(ctx, completeTimeout, nil, func(ctx context.Context, _ *body) error {
			info, err := t.s.core.CompleteMultipartUpload(ctx, t.s.url.Bucket, t.key, t.id, t.sent, opts)
			if err != nil {
				return err
			}
			return compare(info.ChecksumCRC32C, whole)
		})
	})
}

// drop asks the store to forget the parts.
func (t *s3Parts) drop() {
	if t.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.u.ctx), abortTimeout)
	defer cancel()
	if err := t.s.core.AbortMultipartUpload(ctx, t.s.url.Bucket, t.key, t.id); err != nil {
		t.s.retry.log.Info("unfinished upload stays in the bucket", "key", t.key, "upload", t.id, "error", err)
	}
}
