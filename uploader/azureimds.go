package uploader

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"bellwether/imds"
)

const (
	// azureIMDSTimeout is for one request: the service may have to ask for the token itself.
	azureIMDSTimeout = 10 * time.Second
	// azureResource is what the token is for, in all clouds.
	azureResource = "https://storage.azure.com/"
)

// azureToken asks the instance metadata service of Azure for a token of the VM's managed identity ("How to use managed
// identities to acquire an access token", Azure documentation). It is at the same address as that of EC2; what keeps others
// from making this host ask is a header.
func azureToken(ctx context.Context, service *imds.Service, clientID string) (azureGrant, error) {
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {azureResource}}
	if clientID != "" {
		query.Set("client_id", clientID)
	}
	text, err := service.WithTimeout(azureIMDSTimeout).Ask(ctx, http.MethodGet, "/metadata/identity/oauth2/token?"+query.Encode(), "Metadata", "true")
	if err != nil {
		return azureGrant{}, fmt.Errorf("%w: no token; has the VM a managed identity, and if it has several, which one: %w", ErrCredentials, err)
	}
	var doc struct {
		Token   secret `json:"access_token"`
		Expires string `json:"expires_on"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.Token == "" {
		return azureGrant{}, fmt.Errorf("%w: the answer of the instance metadata is not a token", ErrCredentials)
	}
	seconds, err := strconv.ParseInt(doc.Expires, 10, 64)
	if err != nil {
		return azureGrant{}, fmt.Errorf("%w: the token of the instance metadata has no end", ErrCredentials)
	}
	return azureGrant{bearer: doc.Token, expires: time.Unix(seconds, 0)}, nil
}
