package collectors_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

var cloudPlan = &profiles.Plan{Steps: []profiles.Step{{Name: "instance", Collector: profiles.Cloud}}}

func askCloud(t *testing.T, service http.HandlerFunc, look bool) *collectorstest.Sink {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	env := collectors.NewEnv("/", quiet())
	env.MetadataEndpoint, env.Look = server.URL, look
	sink := &collectorstest.Sink{}
	must(t, collectors.Run(t.Context(), cloudPlan, env, sink))
	return sink
}

func TestCloud(t *testing.T) {
	answers := map[string]string{
		"/latest/dynamic/instance-identity/document": `{"instanceId":"i-0abc","accountId":"123456789012","region":"eu-central-1"}`,
		"/latest/user-data":                          "#!/bin/sh\nexport PASSWORD=hunter2\n",
		"/latest/meta-data/iam/info":                 `{"InstanceProfileArn":"arn:aws:iam::123456789012:instance-profile/web"}`,
	}
	sink := askCloud(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "security-credentials") {
			t.Errorf("credentials were asked for: %s", r.URL)
		}
		answer, ok := answers[r.URL.Path]
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			fmt.Fprint(w, "c2VjcmV0")
		case r.Header.Get("X-aws-ec2-metadata-token") != "c2VjcmV0":
			http.Error(w, "", http.StatusUnauthorized)
		case ok:
			fmt.Fprint(w, answer)
		default:
			http.NotFound(w, r)
		}
	}, false)
	got := map[string]string{}
	for _, k := range sink.Items() {
		got[k.Name] = string(k.Content)
		if strings.Contains(string(k.Content)+fmt.Sprint(k.Item), "c2VjcmV0") {
			t.Errorf("%s holds the token of the session", k.Name)
		}
	}
	want := map[string]string{
		"state/cloud.txt": "PROVIDER  NAME         VALUE                                                                    ERROR\n" +
			"aws       instance_id  i-0abc                                                                   -\n" +
			"aws       account      123456789012                                                             -\n" +
			"aws       region       eu-central-1                                                             -\n" +
			`aws       role         {"InstanceProfileArn":"arn:aws:iam::123456789012:instance-profile/web"}  -` + "\n",
		"state/cloud.jsonl":            got["state/cloud.jsonl"],
		"cloud/identity-document.json": answers["/latest/dynamic/instance-identity/document"],
		"cloud/user-data.txt":          answers["/latest/user-data"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if k := sink.Item(t, "instance metadata: /latest/user-data"); k.Reason != "the owner's own: it can hold secrets" {
		t.Errorf("user data: reason %q", k.Reason)
	}
	if rows := rowsOf[struct{ Name, Value string }](t, sink, "cloud"); len(rows) != 4 || rows[0].Value != "i-0abc" {
		t.Errorf("rows %+v", rows)
	}
}

// Outside a cloud one line says so, and a run that only looks asks nobody.
func TestNoCloud(t *testing.T) {
	sink := askCloud(t, http.NotFound, false)
	if k := sink.Item(t, "instance metadata"); k.Status != collectors.Skipped || !k.Bare || !strings.Contains(k.Reason, "azure: ") {
		t.Errorf("%s, %q", k.Status, k.Reason)
	}
	sink = askCloud(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked", r.URL) }, true)
	if items := sink.Items(); len(items) != 1 || items[0].Name != "state/cloud.jsonl" {
		t.Errorf("items %+v", items)
	}
}
