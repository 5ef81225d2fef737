package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"
)

// sourceRetryFor is how long a source that fails is waited for: somebody sits before it.
const sourceRetryFor = time.Minute

// A reading is one kind of bucket, as one who reads sees it. Its keys are those of the bucket, and its errors those of the
// library behind it.
type reading interface {
	// pages returns a function that asks for one page after the other of the objects whose keys begin with prefix. After
	// an error it asks for the same page again. More is false with the last page.
	pages(prefix string, most int) func(ctx context.Context) (page []Entry, more bool, err error)
	// stat asks for one object without its bytes.
	stat(ctx context.Context, key string) (Entry, error)
	// get asks for an object from the byte at offset on; if etag is not empty, for the one that has it.
	get(ctx context.Context, key, etag string, offset int64) (answered, error)
	// explain adds to an error what it means, and what can be done about it. It is of a list, or of one object.
	explain(err error, list bool) error
}

// answered is what a bucket answers to get.
type answered struct {
	body  io.ReadCloser
	etag  string
	start int64 // where in the object the body begins
	size  int64 // of the body
}

// A source is what all kinds of it have in common.
type source struct {
	from   reading
	bucket string // its URL
	prefix string // as it stands in the URL of the source
	page   int    // objects asked for at once
	retry  *retrier
}

// String returns the URL of the source.
func (s *source) String() string { return joinURL(s.bucket, s.prefix) }

// Name returns the URL of an object.
func (s *source) Name(key string) string { return joinURL(s.bucket, s.full(key)) }

// base is what the keys of all objects below the source begin with.
func (s *source) base() string {
	if s.prefix == "" || strings.HasSuffix(s.prefix, "/") {
		return s.prefix
	}
	return s.prefix + "/"
}

// full returns the key in the bucket of an object.
func (s *source) full(key string) string {
	if key == "" {
		return s.prefix
	}
	return s.base() + key
}

// List visits all objects.
func (s *source) List(ctx context.Context, visit func(Entry) error) error {
	one, named, err := s.named(ctx)
	if err != nil {
		return err
	}
	if named {
		if err := visit(one); err != nil {
			return err
		}
	}
	base := s.base()
	for e, err := range s.entries(ctx, base, s.page) {
		if named && errors.Is(err, fs.ErrPermission) {
			return nil // who may read that object alone need not be able to list
		}
		if err != nil {
			return err
		}
		var below bool
		if e.Key, below = strings.CutPrefix(e.Key, base); !below {
			return fmt.Errorf("listing %s: the store answered with a key that is not below it: %.100q", s, e.Key)
		}
		if e.Size == 0 && (e.Key == "" || strings.HasSuffix(e.Key, "/")) {
			continue
		}
		if e.Key == "" && base != s.prefix {
			return fmt.Errorf("listing %s: there is an object whose key ends with a slash: name it as %s/", s, s)
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// named looks for the object that the URL itself names. It comes first of all that begin with its key. Who may not list
// it may still have been given the right to read it.
func (s *source) named(ctx context.Context) (one Entry, found bool, err error) {
	if s.base() == s.prefix {
		return Entry{}, false, nil
	}
	for e, err := range s.entries(ctx, s.prefix, 1) {
		if errors.Is(err, fs.ErrPermission) {
			return s.stat(ctx)
		}
		found = err == nil && e.Key == s.prefix
		e.Key = ""
		return e, found, err
	}
	return Entry{}, false, nil
}

// stat asks for the object that the URL itself names. If there is none, or none that may be read, the list tells better
// what is the matter.
func (s *source) stat(ctx context.Context) (one Entry, found bool, err error) {
	err = s.retry.do(ctx, s.String(), func(ctx context.Context) (err error) {
		one, err = s.from.stat(ctx, s.prefix)
		return err
	})
	one.Key = ""
	if err == nil {
		return one, true, nil
	}
	if err = s.from.explain(err, false); errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false, nil
	}
	return Entry{}, false, fmt.Errorf("asking for %s: %w", s, err)
}

// entries returns the objects whose keys in the bucket begin with prefix, up to the first error.
func (s *source) entries(ctx context.Context, prefix string, most int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		next := s.from.pages(prefix, most)
		for more := true; more; {
			var page []Entry
			err := s.retry.do(ctx, s.String(), func(ctx context.Context) (err error) {
				page, more, err = next(ctx)
				return err
			})
			if err != nil {
				yield(Entry{}, fmt.Errorf("listing %s: %w", s, s.from.explain(err, true)))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
