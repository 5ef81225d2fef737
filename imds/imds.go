// Package imds asks the metadata service of a cloud instance: EC2, Azure or Google Compute Engine.
//
// The rules that every file keeps: the service is at a link-local address, and nothing else is asked. No proxy, which would be handed the role's
// keys; no redirect; answers are bounded. Of EC2 only version 2 is spoken, each question with a token that was asked for by PUT:
// version 1 can be used by anything that makes this host fetch a URL. [Read] asks for no credentials, whatever a service answers.
package imds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// linkLocal is the address of the metadata service of EC2, Azure and GCE alike.
	linkLocal = "http://169.254.169.254"
	// timeout is for one request. The service is on the host's own hypervisor; outside a cloud nobody answers.
	timeout = time.Second
	// maxAnswer is more than the services ever answer, in bytes: user data has at most 16 KiB on EC2, 64 KiB on Azure, metadata 512 KiB on GCE.
	maxAnswer = 1 << 20
	// tries is how often one question is asked: the services shed load now and then.
	tries = 2
)

// ErrAbsent is wrapped by the error of a question that the service answered with "not found".
var ErrAbsent = errors.New("not there")

// A Service is the metadata service of an instance.
type Service struct {
	endpoint string
	client   *http.Client
}

// New returns the service at endpoint; empty means the link-local one.
func New(endpoint string) *Service {
	if endpoint == "" {
		endpoint = linkLocal
	}
	return &Service{
		endpoint: strings.TrimSuffix(endpoint, "/"),
		client: &http.Client{
			Timeout: timeout,
			Transport: &http.Transport{
				DialContext:       (&net.Dialer{Timeout: timeout}).DialContext,
				DisableKeepAlives: true, // asked once an hour
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// WithTimeout returns the same service with another limit for one request, instead of a second.
func (s *Service) WithTimeout(limit time.Duration) *Service {
	client := *s.client
	client.Timeout = limit
	return &Service{endpoint: s.endpoint, client: &client}
}

// A Token opens a session with the service of EC2. It never prints.
type Token string

// String returns "REDACTED".
func (Token) String() string { return redacted }

// GoString returns "REDACTED".
func (Token) GoString() string { return redacted }

// LogValue returns "REDACTED".
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "REDACTED".
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "REDACTED"

// Token asks EC2 for a session that is good for a minute.
func (s *Service) Token(ctx context.Context) (Token, error) {
	token, err := s.Ask(ctx, http.MethodPut, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	return Token(token), err
}

// EC2 asks for a path below /latest/, such as meta-data/placement/region.
func (s *Service) EC2(ctx context.Context, token Token, path string) (string, error) {
	return s.Ask(ctx, http.MethodGet, "/latest/"+path, "X-aws-ec2-metadata-token", string(token))
}

// Region returns the region that an EC2 instance runs in.
func (s *Service) Region(ctx context.Context) (string, error) {
	token, err := s.Token(ctx)
	if err != nil {
		return "", err
	}
	return s.EC2(ctx, token, "meta-data/placement/region")
}

// Ask asks one question, with one header, and returns the answer without the white space around it. An answer other than 200 is an
// error, one of 404 wraps [ErrAbsent].
func (s *Service) Ask(ctx context.Context, method, path, header, value string) (answer string, err error) {
	answer, err = s.fetch(ctx, method, path, header, value)
	return strings.TrimSpace(answer), err
}

// fetch is Ask with the answer as it comes.
func (s *Service) fetch(ctx context.Context, method, path, header, value string) (answer string, err error) {
	for range tries {
		var again bool
		if answer, again, err = s.askOnce(ctx, method, path, header, value); !again {
			return answer, err
		}
	}
	return answer, err
}

// askOnce reports whether to ask again after an error.
func (s *Service) askOnce(ctx context.Context, method, path, header, value string) (answer string, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.endpoint+path, nil)
	if err != nil {
		return "", false, fmt.Errorf("instance metadata: %w", err)
	}
	req.Header.Set(header, value)
	resp, err := s.client.Do(req)
	if err != nil {
		// Who doesn't answer in a second isn't there: asking again would only take longer to say so.
		return "", false, fmt.Errorf("instance metadata: %w", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return "", false, fmt.Errorf("instance metadata: %s %s: %s: %w", method, path, resp.Status, ErrAbsent)
	case resp.StatusCode != http.StatusOK:
		return "", resp.StatusCode >= 500, fmt.Errorf("instance metadata: %s %s: %s", method, path, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", true, fmt.Errorf("instance metadata: %s %s: %w", method, path, err)
	}
	return string(text), false, nil
}
