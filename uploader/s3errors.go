package uploader

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// isTaken reports whether the store refused to overwrite.
func isTaken(err error) bool {
	status, ok := answer(err)
	return ok && status == 412
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
	var resp minio.ErrorResponse
	if !errors.As(err, &resp) {
		var certificate *tls.CertificateVerificationError
		if errors.As(err, &certificate) {
			return fmt.Errorf("%w; check the endpoint, and the certificates that this host trusts", err)
		}
		return err
	}
	switch resp.Code {
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidRegion", "IllegalLocationConstraintException":
		if resp.Region != "" && resp.Region != s.region {
			return fmt.Errorf("%w; the bucket is in %.40q: set --s3-region", err, resp.Region)
		}
		return fmt.Errorf("%w; the bucket isn't in %s: set --s3-region", err, s.region)
	case "NoSuchBucket":
		return fmt.Errorf("%w: %w; check the name of the bucket", fs.ErrNotExist, err)
	case "NoSuchUpload":
		return fmt.Errorf("%w; it was dropped at the store, and the parts are gone: collect again", err)
	case "RequestTimeTooSkewed":
		if offset, ok := s.ClockOffset(); ok {
			return fmt.Errorf("%w; the store's clock is %s ahead of this host's: set the clock", err, offset)
		}
		return fmt.Errorf("%w; set this host's clock", err)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return fmt.Errorf("%w: the store refuses those of the %s: %w; renew them", ErrCredentials, s.from, err)
	}
	if resp.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%w: %w; the %s must allow s3:PutObject on %s/*", fs.ErrPermission, err, s.from, s.url)
	}
	return err
}
