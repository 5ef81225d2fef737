package uploader

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// proxyFunc is what [http.Transport] asks for the way that a request goes.
type proxyFunc = func(*http.Request) (*url.URL, error)

// newTransport returns the way to an object store. A nil proxy means none, whatever the environment says: HTTPS_PROXY on
// a suspected host is not the operator's.
func newTransport(proxy proxyFunc, conns int) *http.Transport {
	return &http.Transport{
		Proxy:               proxy,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: conns,
		IdleConnTimeout:     90 * time.Second,
		WriteBufferSize:     64 << 10,
		DisableCompression:  true,
	}
}

// newSourceTransport returns the way to a bucket that is read.
func newSourceTransport(proxy proxyFunc, conns int) *stallGuard {
	transport := newTransport(proxy, conns)
	transport.ReadBufferSize = 64 << 10
	return &stallGuard{next: transport, after: stallAfter}
}

// A clockReader is a transport that compares the Date of each answer with the host's clock.
type clockReader struct {
	next http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	offset time.Duration
	within time.Duration // how exact offset is; 0 until there is one
}

// RoundTrip passes the request on.
func (c *clockReader) RoundTrip(req *http.Request) (*http.Response, error) {
	began := c.now()
	var sent atomic.Pointer[time.Time]
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
		now := c.now()
		sent.Store(&now)
	}}
	resp, err := c.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return resp, err
	}
	from := began
	if at := sent.Load(); at != nil { // a quick answer may come before the word that the request was written
		from = *at
	}
	c.observe(from, c.now(), resp.Header.Get("Date"))
	return resp, nil
}

// observe keeps what one answer says: that the store's clock stood in the second that begins at date, some time between
// from and until. The answer that came fastest says it best.
func (c *clockReader) observe(from, until time.Time, date string) {
	server, err := http.ParseTime(date)
	if err != nil {
		return
	}
	trip := max(0, until.Sub(from))
	within := (trip + time.Second) / 2
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.within == 0 || within < c.within {
		c.offset = server.Add(time.Second / 2).Sub(from.Add(trip / 2))
		c.within = within
	}
}

// read returns by how much the store's clock is ahead of the host's.
func (c *clockReader) read() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.within != 0
}
