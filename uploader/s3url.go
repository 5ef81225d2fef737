package uploader

import (
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

// An S3URL is a place in a bucket.
type S3URL struct {
	Bucket string
	Prefix string // without slashes at its ends; empty for the bucket itself
}

// ParseS3URL reads s3://bucket/prefix. The prefix is taken as it stands: nothing in it is percent-decoded.
func ParseS3URL(s string) (S3URL, error) {
	rest, ok := strings.CutPrefix(s, "s3://")
	if !ok {
		return S3URL{}, fmt.Errorf("destination %q: want s3://bucket/prefix", s)
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return S3URL{}, fmt.Errorf("destination %q: not the name of a bucket: %q; want s3://bucket/prefix", s, bucket)
	}
	if s3utils.IsS3ExpressBucket(bucket) {
		return S3URL{}, fmt.Errorf("destination %q: directory buckets want the right to create sessions; use a general purpose bucket", s)
	}
	prefix = strings.TrimSuffix(prefix, "/")
	switch {
	case prefix == "":
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl):
		return S3URL{}, fmt.Errorf("destination %q: the prefix has a byte that is not text", s)
	case prefix == "." || !fs.ValidPath(prefix):
		return S3URL{}, fmt.Errorf("destination %q: the prefix has an empty, . or .. segment", s)
	case len(prefix) > maxPrefix:
		return S3URL{}, fmt.Errorf("destination %.60q…: the prefix has %d bytes, and %d are the most", s, len(prefix), maxPrefix)
	}
	return S3URL{Bucket: bucket, Prefix: prefix}, nil
}

// String returns u in the form that [ParseS3URL] reads.
func (u S3URL) String() string { return "s3://" + path.Join(u.Bucket, u.Prefix) }

// Key returns the key in the bucket of an object of the store.
func (u S3URL) Key(name string) string { return path.Join(u.Prefix, name) }
