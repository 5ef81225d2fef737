package uploadertest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Fault is what happens to one request on its way to the server. It calls server to pass the request on.
type Fault func(w http.ResponseWriter, r *http.Request, server http.Handler)

// A Proxy stands in front of a server, and does to each request what a test wants.
type Proxy struct {
	URL string

	mu    sync.Mutex
	seen  []string
	fault func(r *http.Request) Fault
}

// NewProxy starts a proxy to the server at target. It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	return NewProxyVia(t, target, &http.Transport{DisableCompression: true})
}

// NewProxyVia is [NewProxy] with the transport that goes to the server.
func NewProxyVia(t testing.TB, target string, transport http.RoundTripper) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	server := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { cut(w) },
		Transport:    transport,
	}
	p := &Proxy{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := p.note(r); fault != nil {
			fault(w, r, server)
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	p.URL = front.URL
	return p
}

// Set says which fault each request from now on meets; choose returns nil for none. It is called for one request at a
// time.
func (p *Proxy) Set(choose func(*http.Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = choose
}

// Next has the next requests that match meet the faults, one each. It returns a function that says how many are left.
func (p *Proxy) Next(match func(*http.Request) bool, faults ...Fault) (left func() int) {
	p.Set(func(r *http.Request) Fault {
		if len(faults) == 0 || !match(r) {
			return nil
		}
		fault := faults[0]
		faults = faults[1:]
		return fault
	})
	return func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(faults)
	}
}

// Seen returns the requests so far, each as its method and the names of its query's parameters: "PUT partNumber uploadId".
func (p *Proxy) Seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *Proxy) note(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, Kind(r))
	if p.fault == nil {
		return nil
	}
	return p.fault(r)
}

// Kind says what kind of request r is, in the form of [Proxy.Seen].
func Kind(r *http.Request) string {
	words := []string{r.Method}
	for name := range r.URL.Query() {
		words = append(words, name)
	}
	slices.Sort(words[1:])
	return strings.Join(words, " ")
}

// The kinds of requests that a store may make of S3.
const (
	PutObject = "PUT"
	Begin     = "POST uploads"
	PutPart   = "PUT partNumber uploadId"
	Complete  = "POST uploadId"
	Abort     = "DELETE uploadId"
)

// IsKind returns a match for [Proxy.Next].
func IsKind(kind string) func(*http.Request) bool {
	return func(r *http.Request) bool { return Kind(r) == kind }
}

// Cut reads n bytes of the request's body and breaks the connection.
func Cut(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.CopyN(io.Discard, r.Body, n)
		cut(w)
	}
}

// LoseAnswer passes the request on and breaks the connection in place of an answer.
func LoseAnswer(w http.ResponseWriter, r *http.Request, server http.Handler) {
	server.ServeHTTP(httptest.NewRecorder(), r)
	cut(w)
}

// Refuse answers as S3 does when it refuses.
func Refuse(status int, code string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>a fault of the test: %s</Message></Error>", code, code)
	}
}

// Mangle passes the request on with a byte of its body changed.
func Mangle(w http.ResponseWriter, r *http.Request, server http.Handler) {
	r.Body = &mangled{ReadCloser: r.Body}
	server.ServeHTTP(w, r)
}

type mangled struct {
	io.ReadCloser
	done bool
}

func (m *mangled) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if n > 0 && !m.done {
		p[0] ^= 1
		m.done = true
	}
	return n, err
}

// AnswerHeader passes the request on, and sets a header of the answer.
func AnswerHeader(name, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set(name, value)
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// CutAnswer passes the request on and breaks the connection after n bytes of the body of its answer. Before the first byte
// there is no answer at all.
func CutAnswer(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		answer := &cutAnswer{ResponseWriter: w, left: n}
		server.ServeHTTP(answer, r)
		if err := http.NewResponseController(w).Flush(); n > 0 && err != nil {
			panic(http.ErrAbortHandler)
		}
		cut(w)
	}
}

// cutAnswer is what [CutAnswer] hands to the server: it passes the first bytes on and drops the others.
type cutAnswer struct {
	http.ResponseWriter
	left int
}

func (c *cutAnswer) WriteHeader(status int) {
	if c.left > 0 {
		c.ResponseWriter.WriteHeader(status)
	}
}

func (c *cutAnswer) Write(p []byte) (int, error) {
	if n := min(c.left, len(p)); n > 0 {
		if _, err := c.ResponseWriter.Write(p[:n]); err != nil {
			return 0, err
		}
		c.left -= n
	}
	return len(p), nil
}

// Unwrap keeps the server from flushing an answer that there should not be.
func (c *cutAnswer) Unwrap() http.ResponseWriter { return nil }

// Hang reads the body and answers nothing until the client gives up.
func Hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// cut breaks the connection.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server breaks it then
	}
	_ = conn.Close() // that it is broken is the purpose
}
