package uploader

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// An s3Client is the way to a bucket: what the store that writes to it and the source that reads from it have in common.
type s3Client struct {
	core   *minio.Core
	url    S3URL
	region string
	from   string // where the credentials come from
	power  string // what they are: see powerOf
	expire func() // has the credentials read again
	secure bool
	clock  *clockReader
}

// newS3Client makes the client, and asks for the credentials, but makes no request to the store.
func newS3Client(ctx context.Context, opt S3Options, transport http.RoundTripper) (*s3Client, error) {
	if opt.Credentials == nil {
		return nil, fmt.Errorf("%w: name a credentials file, or ask for the environment or the instance role", ErrCredentials)
	}
	region, err := findRegion(ctx, opt)
	if err != nil {
		return nil, err
	}
	creds := credentials.New(opt.Credentials.provider)
	c := &s3Client{
		url:    opt.URL,
		region: region,
		from:   opt.Credentials.from,
		expire: creds.Expire,
		clock:  &clockReader{next: transport, now: opt.Now},
	}
	if err := c.connect(opt.Endpoint, creds); err != nil {
		return nil, err
	}
	value, err := creds.GetWithContext(&credentials.CredContext{Context: ctx})
	if err != nil {
		return nil, fmt.Errorf("with the %s: %w", c.from, err)
	}
	c.power = powerOf(value)
	if err := c.checkHost(ctx, opt.Endpoint); err != nil {
		return nil, err
	}
	return c, nil
}

// validRegion keeps what becomes a part of a host name from leading elsewhere.
var validRegion = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// findRegion returns the region. Without one minio-go would ask the bucket for it, which a principal that may only
// create is refused.
func findRegion(ctx context.Context, opt S3Options) (string, error) {
	region, from := opt.Region, "the option"
	if region == "" && opt.Getenv != nil {
		region, from = opt.Getenv("AWS_REGION"), "AWS_REGION"
	}
	var asked error
	if region == "" && opt.IMDS != nil {
		region, asked = opt.IMDS.Region(ctx)
		from = "the instance metadata"
	}
	if region == "" {
		return "", errors.Join(errors.New("the bucket's region isn't known; set --s3-region or AWS_REGION"), asked)
	}
	if !validRegion.MatchString(region) {
		return "", fmt.Errorf("%q, from %s, is not the name of a region", region, from)
	}
	return region, nil
}

// connect makes the client. Its own retries are off: ours know what may be repeated, and wait longer.
func (c *s3Client) connect(endpoint string, creds *credentials.Credentials) error {
	opts := &minio.Options{
		Creds:      creds,
		Region:     c.region,
		Secure:     true,
		Transport:  c.clock,
		MaxRetries: 1,
	}
	host := "s3.amazonaws.com"
	if endpoint != "" {
		u, err := parseEndpoint(endpoint)
		if err != nil {
			return err
		}
		host = u.Host
		opts.Secure = u.Scheme == "https"
		opts.BucketLookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(host, opts)
	if err != nil {
		return fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	core.SetS3EnableDualstack(false) // VPC endpoints answer to the plain names
	c.core, c.secure = core, opts.Secure
	return nil
}

// parseEndpoint reads the URL of a server. Without a scheme https is meant.
func parseEndpoint(endpoint string) (*url.URL, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, errors.New("the S3 endpoint is not a URL; want one such as https://s3.example.org")
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("S3 endpoint %q: want a scheme and a host alone, such as https://s3.example.org", u.Redacted())
	}
	return u, nil
}

// checkHost finds out, without a request, where the client would go. It takes a region of AWS that it doesn't know for
// us-east-1, and evidence would go to the wrong place or, rather, nowhere.
func (c *s3Client) checkHost(ctx context.Context, endpoint string) error {
	if endpoint != "" {
		return nil
	}
	u, err := c.core.Presign(ctx, http.MethodPut, c.url.Bucket, "x", time.Minute, nil)
	if err != nil {
		return err
	}
	if !strings.Contains(u.Host, "."+c.region+".") {
		return fmt.Errorf("no region of AWS is known by the name of %q; check --s3-region", c.region)
	}
	return nil
}

// String says where the store is.
func (c *s3Client) String() string { return c.url.String() + " (" + c.region + ")" }

// Describe says which credentials are used, without any secret.
func (c *s3Client) Describe() string { return c.from + c.power }

// powerOf says how long the harm lasts if the credentials are stolen.
func powerOf(v credentials.Value) string {
	switch {
	case v.SessionToken == "":
		return ": static keys, good until somebody revokes them"
	case v.Expiration.IsZero():
		return ": a session"
	}
	return ": a session, until " + v.Expiration.UTC().Format(time.RFC3339)
}

// ClockOffset returns by how much the store's clock is ahead of the host's, to about half a second, once the store has
// answered. A store refuses requests that are 15 minutes off.
func (c *s3Client) ClockOffset() (time.Duration, bool) { return c.clock.read() }
