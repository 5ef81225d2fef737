package uploadertest

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
)

const (
	// azurite is the server of Azure Blob Storage that the tests run: Microsoft's own emulator, MIT, from npm.
	azurite        = "azurite"
	azuriteVersion = "3.37.0"

	// AzuriteAccount is the account of the emulator. It and its key are public ("Use the Azurite emulator for
	// local Azure Storage development", Azure documentation).
	AzuriteAccount = "devstoreaccount1"
	// AzuriteKey is the account's key.
	AzuriteKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// azuriteTool returns the folder of the server, and installs it if it isn't there. It needs npm.
func azuriteTool(ctx context.Context) (string, error) {
	return tool(ctx, azurite+"-"+azuriteVersion, func(ctx context.Context, dir string) (string, error) {
		cmd := exec.CommandContext(ctx, "npm", "install", //nolint:gosec // whoever runs the tests chose the folder
			"--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund",
			"--no-update-notifier", azurite+"@"+azuriteVersion)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm install %s@%s: %w\n%s", azurite, azuriteVersion, err, out)
		}
		return dir, nil
	})
}

// Azurite starts a real server of Azure Blob Storage on a free port of 127.0.0.1 and returns the URL of its account. The
// test fails if there is none and none can be installed. The server ends with the test, and its data with it.
func Azurite(t testing.TB) (endpoint string) {
	t.Helper()
	return runAzurite(t, "http")
}

// AzuriteTLS is [Azurite] with TLS, which alone takes bearer tokens: any that [AzuriteToken] makes. The transport trusts it.
func AzuriteTLS(t testing.TB) (endpoint string, trusts http.RoundTripper) {
	t.Helper()
	// The certificate of httptest is good for 127.0.0.1.
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	endpoint = runAzurite(t, "https", "--oauth", "basic", "--cert", certFile, "--key", keyFile)
	return endpoint, server.Client().Transport
}

// AzuriteToken returns a bearer token for the server of [AzuriteTLS], which looks at what it says, and at no signature.
func AzuriteToken(t testing.TB, audience string) string {
	t.Helper()
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"aud": audience, "iss": "https://sts.windows.net/11111111-1111-1111-1111-111111111111/", "ver": "1.0",
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." + encode(claims) + "." + encode([]byte("no signature"))
}

func runAzurite(t testing.TB, scheme string, args ...string) (endpoint string) {
	t.Helper()
	dir, err := azuriteTool(t.Context())
	if err != nil {
		t.Fatalf("the Azure server for tests: %v", err)
	}
	for range 3 { // another process may take the port between its choice and its use
		if endpoint, err = startAzurite(t, dir, scheme, args); err == nil {
			return endpoint
		}
	}
	t.Fatalf("the Azure server for tests: %v", err)
	return ""
}

func startAzurite(t testing.TB, dir, scheme string, args []string) (endpoint string, err error) {
	t.Helper()
	addr, err := freePort(t.Context())
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	main := filepath.Join(dir, "node_modules", "azurite", "dist", "src", "blob", "main.js")
	args = append([]string{main, "--blobHost", host, "--blobPort", port, "--location", t.TempDir(), "--silent",
		"--skipApiVersionCheck", "--disableTelemetry"}, args...)
	cmd := exec.CommandContext(t.Context(), "node", args...)
	endpoint = scheme + "://" + addr + "/" + AzuriteAccount
	return endpoint, start(t, cmd, endpoint)
}

// A Container is a container of a server, as one who may do everything with it sees it: a test, not a source.
type Container struct {
	Name   string
	client *container.Client
}

// NewContainer makes a container on the server at endpoint, which [Azurite] returns, or a [Proxy] to one.
func NewContainer(t testing.TB, endpoint, name string) *Container {
	t.Helper()
	key, err := container.NewSharedKeyCredential(AzuriteAccount, AzuriteKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(endpoint+"/"+name, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return &Container{Name: name, client: client}
}

// SAS returns a token for the container that has the rights, such as "rl", for an hour.
func (c *Container) SAS(t testing.TB, rights string) string {
	t.Helper()
	return c.sign(t, sas.BlobSignatureValues{ContainerName: c.Name, Permissions: rights})
}

// BlobSAS returns a token for one blob that has the rights, such as "r", for an hour.
func (c *Container) BlobSAS(t testing.TB, key, rights string) string {
	t.Helper()
	return c.sign(t, sas.BlobSignatureValues{ContainerName: c.Name, BlobName: key, Permissions: rights})
}

func (c *Container) sign(t testing.TB, values sas.BlobSignatureValues) string {
	t.Helper()
	key, err := container.NewSharedKeyCredential(AzuriteAccount, AzuriteKey)
	if err != nil {
		t.Fatal(err)
	}
	values.ExpiryTime = time.Now().Add(time.Hour)
	query, err := values.SignWithSharedKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return query.Encode()
}

// Put makes an object, or replaces it.
func (c *Container) Put(ctx context.Context, key string, data []byte) error {
	_, err := c.client.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(bytes.NewReader(data)), nil)
	return err
}

// Read returns the bytes of an object. It is an error if there is none.
func (c *Container) Read(ctx context.Context, key string) ([]byte, error) {
	resp, err := c.client.NewBlobClient(key).DownloadStream(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

// Metadata returns what was kept with an object, its names in lower case.
func (c *Container) Metadata(ctx context.Context, key string) (map[string]string, error) {
	p, err := c.client.NewBlobClient(key).GetProperties(ctx, nil)
	if err != nil {
		return nil, err
	}
	kept := map[string]string{}
	for name, value := range p.Metadata {
		kept[strings.ToLower(name)] = *value
	}
	return kept, nil
}
