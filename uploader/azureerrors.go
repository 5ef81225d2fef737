package uploader

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// An answerError is an answer of Azure, or of what a ticket leads to, that is an error. That of Azure's library prints the whole answer,
// and its request.
type answerError struct {
	from   string // who answers; empty: Azure
	status int
	code   string // "Blob Storage error codes", Azure documentation, or those of S3; empty if there is none
}

func (e *answerError) Error() string {
	from := cmp.Or(e.from, "Azure")
	if e.code == "" {
		return fmt.Sprintf("%s answers %d", from, e.status)
	}
	return fmt.Sprintf("%s answers %d %.100q", from, e.status, e.code)
}

// azureFailed returns our error in place of the library's.
func azureFailed(err error) error {
	var resp *azcore.ResponseError
	if errors.As(err, &resp) {
		return &answerError{status: resp.StatusCode, code: resp.ErrorCode}
	}
	return err
}

// explain adds to an error what it means, and what can be done about it.
func (s *AzureSource) explain(err error, list bool) error {
	right := "the right r (read), or the role Storage Blob Data Reader"
	if list {
		right = "the right l (list), for the container and not for a blob, or the role Storage Blob Data Reader"
	}
	return explainAzure(err, s.creds.from, right)
}

// explainAzure adds to an error what it means, and what can be done about it. Credentials are from where, and need the right.
func explainAzure(err error, from, right string) error {
	var resp *answerError
	if !errors.As(err, &resp) {
		return explainNet(err)
	}
	switch resp.code {
	case "ContainerNotFound", "ResourceNotFound":
		return fmt.Errorf("%w: %w; check the names of the account and the container", fs.ErrNotExist, err)
	case "BlobArchived", "BlobBeingRehydrated":
		return fmt.Errorf("%w; it is in the archive tier: rehydrate it first", err)
	case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
		return fmt.Errorf("%w: the store refuses the %s: %w; renew it, and check this host's clock", ErrCredentials, from, err)
	case "AuthorizationFailure", "AuthorizationSourceIPMismatch", "AuthorizationProtocolMismatch":
		return fmt.Errorf("%w: %w; the token is not for this container, or the network rules of the account or the token don't let this host in", fs.ErrPermission, err)
	case "InvalidBlockList":
		return fmt.Errorf("%w; blocks were dropped at the store: collect again", err)
	}
	switch resp.status {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w; the %s must have %s", fs.ErrPermission, err, from, right)
	}
	return err
}

// explainNet adds to an error of the network what can be done about it.
func explainNet(err error) error {
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("%w; check the endpoint, and the certificates that this host trusts", err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("%w; check the names in the URL", err)
	}
	return err
}
