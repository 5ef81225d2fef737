package uploader

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bellwether/imds"
)

const exampleSAS = "sv=2024-11-04&sr=c&sp=rl&se=2026-11-22T16:15:00Z&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"

func TestParseSAS(t *testing.T) {
	end := time.Date(2026, 11, 22, 16, 15, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		text, want string
		expires    time.Time
	}{
		"plain":      {exampleSAS, exampleSAS, end},
		"query":      {"?" + exampleSAS + "\r\n", exampleSAS, end},
		"CLI":        {`"` + exampleSAS + `"` + "\n", exampleSAS, end},
		"URL":        {"https://account.blob.core.windows.net/container?" + exampleSAS, exampleSAS, end},
		"no end":     {"sv=1&si=policy&sig=x", "sv=1&si=policy&sig=x", time.Time{}},
		"a minute":   {"sv=1&se=2026-11-22T16:15Z&sig=x", "sv=1&se=2026-11-22T16:15Z&sig=x", end},
		"a day":      {"sv=1&se=2026-11-22&sig=x", "sv=1&se=2026-11-22&sig=x", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		"escaped":    {"sv=1&se=2026-11-22T16%3A15%3A00Z&sig=x", "sv=1&se=2026-11-22T16%3A15%3A00Z&sig=x", end},
		"empty name": {"sv=1&sig=x&", "sv=1&sig=x&", time.Time{}},
	} {
		got, err := parseSAS(test.text)
		if err != nil || string(got.sas) != test.want || !got.expires.Equal(test.expires) {
			t.Errorf("%s: got %q until %s, %v; want %q until %s", name, string(got.sas), got.expires, err, test.want, test.expires)
		}
	}
	for _, text := range []string{
		"", "?", "sv=1", "sig=c2VjcmV0", "sv=1&sig=", "sv=1&sig=c2VjcmV0&sig=c2VjcmV0", "sv=1&sig=c2VjcmV0 x", "sv=1&sig=c2VjcmV0\nx", "sv=1&sig=c2VjcmV0#x",
		"sv=1&sig=c2VjcmV0%zz", "sv=1;sig=c2VjcmV0", "sv=1&sig=c2VjcmV0&se=tomorrow", "sv=1&sig=c2VjcmV0ü", "sv=1&sig=c2VjcmV0&comp=list&restype=container",
		"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0",
	} {
		_, err := parseSAS(text)
		if err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%q: got error %v, want one that doesn't repeat it", text, err)
		}
	}
}

// What parses can be sent as it stands, and what doesn't is not repeated in the error.
func FuzzParseSAS(f *testing.F) {
	for _, seed := range []string{exampleSAS, "?" + exampleSAS, `"` + exampleSAS + `"`, "https://a/b?" + exampleSAS, "sv=1&sig=%", "sv=1&se=x&sig=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const canary = "CANARY7Q"
		if _, err := parseSAS(strings.ReplaceAll(text, "=", "="+canary)); err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the error repeats what it read: %v", err)
		}
		grant, err := parseSAS(text)
		if err != nil {
			return
		}
		req := httptest.NewRequest(http.MethodGet, "https://account.blob.core.windows.net/container?comp=list&prefix=a%26sig%3Db", nil)
		grant.sign(req, time.Time{})
		again, err := url.Parse(req.URL.String())
		if err != nil || again.Host != "account.blob.core.windows.net" || again.Query().Get("comp") != "list" || again.Query().Get("prefix") != "a&sig=b" ||
			again.Query().Get("sig") == "" || len(again.Query()["comp"]) != 1 {
			t.Errorf("%q makes the request %q, %v", text, req.URL, err)
		}
	})
}

func TestSASFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sas")
	if err := os.WriteFile(name, []byte("\ufeff?"+exampleSAS+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	early := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	c := SASFileCredentials(name)
	if grant, err := c.current(t.Context(), early); err != nil || string(grant.sas) != exampleSAS {
		t.Errorf("got another token than wanted, error %v", err)
	}
	if got, want := c.Describe(), "SAS token in "+name+", rights rl, until 2026-11-22T16:15:00Z"; got != want {
		t.Errorf("got description %q, want %q", got, want)
	}
	if _, err := SASFileCredentials(name+".none").current(t.Context(), early); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, ErrCredentials) {
		t.Errorf("no file: got error %v", err)
	}
	if _, err := SASEnvCredentials(func(string) string { return "" }).current(t.Context(), early); !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), sasVariable) {
		t.Errorf("not set: got error %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(name, 0o644); err != nil { //nolint:gosec // so that it is refused
		t.Fatal(err)
	}
	if _, err := SASFileCredentials(name).current(t.Context(), early); !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by all: got error %v", err)
	}
}

// No way of printing shows a token.
func TestAzureSecretsDontPrint(t *testing.T) {
	c := SASEnvCredentials(func(string) string { return exampleSAS })
	if _, err := c.current(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	source, err := OpenAzureSource(t.Context(), AzureOptions{
		URL: AzureURL{"account", "container", ""}, Credentials: c, Limits: Limits{Now: func() time.Time { return time.Time{} }},
	})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	for _, v := range []any{c, c.grant, AzureOptions{Credentials: c}, source} {
		asJSON, _ := json.Marshal(v) // options have functions, and no JSON
		log.Info("x", "v", v)
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%q", v), string(asJSON), logged.String()} {
			if strings.Contains(text, "c2VjcmV0") {
				t.Errorf("%T shows the token: %s", v, text)
			}
		}
	}
}

// fakeAzureIMDS answers as the service of Azure does.
func fakeAzureIMDS(t *testing.T, status int, doc string, queries *[]url.Values) *imds.Service {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/metadata/identity/oauth2/token" || r.Header.Get("Metadata") != "true" {
			t.Errorf("got request %s %s with headers %v", r.Method, r.URL, r.Header)
		}
		*queries = append(*queries, r.URL.Query())
		w.WriteHeader(status)
		fmt.Fprint(w, doc)
	}))
	t.Cleanup(server.Close)
	return imds.New(server.URL)
}

func TestManagedIdentity(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var queries []url.Values
	service := fakeAzureIMDS(t, 200, `{"access_token": "c2VjcmV0", "client_id": "c", "expires_in": "3600", "expires_on": "1700003600",
		"resource": "https://storage.azure.com/", "token_type": "Bearer"}`, &queries)
	var got []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	source, err := OpenAzureSource(t.Context(), AzureOptions{
		URL: AzureURL{"account", "container", "x"}, Endpoint: server.URL + "/account",
		Credentials: ManagedIdentityCredentials(service, "an-id"), Limits: Limits{Now: func() time.Time { return now }},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := source.Open(t.Context(), ""); err == nil || strings.Contains(err.Error(), "c2VjcmV0") || !strings.Contains(err.Error(), "managed identity (IMDS) an-id must have") {
			t.Errorf("got error %v", err)
		}
	}
	if len(got) != 2 || got[0].Get("Authorization") != "Bearer c2VjcmV0" || got[0].Get("X-Ms-Date") != "Tue, 14 Nov 2023 22:13:20 GMT" || got[0].Get("X-Ms-Version") == "" {
		t.Errorf("got headers %v", got)
	}
	if len(queries) != 1 || queries[0].Get("resource") != "https://storage.azure.com/" || queries[0].Get("client_id") != "an-id" {
		t.Errorf("the instance metadata was asked for %v", queries)
	}
	now = now.Add(56 * time.Minute)
	if _, err := source.Open(t.Context(), ""); err == nil {
		t.Error("got no error")
	}
	if len(queries) != 2 {
		t.Errorf("the instance metadata was asked %d times, want 2", len(queries))
	}
}

func TestManagedIdentityErrors(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		doc    string
		says   string
	}{
		"no identity": {400, `{"error": "invalid_request", "error_description": "Identity not found"}`, "has the VM a managed identity"},
		"busy":        {500, "", "500"},
		"not JSON":    {200, "c2VjcmV0", "not a token"},
		"no token":    {200, `{"expires_on": "1"}`, "not a token"},
		"no end":      {200, `{"access_token": "c2VjcmV0"}`, "no end"},
	} {
		var queries []url.Values
		service := fakeAzureIMDS(t, test.status, test.doc, &queries)
		_, err := ManagedIdentityCredentials(service, "").current(t.Context(), time.Time{})
		if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: got error %v, want one that says %q", name, err, test.says)
		}
		if len(queries) == 0 || queries[0].Has("client_id") {
			t.Errorf("%s: the instance metadata was asked for %v", name, queries)
		}
	}
}
