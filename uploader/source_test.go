package uploader_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether/imds"
	"bellwether/uploader"
	"bellwether/uploader/uploadertest"
)

// listAll returns the keys that a source lists.
func listAll(ctx context.Context, source uploader.Source) (keys []string, err error) {
	err = source.List(ctx, func(e uploader.Entry) error {
		keys = append(keys, e.Key)
		return nil
	})
	return keys, err
}

// open opens an object and closes it.
func open(ctx context.Context, source uploader.Source, key string) error {
	object, err := source.Open(ctx, key)
	if err != nil {
		return err
	}
	return object.Close()
}

// The server itself refuses whatever the rights don't cover, and the error names the right that is missing.
func TestS3SourceRights(t *testing.T) {
	endpoint, access, secret := uploadertest.VersityGW(t)
	for i, test := range []struct {
		list, get bool
		prefix    string
		keys      []string
		listSays  string
		key       string
		openSays  string
	}{
		{true, true, "IR-7", []string{"a", "b/c"}, "", "a", ""},
		{true, false, "IR-7", []string{"a", "b/c"}, "", "a", "s3:GetObject on s3://bucket-1/IR-7*"},
		{false, true, "IR-7", nil, "s3:ListBucket on s3://bucket-2", "a", ""},
		{false, true, "IR-7/a", []string{""}, "", "", ""},
		{false, false, "IR-7", nil, "s3:ListBucket on s3://bucket-4", "a", "s3:GetObject on s3://bucket-4/IR-7*"},
		{false, false, "IR-7/a", nil, "s3:ListBucket on s3://bucket-5", "", "s3:GetObject on s3://bucket-5/IR-7/a*"},
		{true, true, "IR-8", nil, "", "d", "s3:GetObject on s3://bucket-6/IR-8*"},
	} {
		bucket := uploadertest.NewBucket(t, endpoint, access, secret, fmt.Sprintf("bucket-%d", i))
		for _, key := range []string{"IR-7/a", "IR-7/b/c"} {
			if err := bucket.Put(t.Context(), key, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		readerAccess, readerSecret := bucket.Reader(t, "IR-7", test.list, test.get)
		source := openS3Source(t, endpoint, readerAccess, readerSecret, bucket.Name, test.prefix)
		keys, err := listAll(t.Context(), source)
		checkRefusal(t, fmt.Sprintf("list %d", i), err, test.listSays)
		if !slices.Equal(keys, test.keys) {
			t.Errorf("list %d: got %q, want %q", i, keys, test.keys)
		}
		checkRefusal(t, fmt.Sprintf("open %d", i), open(t.Context(), source, test.key), test.openSays)
	}
}

// checkRefusal checks that err is nil if says is empty, and else a refusal that says so.
func checkRefusal(t *testing.T, what string, err error, says string) {
	t.Helper()
	switch {
	case says == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case says != "" && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), says)):
		t.Errorf("%s: got error %v, want fs.ErrPermission that says %q", what, err, says)
	}
}

func TestAzureSourceRights(t *testing.T) {
	endpoint := strings.TrimSuffix(uploadertest.Azurite(t), "/"+uploadertest.AzuriteAccount)
	container := uploadertest.NewContainer(t, endpoint+"/"+uploadertest.AzuriteAccount, "rights")
	for _, key := range []string{"IR-7/a", "IR-7/b/c"} {
		if err := container.Put(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, token string
		prefix      string
		keys        []string
		listSays    string
		key         string
		openSays    string
	}{
		{"all", container.SAS(t, "rl"), "IR-7", []string{"a", "b/c"}, "", "a", ""},
		{"list", container.SAS(t, "l"), "IR-7", []string{"a", "b/c"}, "", "a", "the right r (read)"},
		{"read", container.SAS(t, "r"), "IR-7", nil, "the right l (list)", "a", ""},
		{"read one", container.SAS(t, "r"), "IR-7/a", []string{""}, "", "", ""},
		{"blob", container.BlobSAS(t, "IR-7/a", "r"), "IR-7/a", []string{""}, "", "", ""},
		{"write", container.SAS(t, "cw"), "IR-7/a", nil, "the right l (list)", "", "the right r (read)"},
	} {
		source := openAzureSource(t, endpoint, container.Name, test.prefix, test.token, nil)
		keys, err := listAll(t.Context(), source)
		checkRefusal(t, test.name+": list", err, test.listSays)
		if !slices.Equal(keys, test.keys) {
			t.Errorf("%s: got %q, want %q", test.name, keys, test.keys)
		}
		checkRefusal(t, test.name+": open", open(t.Context(), source, test.key), test.openSays)
	}

	for name, test := range map[string]struct{ container, token string }{
		"another container": {"nowhere", container.SAS(t, "rl")},
		"wrong signature":   {container.Name, strings.Replace(container.SAS(t, "rl"), "sig=", "sig=A", 1)},
	} {
		source := openAzureSource(t, endpoint, test.container, "x", test.token, nil)
		_, err := listAll(t.Context(), source)
		for _, err := range []error{err, open(t.Context(), source, "y")} {
			// Azure itself answers AuthenticationFailed.
			checkRefusal(t, name, err, "not for this container")
			checkUntold(t, name, err, test.token)
		}
	}
}

// checkUntold checks that nothing of a SAS token's signature is in what is printed of v.
func checkUntold(t *testing.T, what string, v any, token string) {
	t.Helper()
	values, err := url.ParseQuery(token)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v)
	for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v %#v %q", v, v, v), string(asJSON), logged.String()} {
		if strings.Contains(text, values.Get("sig")) || strings.Contains(text, url.QueryEscape(values.Get("sig"))) {
			t.Errorf("%s tells the signature: %s", what, text)
		}
	}
}

const exampleSAS = "sv=2024-11-04&sr=c&sp=rl&se=2099-01-01T00:00:00Z&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"

// What the store answers is not asked for again if that is of no use, and the error says what to do.
func TestSourceRefusals(t *testing.T) {
	var status int
	var code string
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("X-Ms-Error-Code", code)
		uploadertest.Refuse(status, code)(w, r, nil)
	}))
	defer server.Close()
	s3 := openS3Source(t, server.URL, "a", "s", "bucket", "IR-7/")
	azure := openAzureSource(t, server.URL, "container", "IR-7/", exampleSAS, nil)
	for _, test := range []struct {
		source uploader.Source
		status int
		code   string
		want   error
		says   string
	}{
		{s3, 403, "AccessDenied", fs.ErrPermission, "must allow s3:"},
		{s3, 404, "NoSuchBucket", fs.ErrNotExist, "name of the bucket"},
		{s3, 301, "PermanentRedirect", nil, "--s3-region"},
		{s3, 403, "SignatureDoesNotMatch", uploader.ErrCredentials, "renew"},
		{s3, 403, "InvalidObjectState", nil, "restore it"},
		{azure, 403, "AuthorizationPermissionMismatch", fs.ErrPermission, "Storage Blob Data Reader"},
		{azure, 403, "AuthorizationFailure", fs.ErrPermission, "network rules"},
		{azure, 403, "AuthenticationFailed", uploader.ErrCredentials, "renew"},
		{azure, 401, "NoAuthenticationInformation", uploader.ErrCredentials, "renew"},
		{azure, 404, "ContainerNotFound", fs.ErrNotExist, "account and the container"},
		{azure, 404, "", fs.ErrNotExist, "404"},
		{azure, 409, "BlobArchived", nil, "rehydrate"},
		{azure, 409, "PublicAccessNotPermitted", nil, "PublicAccessNotPermitted"},
		{azure, 302, "", nil, "302"},
	} {
		status, code, requests = test.status, test.code, 0
		_, err := listAll(t.Context(), test.source)
		for _, err := range []error{err, open(t.Context(), test.source, "x")} {
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: got error %v, want %v", test.code, err, test.want)
			}
			if text := fmt.Sprint(err); !strings.Contains(text, test.says) || !strings.Contains(text, "IR-7/") || strings.Contains(text, "\n") {
				t.Errorf("%s: error %q names not both the source and %q in one line", test.code, text, test.says)
			}
			checkUntold(t, test.code, err, exampleSAS)
		}
		if requests != 2 {
			t.Errorf("%s: got %d requests, want 2", test.code, requests)
		}
	}
}

// A source that stays away is given up after a minute, by default, and the error tells no secret.
func TestSourceUnreachable(t *testing.T) {
	front := httptest.NewServer(nil)
	front.Close()
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	var logged strings.Builder
	for _, source := range []uploader.Source{
		openS3Source(t, front.URL, "a", "s", "bucket", "x"),
		openAzureSource(t, front.URL, "container", "x", exampleSAS, func(opt *uploader.AzureOptions) {
			opt.Now, opt.Sleep = c.Now, c.Sleep
			opt.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		}),
	} {
		_, err := listAll(t.Context(), source)
		for _, err := range []error{err, open(t.Context(), source, "y")} {
			if !errors.Is(err, uploader.ErrUnreachable) {
				t.Errorf("%v: got error %v, want ErrUnreachable", source, err)
			}
			checkUntold(t, source.Name(""), err, exampleSAS)
		}
	}
	if waited := c.Now().Sub(time.Unix(1_700_000_000, 0)); waited < time.Minute || waited > 2*time.Minute {
		t.Errorf("waited for %s, want a minute", waited)
	}
	if !strings.Contains(logged.String(), "trying again") {
		t.Errorf("the log doesn't tell of it: %s", logged.String())
	}
	checkUntold(t, "the log", logged.String(), exampleSAS)
}

// A connection on which nothing moves is given up, before the answer and in the middle of it.
func TestSourceStall(t *testing.T) {
	s := newServer(t)
	data := content(1 << 20)
	if err := s.bucket.Put(t.Context(), "x", data); err != nil {
		t.Fatal(err)
	}
	source := openS3Source(t, s.proxy.URL, s.access, s.secret, s.bucket.Name, "x")
	source.SetStall(time.Second)
	hangInBody := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Length", "1048576")
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // it shows in the test if it did not
		<-r.Context().Done()
	}
	left := s.proxy.Next(func(*http.Request) bool { return true }, uploadertest.Hang)
	if keys, err := listAll(t.Context(), source); err != nil || !slices.Equal(keys, []string{""}) {
		t.Errorf("got %q, %v", keys, err)
	}
	if n := left(); n != 0 {
		t.Errorf("%d faults were not met", n)
	}
	s.proxy.Next(func(*http.Request) bool { return true }, hangInBody)
	object, err := source.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	// What hung was another object than the one that is there.
	if _, err := io.Copy(io.Discard, object); !errors.Is(err, uploader.ErrChanged) {
		t.Errorf("got error %v, want ErrChanged", err)
	}
}

// A store that can't do what the reading needs is not read wrongly, and not for ever.
func TestSourceOddStores(t *testing.T) {
	var answer func(http.ResponseWriter, *http.Request)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer server.Close()
	s3 := openS3Source(t, server.URL, "a", "s", "bucket", "p/")
	azure := openAzureSource(t, server.URL, "container", "p/", exampleSAS, nil)
	azure.SetPage(1)
	s3.SetPage(1)
	for name, test := range map[string]struct {
		source uploader.Source
		text   string
	}{
		"knows no start-after": {s3, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>
			<Contents><Key>p/a</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents></ListBucketResult>`},
		"another prefix": {s3, `<ListBucketResult><Contents><Key>q/a</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size></Contents></ListBucketResult>`},
		"a marker that stays": {azure, `<EnumerationResults><Blobs><Blob><Name>p/a</Name><Properties><Content-Length>1</Content-Length></Properties></Blob></Blobs>
			<NextMarker>m</NextMarker></EnumerationResults>`},
		"no properties": {azure, `<EnumerationResults><Blobs><Blob><Name>p/a</Name></Blob></Blobs></EnumerationResults>`},
		"not XML":       {azure, `{}`},
	} {
		requests := 0
		answer = func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.Header().Set("Content-Type", "application/xml")
			fmt.Fprint(w, test.text)
		}
		keys, err := listAll(t.Context(), test.source)
		if err == nil || len(keys) > 1 || requests > 60 {
			t.Errorf("%s: got %q, %v in %d requests", name, keys, err, requests)
		}
	}

	for name, test := range map[string]struct {
		headers map[string]string
		want    error
	}{
		"no ETag":           {map[string]string{"Content-Length": "10"}, errors.ErrUnsupported},
		"no length":         {map[string]string{"ETag": `"e"`, "Transfer-Encoding": "chunked"}, errors.ErrUnsupported},
		"knows no Range":    {map[string]string{"ETag": `"e"`, "Content-Length": "10"}, errors.ErrUnsupported},
		"knows no If-Match": {map[string]string{"ETag": "", "Content-Length": "10", "Content-Range": "bytes 5-9/10"}, uploader.ErrChanged},
	} {
		for _, source := range []uploader.Source{s3, azure} {
			n := 0
			answer = func(w http.ResponseWriter, _ *http.Request) {
				n++
				w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
				for key, value := range test.headers {
					if key == "ETag" && value == "" {
						value = fmt.Sprintf(`"%d"`, n)
					}
					if key == "Content-Range" && n == 1 {
						continue
					}
					w.Header().Set(key, value)
				}
				fmt.Fprint(w, "12345") // and breaks off
			}
			object, err := source.Open(t.Context(), "x")
			if err == nil {
				_, err = io.ReadAll(object)
				err = errors.Join(err, object.Close())
			}
			if !errors.Is(err, test.want) || n > 2 {
				t.Errorf("%s: %v: got error %v after %d requests, want %v", name, source, err, n, test.want)
			}
		}
	}
}

// The object whose key ends with a slash has its own URL.
func TestSourceSlash(t *testing.T) {
	endpoint := strings.TrimSuffix(uploadertest.Azurite(t), "/"+uploadertest.AzuriteAccount)
	container := uploadertest.NewContainer(t, endpoint+"/"+uploadertest.AzuriteAccount, "slash")
	if err := container.Put(t.Context(), "p/", []byte("not a folder")); err != nil {
		t.Fatal(err)
	}
	token := container.SAS(t, "rl")
	if _, err := listAll(t.Context(), openAzureSource(t, endpoint, container.Name, "p", token, nil)); err == nil || !strings.Contains(err.Error(), "/slash/p/") {
		t.Errorf("got error %v, want one that names the URL", err)
	}
	source := openAzureSource(t, endpoint, container.Name, "p/", token, nil)
	if keys, err := listAll(t.Context(), source); err != nil || !slices.Equal(keys, []string{""}) {
		t.Errorf("got %q, %v", keys, err)
	}
	if err := open(t.Context(), source, ""); err != nil {
		t.Error(err)
	}
}

func TestOpenSource(t *testing.T) {
	opt := uploader.SourceOptions{
		S3: uploader.S3Options{Region: "eu-central-1", Credentials: uploader.EnvCredentials(func(string) string { return "x" })},
		Azure: uploader.AzureOptions{Credentials: uploader.SASEnvCredentials(func(name string) string {
			return map[string]string{"AZURE_STORAGE_SAS_TOKEN": exampleSAS}[name]
		})},
	}
	for in, want := range map[string]string{
		"s3://bucket":                       "s3://bucket/a",
		"s3://bucket/":                      "s3://bucket/a",
		"s3://bucket/IR-7":                  "s3://bucket/IR-7/a",
		"s3://bucket/IR-7/":                 "s3://bucket/IR-7/a",
		"azblob://account/container/a%20b/": "azblob://account/container/a%20b/a",
		"azblob://account/$logs":            "azblob://account/$logs/a",
	} {
		source, err := uploader.OpenSource(t.Context(), in, opt)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := source.Name("a"); got != want || !uploader.IsSourceURL(in) {
			t.Errorf("%s: got name %s, want %s; IsSourceURL %v", in, got, want, uploader.IsSourceURL(in))
		}
		if described, ok := source.(interface{ Describe() string }); !ok || described.Describe() == "" {
			t.Errorf("%s: no description", in)
		}
		checkUntold(t, in, fmt.Sprintf("%v %+v", source, source), exampleSAS)
	}
	for _, in := range []string{"", "/var/log", "file:///x", "s3:/bucket", "s3://b", "azblob://account", "azblob://account/c", "https://account.blob.core.windows.net/c?" + exampleSAS} {
		source, err := uploader.OpenSource(t.Context(), in, opt)
		if err == nil || source != nil {
			t.Errorf("%q: got %v, %v; want an error and nil", in, source, err)
		}
		checkUntold(t, "error", err, exampleSAS)
	}
	if source, err := uploader.OpenSource(t.Context(), "azblob://account/container", uploader.SourceOptions{}); !errors.Is(err, uploader.ErrCredentials) || source != nil {
		t.Errorf("without credentials: got %v, %v", source, err)
	}
}

func TestAzureEndpoint(t *testing.T) {
	errStop := errors.New("far enough")
	for endpoint, want := range map[string]string{
		"": "https://account.blob.core.windows.net/container/IR-7%2Fx",
		"https://account.blob.core.usgovcloudapi.net":         "https://account.blob.core.usgovcloudapi.net/container/IR-7%2Fx",
		"https://account.blob.core.chinacloudapi.cn/":         "https://account.blob.core.chinacloudapi.cn/container/IR-7%2Fx",
		"https://storage.example.org/account":                 "https://storage.example.org/account/container/IR-7%2Fx",
		"http://127.0.0.1:10000/account":                      "http://127.0.0.1:10000/account/container/IR-7%2Fx",
		"http://[::1]:10000/account":                          "http://[::1]:10000/account/container/IR-7%2Fx",
		"http://account.blob.core.windows.net":                "",
		"http://10.0.0.1/account":                             "",
		"https://other.blob.core.windows.net":                 "",
		"https://storage.example.org/other":                   "",
		"https://account.blob.core.windows.net/container":     "",
		"https://account.blob.core.windows.net?" + exampleSAS: "",
		"https://u:c2VjcmV0LXNpZ25hdHVyZQ==@account.x":        "",
		"account.blob.core.windows.net":                       "",
		"http://127.0.0.1\x7f":                                "",
	} {
		var got string
		source, err := uploader.OpenAzureSource(t.Context(), uploader.AzureOptions{
			URL:         uploader.AzureURL{Account: "account", Container: "container", Prefix: "IR-7"},
			Endpoint:    endpoint,
			Credentials: uploader.SASEnvCredentials(func(string) string { return exampleSAS }),
			Proxy: func(r *http.Request) (*url.URL, error) {
				u := *r.URL
				if !strings.Contains(u.RawQuery, "sig=") {
					t.Error("the request has no signature")
				}
				u.RawQuery = ""
				got = u.String()
				return nil, errStop
			},
			Limits: uploader.Limits{Sleep: func(context.Context, time.Duration) error { return errStop }},
		})
		if (err == nil) != (want != "") {
			t.Errorf("%q: got error %v", endpoint, err)
		}
		checkUntold(t, "error", err, exampleSAS)
		if err != nil {
			continue
		}
		if err := open(t.Context(), source, "x"); !errors.Is(err, errStop) {
			t.Errorf("%q: %v", endpoint, err)
		}
		if got != want {
			t.Errorf("%q: went to %s, want %s", endpoint, got, want)
		}
	}
}

// A token that is about to expire is read again, and the new one is used.
func TestSASFileRenewed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sas")
	c := &clock{now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	write := func(sig string, ends time.Duration) {
		text := fmt.Sprintf("?sv=2024-11-04&sig=%s&se=%s\n", sig, c.Now().Add(ends).Format(time.RFC3339))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var sigs []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sigs = append(sigs, r.URL.Query().Get("sig"))
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	write("old", -time.Second)
	options := func(opt *uploader.AzureOptions) {
		opt.Credentials = uploader.SASFileCredentials(name)
		opt.Now, opt.Sleep = c.Now, c.Sleep
	}
	expired := uploader.AzureOptions{
		URL: uploader.AzureURL{Account: uploadertest.AzuriteAccount, Container: "container"},
	}
	options(&expired)
	if _, err := uploader.OpenAzureSource(t.Context(), expired); !errors.Is(err, uploader.ErrCredentials) || !strings.Contains(fmt.Sprint(err), "2026-11-22T09:59:59Z") {
		t.Errorf("expired: got error %v", err)
	}

	write("first", time.Hour)
	source := openAzureSource(t, server.URL, "container", "", "", options)
	ask := func() {
		t.Helper()
		if err := open(t.Context(), source, "x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got error %v", err)
		}
	}
	ask()
	write("second", 2*time.Hour)
	ask() // the first one is still good for an hour
	if err := c.Sleep(t.Context(), 56*time.Minute); err != nil {
		t.Fatal(err)
	}
	ask()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := c.Sleep(t.Context(), 62*time.Minute); err != nil {
		t.Fatal(err)
	}
	ask() // the second is still good for two minutes
	if err := c.Sleep(t.Context(), 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := open(t.Context(), source, "x"); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, uploader.ErrCredentials) {
		t.Errorf("when it is gone: got error %v, want ErrCredentials", err)
	}
	if want := []string{"first", "first", "second", "second"}; !slices.Equal(sigs, want) {
		t.Errorf("got signatures %q, want %q", sigs, want)
	}
}

// A real server takes the token of a managed identity, and refuses one that is for something else.
func TestManagedIdentityServer(t *testing.T) {
	endpoint, trusts := uploadertest.AzuriteTLS(t)
	proxy := uploadertest.NewProxyVia(t, strings.TrimSuffix(endpoint, "/"+uploadertest.AzuriteAccount), trusts)
	container := uploadertest.NewContainer(t, proxy.URL+"/"+uploadertest.AzuriteAccount, "identity")
	if err := container.Put(t.Context(), "IR-7/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for audience, want := range map[string]error{"https://storage.azure.com/": nil, "https://management.azure.com/": uploader.ErrCredentials} {
		token := uploadertest.AzuriteToken(t, audience)
		metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"access_token": %q, "expires_on": "4070908800"}`, token)
		}))
		defer metadata.Close()
		source := openAzureSource(t, proxy.URL, container.Name, "IR-7", "", func(opt *uploader.AzureOptions) {
			opt.Credentials = uploader.ManagedIdentityCredentials(imds.New(metadata.URL), "")
		})
		keys, err := listAll(t.Context(), source)
		if !errors.Is(err, want) || (want == nil) != slices.Equal(keys, []string{"a"}) {
			t.Errorf("%s: got %q, %v; want %v", audience, keys, err, want)
		}
		if err := open(t.Context(), source, "a"); !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", audience, err, want)
		}
	}
}

// Credentials that have expired are read again: their file may have been renewed.
func TestS3SourceExpiredCredentials(t *testing.T) {
	var tokens []string
	token := "old"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("X-Amz-Security-Token"))
		if tokens[len(tokens)-1] == "old" {
			token = "new"
			uploadertest.Refuse(400, "ExpiredToken")(w, r, nil)
			return
		}
		uploadertest.Refuse(404, "NoSuchKey")(w, r, nil)
	}))
	defer server.Close()
	source, err := uploader.OpenS3Source(t.Context(), uploader.S3Options{
		URL:      uploader.S3URL{Bucket: "bucket"},
		Endpoint: server.URL,
		Region:   uploadertest.Region,
		Limits:   uploader.Limits{Sleep: func(context.Context, time.Duration) error { return nil }},
		Credentials: uploader.EnvCredentials(func(name string) string {
			return map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": token}[name]
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t.Context(), source, "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v, want fs.ErrNotExist", err)
	}
	if want := []string{"old", "new"}; !slices.Equal(tokens, want) {
		t.Errorf("tokens: got %q, want %q", tokens, want)
	}
}
