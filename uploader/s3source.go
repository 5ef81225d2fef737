package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
)

// s3Page is how many objects S3 lists at once ("ListObjectsV2", Amazon S3 API Reference).
const s3Page = 1000

// S3Source is a [Source] in a bucket of S3, or of what speaks its language. It makes no request but ListObjectsV2, which
// needs s3:ListBucket on the bucket, and GetObject and HeadObject, which need s3:GetObject on the objects.
type S3Source struct {
	source
	client *s3Client
}

var _ Source = (*S3Source)(nil)

// OpenS3Source opens the source at opt.URL, which may be any that [ParseS3SourceURL] returns. The options mean what they
// mean to [NewS3], but that RetryFor is a minute if 0, and Memory nothing. It asks for the credentials, but makes no
// request to the store.
func OpenS3Source(ctx context.Context, opt S3Options) (*S3Source, error) {
	if opt.RetryFor <= 0 {
		opt.RetryFor = sourceRetryFor
	}
	opt.setDefaults()
	client, err := newS3Client(ctx, opt, newSourceTransport(opt.Proxy, opt.Parallel))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", opt.URL, err)
	}
	s := &S3Source{client: client}
	s.source = source{
		from:   s,
		bucket: s3Scheme + opt.URL.Bucket,
		prefix: opt.URL.Prefix,
		page:   s3Page,
		retry:  &retrier{window: opt.RetryFor, now: opt.Now, sleep: opt.Sleep, log: opt.Logger},
	}
	return s, nil
}

// Describe says which credentials are used, without any secret.
func (s *S3Source) Describe() string { return s.client.from }

func (s *S3Source) pages(prefix string, most int) func(context.Context) ([]Entry, bool, error) {
	after := ""
	return func(ctx context.Context) (page []Entry, more bool, err error) {
		owner := false
		opts := minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, MaxKeys: most, Recursive: true, FetchOwner: &owner}
		for o := range s.client.core.ListObjectsIter(ctx, s.client.url.Bucket, opts) {
			if o.Err != nil {
				return nil, false, s.failed(o.Err)
			}
			page = append(page, Entry{Key: o.Key, Size: o.Size, ModTime: o.LastModified, ETag: o.ETag})
			if more = len(page) == most; more {
				break
			}
		}
		if ctx.Err() != nil { // the library just ends then
			return nil, false, ctx.Err()
		}
		if len(page) == 0 {
			return nil, false, nil
		}
		if page[0].Key <= after || page[len(page)-1].Key < page[0].Key {
			return nil, false, fmt.Errorf("%w: the store doesn't list keys in their order", errors.ErrUnsupported)
		}
		after = page[len(page)-1].Key
		return page, more, nil
	}
}

func (s *S3Source) stat(ctx context.Context, key string) (Entry, error) {
	o, err := s.client.core.StatObject(ctx, s.client.url.Bucket, key, minio.StatObjectOptions{})
	return Entry{Key: key, Size: o.Size, ModTime: o.LastModified, ETag: o.ETag}, s.failed(err)
}

func (s *S3Source) get(ctx context.Context, key, etag string, offset int64) (answered, error) {
	var opts minio.GetObjectOptions
	if etag != "" {
		opts.Set("If-Match", `"`+etag+`"`)
	}
	if offset > 0 {
		opts.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	body, info, header, err := s.client.core.GetObject(ctx, s.client.url.Bucket, key, opts)
	if err != nil {
		return answered{}, s.failed(err)
	}
	return answered{body: body, etag: info.ETag, start: rangeStart(header.Get("Content-Range")), size: info.Size}, nil
}

// failed has credentials read again that have expired: a file may have been renewed.
func (s *S3Source) failed(err error) error {
	if isCode(err, expiredCodes...) {
		s.client.expire()
	}
	return err
}

func (s *S3Source) explain(err error, list bool) error {
	if isCode(err, minio.NoSuchKey) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if list {
		return s.client.explain(err, "s3:ListBucket on "+s.bucket)
	}
	return s.client.explain(err, "s3:GetObject on "+joinURL(s.bucket, s.prefix+"*")+", and kms:Decrypt if a key of KMS encrypts it")
}

// rangeStart returns where in an object the answer with that Content-Range begins; without one, at its beginning.
func rangeStart(contentRange string) int64 {
	unit, _, _ := strings.Cut(contentRange, "-")
	start, err := strconv.ParseInt(strings.TrimPrefix(unit, "bytes "), 10, 64)
	if err != nil {
		return 0
	}
	return start
}
