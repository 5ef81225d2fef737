package uploader

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bellwether/imds"
)

// fakeIMDS answers as the service of EC2 does: nothing without a token, and a token only by PUT.
type fakeIMDS struct {
	t       *testing.T
	role    string
	doc     string
	faults  int // requests to answer with 500 first
	tokens  int
	refused int
}

func (f *fakeIMDS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.faults > 0 {
		f.faults--
		http.Error(w, "busy", http.StatusInternalServerError)
		return
	}
	if r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" {
		if r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") == "" {
			f.t.Error("a token was asked for without a time")
		}
		f.tokens++
		fmt.Fprintf(w, "token%d", f.tokens)
		return
	}
	if r.Header.Get("X-aws-ec2-metadata-token") != fmt.Sprintf("token%d", f.tokens) {
		f.refused++
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	switch path, _ := strings.CutPrefix(r.URL.Path, "/latest/meta-data/"); {
	case path == "placement/region":
		fmt.Fprintln(w, "eu-central-1")
	case path == "iam/security-credentials/" && f.role != "":
		fmt.Fprintln(w, f.role)
	case path == "iam/security-credentials/"+f.role && f.role != "":
		fmt.Fprint(w, f.doc)
	default:
		http.NotFound(w, r)
	}
}

const roleDoc = `{
  "Code": "Success", "LastUpdated": "2026-11-22T10:00:00Z", "Type": "AWS-HMAC",
  "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  "Token": "session", "Expiration": "2026-11-22T16:15:00Z"
}`

func startIMDS(t *testing.T, fake *fakeIMDS) *imds.Service {
	t.Helper()
	fake.t = t
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return imds.New(server.URL)
}

func TestIMDS(t *testing.T) {
	fake := &fakeIMDS{role: "triage-writer", doc: roleDoc, faults: 1}
	service := startIMDS(t, fake)
	if region, err := service.Region(t.Context()); err != nil || region != "eu-central-1" {
		t.Errorf("got region %q, %v", region, err)
	}
	c := InstanceCredentials(service)
	value, err := c.provider.Retrieve()
	if err != nil {
		t.Fatal(err)
	}
	if value.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || value.SecretAccessKey != exampleSecret || value.SessionToken != "session" {
		t.Error("got other keys than wanted")
	}
	if want := time.Date(2026, 11, 22, 16, 15, 0, 0, time.UTC); !value.Expiration.Equal(want) {
		t.Errorf("got expiration %v, want %v", value.Expiration, want)
	}
	if fake.refused != 0 {
		t.Errorf("%d questions had no token", fake.refused)
	}
	if got := c.Describe(); !strings.Contains(got, "IMDSv2") {
		t.Errorf("got description %q", got)
	}
}

func TestIMDSErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		fake fakeIMDS
		says string
	}{
		{"no role", fakeIMDS{}, "no role"},
		{"role can't be taken", fakeIMDS{role: "r", doc: `{"Code": "AssumeRoleUnauthorizedAccess"}`}, "AssumeRoleUnauthorizedAccess"},
		{"no keys", fakeIMDS{role: "r", doc: `{"Code": "Success"}`}, "access key"},
		{"not JSON", fakeIMDS{role: "r", doc: exampleSecret}, "not JSON"},
		{"a role that is a path", fakeIMDS{role: "../../user-data", doc: roleDoc}, "no role"},
		{"always busy", fakeIMDS{role: "r", doc: roleDoc, faults: 100}, "500"},
	} {
		_, err := InstanceCredentials(startIMDS(t, &test.fake)).provider.Retrieve()
		if !errors.Is(err, ErrCredentials) || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s: got error %v, want one that says %q", test.name, err, test.says)
		}
		if strings.Contains(fmt.Sprint(err), exampleSecret) {
			t.Errorf("%s: the error tells the secret: %v", test.name, err)
		}
	}
}

// A service that knows only version 1 is not asked a second time without a token.
func TestIMDSNoVersion1(t *testing.T) {
	var gets int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			gets++
			fmt.Fprint(w, roleDoc)
			return
		}
		http.Error(w, "", http.StatusForbidden)
	}))
	defer server.Close()
	if _, err := instanceKeys(t.Context(), imds.New(server.URL)); err == nil {
		t.Error("got credentials without a token")
	}
	if gets != 0 {
		t.Errorf("%d questions were asked without a token", gets)
	}
}
