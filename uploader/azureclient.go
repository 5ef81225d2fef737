package uploader

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// AzureOptions are the options of [NewAzure] and of [OpenAzureSource], which holds no memory and waits for a minute if RetryFor
// is 0. URL and Credentials are required.
type AzureOptions struct {
	URL         AzureURL
	Credentials *AzureCredentials
	Endpoint    string                                // of the account's blob service; empty: the public cloud's
	Proxy       func(*http.Request) (*url.URL, error) // nil: none

	Scratch Scratch // of a store, for objects that its token allows to send whole only

	Limits
}

// newAzureClient makes the client of a container, and asks for the credentials, but makes no request to the store. The library never
// sees the credential, so that it can't tell it, and doesn't retry: our retries wait longer.
func newAzureClient(ctx context.Context, opt AzureOptions, transport http.RoundTripper) (*container.Client, error) {
	if opt.Credentials == nil {
		return nil, fmt.Errorf("%w: name a file with a SAS token, or ask for the environment or the managed identity", ErrCredentials)
	}
	at, err := opt.URL.containerURL(opt.Endpoint)
	if err != nil {
		return nil, err
	}
	if _, err := opt.Credentials.current(ctx, opt.Now()); err != nil {
		return nil, err
	}
	return container.NewClientWithNoCredential(at, &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: &azureTransport{next: transport, creds: opt.Credentials, now: opt.Now},
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{Disabled: true},
	}})
}

// An azureTransport adds the credential to requests, when nobody else sees them any more. It follows no redirects.
type azureTransport struct {
	next  http.RoundTripper
	creds *AzureCredentials
	now   func() time.Time
}

// Do makes one request.
func (t *azureTransport) Do(req *http.Request) (*http.Response, error) {
	now := t.now()
	grant, err := t.creds.current(req.Context(), now)
	if err != nil {
		return nil, err
	}
	signed := req.Clone(req.Context())
	grant.sign(signed, now)
	resp, err := t.next.RoundTrip(signed)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	return resp, nil
}
