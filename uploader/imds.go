package uploader

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// imdsEndpoint is the link-local address of the EC2 instance metadata service.
	imdsEndpoint = "http://169.254.169.254"
	// imdsTimeout is for one request. The service is on the host's own hypervisor; off EC2 nobody answers.
	imdsTimeout = time.Second
	// imdsMax is more than the service ever answers.
	imdsMax = 64 << 10
	// imdsTries is how often one question is asked: the service sheds load now and then.
	imdsTries = 2
)

// IMDS asks the metadata service of the EC2 instance, version 2 alone: each question carries a token that was asked for
// by PUT. There is no way back to version 1, which anything that makes this host fetch a URL can use, and no proxy, which
// would be handed the role's keys. (minio-go's own provider has the first, and by default the second.)
type IMDS struct {
	endpoint string
	client   *http.Client
}

// NewIMDS returns the service at endpoint; empty means the one of EC2.
func NewIMDS(endpoint string) *IMDS {
	if endpoint == "" {
		endpoint = imdsEndpoint
	}
	return &IMDS{
		endpoint: strings.TrimSuffix(endpoint, "/"),
		client: &http.Client{
			Timeout: imdsTimeout,
			Transport: &http.Transport{
				DialContext:       (&net.Dialer{Timeout: imdsTimeout}).DialContext,
				DisableKeepAlives: true, // asked once an hour
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Region returns the region that the instance runs in.
func (m *IMDS) Region(ctx context.Context) (string, error) {
	token, err := m.token(ctx)
	if err != nil {
		return "", err
	}
	return m.get(ctx, token, "placement/region")
}

// credentials returns those of the instance's role.
func (m *IMDS) credentials(ctx context.Context) (keys, error) {
	const path = "iam/security-credentials/"
	token, err := m.token(ctx)
	if err != nil {
		return keys{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	list, err := m.get(ctx, token, path)
	if err != nil {
		return keys{}, fmt.Errorf("%w: the instance has no role: %w", ErrCredentials, err)
	}
	role, _, _ := strings.Cut(list, "\n")
	if role = strings.TrimSpace(role); role == "" || strings.ContainsAny(role, "/?#% ") {
		return keys{}, fmt.Errorf("%w: the instance has no role", ErrCredentials)
	}
	text, err := m.get(ctx, token, path+role)
	if err != nil {
		return keys{}, fmt.Errorf("%w: asking for the keys of role %s: %w", ErrCredentials, role, err)
	}
	var doc struct {
		keys
		Code  string
		Token secret
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return keys{}, fmt.Errorf("%w: the keys of role %s are not JSON", ErrCredentials, role)
	}
	if doc.Code != "" && doc.Code != "Success" {
		return keys{}, fmt.Errorf("%w: the instance can't take its role %s: %.100s", ErrCredentials, role, doc.Code)
	}
	doc.SessionToken = doc.Token
	if err := doc.check(); err != nil {
		return keys{}, fmt.Errorf("%w: the keys of role %s: %w", ErrCredentials, role, err)
	}
	return doc.keys, nil
}

// token asks for a session. Each question gets its own, good for a minute.
func (m *IMDS) token(ctx context.Context) (secret, error) {
	token, err := m.ask(ctx, http.MethodPut, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	return secret(token), err
}

// get asks for a path below meta-data.
func (m *IMDS) get(ctx context.Context, token secret, path string) (string, error) {
	return m.ask(ctx, http.MethodGet, "/latest/meta-data/"+path, "X-aws-ec2-metadata-token", string(token))
}

func (m *IMDS) ask(ctx context.Context, method, path, header, value string) (answer string, err error) {
	for range imdsTries {
		var again bool
		if answer, again, err = m.askOnce(ctx, method, path, header, value); !again {
			return answer, err
		}
	}
	return answer, err
}

// askOnce reports whether to ask again after an error.
func (m *IMDS) askOnce(ctx context.Context, method, path, header, value string) (answer string, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, m.endpoint+path, nil)
	if err != nil {
		return "", false, fmt.Errorf("instance metadata: %w", err)
	}
	req.Header.Set(header, value)
	resp, err := m.client.Do(req)
	if err != nil {
		// Who doesn't answer in a second isn't there: asking again would only take longer to say so.
		return "", false, fmt.Errorf("instance metadata: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", resp.StatusCode >= 500, fmt.Errorf("instance metadata: %s %s: %s", method, path, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, imdsMax))
	if err != nil {
		return "", true, fmt.Errorf("instance metadata: %s %s: %w", method, path, err)
	}
	return strings.TrimSpace(string(text)), false, nil
}

// callerContext is the context of the request that needs credentials.
func callerContext(cc *credentials.CredContext) context.Context {
	if cc == nil || cc.Context == nil {
		return context.Background()
	}
	return cc.Context
}
