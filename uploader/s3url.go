package uploader

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// maxPrefix leaves room in a key of 1,024 bytes for the longest name that a case adds.
const maxPrefix = 150

const s3Scheme = "s3://"

// An S3URL is a place in a bucket.
type S3URL struct {
	Bucket string
	Prefix string // of a store without slashes at its ends; empty for the bucket itself
}

// ParseS3URL reads s3://bucket/prefix. The prefix is taken as it stands: nothing in it is percent-decoded.
func ParseS3URL(s string) (S3URL, error) {
	bucket, prefix, err := cutS3URL(s)
	if err != nil {
		return S3URL{}, fmt.Errorf("destination %q: %w", s, err)
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if err := checkStorePrefix(prefix); err != nil {
		return S3URL{}, fmt.Errorf("destination %.200q: %w", s, err)
	}
	return S3URL{Bucket: bucket, Prefix: prefix}, nil
}

// checkStorePrefix reports what keeps keys from standing below the prefix of a store, if anything does.
func checkStorePrefix(prefix string) error {
	switch {
	case prefix == "":
		return nil
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl):
		return errors.New("the prefix has a byte that is not text")
	case prefix == "." || !fs.ValidPath(prefix):
		return errors.New("the prefix has an empty, . or .. segment")
	case len(prefix) > maxPrefix:
		return fmt.Errorf("the prefix has %d bytes, and %d are the most", len(prefix), maxPrefix)
	}
	return nil
}

// ParseS3SourceURL reads s3://bucket/prefix for a [Source]. Any prefix that a key can have is taken, as it stands.
func ParseS3SourceURL(s string) (S3URL, error) {
	bucket, prefix, err := cutS3URL(s)
	if err == nil {
		err = checkPrefix(prefix)
	}
	if err != nil {
		return S3URL{}, fmt.Errorf("source %.200q: %w", s, err)
	}
	return S3URL{Bucket: bucket, Prefix: prefix}, nil
}

// cutS3URL finds the bucket in a URL, and the prefix as it stands.
func cutS3URL(s string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(s, s3Scheme)
	if !ok {
		return "", "", errors.New("want s3://bucket/prefix")
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return "", "", fmt.Errorf("not the name of a bucket: %q; want s3://bucket/prefix", bucket)
	}
	if s3utils.IsS3ExpressBucket(bucket) {
		return "", "", errors.New("directory buckets want the right to create sessions; use a general purpose bucket")
	}
	return bucket, prefix, nil
}

// String returns u in the form that [ParseS3URL] reads.
func (u S3URL) String() string { return joinURL(s3Scheme+u.Bucket, u.Prefix) }

// Key returns the key in the bucket of an object of the store.
func (u S3URL) Key(name string) string { return path.Join(u.Prefix, name) }
