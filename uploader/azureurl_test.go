package uploader

import (
	"strings"
	"testing"
)

func TestParseAzureURL(t *testing.T) {
	for in, want := range map[string]AzureURL{
		"azblob://account/container":                   {"account", "container", ""},
		"azblob://account/container/":                  {"account", "container", ""},
		"azblob://abc/a1-b2-c3/IR-7":                   {"abc", "a1-b2-c3", "IR-7"},
		"azblob://account/container/IR-7/":             {"account", "container", "IR-7/"},
		"azblob://account/container//x/../%2f?a b+c#ü": {"account", "container", "/x/../%2f?a b+c#ü"},
		"azblob://account/$logs/blob/2026":             {"account", "$logs", "blob/2026"},
		"azblob://account/insights-logs-networksecuritygroupflowevent/resourceId=/SUBSCRIPTIONS/x/y=2026": {
			"account", "insights-logs-networksecuritygroupflowevent", "resourceId=/SUBSCRIPTIONS/x/y=2026"},
	} {
		if got, err := ParseAzureURL(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "azblob:", "azblob://", "azblob://account", "azblob://account/", "azblob:///container", "AZBLOB://account/container", "s3://account/container",
		"azblob://ab/container", "azblob://Account/container", "azblob://acc-ount/container", "azblob://account.blob.core.windows.net/container",
		"azblob://u@account/container", "azblob://account:80/container", "azblob://" + strings.Repeat("a", 25) + "/container",
		"azblob://account/ab", "azblob://account/-abc", "azblob://account/abc-", "azblob://account/a--b", "azblob://account/Abc", "azblob://account/a.b",
		"azblob://account/$other", "azblob://account/" + strings.Repeat("a", 64), "azblob://account/" + strings.Repeat("a-", 40) + "a",
		"azblob://account/container/\xff", "azblob://account/container/a\x00", "azblob://account/container/" + strings.Repeat("x", 1025),
	} {
		if got, err := ParseAzureURL(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

// A token in a URL stands in the list of processes, and must not get into a log too.
func TestParseAzureURLWithToken(t *testing.T) {
	for _, in := range []string{
		"azblob://account/container/x?sv=2024-11-04&sig=c2VjcmV0",
		"azblob://account/container?sig=c2VjcmV0",
		"https://account.blob.core.windows.net/container?sv=1&sig=c2VjcmV0&se=2",
	} {
		_, err := ParseAzureURL(in)
		if err == nil || strings.Contains(err.Error(), "c2VjcmV0") || !strings.Contains(err.Error(), sasVariable) {
			t.Errorf("got error %v, want one that names %s and not the token", err, sasVariable)
		}
	}
}

func TestParseContainerSAS(t *testing.T) {
	const token = "?sv=2024-11-04&sr=c&sp=c&sig=c2VjcmV0"
	for in, want := range map[string]struct{ url, endpoint string }{
		"https://account.blob.core.windows.net/container":             {"azblob://account/container", "https://account.blob.core.windows.net"},
		"https://account.blob.core.windows.net/container/IR-7/":       {"azblob://account/container/IR-7", "https://account.blob.core.windows.net"},
		"https://account.blob.core.usgovcloudapi.net/container/a%20b": {"azblob://account/container/a b", "https://account.blob.core.usgovcloudapi.net"},
		"http://127.0.0.1:10000/devstoreaccount1/container/IR-7":      {"azblob://devstoreaccount1/container/IR-7", "http://127.0.0.1:10000/devstoreaccount1"},
	} {
		at, endpoint, err := ParseContainerSAS(in + token)
		if err != nil || at.String() != want.url || endpoint != want.endpoint || !IsContainerSAS(in+token) {
			t.Errorf("%s: got %s at %s, %v; want %s at %s", in, at, endpoint, err, want.url, want.endpoint)
		}
	}
	for _, in := range []string{"http://account.blob.core.windows.net/container", "https://account.blob.core.windows.net/", "https://u@account.blob.core.windows.net/container"} {
		if at, _, err := ParseContainerSAS(in + token); err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: got %v, error %v; want an error without the token", in, at, err)
		}
	}
	for _, in := range []string{"https://b.s3.amazonaws.com/k?X-Amz-Signature=x", "https://a.blob.core.windows.net/c/b?sv=1&sr=b&sig=x", "s3://bucket/x", "{}"} {
		if IsContainerSAS(in) {
			t.Errorf("%s was taken for the SAS URL of a container", in)
		}
	}
}

// What parses prints in a form that parses to the same; names can't lead to another host, and a token is never repeated.
func FuzzParseAzureURL(f *testing.F) {
	for _, seed := range []string{
		"azblob://account/container", "azblob://account/container/IR-7/", "azblob://account/$logs/a?b", "azblob://account/c/..", "azblob://a.b/c//d",
		"azblob://account/container?sv=1&sig=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		const canary = "CANARY7Q"
		if _, err := ParseAzureURL(s + "?sig=" + canary); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%q with a token: got error %v", s, err)
		}
		if at, endpoint, err := ParseContainerSAS(s + "?sig=" + canary); err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%q as a SAS URL: got error %v", s, err)
		} else if err == nil {
			if _, err := at.containerURL(endpoint); err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%q as a SAS URL: got error %v", s, err)
			}
		}
		u, err := ParseAzureURL(s)
		if err != nil {
			return
		}
		if again, err := ParseAzureURL(u.String()); err != nil || again != u {
			t.Errorf("%q prints as %q, which is %v, %v", s, u, again, err)
		}
		at, err := u.containerURL("")
		if want := "https://" + u.Account + ".blob.core.windows.net/" + u.Container; err != nil || at != want {
			t.Errorf("%q: got %q, %v; want %q", s, at, err, want)
		}
	})
}
