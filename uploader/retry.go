package uploader

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 5 * time.Second
	// mangledTries is how often bytes that arrive changed are sent in all. What changes them three times will go on.
	mangledTries = 3
)

// A retrier tries requests again until the store has failed for as long as the window. It is shared by all requests of a
// store, so that one that stays away is waited for once, not once for each object.
type retrier struct {
	window time.Duration
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	log    *slog.Logger

	mu   sync.Mutex
	down time.Time // of the first failure since the store last did what it was asked; zero if it did
}

// do calls try until it succeeds, fails for good, or the window has passed. What names the request in the log.
func (r *retrier) do(ctx context.Context, what string, try func(context.Context) error) error {
	started := r.now()
	for n := 1; ; n++ {
		err := try(ctx)
		if err == nil {
			r.up(what, n)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !retryable(err) || n >= mangledTries && isMangled(err) {
			return err
		}
		if since := r.failing(started); r.now().Sub(since) >= r.window {
			return fmt.Errorf("%w: tried for %s: %w", ErrUnreachable, r.window, err)
		}
		delay := backoff(n)
		if n == 1 {
			r.log.Warn("store fails, trying again", "what", what, "error", err, "for", r.window)
		}
		if err := r.sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// up notes that the store did what it was asked, at the nth try.
func (r *retrier) up(what string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = time.Time{}
	if n > 1 {
		r.log.Info("store goes on", "what", what, "tries", n)
	}
}

// failing notes a failure, and returns since when there have been nothing but failures: for the store, or for a request
// that was begun at started, whichever is longer.
func (r *retrier) failing(started time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down.IsZero() {
		r.down = r.now()
	}
	if started.Before(r.down) {
		return started
	}
	return r.down
}

// backoff is the delay after the nth failure: doubled each time, and up to a half of it left to chance, so that the
// parts that failed together don't come back together.
func backoff(n int) time.Duration {
	delay := lastDelay
	if n < 6 {
		delay = min(lastDelay, firstDelay<<(n-1))
	}
	return delay/2 + rand.N(delay/2) //nolint:gosec // it spreads load, it hides nothing
}

// sleep waits for d, or for the end of the context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Codes of S3 ("Error responses", Amazon S3 API Reference) and of Azure that come with a status of 4xx, or of 200, and say something
// that may be different next time.
var (
	retryCodes = []string{
		"InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "IncompleteBody",
		"OperationAborted", "ConditionalRequestConflict", // 409: another request for the key is being decided
	}
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
	mangledCodes = []string{"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "Md5Mismatch", "Crc64Mismatch"}
)

// retryable reports whether the same request may succeed later: it does unless the store refused it or can't do it, or its
// certificate is wrong.
func retryable(err error) bool {
	if errors.Is(err, ErrChanged) || errors.Is(err, errors.ErrUnsupported) {
		return false
	}
	if isMangled(err) || isCode(err, expiredCodes...) || isCode(err, retryCodes...) {
		return true
	}
	if status, ok := answer(err); ok {
		return status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
	}
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &certificate)
}

// settled reports whether err leaves no doubt that the request had no effect: the store itself refused it.
func settled(err error) bool {
	status, ok := answer(err)
	return ok && status >= 300 && status < 500
}

// isMangled reports whether the bytes were changed on their way.
func isMangled(err error) bool {
	return errors.Is(err, ErrChecksum) || isCode(err, mangledCodes...)
}

// isCode reports whether the store answered with one of the codes.
func isCode(err error, codes ...string) bool {
	var azure *answerError
	if errors.As(err, &azure) {
		return slices.Contains(codes, azure.code)
	}
	var resp minio.ErrorResponse
	return errors.As(err, &resp) && slices.Contains(codes, resp.Code)
}

// answer returns the status of the store's answer, if err is one.
func answer(err error) (status int, ok bool) {
	var azure *answerError
	if errors.As(err, &azure) {
		return azure.status, true
	}
	var resp minio.ErrorResponse
	if !errors.As(err, &resp) {
		return 0, false
	}
	return resp.StatusCode, resp.StatusCode != 0
}
