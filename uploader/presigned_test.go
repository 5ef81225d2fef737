package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/uploader"
	"bellwether/uploader/uploadertest"
)

// presigner makes tickets for the bucket of a server. The function may change the options.
func (s *server) presigner(t *testing.T, prefix string) *uploader.Presigner {
	t.Helper()
	p, err := uploader.NewPresigner(t.Context(), uploader.S3Options{
		URL:      uploader.S3URL{Bucket: s.bucket.Name, Prefix: prefix},
		Endpoint: s.proxy.URL,
		Region:   uploadertest.Region,
		Credentials: uploader.EnvCredentials(func(name string) string {
			return map[string]string{"AWS_ACCESS_KEY_ID": s.access, "AWS_SECRET_ACCESS_KEY": s.secret}[name]
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *server) form(t *testing.T, prefix string, most int64) string {
	t.Helper()
	form, err := s.presigner(t, prefix).Form(t.Context(), time.Hour, most)
	if err != nil {
		t.Fatal(err)
	}
	return string(form)
}

func (s *server) presignedURL(t *testing.T, key string) string {
	t.Helper()
	u, err := s.presigner(t, key).URL(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// presigned opens a store for a ticket. Its clock starts now, and only sleeping moves it.
func presigned(t *testing.T, ticket string) *uploader.Presigned {
	t.Helper()
	c := &clock{now: time.Now()}
	store, err := uploader.NewPresigned(uploader.PresignedOptions{
		Ticket: uploader.TicketText("a test", ticket), Scratch: uploader.Scratch{Dir: t.TempDir()},
		Limits: uploader.Limits{Now: c.Now, Sleep: c.Sleep},
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestPostPolicyConformance(t *testing.T) {
	endpoint, access, secret := uploadertest.VersityGW(t)
	n := 0
	uploadertest.Run(t, func(t *testing.T) uploadertest.Harness {
		n++
		s := &server{
			proxy: &uploadertest.Proxy{URL: endpoint}, access: access, secret: secret,
			bucket: uploadertest.NewBucket(t, endpoint, access, secret, "form-"+string(rune('a'+n))),
		}
		store := presigned(t, s.form(t, "a prefix/IR-7", 1<<30))
		t.Cleanup(func() {
			if used := store.PoolUsed(); used != 0 {
				t.Errorf("%d bytes were not given back", used)
			}
		})
		return uploadertest.Harness{
			Store:     store,
			Read:      func(key string) ([]byte, error) { return s.bucket.Read(t.Context(), "a prefix/IR-7/"+key) },
			PartSizes: []int{8 << 20, 16 << 20},
			Peak:      store.PoolPeak,
			Bound:     48 << 20,
		}
	})
}

// A principal that may put objects below the prefix and nothing else signs what a host without credentials uses. (versitygw asks for
// the right of a POST on the bucket and not on the key, so that forms can't be tried so.)
func TestPresignedByPutOnlyPrincipal(t *testing.T) {
	s := newServer(t)
	s.access, s.secret = s.bucket.PutOnly(t, "a prefix/IR-7", false)
	for i, size := range []int{0, small, large} {
		u := s.presignedURL(t, fmt.Sprintf("a prefix/IR-7/put%d", i))
		if err := send(t, presigned(t, u), "whatever it is called", content(size)); err != nil {
			t.Error(err)
		}
		s.check(t, fmt.Sprint("put", i), content(size))
		if err := send(t, presigned(t, u), "x", []byte("another run")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("the same URL again: got error %v, want fs.ErrExist", err)
		}
		s.check(t, fmt.Sprint("put", i), content(size))
	}
	if err := send(t, presigned(t, s.presignedURL(t, "a prefix/IR-8/x")), "x", content(small)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another prefix: got error %v, want fs.ErrPermission", err)
	}
}

func TestPresignedOneObject(t *testing.T) {
	s := newServer(t)
	store := presigned(t, s.presignedURL(t, "a prefix/IR-7/one"))
	if !store.Single() {
		t.Error("a presigned URL is not single")
	}
	if err := send(t, store, "first", content(small)); err != nil {
		t.Fatal(err)
	}
	if err := send(t, store, "second", content(small)); !errors.Is(err, uploader.ErrOneObject) {
		t.Errorf("got error %v, want ErrOneObject", err)
	}
	s.check(t, "one", content(small))
}

// An object arrives whole and once, whatever happens on the way.
func TestPresignedFaults(t *testing.T) {
	s := newServer(t)
	cut, lose, busy := uploadertest.Cut, uploadertest.LoseAnswer, uploadertest.Refuse(503, "SlowDown")
	for i, test := range []struct {
		name   string
		size   int
		faults []uploadertest.Fault
	}{
		{"cut before the body", small, []uploadertest.Fault{cut(0), busy}},
		{"cut in the body", 4 << 20, []uploadertest.Fault{cut(1 << 20), cut(3 << 20)}},
		{"answer lost", small, []uploadertest.Fault{lose, busy}},
		{"empty, answer lost", 0, []uploadertest.Fault{lose}},
		{"from disk", large, []uploadertest.Fault{cut(9 << 20), lose}},
		{"byte changed", 4 << 20, []uploadertest.Fault{mangleLate}},
		{"from disk, byte changed", large, []uploadertest.Fault{mangleLate}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for kind, ticket := range map[string]string{
				"put":  s.presignedURL(t, fmt.Sprintf("a prefix/IR-7/%d/put", i)),
				"form": s.form(t, fmt.Sprintf("a prefix/IR-7/%d", i), 1<<30),
			} {
				left := s.proxy.Next(func(*http.Request) bool { return true }, append([]uploadertest.Fault(nil), test.faults...)...)
				if err := send(t, presigned(t, ticket), kind, content(test.size)); err != nil {
					t.Errorf("%s: %v", kind, err)
					continue
				}
				s.check(t, fmt.Sprintf("%d/%s", i, kind), content(test.size))
				if n := left(); n > 0 {
					t.Errorf("%s: %d faults were not met", kind, n)
				}
			}
		})
	}
}

// mangleLate passes the request on with a byte changed that is in the object, and not in the head of a form.
func mangleLate(w http.ResponseWriter, r *http.Request, server http.Handler) {
	r.Body = &lateMangled{ReadCloser: r.Body}
	server.ServeHTTP(w, r)
}

// lateMangled changes a byte that is a mebibyte and more into a body.
type lateMangled struct {
	io.ReadCloser
	read int
	done bool
}

func (m *lateMangled) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.read += n
	if n > 0 && m.read > 1<<20 && !m.done {
		p[0] ^= 1
		m.done = true
	}
	return n, err
}

// The ETag that the service answers with is compared. What it has can't be taken back, so it is an error.
func TestPostPolicyETag(t *testing.T) {
	s := newServer(t)
	form := s.form(t, "a prefix/IR-7", 1<<30)
	s.proxy.Set(func(*http.Request) uploadertest.Fault {
		return uploadertest.AnswerHeader("ETag", `"00000000000000000000000000000000"`)
	})
	if err := send(t, presigned(t, form), "x", content(small)); !errors.Is(err, uploader.ErrChecksum) {
		t.Errorf("got error %v, want ErrChecksum", err)
	}
}

// The server refuses what the policy doesn't allow.
func TestPostPolicyLimits(t *testing.T) {
	s := newServer(t)
	form := s.form(t, "a prefix/IR-7", 1000)
	if err := send(t, presigned(t, form), "large", content(1001)); !errors.Is(err, uploader.ErrTooLarge) || !strings.Contains(err.Error(), "--max-file") {
		t.Errorf("got error %v, want ErrTooLarge, and a way out", err)
	}
	forged := strings.Replace(form, `"x-amz-signature": "`, `"x-amz-signature": "0`, 1)
	if err := send(t, presigned(t, forged), "x", content(10)); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "put a new one into a test") {
		t.Errorf("forged: got error %v, want fs.ErrPermission, and a way out", err)
	}
}

// An expired ticket is read again, for its file may have been replaced; the error says what to do.
func TestTicketExpires(t *testing.T) {
	s := newServer(t)
	name := filepath.Join(t.TempDir(), "ticket")
	write := func(text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(s.form(t, "a prefix/IR-7", 1<<20))
	now := time.Now()
	store, err := uploader.NewPresigned(uploader.PresignedOptions{
		Ticket: uploader.TicketFile(name), Limits: uploader.Limits{Now: func() time.Time { return now }},
	})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	_, err = uploader.NewPresigned(uploader.PresignedOptions{
		Ticket: uploader.TicketFile(name), Limits: uploader.Limits{Now: func() time.Time { return now }},
	})
	if !errors.Is(err, uploader.ErrCredentials) || !strings.Contains(err.Error(), "put a new one there") {
		t.Errorf("got error %v, want ErrCredentials, and a way out", err)
	}
	form, err := s.presigner(t, "a prefix/IR-7").Form(t.Context(), 6*time.Hour, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	write(string(form))
	if err := send(t, store, "renewed", content(small)); err != nil {
		t.Error(err)
	}

	if err := os.Chmod(name, 0o644); err != nil { //nolint:gosec // so that it is refused
		t.Fatal(err)
	}
	if _, err := uploader.ReadSecret(name); !errors.Is(err, uploader.ErrCredentials) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by all: got error %v", err)
	}
}

// What expires under way pauses the upload: it goes on as soon as somebody has put a new one there.
func TestExpiredPauses(t *testing.T) {
	s, azure := newServer(t), newAzureServer(t, uploadertest.Azurite(t))
	for kind, write := range map[string]func(name string) error{
		"ticket": func(name string) error {
			form, err := s.presigner(t, "a prefix/IR-7").Form(t.Context(), 6*24*time.Hour, 1<<20)
			return errors.Join(err, os.WriteFile(name, form, 0o600))
		},
		"sas": func(name string) error {
			return os.WriteFile(name, []byte(azure.container.SAS(t, "c")), 0o600)
		},
	} {
		name := filepath.Join(t.TempDir(), kind)
		if err := write(name); err != nil {
			t.Fatal(err)
		}
		now, slept := time.Now(), 0
		limits := uploader.Limits{
			Now: func() time.Time { return now },
			Sleep: func(context.Context, time.Duration) error {
				slept++
				now = now.Add(-7 * 24 * time.Hour) // as if what is there now were good for longer
				return write(name)
			},
		}
		var store uploader.Store
		var err error
		if kind == "ticket" {
			store, err = uploader.NewPresigned(uploader.PresignedOptions{Ticket: uploader.TicketFile(name), Limits: limits})
		} else {
			store = openAzure(t, azure.proxy.URL, azure.container, "c", func(opt *uploader.AzureOptions) {
				opt.Credentials, opt.Limits = uploader.SASFileCredentials(name), limits
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(7 * 24 * time.Hour)
		if err := send(t, store, "paused", content(small)); err != nil || slept != 1 {
			t.Errorf("%s: %v, after %d pauses; want one", kind, err, slept)
		}
	}
}

const secretURL = "https://b.s3.eu-west-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature=c2VjcmV0&X-Amz-SignedHeaders="

func TestParseTicket(t *testing.T) {
	for in, says := range map[string]string{
		"":                                    "not a URL",
		"not a url":                           "not a URL",
		"http://store.example/x?sig=c2VjcmV0": "not https",
		"https://c2VjcmV0@store.example/x":    "not a URL",
		secretURL + "host%3Bx-amz-acl":        `signed with the header "x-amz-acl"`,
		strings.Replace(secretURL, "=3600", "=x", 1):                      "not a time and seconds",
		"https://a.blob.core.windows.net/c?sv=1&sr=c&sig=c2VjcmV0":        "not one of a blob",
		`{"url": "https://b.example/", "fields": {"policy": "c2VjcmV0"}}`: "not a POST policy",
		`{"url": "https://b.example/", "fields": {}}`:                     "none, or not base64",
		`{"url": "http://b.example/", "fields": {}}`:                      "not https",
		`{"url": c2VjcmV0`: "not JSON at byte",
	} {
		if _, err := uploader.ParseTicket(in); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%q: got error %v, want one that says %q, and no secret", in, err, says)
		}
	}
	got, err := uploader.ParseTicket("\n" + secretURL + "host%3Bif-none-match\n")
	if want := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC); err != nil || !got.Single() || !got.Expires().Equal(want) {
		t.Errorf("got %v until %v, %v; want a single one until %v", got.Single(), got.Expires(), err, want)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "ticket", got)
	for _, text := range []string{fmt.Sprint(got), fmt.Sprintf("%+v %#v", got, got), logged.String()} {
		if strings.Contains(text, "c2VjcmV0") {
			t.Errorf("a ticket prints as %s", text)
		}
	}
}

// What parses is sent to https or to this host, and makes keys below its prefix that can be; a secret is never repeated.
func FuzzParseTicket(f *testing.F) {
	f.Add(secretURL + "host")
	f.Add(`{"url": "https://b.example/", "fields": {"policy": "eyJleHBpcmF0aW9uIjoiMjAyNi0wMS0wMVQwMDowMDowMFoiLCJjb25kaXRpb25zIjpbWyJzdGFydHMtd2l0aCIsIiRrZXkiLCJJUi03LyJdXX0="}}`)
	f.Add("https://a.blob.core.windows.net/c/b?sv=1&sr=b&se=2026-01-01&sig=x")
	f.Fuzz(func(t *testing.T, text string) {
		const canary = "CANARY7Q"
		if _, err := uploader.ParseTicket(text + canary); err != nil && strings.Contains(err.Error(), canary) && !strings.Contains(err.Error(), "header") {
			t.Errorf("%q: the error repeats it: %v", text, err)
		}
		ticket, err := uploader.ParseTicket(text)
		if err != nil {
			return
		}
		if where := uploader.TicketWhere(ticket); !strings.HasPrefix(where, "https://") && !strings.HasPrefix(where, "http://") {
			t.Errorf("%q leads to %q", text, where)
		}
	})
}

// A SAS URL of one blob is a presigned URL too, as the emulator of Azure takes it.
func TestPresignedBlob(t *testing.T) {
	s := newAzureServer(t, uploadertest.Azurite(t))
	u := s.proxy.URL + "/" + uploadertest.AzuriteAccount + "/" + s.container.Name + "/one.zip?" + s.container.BlobSAS(t, "one.zip", "c")
	for i, size := range []int{large, small} {
		err := send(t, presigned(t, u), "x", content(size))
		if i == 0 && err != nil || i > 0 && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
			t.Errorf("time %d: got error %v", i+1, err)
		}
	}
	if got, err := s.container.Read(t.Context(), "one.zip"); err != nil || len(got) != large {
		t.Errorf("got %d bytes back, %v", len(got), err)
	}
	s.proxy.Next(isAzure("blob"), uploadertest.Mangle)
	u = s.proxy.URL + "/" + uploadertest.AzuriteAccount + "/" + s.container.Name + "/two.zip?" + s.container.BlobSAS(t, "two.zip", "c")
	if err := send(t, presigned(t, u), "x", content(small)); err != nil {
		t.Errorf("a byte that was changed once: %v", err)
	}
	if got, err := s.container.Read(t.Context(), "two.zip"); err != nil || !bytes.Equal(got, content(small)) {
		t.Errorf("got %d bytes back, %v", len(got), err)
	}
}

// Google's condition is a header of its own, which has to be signed, and so is its checksum. No server of Google's is at hand: this one
// only looks at the request.
func TestPresignedGoogle(t *testing.T) {
	var got http.Header
	hash, status := "md5=AAAA", 200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Add("X-Goog-Hash", "crc32c=AAAAAA==")
		w.Header().Add("X-Goog-Hash", hash)
		w.WriteHeader(status)
	}))
	defer server.Close()
	u := server.URL + "/bucket/key?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=" + time.Now().UTC().Format("20060102T150405Z") +
		"&X-Goog-Expires=3600&X-Goog-SignedHeaders=host%3Bx-goog-if-generation-match&X-Goog-Signature=00"
	if err := send(t, presigned(t, u), "x", []byte("abc")); !errors.Is(err, uploader.ErrChecksum) {
		t.Errorf("another MD5: got error %v, want ErrChecksum", err)
	}
	if got.Get("X-Goog-If-Generation-Match") != "0" || got.Get("If-None-Match") != "" || got.Get("Content-Md5") != "kAFQmDzST7DWlj99KOF/cg==" {
		t.Errorf("got headers %v", got)
	}
	hash = "md5=kAFQmDzST7DWlj99KOF/cg=="
	if err := send(t, presigned(t, u), "x", []byte("abc")); err != nil {
		t.Error(err)
	}
	status = http.StatusPreconditionFailed
	if err := send(t, presigned(t, u), "x", []byte("abc")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("taken: got error %v, want fs.ErrExist", err)
	}
}
