package uploader

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
)

const azureScheme = "azblob://"

// An AzureURL is a place in a container of Azure Blob Storage.
type AzureURL struct {
	Account   string
	Container string
	Prefix    string // as it stands in the URL; empty for the container itself
}

// The names that accounts and containers can have ("Naming rules and restrictions for Azure resources" and "Naming and
// referencing containers, blobs, and metadata", Azure documentation). The logs of Storage itself are in $logs.
var (
	validAccount   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	validContainer = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$|^\$(logs|root|web|blobchangefeed)$`)
)

// ParseAzureURL reads azblob://account/container/prefix. The prefix is taken as it stands: nothing in it is
// percent-decoded. A URL that carries a SAS token is refused, and not repeated in the error.
func ParseAzureURL(s string) (AzureURL, error) {
	if _, query, ok := strings.Cut(s, "?"); ok && strings.Contains(query, "sig=") {
		return AzureURL{}, errors.New("the URL carries a SAS token, which the list of processes shows to others: " +
			"put the token into a file of your own, or into " + sasVariable)
	}
	rest, ok := strings.CutPrefix(s, azureScheme)
	if !ok {
		return AzureURL{}, fmt.Errorf("%.200q: want azblob://account/container/prefix", s)
	}
	account, rest, _ := strings.Cut(rest, "/")
	container, prefix, _ := strings.Cut(rest, "/")
	if !validAccount.MatchString(account) {
		return AzureURL{}, fmt.Errorf("%.200q: not the name of a storage account: %.100q; want azblob://account/container/prefix", s, account)
	}
	if !validContainer.MatchString(container) || len(container) > 63 {
		return AzureURL{}, fmt.Errorf("%.200q: not the name of a container: %.100q; want azblob://account/container/prefix", s, container)
	}
	if err := checkPrefix(prefix); err != nil {
		return AzureURL{}, fmt.Errorf("%.200q: %w", s, err)
	}
	return AzureURL{Account: account, Container: container, Prefix: prefix}, nil
}

// ParseAzureStoreURL reads azblob://account/container/prefix for a store: the prefix is one that keys can stand below.
func ParseAzureStoreURL(s string) (AzureURL, error) {
	u, err := ParseAzureURL(s)
	if err != nil {
		return AzureURL{}, err
	}
	u.Prefix = strings.TrimSuffix(u.Prefix, "/")
	if err := checkStorePrefix(u.Prefix); err != nil {
		return AzureURL{}, fmt.Errorf("destination %.200q: %w", s, err)
	}
	return u, nil
}

// IsContainerSAS reports whether text is the URL of a container, or of a folder in it, with a SAS token.
func IsContainerSAS(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	query := u.Query()
	return query.Has("sig") && query.Has("sv") && query.Get("sr") != "b"
}

// ParseContainerSAS reads such a URL, with or without a prefix, for a store. Its errors never repeat what it read.
func ParseContainerSAS(text string) (at AzureURL, endpoint string, err error) {
	u, err := parseTarget(text)
	if err != nil {
		return AzureURL{}, "", err
	}
	base := url.URL{Scheme: u.Scheme, Host: u.Host}
	account, _, _ := strings.Cut(u.Hostname(), ".")
	path := strings.TrimPrefix(u.Path, "/")
	if isLoopback(u.Hostname()) { // the emulator has the account in the path
		account, path, _ = strings.Cut(path, "/")
		base.Path = "/" + account
	}
	at, err = ParseAzureStoreURL(azureScheme + account + "/" + path)
	if err != nil {
		return AzureURL{}, "", errors.New("not the URL of a container, with or without a prefix; want https://ACCOUNT.blob.core.windows.net/CONTAINER/IR-7?SAS")
	}
	return at, base.String(), nil
}

// Key returns the name in the container of an object of the store.
func (u AzureURL) Key(name string) string { return path.Join(u.Prefix, name) }

// String returns u in the form that [ParseAzureURL] reads.
func (u AzureURL) String() string { return joinURL(azureScheme+u.Account+"/"+u.Container, u.Prefix) }

// containerURL returns the URL of the container at the endpoint of the account's blob service. That of the public cloud is
// meant if it is empty. The credential goes there in the clear, so it must be https or this very host.
func (u AzureURL) containerURL(endpoint string) (string, error) {
	if endpoint == "" {
		endpoint = "https://" + u.Account + ".blob.core.windows.net"
	}
	e, err := url.Parse(endpoint)
	if err != nil || e.Host == "" || e.User != nil || e.RawQuery != "" || e.Fragment != "" {
		return "", errors.New("the Azure endpoint is not the URL of an account's blob service; want one such as https://" +
			u.Account + ".blob.core.usgovcloudapi.net")
	}
	if e.Scheme != "https" && (e.Scheme != "http" || !isLoopback(e.Hostname())) {
		return "", fmt.Errorf("Azure endpoint %q: want https, for the credential would be sent in the clear", e)
	}
	path := strings.Trim(e.Path, "/")
	if path == "" && !strings.HasPrefix(e.Host, u.Account+".") || path != "" && path != u.Account {
		return "", fmt.Errorf("Azure endpoint %q is not that of the account %s; want one such as https://%s.blob.core.usgovcloudapi.net, or http://127.0.0.1:10000/%s",
			e, u.Account, u.Account, u.Account)
	}
	return e.JoinPath(u.Container).String(), nil
}

// isLoopback reports whether host is an address of this very host.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip.IsLoopback() || host == "localhost"
}
