package uploader

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// isTaken reports whether the store refused to overwrite. Azure has a code for each way of asking ("Blob service error codes",
// Azure documentation): for If-None-Match, and for a token that may only create.
func isTaken(err error) bool {
	status, ok := answer(err)
	return ok && (status == 412 || isCode(err, "BlobAlreadyExists", "UnauthorizedBlobOverwrite"))
}

// compare checks the checksum that the store answered with, if it did, against ours.
func compare(got, want string) error {
	if got != "" && got != want {
		return fmt.Errorf("%w: it reports the checksum %.100q, not %s", ErrChecksum, got, want)
	}
	return nil
}

// explain adds to an error of the store what it means, and what can be done about it.
func (s *S3) explain(err error) error {
	return s.s3Client.explain(err, "s3:PutObject on "+s.url.String()+"/*")
}

// explain adds to an error of the bucket what it means, and what can be done about it. The right is the one that the
// request needs.
func (c *s3Client) explain(err error, right string) error {
	var resp minio.ErrorResponse
	if !errors.As(err, &resp) {
		return explainNet(err)
	}
	switch resp.Code {
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidRegion", "IllegalLocationConstraintException":
		if resp.Region != "" && resp.Region != c.region {
			return fmt.Errorf("%w; the bucket is in %.40q: set --s3-region", err, resp.Region)
		}
		return fmt.Errorf("%w; the bucket isn't in %s: set --s3-region", err, c.region)
	case "InvalidObjectState":
		return fmt.Errorf("%w; it is archived: restore it first", err)
	case "NoSuchBucket":
		return fmt.Errorf("%w: %w; check the name of the bucket", fs.ErrNotExist, err)
	case "NoSuchUpload":
		return fmt.Errorf("%w; it was dropped at the store, and the parts are gone: collect again", err)
	case "RequestTimeTooSkewed":
		if offset, ok := c.ClockOffset(); ok {
			return fmt.Errorf("%w; the store's clock is %s ahead of this host's: set the clock", err, offset)
		}
		return fmt.Errorf("%w; set this host's clock", err)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return fmt.Errorf("%w: the store refuses those of the %s: %w; renew them", ErrCredentials, c.from, err)
	}
	if resp.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%w: %w; the %s must allow %s", fs.ErrPermission, err, c.from, right)
	}
	return err
}
