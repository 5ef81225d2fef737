package uploader

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// maxPresign is the longest that a signature of S3 is good for ("Authenticating requests: using query parameters", Amazon S3 API
// Reference).
const maxPresign = 7 * 24 * time.Hour

// A Presigner makes tickets with the credentials of a responder, for hosts that have none. It makes no request.
type Presigner struct {
	*s3Client
	now func() time.Time
}

// NewPresigner makes a presigner for the bucket and prefix of opt.URL.
func NewPresigner(ctx context.Context, opt S3Options) (*Presigner, error) {
	opt.setDefaults()
	client, err := newS3Client(ctx, opt, newTransport(opt.Proxy, 1))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", opt.URL, err)
	}
	return &Presigner{s3Client: client, now: opt.Now}, nil
}

// Expires returns when what is signed now for that long ends: not later than the credentials themselves, and with a reason if that is
// sooner.
func (p *Presigner) Expires(after time.Duration) (end time.Time, reason string, err error) {
	if after < time.Second || after > maxPresign {
		return time.Time{}, "", fmt.Errorf("%s is not from a second to 7 days", after)
	}
	keys, err := p.keys()
	if err != nil {
		return time.Time{}, "", err
	}
	end = p.now().Add(after)
	if !keys.Expiration.IsZero() && keys.Expiration.Before(end) {
		return keys.Expiration, "the credentials with which it is signed end then", nil
	}
	return end, "", nil
}

func (p *Presigner) keys() (credentials.Value, error) {
	keys, err := p.core.GetCreds()
	if err != nil {
		return credentials.Value{}, fmt.Errorf("with the %s: %w", p.from, err)
	}
	return keys, nil
}

// URL returns a presigned URL that makes the one object that the presigner's own URL names, unless it exists.
func (p *Presigner) URL(ctx context.Context, after time.Duration) (string, error) {
	if p.url.Prefix == "" {
		return "", errors.New("a bucket alone is no object; want s3://bucket/IR-7/web-01.zip")
	}
	u, err := p.core.PresignHeader(ctx, http.MethodPut, p.url.Bucket, p.url.Prefix, after, nil, http.Header{"If-None-Match": {"*"}})
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// Form returns the JSON of the form of a POST policy, which makes objects of at most that many bytes below the presigner's prefix.
func (p *Presigner) Form(ctx context.Context, after time.Duration, most int64) ([]byte, error) {
	if p.url.Prefix == "" {
		return nil, errors.New("want a prefix, such as s3://bucket/IR-7: a policy for all of a bucket could fill it with anything")
	}
	keys, err := p.keys()
	if err != nil {
		return nil, err
	}
	at, err := p.core.Presign(ctx, http.MethodPut, p.url.Bucket, "x", time.Minute, nil)
	if err != nil {
		return nil, err
	}
	at.RawQuery, at.Path = "", strings.TrimSuffix(at.Path, "x")
	now := p.now().UTC()
	fields := map[string]string{
		"key":              p.url.Prefix + "/${filename}",
		"x-amz-algorithm":  "AWS4-HMAC-SHA256",
		"x-amz-credential": signer.GetCredential(keys.AccessKeyID, p.region, now, signer.ServiceTypeS3),
		"x-amz-date":       now.Format("20060102T150405Z"),
	}
	conditions := []any{
		map[string]string{"bucket": p.url.Bucket},
		[]any{"starts-with", "$key", p.url.Prefix + "/"},
		[]any{"starts-with", "$x-amz-checksum-sha256", ""},
		[]any{"content-length-range", 0, most},
	}
	if keys.SessionToken != "" {
		fields["x-amz-security-token"] = keys.SessionToken
	}
	for _, name := range []string{"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token"} {
		if value, ok := fields[name]; ok {
			conditions = append(conditions, map[string]string{name: value})
		}
	}
	policy, err := json.Marshal(map[string]any{"expiration": now.Add(after).Format("2006-01-02T15:04:05.000Z"), "conditions": conditions})
	if err != nil {
		return nil, err
	}
	fields["policy"] = base64.StdEncoding.EncodeToString(policy)
	fields["x-amz-signature"] = signer.PostPresignSignatureV4(fields["policy"], now, keys.SecretAccessKey, p.region)
	return json.MarshalIndent(map[string]any{"url": at.String(), "fields": fields}, "", "  ")
}
