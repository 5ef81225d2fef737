package uploader

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // stores compare it, against accidents
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
)

// maxPut is the largest object that one request of S3 can make ("Uploading objects", Amazon S3 User Guide). Google takes more, Azure a
// little less.
const maxPut = 5 << 30

// ErrOneObject is the error of a second object for a ticket that is good for one.
var ErrOneObject = errors.New("a presigned URL takes one object: send one archive, or ask for the form of a POST policy, which takes a prefix")

// PresignedOptions are the options of [NewPresigned]. Ticket is required.
type PresignedOptions struct {
	Ticket  *TicketSource
	Scratch Scratch                               // for objects that are too large for memory
	Proxy   func(*http.Request) (*url.URL, error) // nil: none
	Limits
}

// Presigned is a store that needs no credentials: what is sent was signed by somebody else. See [Ticket].
//
// Objects are sent whole. One that is larger than a part is kept in the Scratch folder until then, and 5 GiB are the most.
//
// A presigned URL is good for one object, whatever its key, and the request has If-None-Match: * (for Google it has to be signed with
// x-goog-if-generation-match:0), so that a name that is taken is refused. The form of a POST policy makes objects below its prefix. S3 has
// no condition for a POST: the store refuses what it has made itself, and what another run has made only the bucket's versions keep.
//
// The MD5 of the bytes is sent with a PUT, and compared with what the service answers, which a SHA-256 is too where the policy lets it be sent.
type Presigned struct {
	*engine
	ticket  *TicketSource
	client  *http.Client
	clock   *clockReader
	scratch Scratch
	now     func() time.Time

	mu   sync.Mutex
	seed maphash.Seed
	made map[uint64]bool // keys that were begun, by their hash
}

var _ Store = (*Presigned)(nil)

// NewPresigned opens the store. It reads the ticket, so that what is wrong with it is known before a run begins, but makes no request.
func NewPresigned(opt PresignedOptions) (*Presigned, error) {
	opt.setDefaults()
	if _, err := opt.Ticket.current(opt.Now()); err != nil {
		return nil, err
	}
	clock := &clockReader{next: newTransport(opt.Proxy, opt.Parallel), now: opt.Now}
	return &Presigned{
		engine: newEngine(opt.Limits), ticket: opt.Ticket, clock: clock, scratch: opt.Scratch, now: opt.Now,
		client: &http.Client{Transport: clock, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		seed:   maphash.MakeSeed(), made: map[uint64]bool{},
	}, nil
}

// Single reports whether the store takes one object only.
func (s *Presigned) Single() bool { return s.ticket.last().Single() }

// Describe says what is used, without any secret.
func (s *Presigned) Describe() string {
	kind := "POST policy"
	if s.Single() {
		kind = "presigned URL"
	}
	text := kind + " in " + s.ticket.from
	if end := s.ticket.last().ends; !end.IsZero() {
		text += ", until " + end.UTC().Format(time.RFC3339)
	}
	return text
}

// String says where the store is: host and path of the URL, which are no secret, and the prefix.
func (s *Presigned) String() string {
	t := s.ticket.last()
	u, prefix := t.put, ""
	if t.form != nil {
		u, prefix = t.form.at, t.form.prefix
	}
	return joinURL(u.Scheme+"://"+u.Host+strings.TrimSuffix(u.EscapedPath(), "/"), strings.TrimSuffix(prefix, "/"))
}

// ClockOffset returns by how much the store's clock is ahead of the host's, once the store has answered.
func (s *Presigned) ClockOffset() (time.Duration, bool) { return s.clock.read() }

// Create starts an object.
func (s *Presigned) Create(ctx context.Context, key string, meta Meta) (Object, error) {
	return s.create(ctx, s, key, meta)
}

// name implements backend.
func (s *Presigned) name(ctx context.Context, key string, meta Meta) (string, error) {
	t := s.ticket.last()
	full := key
	if t.form != nil {
		full = t.form.key(key)
	}
	if most := s.most(t); meta.Size > most {
		return "", tooLarge(key, meta.Size, most)
	}
	return full, checkCreate(ctx, s, key, full)
}

// most is how many bytes an object may have.
func (s *Presigned) most(t Ticket) int64 {
	if t.form != nil {
		return t.form.most
	}
	return maxPut
}

func tooLarge(key string, size, most int64) error {
	return fmt.Errorf("%s: %w: %s; what was signed takes %s in one request: use a store that takes parts, or leave large files out with --max-file",
		key, ErrTooLarge, humanize.IBytes(uint64(size)), humanize.IBytes(uint64(most)))
}

// claim notes that the key is ours, unless it was before.
func (s *Presigned) claim(single bool, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := maphash.String(s.seed, key)
	if s.made[h] {
		return fmt.Errorf("%w: %s", fs.ErrExist, key)
	}
	if single && len(s.made) > 0 {
		return ErrOneObject
	}
	s.made[h] = true
	return nil
}

// disclaim notes that the key was not made after all.
func (s *Presigned) disclaim(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, maphash.String(s.seed, key))
}

// whole implements backend.
func (s *Presigned) whole(ctx context.Context, key string, _ Meta, p *part) error {
	return s.send(ctx, key, p, digests{md5: p.md5(), sha256: p.sha256()})
}

// parts implements backend.
func (s *Presigned) parts(u *upload, _ Meta) partTarget {
	most := s.most(s.ticket.last())
	return newSpooled(u, s.scratch, most, func(ctx context.Context, f *spoolFile) error {
		sum, m := sha256.New(), md5.New() //nolint:gosec // see the import
		if err := f.digest(sum, m); err != nil {
			return err
		}
		return s.send(ctx, u.key, f, digests{md5: [md5.Size]byte(m.Sum(nil)), sha256: [sha256.Size]byte(sum.Sum(nil))})
	})
}

// explain implements backend.
func (s *Presigned) explain(err error) error {
	var resp *answerError
	switch {
	case errors.Is(err, ErrCredentials) || errors.Is(err, fs.ErrExist):
		return err
	case !errors.As(err, &resp):
		return explainNet(err)
	case resp.code == "EntityTooLarge":
		return fmt.Errorf("%w: %w: ask for a policy with a larger content-length-range", ErrTooLarge, err)
	case resp.status == http.StatusForbidden || resp.status == http.StatusUnauthorized || resp.code == "ExpiredToken":
		return fmt.Errorf("%w: %w; what was signed has expired, or doesn't allow this: put a new one into %s, and check this host's clock",
			fs.ErrPermission, err, s.ticket.from)
	}
	return err
}

// digests are what a store may compare.
type digests struct {
	md5    [md5.Size]byte
	sha256 [sha256.Size]byte
}

// send makes the object in one request.
func (s *Presigned) send(ctx context.Context, key string, p payload, sums digests) error {
	t := s.ticket.last()
	if most := s.most(t); p.length() > most {
		return tooLarge(key, p.length(), most)
	}
	if err := s.claim(t.Single(), key); err != nil {
		return err
	}
	err := s.once(ctx, key, func(ctx context.Context) (sent bool, err error) {
		return s.try(ctx, s.stall, p, func(ctx context.Context, b *body) error {
			t, err := s.ticket.current(s.now())
			if err != nil {
				return err
			}
			req, err := t.request(ctx, key, b, p.length(), sums)
			if err != nil {
				return err
			}
			return s.do(req, sums)
		})
	})
	if err != nil && !errors.Is(err, ErrChecksum) {
		s.disclaim(key)
	}
	return err
}

// do makes the request, and compares what the service has.
func (s *Presigned) do(req *http.Request, sums digests) error {
	resp, err := s.client.Do(req)
	if err != nil {
		var u *url.Error // it holds the URL, and that is the secret
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return signedFailed(resp, text)
	}
	if err != nil {
		return err
	}
	return sums.compare(resp.Header)
}

// signedFailed returns the error that the answer is.
func signedFailed(resp *http.Response, text []byte) error {
	var doc struct{ Code string }
	_ = xml.Unmarshal(text, &doc) // without it there is the status
	code := doc.Code
	if c := resp.Header.Get("X-Ms-Error-Code"); c != "" {
		code = c
	}
	return &answerError{from: "the store", status: resp.StatusCode, code: code}
}

// compare checks what the service says of the object that it has made.
func (d digests) compare(h http.Header) error {
	sum := hex.EncodeToString(d.md5[:])
	etag := strings.Trim(h.Get("ETag"), `"`)
	encryption := h.Get("X-Amz-Server-Side-Encryption")
	plain := encryption == "" || encryption == "AES256" // else the ETag is no MD5 ("Common response headers", Amazon S3 API Reference)
	if _, err := hex.DecodeString(etag); err == nil && len(etag) == len(sum) && plain && h.Get("X-Ms-Request-Id") == "" {
		if err := compare(strings.ToLower(etag), sum); err != nil {
			return err
		}
	}
	encoded := base64.StdEncoding.EncodeToString(d.md5[:])
	for _, hash := range h.Values("X-Goog-Hash") {
		if got, ok := strings.CutPrefix(hash, "md5="); ok {
			if err := compare(got, encoded); err != nil {
				return err
			}
		}
	}
	if err := compare(h.Get("Content-MD5"), encoded); err != nil {
		return err
	}
	return compare(h.Get("X-Amz-Checksum-Sha256"), base64.StdEncoding.EncodeToString(d.sha256[:]))
}

// request makes the request for an object.
func (t Ticket) request(ctx context.Context, key string, b *body, size int64, sums digests) (*http.Request, error) {
	if t.form != nil {
		return t.form.request(ctx, key, b, size, sums)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, t.put.String(), b)
	if err != nil {
		return nil, errors.New("not a URL for a request") // the library's error has the URL
	}
	t.head.set(req)
	req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sums.md5[:]))
	setLength(req, size)
	return req, nil
}

// setLength says how long the body is. One without a byte must not be sent in chunks.
func setLength(req *http.Request, size int64) {
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
}

// request makes the request for an object of the form.
func (f *postForm) request(ctx context.Context, key string, b *body, size int64, sums digests) (*http.Request, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	fields := maps.Clone(f.fields)
	fields["key"] = key
	if f.checksum {
		fields["x-amz-checksum-sha256"] = base64.StdEncoding.EncodeToString(sums.sha256[:])
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := w.WriteField(name, fields[name]); err != nil {
			return nil, err
		}
	}
	if _, err := w.CreateFormFile("file", "evidence"); err != nil { // it must come last
		return nil, err
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	length := int64(head.Len()) + size + int64(len(tail))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.at.String(), io.MultiReader(&head, b, strings.NewReader(tail)))
	if err != nil {
		return nil, errors.New("not a URL for a request")
	}
	req.ContentLength = length
	req.Header.Set("Content-Type", w.FormDataContentType())
	return req, nil
}
