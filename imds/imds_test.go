package imds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A service that knows only version 1 is not asked a second time without a token.
func TestNoVersion1(t *testing.T) {
	var gets int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			gets++
			fmt.Fprint(w, "eu-central-1")
			return
		}
		http.Error(w, "", http.StatusForbidden)
	}))
	defer server.Close()
	if _, err := New(server.URL).Region(t.Context()); err == nil {
		t.Error("got a region without a token")
	}
	if gets != 0 {
		t.Errorf("%d questions were asked without a token", gets)
	}
}

// Neither a redirect nor a proxy of the environment gets to see a token.
func TestNoDetour(t *testing.T) {
	seen := 0
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
	defer trap.Close()
	t.Setenv("HTTP_PROXY", trap.URL)
	t.Setenv("http_proxy", trap.URL)
	if _, err := New("http://bellwether.invalid").Region(t.Context()); err == nil {
		t.Error("got a region from nowhere")
	}
	server := httptest.NewServer(http.RedirectHandler(trap.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := New(server.URL).Region(t.Context()); err == nil {
		t.Error("followed a redirect")
	}
	if seen != 0 {
		t.Errorf("%d requests went elsewhere", seen)
	}
}

// A service that takes the question and never answers costs a second, and the context can end that.
func TestSilent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	if _, err := New(server.URL).Region(t.Context()); err == nil {
		t.Error("got a region from a silent service")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(server.URL).Region(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

// No way of printing shows a token.
func TestTokenDoesNotPrint(t *testing.T) {
	token := Token("c2VjcmV0")
	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%+v %#v", token, token), fmt.Sprintf("%q", token), token.LogValue().String()} {
		if strings.Contains(text, "c2VjcmV0") {
			t.Errorf("it prints as %s", text)
		}
	}
}
