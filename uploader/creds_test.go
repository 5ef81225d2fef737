package uploader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The keys that AWS uses in its examples.
const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

const exampleINI = `# comment
[default]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
region = eu-central-1

; another comment
[profile responder]
AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE
aws_secret_access_key=other/secret+value=
aws_session_token=token==
`

const exampleSTS = `{
  "Credentials": {
    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "SessionToken": "token==",
    "Expiration": "2026-11-22T16:15:00+00:00"
  },
  "AssumedRoleUser": {"AssumedRoleId": "AROA:x", "Arn": "arn:aws:sts::1:assumed-role/x"}
}`

func TestParseCredentials(t *testing.T) {
	for _, test := range []struct {
		name, text, profile string
		want                keys
	}{
		{"default", exampleINI, "", keys{exampleID, exampleSecret, "", time.Time{}}},
		{"profile", exampleINI, "responder", keys{"ASIAIOSFODNN7EXAMPLE", "other/secret+value=", "token==", time.Time{}}},
		{"windows", "\ufeff" + strings.ReplaceAll(exampleINI, "\n", "\r\n"), "default", keys{exampleID, exampleSecret, "", time.Time{}}},
		{"sts", exampleSTS, "", keys{exampleID, exampleSecret, "token==", time.Date(2026, 11, 22, 16, 15, 0, 0, time.UTC)}},
		{"process", `{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b"}`, "", keys{"a", "b", "", time.Time{}}},
	} {
		got, err := parseCredentials(strings.NewReader(test.text), test.profile)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if !got.Expiration.Equal(test.want.Expiration) {
			t.Errorf("%s: got expiration %v, want %v", test.name, got.Expiration, test.want.Expiration)
		}
		got.Expiration = test.want.Expiration
		if got != test.want {
			t.Errorf("%s: got other keys than wanted", test.name)
		}
	}
}

func TestParseCredentialsErrors(t *testing.T) {
	for _, test := range []struct{ text, says string }{
		{"", "no profile"},
		{"[other]\naws_access_key_id=a\n", "no profile"},
		{"[default]\naws_access_key_id=a\n", "secret access key"},
		{"[default]\n" + exampleSecret + "\n", "line 2"},
		{"[default\n", "line 1"},
		{"[default]\naws_access_key_id=a\naws_secret_access_key=has blank" + exampleSecret, "blank"},
		{`{"SecretAccessKey": ` + exampleSecret, "not JSON"},
		{`{"SecretAccessKey": ["` + exampleSecret + `"]}`, "assume-role"},
		{`{}`, "secret access key"},
		{`{"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "` + exampleSecret + `"}}`, "assume-role"},
	} {
		_, err := parseCredentials(strings.NewReader(test.text), "")
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: got error %v, want one that says %q", test.text, err, test.says)
		}
		if strings.Contains(fmt.Sprint(err), exampleSecret) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// What parses can be sent in a header; what doesn't is not repeated in the error.
func FuzzParseCredentials(f *testing.F) {
	f.Add(exampleINI, "")
	f.Add(exampleINI, "responder")
	f.Add(exampleSTS, "")
	f.Add("[default]\naws_secret_access_key\n", "default")
	f.Fuzz(func(t *testing.T, text, profile string) {
		const canary = "CANARY7Q"
		k, err := parseCredentials(strings.NewReader(text), profile)
		if err == nil {
			if k.check() != nil || k.AccessKeyID == "" {
				t.Error("took keys that can't be used")
			}
			return
		}
		// The same text with a secret at the end of each line is refused too, or not, without telling it.
		_, err = parseCredentials(strings.NewReader(strings.ReplaceAll(text, "\n", canary+"\n")+canary), profile)
		if err != nil && strings.Contains(err.Error(), canary) && !strings.Contains(profile, canary) {
			t.Errorf("the error repeats what it read: %v", err)
		}
	})
}

func TestFileCredentials(t *testing.T) {
	name := filepath.Join(t.TempDir(), "creds")
	if err := os.WriteFile(name, []byte(exampleINI), 0o600); err != nil {
		t.Fatal(err)
	}
	c := FileCredentials(name, "responder")
	if got, want := c.Describe(), "credentials file "+name+", profile responder"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	value, err := c.provider.Retrieve()
	if err != nil || value.SecretAccessKey != "other/secret+value=" || value.SessionToken != "token==" {
		t.Errorf("got other keys than wanted, error %v", err)
	}
	if _, err := FileCredentials(name+".none", "").provider.Retrieve(); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, ErrCredentials) {
		t.Errorf("no file: got error %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		_, err := c.provider.Retrieve()
		if !errors.Is(err, ErrCredentials) || !strings.Contains(fmt.Sprint(err), "chmod 600") {
			t.Errorf("mode %04o: got error %v, want one that says chmod 600", mode, err)
		}
	}
}

func TestEnvCredentials(t *testing.T) {
	env := map[string]string{"AWS_ACCESS_KEY_ID": exampleID, "AWS_SECRET_ACCESS_KEY": exampleSecret, "AWS_SESSION_TOKEN": "token"}
	get := func(name string) string { return env[name] }
	value, err := EnvCredentials(get).provider.Retrieve()
	if err != nil || value.AccessKeyID != exampleID || value.SecretAccessKey != exampleSecret || value.SessionToken != "token" {
		t.Errorf("got other keys than wanted, error %v", err)
	}
	delete(env, "AWS_SECRET_ACCESS_KEY")
	if _, err := EnvCredentials(get).provider.Retrieve(); !errors.Is(err, ErrCredentials) || !strings.Contains(fmt.Sprint(err), "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("half of it: got error %v", err)
	}
}

// No way of printing shows a secret.
func TestSecretsDontPrint(t *testing.T) {
	c := EnvCredentials(func(name string) string {
		return map[string]string{"AWS_ACCESS_KEY_ID": exampleID, "AWS_SECRET_ACCESS_KEY": exampleSecret}[name]
	})
	store, err := NewS3(t.Context(), S3Options{URL: S3URL{Bucket: "bucket"}, Region: "eu-central-1", Credentials: c})
	if err != nil {
		t.Fatal(err)
	}
	k := c.provider.keys
	if k.SecretAccessKey != exampleSecret {
		t.Fatal("the keys were not read")
	}
	var out bytes.Buffer
	for _, v := range []any{c, *c, k, &k, k.SecretAccessKey, store, S3Options{Credentials: c}} {
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		_ = json.NewEncoder(&out).Encode(v) // of what can't be encoded nothing is printed
	}
	if text := out.String(); strings.Contains(text, exampleSecret) || !strings.Contains(text, redacted) {
		t.Errorf("a secret is printed, or none was redacted: %s", text)
	}
}

// Credentials are read again shortly before they end; where that fails the old ones serve as long as they are good.
func TestRefresh(t *testing.T) {
	start := time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)
	now := start
	expiration, fails, reads := start.Add(time.Hour), false, 0
	r := &refresher{
		now: func() time.Time { return now },
		read: func(*credentials.CredContext) (keys, error) {
			reads++
			if fails {
				return keys{}, io.ErrUnexpectedEOF
			}
			return keys{AccessKeyID: fmt.Sprint(reads), SecretAccessKey: "s", Expiration: expiration}, nil
		},
	}
	get := func(at time.Duration, wantID string, wantErr error) {
		t.Helper()
		now = start.Add(at)
		if !r.IsExpired() {
			if r.keys.AccessKeyID != wantID || wantErr != nil {
				t.Errorf("after %s: got the old keys %s, want %s, %v", at, r.keys.AccessKeyID, wantID, wantErr)
			}
			return
		}
		value, err := r.Retrieve()
		if value.AccessKeyID != wantID || !errors.Is(err, wantErr) {
			t.Errorf("after %s: got keys %q, %v; want %q, %v", at, value.AccessKeyID, err, wantID, wantErr)
		}
	}
	get(0, "1", nil)
	get(54*time.Minute, "1", nil)
	get(56*time.Minute, "2", nil) // the service still has the same end
	get(56*time.Minute+10*time.Second, "2", nil)
	fails = true
	get(57*time.Minute, "2", nil)
	get(57*time.Minute+10*time.Second, "2", nil)
	get(61*time.Minute, "", io.ErrUnexpectedEOF)
	fails, expiration = false, start.Add(2*time.Hour)
	get(62*time.Minute, "5", nil)
	get(114*time.Minute, "5", nil)
}
