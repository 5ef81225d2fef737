package uploader

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"bellwether/imds"
)

const (
	defaultMemory   = 48 << 20
	leastMemory     = 24 << 20
	defaultParallel = 8
	defaultRetryFor = 5 * time.Minute
	// stallAfter is how long a request may go without a byte of it being taken, or an answer.
	stallAfter = 90 * time.Second
	// completeTimeout is for the completion of a multipart upload: the store may have to join terabytes.
	completeTimeout = 10 * time.Minute
	// abortTimeout is for the request that drops the parts of an upload. It is a courtesy: the bucket's lifecycle rule
	// drops them too.
	abortTimeout = 5 * time.Second
)

// S3Options are the options of [NewS3]. URL and Credentials are required.
type S3Options struct {
	URL         S3URL
	Credentials *Credentials
	Region      string                                // empty: AWS_REGION of Getenv, then the region that IMDS knows
	Getenv      func(string) string                   // nil: the environment isn't asked
	IMDS        *imds.Service                         // nil: the instance metadata service isn't asked
	Endpoint    string                                // such as http://127.0.0.1:7070, with the bucket in the path; empty: AWS
	Proxy       func(*http.Request) (*url.URL, error) // nil: none

	Limits
}

// S3 is a store in a bucket of S3, or of what speaks its language.
//
// It makes no request but PutObject, CreateMultipartUpload, UploadPart, CompleteMultipartUpload, which the right to
// s3:PutObject covers, and AbortMultipartUpload, which may fail. Each object is made with If-None-Match: *, and each
// request carries a checksum that the store verifies; where it answers with its own, that is compared.
//
// An object that fits in one part is sent when it is committed. A larger one is sent while it is written, in parts of 8
// to 16 MiB, 5 MiB when memory is low, and exists when it is committed. An object has at most 10,000 parts, so that the
// largest has some 145 GiB; with more Memory parts grow to a third of it, and objects accordingly.
//
// At most Memory bytes are held, whatever the number and the size of the objects. A Write that finds no memory waits for
// what is in flight, and for other objects to grow to a part or to end. So whoever writes several large objects by turns
// in one goroutine may wait for himself.
//
// Of a Meta, Mode and Reserve mean nothing here; ModTime is kept as x-amz-meta-mtime, in the form that rclone knows, and
// of an object of one part its digest as x-amz-meta-sha256.
//
// A store that fails is tried again until it has failed for RetryFor; after that everything fails at the first try, with
// [ErrUnreachable], until the store is back. Whether the store has an object whose last request got no answer can't be
// known with the right to create alone; its Commit has then returned an error.
type S3 struct {
	*s3Client
	*engine
}

var _ Store = (*S3)(nil)

// NewS3 opens the store. It asks for the credentials, so that what is wrong with them is known before a run begins, but
// makes no request to the store: there is none that the right to create objects allows and that changes nothing.
func NewS3(ctx context.Context, opt S3Options) (*S3, error) {
	opt.setDefaults()
	client, err := newS3Client(ctx, opt, newTransport(opt.Proxy, opt.Parallel))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", opt.URL, err)
	}
	s := &S3{s3Client: client, engine: newEngine(opt.Limits)}
	s.engine.expire = client.expire
	return s, nil
}

// Create starts an object. That the key is taken is known when it is committed.
func (s *S3) Create(ctx context.Context, key string, meta Meta) (Object, error) {
	return s.create(ctx, s, key, meta)
}

// name implements backend.
func (s *S3) name(ctx context.Context, key string, _ Meta) (string, error) {
	full := s.url.Key(key)
	return full, checkCreate(ctx, s.url, key, full)
}
