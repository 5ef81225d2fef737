package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"bellwether/imds"

	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
)

// sasVariable is where the Azure CLI has its SAS token.
const sasVariable = "AZURE_STORAGE_SAS_TOKEN"

// AzureCredentials prove rights in a container of Azure Blob Storage. They are read when they are needed, and again when
// they are about to expire, so that a file can be replaced while a run goes on.
//
// They are tokens that name their rights and their end. The key of an account, which may do everything forever, is never sent: tokens
// are made with it that may only create.
type AzureCredentials struct {
	from string
	read func(context.Context) (azureGrant, error)

	mu    sync.Mutex
	grant azureGrant
	next  time.Time // when to read again; zero where the grant doesn't expire
	valid bool
}

// SASFileCredentials are a SAS token in a file: the token itself, or a URL that ends with one. A file that others than
// its owner can read is refused.
func SASFileCredentials(name string) *AzureCredentials {
	return &AzureCredentials{from: "SAS token in " + name, read: func(context.Context) (azureGrant, error) { return readSAS(name) }}
}

// SASEnvCredentials are a SAS token in AZURE_STORAGE_SAS_TOKEN, asked of getenv.
func SASEnvCredentials(getenv func(string) string) *AzureCredentials {
	return &AzureCredentials{from: "SAS token in " + sasVariable, read: func(context.Context) (azureGrant, error) {
		text := getenv(sasVariable)
		if text == "" {
			return azureGrant{}, fmt.Errorf("%w: %s is not set", ErrCredentials, sasVariable)
		}
		grant, err := parseSAS(text)
		if err != nil {
			return azureGrant{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, sasVariable, err)
		}
		return grant, nil
	}}
}

// SASTextCredentials are a SAS token that was read from somewhere that can be read but once, such as standard input.
func SASTextCredentials(from, text string) *AzureCredentials {
	return &AzureCredentials{from: "SAS token from " + from, read: func(context.Context) (azureGrant, error) {
		grant, err := parseSAS(text)
		if err != nil {
			return azureGrant{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, from, err)
		}
		return grant, nil
	}}
}

// accountKeyFor is how long a token is good that is made with the key of an account.
const accountKeyFor = time.Hour

// AccountKeyCredentials are tokens made with the key of the storage account, which is in a file that its owner alone can read. They are
// good for an hour, and for creating and writing blobs in the one container. The key itself is never sent.
func AccountKeyCredentials(name string, at AzureURL) *AzureCredentials {
	return &AzureCredentials{from: "account key in " + name, read: func(context.Context) (azureGrant, error) {
		text, err := ReadSecret(name)
		if err != nil {
			return azureGrant{}, err
		}
		key, err := azblob.NewSharedKeyCredential(at.Account, strings.TrimSpace(text))
		if err != nil {
			return azureGrant{}, fmt.Errorf("%w: reading %s: not the key of a storage account", ErrCredentials, name)
		}
		end := time.Now().Add(accountKeyFor)
		query, err := sas.BlobSignatureValues{ContainerName: at.Container, Permissions: "cw", ExpiryTime: end}.SignWithSharedKey(key)
		if err != nil {
			return azureGrant{}, fmt.Errorf("%w: signing with the key in %s: %w", ErrCredentials, name, err)
		}
		return azureGrant{sas: secret(query.Encode()), rights: "cw", expires: end}, nil
	}}
}

// ManagedIdentityCredentials are those of the managed identity of the Azure VM. If it has several, the client id says
// which one.
func ManagedIdentityCredentials(service *imds.Service, clientID string) *AzureCredentials {
	from := "managed identity (IMDS)"
	if clientID != "" {
		from += " " + clientID
	}
	return &AzureCredentials{from: from, read: func(ctx context.Context) (azureGrant, error) { return azureToken(ctx, service, clientID) }}
}

// Describe says where the credentials come from, and what they allow and until when if that is known, without any secret.
func (c *AzureCredentials) Describe() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.from
	if c.grant.rights != "" {
		text += ", rights " + c.grant.rights
	}
	if !c.grant.expires.IsZero() {
		text += ", until " + c.grant.expires.UTC().Format(time.RFC3339)
	}
	return text
}

// String returns "REDACTED".
func (c *AzureCredentials) String() string { return redacted }

// GoString returns "REDACTED".
func (c *AzureCredentials) GoString() string { return redacted }

// LogValue returns "REDACTED".
func (c *AzureCredentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// An azureGrant is a credential once read: a SAS token or a bearer token.
type azureGrant struct {
	sas     secret // as it stands in a query
	bearer  secret
	rights  string    // of a SAS token, such as "cw"; empty if it doesn't say
	expires time.Time // zero if that isn't known
}

// String returns "REDACTED": within a struct that is printed, the fields can't say so themselves.
func (azureGrant) String() string { return redacted }

// GoString returns "REDACTED".
func (azureGrant) GoString() string { return redacted }

// current returns the grant that is good at the time now. Where it can't be read, one that is still good is kept.
func (c *AzureCredentials) current(ctx context.Context, now time.Time) (azureGrant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.valid && (c.next.IsZero() || now.Before(c.next)) {
		return c.grant, nil
	}
	grant, err := c.read(ctx)
	if err == nil && !grant.expires.IsZero() && !now.Before(grant.expires) {
		err = fmt.Errorf("%w: the %s expired at %s: renew it", ErrCredentials, c.from, grant.expires.UTC().Format(time.RFC3339))
	}
	if err != nil {
		if c.valid && now.Before(c.grant.expires) {
			c.next = now.Add(refreshEvery)
			return c.grant, nil
		}
		return azureGrant{}, err
	}
	c.grant, c.valid, c.next = grant, true, time.Time{}
	if !grant.expires.IsZero() {
		c.next = grant.expires.Add(-refreshBefore)
		if soon := now.Add(refreshEvery); c.next.Before(soon) {
			c.next = soon
		}
	}
	return grant, nil
}

// createsOnly reports whether the grant is known to allow Put Blob for a new name, and nothing else that makes a blob.
func (g azureGrant) createsOnly() bool {
	return strings.Contains(g.rights, "c") && !strings.Contains(g.rights, "w")
}

// sign adds the grant to a request.
func (g azureGrant) sign(req *http.Request, now time.Time) {
	if g.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+string(g.bearer))
		req.Header.Set("X-Ms-Date", now.UTC().Format(http.TimeFormat))
		return
	}
	if req.URL.RawQuery != "" {
		req.URL.RawQuery += "&"
	}
	req.URL.RawQuery += string(g.sas)
}

// readSAS reads the file name.
func readSAS(name string) (azureGrant, error) {
	f, err := os.Open(name)
	if err != nil {
		return azureGrant{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return azureGrant{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	if err := checkPrivate(name, info); err != nil {
		return azureGrant{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCredentialsFile))
	if err != nil {
		return azureGrant{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	grant, err := parseSAS(string(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if err != nil {
		return azureGrant{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, name, err)
	}
	return grant, nil
}

// parseSAS reads a SAS token: as the Azure CLI and the portal print it, in quotes or not, or at the end of a URL. Its
// errors never repeat what it read.
func parseSAS(text string) (azureGrant, error) {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	if _, query, ok := strings.Cut(text, "?"); ok {
		text = query
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		return azureGrant{}, errors.New("not a SAS token: it has a blank, a # or a character that is not ASCII")
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return azureGrant{}, errors.New("not a SAS token: not a query of names and values")
	}
	for _, name := range []string{"sv", "sig"} {
		if len(values[name]) != 1 || values.Get(name) == "" {
			return azureGrant{}, fmt.Errorf("not a SAS token: it wants one %s", name)
		}
	}
	for _, name := range []string{"comp", "restype", "prefix", "marker", "maxresults", "include"} {
		if values.Has(name) {
			return azureGrant{}, fmt.Errorf("not a SAS token alone: it has the parameter %s of a request", name)
		}
	}
	grant := azureGrant{sas: secret(text), rights: values.Get("sp")}
	// A token that refers to a stored access policy may leave its end to that.
	if end := values.Get("se"); end != "" {
		if grant.expires, err = parseSASTime(end); err != nil {
			return azureGrant{}, errors.New("not a SAS token: se is not a time")
		}
	}
	return grant, nil
}

// parseSASTime reads a time in one of the forms that a SAS token may have ("Create a service SAS", Azure documentation).
func parseSASTime(s string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, err
}
