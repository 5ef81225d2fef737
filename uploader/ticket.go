package uploader

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxTicket is more than any ticket has, in bytes.
const maxTicket = 1 << 20

// A Ticket is what a responder hands out in place of credentials: signed permission to make one object (a presigned URL for PUT), or any
// number of objects below a prefix (the form of a POST policy). It is a secret.
type Ticket struct {
	put  *url.URL   // for one object; nil for a form
	form *postForm  // for any number; nil for a URL
	head putHeaders // of a request to put
	ends time.Time  // zero if that isn't known
}

// A postForm is the form of a POST policy.
type postForm struct {
	at       *url.URL
	fields   map[string]string // but key and file
	prefix   string            // that every key begins with
	least    int64             // bytes that an object must have
	most     int64
	checksum bool // the policy takes x-amz-checksum-sha256
}

// String returns "REDACTED".
func (Ticket) String() string { return redacted }

// GoString returns "REDACTED".
func (Ticket) GoString() string { return redacted }

// LogValue returns "REDACTED".
func (Ticket) LogValue() slog.Value { return slog.StringValue(redacted) }

// Single reports whether the ticket is good for one object only.
func (t Ticket) Single() bool { return t.put != nil }

// Expires returns the ticket's end, and zero if it doesn't say.
func (t Ticket) Expires() time.Time { return t.ends }

// ParseTicket reads a presigned URL, or the JSON of a POST policy's form: {"url": "https://…", "fields": {…}}, as boto3 and `bellwether
// presign` print it. What it is sent to must be https, or this very host. Its errors never repeat what it read.
func ParseTicket(text string) (Ticket, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if strings.HasPrefix(text, "{") {
		return parseForm(text)
	}
	return parsePresigned(strings.Trim(text, `"'`))
}

// parseTarget reads a URL that secrets are sent to.
func parseTarget(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("not a URL such as https://bucket.s3.eu-west-1.amazonaws.com/…")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, errors.New("the URL is not https, and the evidence would be sent in the clear")
	}
	return u, nil
}

// parsePresigned reads a URL for one PUT.
func parsePresigned(text string) (Ticket, error) {
	u, err := parseTarget(text)
	if err != nil {
		return Ticket{}, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Ticket{}, errors.New("the query of the URL is not one of names and values")
	}
	t := Ticket{put: u, head: putHeaders{}}
	if err := t.head.read(query); err != nil {
		return Ticket{}, err
	}
	if t.ends, err = presignedEnd(query); err != nil {
		return Ticket{}, err
	}
	return t, nil
}

// presignedEnd returns when a presigned URL expires, as far as the query tells in the manner of AWS, Google or Azure.
func presignedEnd(query url.Values) (time.Time, error) {
	for _, vendor := range []string{"X-Amz-", "X-Goog-"} {
		if !query.Has(vendor + "Signature") {
			continue
		}
		signed, err := time.Parse("20060102T150405Z", query.Get(vendor+"Date"))
		seconds, bad := strconv.ParseUint(query.Get(vendor+"Expires"), 10, 31)
		if err != nil || bad != nil {
			return time.Time{}, fmt.Errorf("the URL's %sDate and %sExpires are not a time and seconds", vendor, vendor)
		}
		return signed.Add(time.Duration(seconds) * time.Second), nil
	}
	if query.Has("sig") && query.Has("se") {
		end, err := parseSASTime(query.Get("se"))
		if err != nil {
			return time.Time{}, errors.New("the URL's se is not a time")
		}
		return end, nil
	}
	return time.Time{}, nil
}

// putHeaders are the headers of a request to a presigned URL, which are signed with it.
type putHeaders map[string]string

// read takes the headers that the query says are signed. Those whose value only the signer knows can't be sent.
func (h putHeaders) read(query url.Values) error {
	google := query.Has("X-Goog-Signature")
	if !google {
		h["If-None-Match"] = "*"
	}
	signed := query.Get("X-Amz-SignedHeaders") + ";" + query.Get("X-Goog-SignedHeaders")
	for name := range strings.SplitSeq(strings.ToLower(signed), ";") {
		switch name {
		case "", "host", "content-length", "content-md5":
		case "if-none-match":
			h["If-None-Match"] = "*"
		case "x-goog-if-generation-match":
			h["X-Goog-If-Generation-Match"] = "0"
		default:
			return fmt.Errorf("the URL is signed with the header %.60q, whose value it doesn't tell: sign host and if-none-match alone", name)
		}
	}
	if query.Has("sig") && query.Has("sv") { // a SAS token of Azure
		h["X-Ms-Blob-Type"] = "BlockBlob"
		if resource := query.Get("sr"); resource != "b" {
			return errors.New("the SAS URL is not one of a blob; give azblob://account/container/prefix, and the token with --azure-sas FILE")
		}
	}
	return nil
}

// parseForm reads the form of a POST policy.
func parseForm(text string) (Ticket, error) {
	var doc struct {
		URL    string            `json:"url"`
		Fields map[string]string `json:"fields"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return Ticket{}, fmt.Errorf("not JSON at byte %d", syntax.Offset)
		}
		return Ticket{}, errors.New(`not the JSON of a POST policy: want {"url": "https://…", "fields": {…}}`)
	}
	at, err := parseTarget(doc.URL)
	if err != nil {
		return Ticket{}, fmt.Errorf("url: %w", err)
	}
	form := &postForm{at: at, fields: map[string]string{}}
	policy := ""
	for name, value := range doc.Fields {
		switch strings.ToLower(name) {
		case "key", "file":
		case "success_action_redirect", "redirect":
			return Ticket{}, errors.New("the policy redirects: make one without")
		case "policy":
			policy = value
			fallthrough
		default:
			form.fields[name] = value
		}
	}
	end, err := form.readPolicy(policy)
	if err != nil {
		return Ticket{}, fmt.Errorf("policy: %w", err)
	}
	return Ticket{form: form, ends: end}, nil
}

// readPolicy takes what the policy document says ("POST policy", Amazon S3 API Reference): its end, the prefix of keys, and the sizes.
func (f *postForm) readPolicy(encoded string) (time.Time, error) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(text) == 0 {
		return time.Time{}, errors.New("none, or not base64")
	}
	var doc struct {
		Expiration time.Time         `json:"expiration"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return time.Time{}, errors.New("not a POST policy")
	}
	f.most = maxPut
	keys := false
	for _, raw := range doc.Conditions {
		var c []any
		if json.Unmarshal(raw, &c) != nil || len(c) != 3 {
			continue // {"name": "value"}, which a field answers to
		}
		what, _ := c[0].(string)
		name, _ := c[1].(string)
		value, _ := c[2].(string)
		switch {
		case strings.EqualFold(what, "starts-with") && strings.EqualFold(name, "$key"):
			f.prefix, keys = value, true
		case strings.EqualFold(what, "starts-with") && strings.EqualFold(name, "$x-amz-checksum-sha256"):
			f.checksum = true
		case strings.EqualFold(what, "content-length-range"):
			least, ok1 := c[1].(float64)
			most, ok2 := c[2].(float64)
			if !ok1 || !ok2 || least < 0 || most < least {
				return time.Time{}, errors.New("content-length-range is not one of numbers")
			}
			f.least, f.most = int64(min(least, maxPut)), int64(min(most, maxPut))
		}
	}
	if !keys {
		return time.Time{}, errors.New(`it is for one key alone; want a condition ["starts-with", "$key", "IR-7/"]`)
	}
	if f.least > 0 {
		return time.Time{}, fmt.Errorf("objects of less than %d bytes are refused, and a case has empty files: begin content-length-range at 0", f.least)
	}
	prefix := strings.TrimSuffix(f.prefix, "/")
	if err := checkStorePrefix(prefix); err != nil {
		return time.Time{}, err
	}
	return doc.Expiration, nil
}

// key returns the key in the bucket of an object of the store.
func (f *postForm) key(name string) string {
	if f.prefix == "" || strings.HasSuffix(f.prefix, "/") {
		return f.prefix + name
	}
	return f.prefix + "/" + name
}

// A TicketSource is where a ticket comes from. It is read when it is needed, and again when the ticket has expired, so that a file can be
// replaced while a run goes on.
type TicketSource struct {
	from string
	read func() (Ticket, error)

	mu     sync.Mutex
	ticket Ticket
	valid  bool
}

// TicketFile is a ticket in a file. A file that others than its owner can read is refused.
func TicketFile(name string) *TicketSource {
	return &TicketSource{from: name, read: func() (Ticket, error) {
		text, err := ReadSecret(name)
		if err != nil {
			return Ticket{}, err
		}
		t, err := ParseTicket(text)
		if err != nil {
			return Ticket{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, name, err)
		}
		return t, nil
	}}
}

// TicketText is a ticket that was read from somewhere that can be read but once, such as standard input.
func TicketText(from, text string) *TicketSource {
	return &TicketSource{from: from, read: func() (Ticket, error) {
		t, err := ParseTicket(text)
		if err != nil {
			return Ticket{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, from, err)
		}
		return t, nil
	}}
}

// String returns "REDACTED".
func (s *TicketSource) String() string { return redacted }

// GoString returns "REDACTED".
func (s *TicketSource) GoString() string { return redacted }

// current returns the ticket, if it is good at the time now.
func (s *TicketSource) current(now time.Time) (Ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.valid && (s.ticket.ends.IsZero() || now.Before(s.ticket.ends)) {
		return s.ticket, nil
	}
	t, err := s.read()
	if err != nil {
		return Ticket{}, err
	}
	if !t.ends.IsZero() && !now.Before(t.ends) {
		return Ticket{}, fmt.Errorf("%w: what is in %s expired at %s: put a new one there", ErrCredentials, s.from, t.ends.UTC().Format(time.RFC3339))
	}
	s.ticket, s.valid = t, true
	return t, nil
}

// last returns the ticket that was read last.
func (s *TicketSource) last() Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ticket
}

// ReadSecret returns the text of a file that its owner alone can read, of at most 1 MiB.
func ReadSecret(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	if err := checkPrivate(name, info); err != nil {
		return "", err
	}
	return ReadSecretFrom(f)
}

// ReadSecretFrom is [ReadSecret] for what is open.
func ReadSecretFrom(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTicket+1))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	if len(text) > maxTicket {
		return "", fmt.Errorf("%w: larger than %d bytes", ErrCredentials, maxTicket)
	}
	return string(text), nil
}

// set adds the headers to a request.
func (h putHeaders) set(req *http.Request) {
	for name, value := range h {
		req.Header.Set(name, value)
	}
}
