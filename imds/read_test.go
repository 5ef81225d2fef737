package imds

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A fake answers as the service of one cloud does: nothing without its header. It fails the test when credentials are asked for.
type fake struct {
	t             *testing.T
	header, value string
	answers       map[string]string // by path with query
	noToken       bool              // the answer to the request for a token never comes
	mu            sync.Mutex
	asked         []string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.RequestURI()
	for _, secret := range []string{"security-credentials", "oauth2", "/token?", "service-accounts/default/token", "service-accounts/default/identity", "service-accounts/?"} {
		if strings.Contains(strings.ToLower(path), secret) {
			f.t.Errorf("credentials were asked for: %s", path)
		}
	}
	if r.Method == http.MethodPut && path == "/latest/api/token" && strings.HasPrefix(f.header, "X-aws") {
		if f.noToken {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, f.value)
		return
	}
	if r.Header.Get(f.header) != f.value {
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	f.asked = append(f.asked, path)
	f.mu.Unlock()
	answer, ok := f.answers[path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, answer)
}

func start(t *testing.T, f *fake) *Service {
	t.Helper()
	f.t = t
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return New(server.URL)
}

func facts(r Report) map[string]string {
	out := map[string]string{"provider": r.Provider}
	for _, f := range r.Facts {
		out[f.Name] = f.Value + f.Error
	}
	for _, d := range r.Documents {
		out["file "+d.Name] = fmt.Sprintf("%d bytes, secret %v", len(d.Text), d.Secret)
	}
	return out
}

func TestReadEC2(t *testing.T) {
	f := &fake{header: "X-aws-ec2-metadata-token", value: "tok", answers: map[string]string{
		"/latest/dynamic/instance-identity/document": `{"instanceId":"i-0abc","accountId":"123456789012","region":"eu-central-1","availabilityZone":"eu-central-1a",
			"imageId":"ami-1","instanceType":"t3.micro","privateIp":"10.0.0.4","architecture":"x86_64","pendingTime":"2026-11-22T10:00:00Z"}`,
		"/latest/user-data":                                                      "#!/bin/sh\necho hello\n",
		"/latest/meta-data/iam/info":                                             `{"InstanceProfileArn":"arn:aws:iam::123456789012:instance-profile/web"}`,
		"/latest/meta-data/tags/instance/":                                       "Name\n..\n../../iam/security-credentials/web\nOwner",
		"/latest/meta-data/tags/instance/Name":                                   "web-01",
		"/latest/meta-data/network/interfaces/macs/":                             "0e:49:61:0f:c3:11/\n",
		"/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/vpc-id":     "vpc-7",
		"/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/ipv6s":      "",
		"/latest/meta-data/spot/instance-action":                                 `{"action":"terminate","time":"2026-11-22T16:00:00Z"}`,
		"/latest/meta-data/events/maintenance/scheduled":                         "[]",
		"/latest/meta-data/iam/security-credentials/":                            "web",
		"/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/subnet-ids": "never asked",
	}}
	r, err := start(t, f).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"provider": "aws", "instance_id": "i-0abc", "account": "123456789012", "region": "eu-central-1", "zone": "eu-central-1a", "image": "ami-1",
		"type": "t3.micro", "private_ip": "10.0.0.4", "architecture": "x86_64", "started": "2026-11-22T10:00:00Z",
		"role": `{"InstanceProfileArn":"arn:aws:iam::123456789012:instance-profile/web"}`, "tag:Name": "web-01",
		"interface:0e:49:61:0f:c3:11:vpc-id": "vpc-7", "termination_notice": `{"action":"terminate","time":"2026-11-22T16:00:00Z"}`,
		"scheduled_events": "[]", "file identity-document.json": "241 bytes, secret false", "file user-data.txt": "21 bytes, secret true",
	}
	if diff := cmp.Diff(want, facts(r)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestReadAzure(t *testing.T) {
	f := &fake{header: "Metadata", value: "true", answers: map[string]string{
		azureInstance: `{"compute":{"vmId":"02aab8a4","name":"web","subscriptionId":"sub","resourceGroupName":"rg","location":"westeurope","zone":"1",
			"vmSize":"Standard_B1s","storageProfile":{"imageReference":{"sku":"22"}},"tagsList":[{"name":"Owner","value":"ops"}]},
			"network":{"interface":[{"macAddress":"000D3A"}]}}`,
		azureUserData: "aGVsbG8=", azureEvents: `{"DocumentIncarnation":1,"Events":[]}`,
	}}
	r, err := start(t, f).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"provider": "azure", "instance_id": "02aab8a4", "name": "web", "account": "sub", "resource_group": "rg", "region": "westeurope", "zone": "1",
		"type": "Standard_B1s", "image": `{"sku":"22"}`, "tag:Owner": "ops", "interface:0": `{"macAddress":"000D3A"}`,
		"scheduled_events":   `{"DocumentIncarnation":1,"Events":[]}`,
		"file instance.json": fmt.Sprintf("%d bytes, secret true", len(f.answers[azureInstance])), "file user-data.txt": "5 bytes, secret true",
	}
	if diff := cmp.Diff(want, facts(r)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestReadGCE(t *testing.T) {
	f := &fake{header: "Metadata-Flavor", value: "Google", answers: map[string]string{
		gceInstance + "id": "4520031799277581759", gceProject + "project-id": "acme", gceInstance + "zone": "projects/7/zones/us-central1-a",
		gceInstance + "service-accounts/default/email": "web@acme.iam.gserviceaccount.com", gceInstance + "preempted": "FALSE",
		gceInstance + "attributes/?recursive=true": `{"startup-script":"id"}`,
	}}
	r, err := start(t, f).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"provider": "gcp", "instance_id": "4520031799277581759", "account": "acme", "zone": "us-central1-a", "region": "us-central1",
		"role": "web@acme.iam.gserviceaccount.com", "termination_notice": "FALSE", "file user-data.txt": "23 bytes, secret true",
	}
	if diff := cmp.Diff(want, facts(r)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		fake *fake
		says string
	}{
		{"no cloud", &fake{header: "X-None", value: "x"}, "aws: "},
		{"hop limit", &fake{header: "X-aws-ec2-metadata-token", value: "tok", noToken: true}, "HttpPutResponseHopLimit"},
		{"not JSON", &fake{header: "Metadata", value: "true", answers: map[string]string{azureInstance: "<html>"}}, "azure: the answer about the instance"},
		{"no instance", &fake{header: "Metadata", value: "true", answers: map[string]string{azureInstance: "{}"}}, "names no instance"},
		{"no number", &fake{header: "Metadata-Flavor", value: "Google", answers: map[string]string{gceInstance + "id": "<html>"}}, "no instance's number"},
	} {
		r, err := start(t, test.fake).Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.says) || len(r.Facts) != 0 {
			t.Errorf("%s: got error %v and %d facts, want one that says %q", test.name, err, len(r.Facts), test.says)
		}
	}
}

// What was not asked in time says so, and credentials are not asked for even where a path leads to them.
func TestReaderRefuses(t *testing.T) {
	f := &fake{header: "h", value: "v"}
	r := reader{service: start(t, f), header: "h", value: "v", report: Report{Provider: "aws"}}
	for _, path := range []string{
		"/latest/meta-data/iam/security-credentials/", "/latest/api/token", "/metadata/identity/oauth2/token?x", "/metadata/identity/info",
		gceInstance + "service-accounts/default/token", gceInstance + "service-accounts/default/identity?audience=x",
		"/latest/meta-data/identity-credentials/ec2/info",
	} {
		if _, err := r.ask(t.Context(), path); err == nil || !strings.Contains(err.Error(), "not asked for") {
			t.Errorf("%s: got error %v", path, err)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	r.answers(late, []question{{"role", "/x"}})
	if len(f.asked) != 0 || len(r.report.Facts) != 1 || r.report.Facts[0].Error == "" {
		t.Errorf("asked %q, facts %+v", f.asked, r.report.Facts)
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add(`{"instanceId":"i-1"}`)
	f.Add(`{"compute":{"vmId":"1","tagsList":[{"name":"a","value":"b"}]},"network":{"interface":[{}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(*reader) error{
			func(r *reader) error { return r.ec2Identity(text, "p") }, func(r *reader) error { return r.azureVM(text) },
		} {
			r := &reader{}
			if err := parse(r); err != nil {
				continue
			}
			if len(r.report.Facts) == 0 {
				t.Error("no error and no facts")
			}
			for _, fact := range r.report.Facts {
				if len(fact.Value) > maxValue {
					t.Errorf("a fact of %d bytes", len(fact.Value))
				}
			}
		}
		for _, segment := range list(text) {
			if strings.ContainsAny(segment, "/?#%\\ ") || segment == ".." {
				t.Errorf("%q would become a part of a path", segment)
			}
		}
	})
}
