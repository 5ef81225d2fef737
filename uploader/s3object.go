package uploader

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

// whole implements backend.
func (s *S3) whole(ctx context.Context, key string, meta Meta, p *part) error {
	sum := p.sha256()
	opts := minio.PutObjectOptions{UserMetadata: metadata(meta), DisableContentSha256: true}
	opts.UserMetadata["X-Amz-Checksum-Sha256"] = base64.StdEncoding.EncodeToString(sum[:])
	opts.UserMetadata["sha256"] = hex.EncodeToString(sum[:])
	opts.SetMatchETagExcept("*")
	return s.once(ctx, key, func(ctx context.Context) (sent bool, err error) {
		return s.try(ctx, s.stall, p, func(ctx context.Context, body *body) error {
			info, err := s.core.PutObject(ctx, s.url.Bucket, key, io.Reader(body), int64(p.size), "", hex.EncodeToString(sum[:]), opts)
			if err != nil {
				return err
			}
			return compare(info.ChecksumSHA256, opts.UserMetadata["X-Amz-Checksum-Sha256"])
		})
	})
}

// parts implements backend.
func (s *S3) parts(u *upload, meta Meta) partTarget {
	return &s3Parts{s: s, u: u, key: u.key, metadata: metadata(meta)}
}

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
