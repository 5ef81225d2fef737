package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrChanged is the error of an object that was replaced while it was read.
var ErrChanged = errors.New("the object was replaced while it was read")

// A Source reads what lies below a prefix of a bucket or a container. It is for the analyst's machine: what runs on a
// suspected host has a [Store], which can't read. A Source may be used by several goroutines at once.
//
// Its URL names the object with exactly that key, where there is one, and all objects below it, as the path of a folder
// does: s3://bucket/IR-7 is not s3://bucket/IR-70. With a slash at its end it names what is below alone.
//
// A Source that fails is tried again, as a Store is, and with [ErrUnreachable] given up after a minute. It holds a page of
// the list, at most 5,000 objects, and of what is read nothing.
type Source interface {
	// List calls visit for every object, in the order in which the bucket has them: that of the bytes of the keys, with
	// S3 and Azure. An error of visit ends it, and is returned as it is. A bucket that has nothing there is no error. The
	// empty objects with a slash at the end of the key, with which consoles mark folders, are left out.
	List(ctx context.Context, visit func(Entry) error) error
	// Open reads one object from its beginning. Where the connection breaks it goes on with the next byte, and an object
	// that was replaced meanwhile is [ErrChanged]. The context governs the object until Close. An object that isn't there
	// is [fs.ErrNotExist], one that may not be read [fs.ErrPermission].
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Name returns the URL of an object.
	Name(key string) string
}

// An Entry is an object that a Source has.
type Entry struct {
	Key     string    // below the URL; empty for the object that the URL itself names
	Size    int64     // in bytes
	ModTime time.Time // when it was made, as the store says
	ETag    string    // changes with the object; without quotes
}

// SourceOptions are the options of [OpenSource]: those of each kind of source. Their URLs are set by it.
type SourceOptions struct {
	S3    S3Options
	Azure AzureOptions
}

// IsSourceURL reports whether s is to be given to [OpenSource], and is not the name of a file.
func IsSourceURL(s string) bool {
	return strings.HasPrefix(s, s3Scheme) || strings.HasPrefix(s, azureScheme)
}

// OpenSource opens what s names: s3://bucket/prefix or azblob://account/container/prefix. The prefix is taken as it
// stands: nothing in it is percent-decoded.
func OpenSource(ctx context.Context, s string, opt SourceOptions) (Source, error) {
	switch {
	case strings.HasPrefix(s, s3Scheme):
		u, err := ParseS3SourceURL(s)
		if err != nil {
			return nil, err
		}
		opt.S3.URL = u
		return opened(OpenS3Source(ctx, opt.S3))
	case strings.HasPrefix(s, azureScheme):
		u, err := ParseAzureURL(s)
		if err != nil {
			return nil, err
		}
		opt.Azure.URL = u
		return opened(OpenAzureSource(ctx, opt.Azure))
	}
	return nil, errors.New("not the URL of a bucket: want s3://bucket/prefix or azblob://account/container/prefix")
}

// opened keeps a nil pointer from becoming a Source.
func opened[S Source](s S, err error) (Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkPrefix reports what is wrong with the prefix of a source, if anything is. Whatever can be a key can be read.
func checkPrefix(prefix string) error {
	switch {
	case !utf8.ValidString(prefix) || strings.ContainsRune(prefix, 0):
		return errors.New("the prefix has a byte that is not text")
	case len(prefix) > maxKey:
		return fmt.Errorf("the prefix has %d bytes, and %d are the most", len(prefix), maxKey)
	}
	return nil
}

// joinURL returns the URL of a key in the bucket that bucket is the URL of.
func joinURL(bucket, key string) string {
	if key == "" {
		return bucket
	}
	return bucket + "/" + key
}
