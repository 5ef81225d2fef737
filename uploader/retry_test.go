package uploader

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

func TestRetryable(t *testing.T) {
	for _, test := range []struct {
		err            error
		again, settled bool
	}{
		{io.ErrUnexpectedEOF, true, false},
		{errStalled, true, false},
		{minio.ErrorResponse{StatusCode: 500, Code: "InternalError"}, true, false},
		{minio.ErrorResponse{StatusCode: 503, Code: "SlowDown"}, true, false},
		{minio.ErrorResponse{StatusCode: 200, Code: "InternalError"}, true, false},
		{minio.ErrorResponse{StatusCode: 408}, true, true},
		{minio.ErrorResponse{StatusCode: 429}, true, true},
		{minio.ErrorResponse{StatusCode: 400, Code: "RequestTimeout"}, true, true},
		{minio.ErrorResponse{StatusCode: 400, Code: "BadDigest"}, true, true},
		{minio.ErrorResponse{StatusCode: 400, Code: "ExpiredToken"}, true, true},
		{minio.ErrorResponse{StatusCode: 409, Code: "ConditionalRequestConflict"}, true, true},
		{fmt.Errorf("wrapped: %w", minio.ErrorResponse{StatusCode: 403, Code: "AccessDenied"}), false, true},
		{minio.ErrorResponse{StatusCode: 412, Code: "PreconditionFailed"}, false, true},
		{minio.ErrorResponse{StatusCode: 301, Code: "PermanentRedirect"}, false, true},
		{&answerError{status: 500, code: "InternalError"}, true, false},
		{&answerError{status: 503, code: "ServerBusy"}, true, false},
		{&answerError{status: 403, code: "AuthenticationFailed"}, false, true},
		{fmt.Errorf("%w: %w", ErrChanged, io.ErrUnexpectedEOF), false, false},
		{fmt.Errorf("no ranges: %w", errors.ErrUnsupported), false, false},
		{&url.Error{Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, false, false},
	} {
		if got := retryable(test.err); got != test.again {
			t.Errorf("%v: retryable: got %v, want %v", test.err, got, test.again)
		}
		if got := settled(test.err); got != test.settled {
			t.Errorf("%v: settled: got %v, want %v", test.err, got, test.settled)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n, most := range map[int]time.Duration{1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 5: 4 * time.Second, 6: 5 * time.Second, 1000: 5 * time.Second} {
		for range 100 {
			if got := backoff(n); got < most/2 || got >= most {
				t.Errorf("after failure %d: got %s, want from %s to %s", n, got, most/2, most)
			}
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.EOF)
	if err := sleep(ctx, time.Hour); !errors.Is(err, io.EOF) {
		t.Errorf("got error %v, want the cause", err)
	}
	if err := sleep(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

func TestUnixSeconds(t *testing.T) {
	for want, at := range map[string]time.Time{
		"0.000000000":            time.Unix(0, 0),
		"1700000000.123456789":   time.Unix(1_700_000_000, 123_456_789),
		"-0.500000000":           time.Unix(-1, 500_000_000),
		"-1.000000000":           time.Unix(-1, 0),
		"-11644473600.000000000": time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), // where Windows begins to count
	} {
		if got := unixSeconds(at); got != want {
			t.Errorf("%v: got %s, want %s", at, got, want)
		}
	}
}
