package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether/imds"
	"bellwether/uploader"
	"bellwether/uploader/uploadertest"
)

// server is a real S3 server behind a proxy that makes faults, a bucket in it, and a clock that only sleeping moves.
type server struct {
	proxy          *uploadertest.Proxy
	bucket         *uploadertest.Bucket
	access, secret string
	clock          *clock
}

func newServer(t *testing.T) *server {
	t.Helper()
	endpoint, access, secret := uploadertest.VersityGW(t)
	return &server{
		proxy:  uploadertest.NewProxy(t, endpoint),
		bucket: uploadertest.NewBucket(t, endpoint, access, secret, "faults"),
		access: access, secret: secret,
		clock: &clock{now: time.Unix(1_700_000_000, 0)},
	}
}

func (s *server) open(t *testing.T, change func(*uploader.S3Options)) *uploader.S3 {
	t.Helper()
	return openS3(t, s.proxy.URL, s.access, s.secret, s.bucket.Name, func(opt *uploader.S3Options) {
		opt.Now, opt.Sleep = s.clock.Now, s.clock.Sleep
		if change != nil {
			change(opt)
		}
	})
}

// clock is a clock that only sleeping moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

func send(t *testing.T, store uploader.Store, key string, data []byte) error {
	t.Helper()
	object, err := store.Create(t.Context(), key, uploader.Meta{Size: -1})
	if err != nil {
		return err
	}
	if _, err := object.Write(data); err != nil {
		return errors.Join(err, object.Abort())
	}
	return object.Commit()
}

const small, large = 100_000, 17 << 20 // one part, and three

// content returns size bytes that no part repeats.
func content(size int) []byte {
	b := make([]byte, 0, size+8)
	for n := 0; len(b) < size; n++ {
		b = fmt.Appendf(b, "%07d\n", n)
	}
	return b[:size]
}

func (s *server) check(t *testing.T, key string, want []byte) {
	t.Helper()
	got, err := s.bucket.Read(t.Context(), "a prefix/IR-7/"+key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes that differ from the %d sent", len(got), len(want))
	}
}

func TestS3MakesOnlyRequestsThatPutObjectAllows(t *testing.T) {
	s := newServer(t)
	var mu sync.Mutex
	headers := map[string]http.Header{}
	s.proxy.Set(func(r *http.Request) uploadertest.Fault {
		mu.Lock()
		defer mu.Unlock()
		headers[uploadertest.Kind(r)] = r.Header.Clone()
		return nil
	})
	store := s.open(t, nil)
	for _, size := range []int{0, small, large} {
		if err := send(t, store, fmt.Sprint(size), content(size)); err != nil {
			t.Fatal(err)
		}
	}
	aborted, err := store.Create(t.Context(), "aborted", uploader.Meta{Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := aborted.Write(content(large)); err != nil {
		t.Fatal(err)
	}
	// Aborted too early, the upload would have no name to be dropped by.
	for deadline := time.Now().Add(10 * time.Second); !slices.Contains(s.proxy.Seen()[6:], uploadertest.PutPart); {
		if time.Now().After(deadline) {
			t.Fatal("no part of the last object was sent")
		}
		time.Sleep(time.Millisecond)
	}
	if err := aborted.Abort(); err != nil {
		t.Fatal(err)
	}

	seen := s.proxy.Seen()
	slices.Sort(seen)
	want := []string{uploadertest.Abort, uploadertest.Complete, uploadertest.Begin, uploadertest.PutObject, uploadertest.PutPart}
	if got := slices.Compact(seen); !slices.Equal(got, want) {
		t.Errorf("requests: got %q, want %q", got, want)
	}
	for _, test := range []struct {
		kind, header string
		sent         bool
	}{
		{uploadertest.PutObject, "If-None-Match", true},
		{uploadertest.PutObject, "X-Amz-Checksum-Sha256", true},
		{uploadertest.PutObject, "X-Amz-Meta-Sha256", true},
		{uploadertest.Begin, "If-None-Match", false}, // S3 takes no condition here
		{uploadertest.PutPart, "If-None-Match", false},
		{uploadertest.PutPart, "X-Amz-Checksum-Crc32c", true},
		{uploadertest.PutPart, "X-Amz-Trailer", false},
		{uploadertest.Complete, "If-None-Match", true},
		{uploadertest.Complete, "X-Amz-Checksum-Crc32c", true},
	} {
		if got := headers[test.kind].Get(test.header); (got != "") != test.sent {
			t.Errorf("%s of %q: got %q, want one: %v", test.header, test.kind, got, test.sent)
		}
	}
}

// The server itself refuses whatever the right to create objects doesn't cover.
func TestS3PutOnlyPrincipal(t *testing.T) {
	for _, abort := range []bool{true, false} {
		s := newServer(t)
		s.access, s.secret = s.bucket.PutOnly(t, "a prefix/IR-7", abort)
		store := s.open(t, func(opt *uploader.S3Options) { opt.Parallel = 1 })
		for _, size := range []int{0, small, large} {
			key := fmt.Sprint(size)
			if err := send(t, store, key, content(size)); err != nil {
				t.Fatal(err)
			}
			s.check(t, key, content(size))
			if err := send(t, store, key, content(size)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%d bytes again: got error %v, want fs.ErrExist", size, err)
			}
		}
		left, err := s.bucket.Unfinished(t.Context())
		if err != nil || (len(left) == 0) != abort {
			t.Errorf("with the right to abort, %v: left behind %q, %v", abort, left, err)
		}
		other := s.open(t, func(opt *uploader.S3Options) { opt.URL.Prefix = "a prefix/IR-8" })
		if err := send(t, other, "x", content(small)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("another prefix: got error %v, want fs.ErrPermission", err)
		}
	}
}

func TestS3Metadata(t *testing.T) {
	s := newServer(t)
	store := s.open(t, nil)
	for name, size := range map[string]int{"small": 3, "large": large} {
		object, err := store.Create(t.Context(), name, uploader.Meta{Size: -1, ModTime: time.Unix(1_234_567_890, 5)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Write(content(large)[:size]); err != nil {
			t.Fatal(err)
		}
		if err := object.Commit(); err != nil {
			t.Fatal(err)
		}
		got, err := s.bucket.Metadata(t.Context(), "a prefix/IR-7/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if want := "1234567890.000000005"; got["Mtime"] != want {
			t.Errorf("%s: got metadata %q, want mtime %q", name, got, want)
		}
		// The digest of "000".
		if want := "2ac9a6746aca543af8dff39894cfe8173afba21eb01c6fae33d52947222855ef"; size == 3 && got["Sha256"] != want {
			t.Errorf("%s: got metadata %q, want sha256 %q", name, got, want)
		}
	}
}

// An upload survives what happens on the way to the server, and arrives whole and once.
func TestS3Faults(t *testing.T) {
	s := newServer(t)
	refuse := uploadertest.Refuse
	for i, test := range []struct {
		name   string
		size   int
		kind   string
		faults []uploadertest.Fault
	}{
		{"cut before the body", small, uploadertest.PutObject, []uploadertest.Fault{uploadertest.Cut(0)}},
		{"cut in the body", 4 << 20, uploadertest.PutObject, []uploadertest.Fault{uploadertest.Cut(1 << 20), uploadertest.Cut(3 << 20)}},
		{"503", small, uploadertest.PutObject, []uploadertest.Fault{refuse(503, "SlowDown"), refuse(503, "ServiceUnavailable"), refuse(500, "InternalError")}},
		{"429", small, uploadertest.PutObject, []uploadertest.Fault{refuse(429, "TooManyRequests")}},
		{"400 that is a timeout", small, uploadertest.PutObject, []uploadertest.Fault{refuse(400, "RequestTimeout")}},
		{"409", small, uploadertest.PutObject, []uploadertest.Fault{refuse(409, "ConditionalRequestConflict")}},
		{"answer lost", small, uploadertest.PutObject, []uploadertest.Fault{uploadertest.LoseAnswer}},
		{"answer lost, then 503", small, uploadertest.PutObject, []uploadertest.Fault{uploadertest.LoseAnswer, refuse(503, "SlowDown")}},
		{"empty, answer lost", 0, uploadertest.PutObject, []uploadertest.Fault{uploadertest.LoseAnswer}},
		{"byte changed", small, uploadertest.PutObject, []uploadertest.Fault{uploadertest.Mangle}},
		{"begin cut", large, uploadertest.Begin, []uploadertest.Fault{uploadertest.Cut(0), refuse(503, "SlowDown")}},
		{"begin, answer lost", large, uploadertest.Begin, []uploadertest.Fault{uploadertest.LoseAnswer}},
		{"part cut", large, uploadertest.PutPart, []uploadertest.Fault{uploadertest.Cut(1 << 20), uploadertest.Cut(7 << 20), uploadertest.Cut(0)}},
		{"part, answer lost", large, uploadertest.PutPart, []uploadertest.Fault{uploadertest.LoseAnswer, uploadertest.LoseAnswer}},
		{"part, byte changed", large, uploadertest.PutPart, []uploadertest.Fault{uploadertest.Mangle}},
		{"part, wrong checksum answered", large, uploadertest.PutPart, []uploadertest.Fault{uploadertest.AnswerHeader("X-Amz-Checksum-Crc32c", "AAAAAA==")}},
		{"upload dropped at once", large, uploadertest.PutPart, []uploadertest.Fault{refuse(404, "NoSuchUpload")}},
		{"complete cut", large, uploadertest.Complete, []uploadertest.Fault{uploadertest.Cut(10)}},
		{"complete, answer lost", large, uploadertest.Complete, []uploadertest.Fault{uploadertest.LoseAnswer}},
		{"complete, error in a 200", large, uploadertest.Complete, []uploadertest.Fault{refuse(200, "InternalError")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			left := len(test.faults)
			faults := make([]uploadertest.Fault, 0, left)
			for _, fault := range test.faults {
				faults = append(faults, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
					left--
					fault(w, r, server)
				})
			}
			store := s.open(t, func(opt *uploader.S3Options) { opt.Parallel = 1 })
			s.proxy.Next(uploadertest.IsKind(test.kind), faults...)
			key := fmt.Sprintf("fault%d", i)
			if err := send(t, store, key, content(test.size)); err != nil {
				t.Fatal(err)
			}
			if left != 0 {
				t.Errorf("%d faults were not met", left)
			}
			s.check(t, key, content(test.size))
			if used := store.PoolUsed(); used != 0 {
				t.Errorf("%d bytes were not given back", used)
			}
		})
	}
}

// A key that was taken before the first try is not ours, also if that try broke before its body was sent.
func TestS3TakenKey(t *testing.T) {
	s := newServer(t)
	store := s.open(t, nil)
	if err := send(t, store, "taken", []byte("first")); err != nil {
		t.Fatal(err)
	}
	s.proxy.Next(uploadertest.IsKind(uploadertest.PutObject), uploadertest.Refuse(429, "SlowDown"))
	if err := send(t, store, "taken", []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got error %v, want fs.ErrExist", err)
	}
	s.check(t, "taken", []byte("first"))
}

// What the store refuses is not tried again, and the error says what to do.
func TestS3Refusals(t *testing.T) {
	s := newServer(t)
	for _, test := range []struct {
		status int
		code   string
		want   error
		says   string
	}{
		{403, "AccessDenied", fs.ErrPermission, "s3:PutObject"},
		{404, "NoSuchBucket", fs.ErrNotExist, "name of the bucket"},
		{400, "AuthorizationHeaderMalformed", nil, "--s3-region"},
		{301, "PermanentRedirect", nil, "--s3-region"},
		{403, "SignatureDoesNotMatch", uploader.ErrCredentials, "renew"},
		{403, "InvalidAccessKeyId", uploader.ErrCredentials, "environment"},
		{403, "RequestTimeTooSkewed", nil, "clock"},
	} {
		t.Run(test.code, func(t *testing.T) {
			for _, size := range []int{small, large} {
				store := s.open(t, nil)
				before := len(s.proxy.Seen())
				s.proxy.Set(func(*http.Request) uploadertest.Fault { return uploadertest.Refuse(test.status, test.code) })
				err := send(t, store, "refused", content(size))
				if err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
				if !strings.Contains(fmt.Sprint(err), test.says) || !strings.Contains(fmt.Sprint(err), "refused") {
					t.Errorf("error %q names neither the object nor %q", err, test.says)
				}
				if got := len(s.proxy.Seen()) - before; got != 1 {
					t.Errorf("got %d requests, want 1", got)
				}
			}
		})
	}
}

func TestS3WrongSecret(t *testing.T) {
	s := newServer(t)
	s.secret = "another-secret-than-the-server-knows"
	err := send(t, s.open(t, nil), "x", content(small))
	if !errors.Is(err, uploader.ErrCredentials) {
		t.Errorf("got error %v, want ErrCredentials", err)
	}
	if strings.Contains(fmt.Sprint(err), s.secret) {
		t.Errorf("the error tells the secret: %v", err)
	}
}

// An outage is waited out as long as the window is, and for all objects together only once.
func TestS3Outage(t *testing.T) {
	s := newServer(t)
	var logged bytes.Buffer
	store := s.open(t, func(opt *uploader.S3Options) {
		opt.RetryFor = 30 * time.Second
		opt.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	})
	outage := func(d time.Duration) {
		end := s.clock.Now().Add(d)
		s.proxy.Set(func(*http.Request) uploadertest.Fault {
			if s.clock.Now().Before(end) {
				return uploadertest.Cut(0)
			}
			return nil
		})
	}

	outage(20 * time.Second)
	if err := send(t, store, "small", content(small)); err != nil {
		t.Errorf("after 20 s: %v", err)
	}
	s.check(t, "small", content(small))
	outage(20 * time.Second)
	if err := send(t, store, "large", content(large)); err != nil {
		t.Errorf("after 20 s: %v", err)
	}
	s.check(t, "large", content(large))

	outage(time.Hour)
	if err := send(t, store, "lost", content(small)); !errors.Is(err, uploader.ErrUnreachable) {
		t.Errorf("after an hour: got error %v, want ErrUnreachable", err)
	}
	before := len(s.proxy.Seen())
	if err := send(t, store, "lost too", content(small)); !errors.Is(err, uploader.ErrUnreachable) {
		t.Errorf("got error %v, want ErrUnreachable", err)
	}
	if got := len(s.proxy.Seen()) - before; got != 1 {
		t.Errorf("a store that is known to be away was asked %d times, want once", got)
	}
	outage(0)
	if err := send(t, store, "back", content(small)); err != nil {
		t.Errorf("when the store is back: %v", err)
	}
	if !strings.Contains(logged.String(), "trying again") || !strings.Contains(logged.String(), "goes on") {
		t.Errorf("the log doesn't tell of the outage: %s", logged.String())
	}
}

// Nothing listens there.
func TestS3Refused(t *testing.T) {
	s := newServer(t)
	front := httptest.NewServer(nil)
	front.Close()
	s.proxy.URL = front.URL
	store := s.open(t, func(opt *uploader.S3Options) { opt.RetryFor = time.Second })
	for _, size := range []int{small, large} {
		if err := send(t, store, "x", content(size)); !errors.Is(err, uploader.ErrUnreachable) {
			t.Errorf("%d bytes: got error %v, want ErrUnreachable", size, err)
		}
	}
	if used := store.PoolUsed(); used != 0 {
		t.Errorf("%d bytes were not given back", used)
	}
}

// The end of the context ends a wait for a store that is away.
func TestS3CancelDuringOutage(t *testing.T) {
	s := newServer(t)
	s.proxy.Set(func(*http.Request) uploadertest.Fault { return uploadertest.Cut(0) })
	for _, size := range []int{small, large} {
		ctx, cancel := context.WithCancel(t.Context())
		store := s.open(t, func(opt *uploader.S3Options) {
			opt.Now = time.Now
			opt.Sleep = func(ctx context.Context, _ time.Duration) error {
				cancel()
				<-ctx.Done()
				return ctx.Err()
			}
		})
		object, err := store.Create(ctx, "x", uploader.Meta{Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = object.Write(content(size)) // of a large one a part may have failed already
		if err := object.Commit(); !errors.Is(err, context.Canceled) {
			t.Errorf("%d bytes: got error %v, want context.Canceled", size, err)
		}
		cancel()
	}
}

// A connection on which nothing moves is given up.
func TestS3Stall(t *testing.T) {
	s := newServer(t)
	store := s.open(t, nil)
	store.SetStall(time.Second)
	s.proxy.Next(uploadertest.IsKind(uploadertest.PutObject), uploadertest.Hang)
	if err := send(t, store, "x", content(small)); err != nil {
		t.Fatal(err)
	}
	s.check(t, "x", content(small))
}

// A checksum that the store answers with is compared. What it has can't be taken back, so it is an error.
func TestS3WrongChecksum(t *testing.T) {
	s := newServer(t)
	// One part at a time: a part that is on its way when its upload is dropped may bring it back.
	store := s.open(t, func(opt *uploader.S3Options) { opt.Parallel = 1 })
	wrong := uploadertest.AnswerHeader("X-Amz-Checksum-Sha256", "AAAA")
	s.proxy.Set(func(*http.Request) uploadertest.Fault { return wrong })
	if err := send(t, store, "small", content(small)); !errors.Is(err, uploader.ErrChecksum) {
		t.Errorf("got error %v, want ErrChecksum", err)
	}
	s.proxy.Set(func(r *http.Request) uploadertest.Fault {
		if uploadertest.Kind(r) == uploadertest.PutPart {
			return uploadertest.AnswerHeader("X-Amz-Checksum-Crc32c", "AAAA")
		}
		return nil
	})
	if err := send(t, store, "large", content(large)); !errors.Is(err, uploader.ErrChecksum) {
		t.Errorf("got error %v, want ErrChecksum", err)
	}
	if left, err := s.bucket.Unfinished(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// Bytes that change each time they are sent are not sent for minutes.
func TestS3AlwaysMangled(t *testing.T) {
	s := newServer(t)
	store := s.open(t, nil)
	s.proxy.Set(func(*http.Request) uploadertest.Fault { return uploadertest.Mangle })
	if err := send(t, store, "x", content(small)); err == nil {
		t.Error("changed bytes were taken")
	}
	if got := len(s.proxy.Seen()); got != 3 {
		t.Errorf("got %d requests, want 3", got)
	}
}

// The parts of an upload that the store has dropped are gone.
func TestS3UploadDroppedLate(t *testing.T) {
	s := newServer(t)
	store := s.open(t, func(opt *uploader.S3Options) { opt.Parallel = 1 })
	parts := 0
	s.proxy.Set(func(r *http.Request) uploadertest.Fault {
		if uploadertest.Kind(r) != uploadertest.PutPart {
			return nil
		}
		if parts++; parts < 2 {
			return nil
		}
		return uploadertest.Refuse(404, "NoSuchUpload")
	})
	err := send(t, store, "x", content(large))
	if err == nil || !strings.Contains(err.Error(), "collect again") {
		t.Errorf("got error %v, want one that says to collect again", err)
	}
	if used := store.PoolUsed(); used != 0 {
		t.Errorf("%d bytes were not given back", used)
	}
}

// Credentials that have expired are read again: their file may have been renewed.
func TestS3ExpiredCredentials(t *testing.T) {
	name := filepath.Join(t.TempDir(), "credentials")
	write := func(token string) {
		text := "[default]\naws_access_key_id=AK\naws_secret_access_key=SK\naws_session_token=" + token + "\n"
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("old")
	var tokens []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Amz-Security-Token")
		tokens = append(tokens, token)
		if token == "old" {
			write("new")
			uploadertest.Refuse(400, "ExpiredToken")(w, r, nil)
		}
	}))
	defer server.Close()
	store := openS3(t, server.URL, "", "", "bucket", func(opt *uploader.S3Options) {
		opt.Credentials = uploader.FileCredentials(name, "")
		opt.Sleep = func(context.Context, time.Duration) error { return nil }
	})
	if err := send(t, store, "x", content(small)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"old", "new"}; !slices.Equal(tokens, want) {
		t.Errorf("tokens: got %q, want %q", tokens, want)
	}
}

func TestS3ClockOffset(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", now.Add(10*time.Minute).UTC().Format(http.TimeFormat))
	}))
	defer server.Close()
	store := openS3(t, server.URL, "a", "s", "bucket", func(opt *uploader.S3Options) {
		opt.Now = func() time.Time { return now }
	})
	if got, ok := store.ClockOffset(); ok {
		t.Errorf("before any answer: got an offset of %s", got)
	}
	if err := send(t, store, "x", content(small)); err != nil {
		t.Fatal(err)
	}
	got, ok := store.ClockOffset()
	if want := 10*time.Minute + time.Second/2; !ok || got != want {
		t.Errorf("got %s, %v; want %s", got, ok, want)
	}
}

func TestS3Region(t *testing.T) {
	asked := 0
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.Method + " " + r.URL.Path {
		case "PUT /latest/api/token":
			fmt.Fprint(w, "token")
		case "GET /latest/meta-data/placement/region":
			fmt.Fprint(w, "eu-central-1")
		default:
			http.NotFound(w, r)
		}
	}))
	defer metadata.Close()
	base := uploader.S3Options{
		URL:         uploader.S3URL{Bucket: "bucket"},
		Credentials: uploader.EnvCredentials(func(string) string { return "x" }),
	}
	env := func(value string) func(string) string {
		return func(name string) string { return map[string]string{"AWS_REGION": value}[name] }
	}
	for _, test := range []struct {
		name   string
		change func(*uploader.S3Options)
		want   string
		says   string
	}{
		{"none", func(*uploader.S3Options) {}, "", "set --s3-region or AWS_REGION"},
		{"none, with an endpoint", func(o *uploader.S3Options) { o.Endpoint = "http://127.0.0.1:1" }, "", "set --s3-region or AWS_REGION"},
		{"none in the environment", func(o *uploader.S3Options) { o.Getenv = env("") }, "", "set --s3-region or AWS_REGION"},
		{"option", func(o *uploader.S3Options) { o.Region, o.Getenv = "us-west-2", env("eu-west-1") }, "us-west-2", ""},
		{"environment", func(o *uploader.S3Options) { o.Getenv, o.IMDS = env("eu-west-1"), imds.New(metadata.URL) }, "eu-west-1", ""},
		{"instance", func(o *uploader.S3Options) { o.Getenv, o.IMDS = env(""), imds.New(metadata.URL) }, "eu-central-1", ""},
		{"another host", func(o *uploader.S3Options) { o.Getenv = env("evil.example/") }, "", "not the name of a region"},
		{"unknown", func(o *uploader.S3Options) { o.Region = "mars-north-1" }, "", "check --s3-region"},
	} {
		t.Run(test.name, func(t *testing.T) {
			opt := base
			test.change(&opt)
			store, err := uploader.NewS3(t.Context(), opt)
			if test.want == "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got error %v, want one that says %q", err, test.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := store.String(), "s3://bucket ("+test.want+")"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	if asked != 2 {
		t.Errorf("the instance metadata was asked %d times, want 2", asked)
	}
}

// Where requests go, as the proxy sees it that is asked for the way.
func TestS3Host(t *testing.T) {
	errStop := errors.New("far enough")
	for _, test := range []struct{ bucket, region, endpoint, want string }{
		{"bucket", "eu-central-1", "", "https://bucket.s3.eu-central-1.amazonaws.com/x"},
		{"bucket", "us-east-1", "", "https://bucket.s3.us-east-1.amazonaws.com/x"},
		{"bucket", "cn-north-1", "", "https://bucket.s3.cn-north-1.amazonaws.com.cn/x"},
		{"with.dots", "eu-central-1", "", "https://s3.eu-central-1.amazonaws.com/with.dots/x"},
		{"bucket", "here", "http://127.0.0.1:1", "http://127.0.0.1:1/bucket/x"},
		{"bucket", "here", "minio.example.org", "https://minio.example.org/bucket/x"},
		{"bucket", "here", "https://minio.example.org:9000/", "https://minio.example.org:9000/bucket/x"},
	} {
		var got []string
		store, err := uploader.NewS3(t.Context(), uploader.S3Options{
			URL:         uploader.S3URL{Bucket: test.bucket},
			Region:      test.region,
			Endpoint:    test.endpoint,
			Credentials: uploader.EnvCredentials(func(string) string { return "x" }),
			Proxy: func(r *http.Request) (*url.URL, error) {
				got = append(got, r.URL.String())
				return nil, errStop
			},
			Limits: uploader.Limits{Sleep: func(context.Context, time.Duration) error { return errStop }},
		})
		if err != nil {
			t.Errorf("%v: %v", test, err)
			continue
		}
		if err := send(t, store, "x", nil); !errors.Is(err, errStop) {
			t.Errorf("%v: %v", test, err)
		}
		if !slices.Equal(got, []string{test.want}) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestS3BadEndpoint(t *testing.T) {
	for _, endpoint := range []string{
		"ftp://host", "http://", "http://host/path", "http://host?x=y", "http://user:hunter2@host", "http://host\x7f", "://",
	} {
		_, err := uploader.NewS3(t.Context(), uploader.S3Options{
			URL:         uploader.S3URL{Bucket: "bucket"},
			Region:      "here",
			Endpoint:    endpoint,
			Credentials: uploader.EnvCredentials(func(string) string { return "x" }),
		})
		if err == nil {
			t.Errorf("%q was taken", endpoint)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

func TestS3NoProxyFromEnvironment(t *testing.T) {
	proxied := false
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied = true }))
	defer trap.Close()
	t.Setenv("HTTP_PROXY", trap.URL)
	t.Setenv("http_proxy", trap.URL)
	store, err := uploader.NewS3(t.Context(), uploader.S3Options{
		URL:         uploader.S3URL{Bucket: "bucket"},
		Region:      "here",
		Endpoint:    "http://bellwether.invalid", // a proxy would be asked to find it
		Credentials: uploader.EnvCredentials(func(string) string { return "x" }),
		Limits:      uploader.Limits{Sleep: func(context.Context, time.Duration) error { return context.Canceled }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := send(t, store, "x", nil); err == nil || proxied {
		t.Errorf("got error %v, by way of the proxy: %v", err, proxied)
	}
}

// In a bucket with Object Lock the principal that may put objects alone delivers as in any other, and nobody can delete what it has
// delivered before its time.
func TestS3ObjectLock(t *testing.T) {
	endpoint, access, secret := uploadertest.VersityGW(t)
	bucket := uploadertest.NewLockedBucket(t, endpoint, access, secret, "locked")
	userAccess, userSecret := bucket.PutOnly(t, "a prefix/IR-7", false)
	store := openS3(t, endpoint, userAccess, userSecret, bucket.Name, nil)
	for _, size := range []int{0, small, large} {
		key := fmt.Sprint(size)
		if err := send(t, store, key, content(size)); err != nil {
			t.Fatal(err)
		}
		if err := send(t, store, key, content(size)); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%d bytes again: got error %v, want fs.ErrExist", size, err)
		}
		if err := bucket.DeleteVersions(t.Context(), "a prefix/IR-7/"+key); err == nil {
			t.Errorf("%d bytes: the locked object could be deleted", size)
		}
		got, err := bucket.Read(t.Context(), "a prefix/IR-7/"+key)
		if err != nil || !bytes.Equal(got, content(size)) {
			t.Errorf("%d bytes: got %d back, %v", size, len(got), err)
		}
	}
}
