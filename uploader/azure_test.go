package uploader_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether/imds"
	"bellwether/uploader"
	"bellwether/uploader/uploadertest"
)

// azureServer is a real server of Azure Blob Storage behind a proxy that makes faults, and a clock that starts now and that only
// sleeping moves.
type azureServer struct {
	proxy     *uploadertest.Proxy
	container *uploadertest.Container
	clock     *clock
}

func newAzureServer(t *testing.T, endpoint string) *azureServer {
	t.Helper()
	return &azureServer{
		proxy:     uploadertest.NewProxy(t, strings.TrimSuffix(endpoint, "/"+uploadertest.AzuriteAccount)),
		container: uploadertest.NewContainer(t, endpoint, fmt.Sprint("faults-", rand.Uint32())),
		clock:     &clock{now: time.Now()},
	}
}

func (s *azureServer) open(t *testing.T, rights string, change func(*uploader.AzureOptions)) *uploader.Azure {
	t.Helper()
	return openAzure(t, s.proxy.URL, s.container, rights, func(opt *uploader.AzureOptions) {
		opt.Now, opt.Sleep = s.clock.Now, s.clock.Sleep
		if change != nil {
			change(opt)
		}
	})
}

func (s *azureServer) check(t *testing.T, key string, want []byte) {
	t.Helper()
	got, err := s.container.Read(t.Context(), "a prefix/IR-7/"+key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes that differ from the %d sent", len(got), len(want))
	}
}

// azureRequest says what kind of request of Azure r is: "blob", "block" or "blocklist", for those that a store makes.
func azureRequest(r *http.Request) string {
	if r.Method != http.MethodPut {
		return r.Method
	}
	if comp := r.URL.Query().Get("comp"); comp != "" {
		return comp
	}
	return "blob"
}

func isAzure(kind string) func(*http.Request) bool {
	return func(r *http.Request) bool { return azureRequest(r) == kind }
}

// All of them share one server, which takes seconds to start.
func TestAzureStore(t *testing.T) {
	endpoint := uploadertest.Azurite(t)
	for name, run := range map[string]func(*testing.T, string){
		"requests":        testAzureRequests,
		"metadata":        testAzureMetadata,
		"faults":          testAzureFaults,
		"wrong checksum":  testAzureWrongChecksum,
		"scratch floor":   testAzureScratchFloor,
		"refusals":        testAzureRefusals,
		"read only token": testAzureReadOnlyToken,
	} {
		t.Run(name, func(t *testing.T) { run(t, endpoint) })
	}
}

// With c alone nothing but Put Blob is asked for, also of an object that has to be kept on disk; nothing of that stays.
func testAzureRequests(t *testing.T, endpoint string) {
	for rights, want := range map[string][]string{"c": {"blob"}, "cw": {"blob", "block", "blocklist"}} {
		s := newAzureServer(t, endpoint)
		scratch := t.TempDir()
		var kinds []string
		s.proxy.Set(func(r *http.Request) uploadertest.Fault {
			kind := azureRequest(r)
			kinds = append(kinds, kind)
			if kind != "block" && r.Header.Get("If-None-Match") != "*" {
				t.Errorf("%s without If-None-Match", kind)
			}
			if kind != "blocklist" && r.Header.Get("X-Ms-Content-Crc64") == "" {
				t.Errorf("%s without a checksum", kind)
			}
			return nil
		})
		store := s.open(t, rights, func(opt *uploader.AzureOptions) { opt.Scratch.Dir = scratch })
		for _, size := range []int{0, small, large} {
			if err := send(t, store, fmt.Sprint(size), content(size)); err != nil {
				t.Fatal(err)
			}
			s.check(t, fmt.Sprint(size), content(size))
			if err := send(t, store, fmt.Sprint(size), content(size)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s, %d bytes again: got error %v, want fs.ErrExist", rights, size, err)
			}
		}
		slices.Sort(kinds)
		if got := slices.Compact(kinds); !slices.Equal(got, want) {
			t.Errorf("%s: got requests %q, want %q", rights, got, want)
		}
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Errorf("left in the scratch folder: %v, %v", left, err)
		}
	}
}

func testAzureMetadata(t *testing.T, endpoint string) {
	s := newAzureServer(t, endpoint)
	for rights, size := range map[string]int{"c": 3, "cw": large} {
		object, err := s.open(t, rights, nil).Create(t.Context(), rights, uploader.Meta{Size: -1, ModTime: time.Unix(1_234_567_890, 5)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Write(content(large)[:size]); err != nil {
			t.Fatal(err)
		}
		if err := object.Commit(); err != nil {
			t.Fatal(err)
		}
		got, err := s.container.Metadata(t.Context(), "a prefix/IR-7/"+rights)
		if err != nil {
			t.Fatal(err)
		}
		if want := "2009-02-13T23:31:30.000000005Z"; got["mtime"] != want {
			t.Errorf("%s: got metadata %q, want mtime %q", rights, got, want)
		}
		// The digest of "000".
		if want := "2ac9a6746aca543af8dff39894cfe8173afba21eb01c6fae33d52947222855ef"; size == 3 && got["sha256"] != want {
			t.Errorf("%s: got metadata %q, want sha256 %q", rights, got, want)
		}
	}
}

// An upload survives what happens on the way to the server, and arrives whole and once.
func testAzureFaults(t *testing.T, endpoint string) {
	s := newAzureServer(t, endpoint)
	cut, lose, mangle, busy := uploadertest.Cut, uploadertest.LoseAnswer, uploadertest.Mangle, uploadertest.Refuse(503, "ServerBusy")
	wrong := uploadertest.AnswerHeader("X-Ms-Content-Crc64", "AAAAAAAAAAA=")
	for i, test := range []struct {
		name   string
		rights string
		size   int
		kind   string
		faults []uploadertest.Fault
	}{
		{"cut before the body", "c", small, "blob", []uploadertest.Fault{cut(0), busy}},
		{"cut in the body", "c", 4 << 20, "blob", []uploadertest.Fault{cut(1 << 20), cut(3 << 20)}},
		{"answer lost", "c", small, "blob", []uploadertest.Fault{lose, busy}},
		{"empty, answer lost", "cw", 0, "blob", []uploadertest.Fault{lose}},
		{"byte changed", "c", small, "blob", []uploadertest.Fault{mangle}},
		{"from disk, cut", "c", large, "blob", []uploadertest.Fault{cut(9 << 20), cut(0)}},
		{"from disk, byte changed", "c", large, "blob", []uploadertest.Fault{mangle}},
		{"from disk, answer lost", "c", large, "blob", []uploadertest.Fault{lose}},
		{"block cut", "cw", large, "block", []uploadertest.Fault{cut(1 << 20), cut(7 << 20), cut(0)}},
		{"block, answer lost", "cw", large, "block", []uploadertest.Fault{lose, lose}},
		{"block, byte changed", "w", large, "block", []uploadertest.Fault{mangle}},
		{"block, wrong checksum answered", "w", large, "block", []uploadertest.Fault{wrong}},
		{"list cut", "cw", large, "blocklist", []uploadertest.Fault{cut(0), busy}},
		{"list, answer lost", "cw", large, "blocklist", []uploadertest.Fault{lose}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := s.open(t, test.rights, nil)
			left := s.proxy.Next(isAzure(test.kind), test.faults...)
			key := fmt.Sprint("faults/", i)
			if err := send(t, store, key, content(test.size)); err != nil {
				t.Fatal(err)
			}
			s.check(t, key, content(test.size))
			if n := left(); n > 0 {
				t.Errorf("%d faults were not met", n)
			}
		})
	}
}

// What the service has can't be taken back, so a checksum that differs is an error.
func testAzureWrongChecksum(t *testing.T, endpoint string) {
	s := newAzureServer(t, endpoint)
	s.proxy.Set(func(*http.Request) uploadertest.Fault {
		return uploadertest.AnswerHeader("X-Ms-Content-Crc64", "AAAAAAAAAAA=")
	})
	for _, size := range []int{small, large} {
		if err := send(t, s.open(t, "cw", nil), fmt.Sprint(size), content(size)); !errors.Is(err, uploader.ErrChecksum) {
			t.Errorf("%d bytes: got error %v, want ErrChecksum", size, err)
		}
	}
}

// What is on disk while it waits never takes the volume below the floor.
func testAzureScratchFloor(t *testing.T, endpoint string) {
	s := newAzureServer(t, endpoint)
	floor, err := uploader.ParseFloor("99.9%")
	if err != nil {
		t.Fatal(err)
	}
	store := s.open(t, "c", func(opt *uploader.AzureOptions) { opt.Scratch.MinFree = floor })
	if err := send(t, store, "large", content(large)); !errors.Is(err, uploader.ErrFloor) || !strings.Contains(err.Error(), "--max-file") {
		t.Errorf("got error %v, want ErrFloor, and a way out", err)
	}
	if err := send(t, store, "small", content(small)); err != nil {
		t.Errorf("what fits into memory: %v", err)
	}
}

// What the service refuses is not tried again, and the error says what to do. Tokens are in none of it.
func testAzureRefusals(t *testing.T, endpoint string) {
	s := newAzureServer(t, endpoint)
	for _, test := range []struct {
		status int
		code   string
		want   error
		says   string
	}{
		{403, "AuthorizationPermissionMismatch", fs.ErrPermission, "the right c (create) or w (write)"},
		{403, "AuthenticationFailed", uploader.ErrCredentials, "renew"},
		{404, "ContainerNotFound", fs.ErrNotExist, "account and the container"},
		{403, "AuthorizationFailure", fs.ErrPermission, "network rules"},
	} {
		for _, size := range []int{small, large} {
			store := s.open(t, "cw", func(opt *uploader.AzureOptions) { opt.Parallel = 1 })
			before := len(s.proxy.Seen())
			s.proxy.Set(func(*http.Request) uploadertest.Fault {
				return func(w http.ResponseWriter, r *http.Request, server http.Handler) {
					w.Header().Set("X-Ms-Error-Code", test.code)
					uploadertest.Refuse(test.status, test.code)(w, r, server)
				}
			})
			err := send(t, store, "refused", content(size))
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) || !strings.Contains(fmt.Sprint(err), "refused") {
				t.Errorf("%s: got error %v, want %v that names the object and says %q", test.code, err, test.want, test.says)
			}
			if strings.Contains(fmt.Sprint(err), "sig=") {
				t.Errorf("the error tells the token: %v", err)
			}
			// Of a large one, blocks that wait for the slot may win it before they hear of the first one's end.
			if got := len(s.proxy.Seen()) - before; got > 3 || size == small && got != 1 {
				t.Errorf("%s, %d bytes: got %d requests", test.code, size, got)
			}
		}
	}
}

// A token for reading may not write, and the server itself says so.
func testAzureReadOnlyToken(t *testing.T, endpoint string) {
	s := newAzureServer(t, endpoint)
	if err := send(t, s.open(t, "rl", nil), "x", content(small)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got error %v, want fs.ErrPermission", err)
	}
}

// The managed identity's token is a bearer token, which the server takes over TLS alone.
func TestAzureManagedIdentityStore(t *testing.T) {
	endpoint, trusted := uploadertest.AzuriteTLS(t)
	base := strings.TrimSuffix(endpoint, "/"+uploadertest.AzuriteAccount)
	token := uploadertest.AzuriteToken(t, "https://storage.azure.com")
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"access_token": %q, "expires_on": "%d"}`, token, time.Now().Add(time.Hour).Unix())
	}))
	defer metadata.Close()
	proxy := uploadertest.NewProxyVia(t, base, trusted)
	container := uploadertest.NewContainer(t, proxy.URL+"/"+uploadertest.AzuriteAccount, "identity")
	store := openAzure(t, proxy.URL, container, "c", func(opt *uploader.AzureOptions) {
		opt.Credentials = uploader.ManagedIdentityCredentials(imds.New(metadata.URL), "")
	})
	for _, size := range []int{small, large} {
		if err := send(t, store, fmt.Sprint(size), content(size)); err != nil {
			t.Fatal(err)
		}
		got, err := container.Read(t.Context(), "a prefix/IR-7/"+fmt.Sprint(size))
		if err != nil || !bytes.Equal(got, content(size)) {
			t.Errorf("%d bytes: got %d back, %v", size, len(got), err)
		}
	}
	if want := "managed identity (IMDS), until "; !strings.HasPrefix(store.Describe(), want) {
		t.Errorf("credentials: got %q, want %q", store.Describe(), want)
	}
}
