package uploader

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"bellwether/imds"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// ErrCredentials is the error of credentials that are missing, can't be read, or are refused.
var ErrCredentials = errors.New("no usable credentials")

const (
	// maxCredentialsFile is more than any credentials file has.
	maxCredentialsFile = 1 << 20
	// refreshBefore is how long before their end credentials are asked for again.
	refreshBefore = 5 * time.Minute
	// refreshEvery is how often, at most, credentials that are about to end are asked for again.
	refreshEvery = 30 * time.Second
)

// Credentials prove the right to write to an S3 bucket. They are read when they are needed, and again when they are
// about to expire, so that a file can be replaced while a run goes on.
type Credentials struct {
	provider *refresher
	from     string
}

// FileCredentials are in a file: an AWS credentials file with profiles, or the JSON that `aws sts assume-role` or a
// credential_process prints. An empty profile means "default"; JSON has no profiles. A file that others than its owner
// can read is refused.
func FileCredentials(name, profile string) *Credentials {
	from := "credentials file " + name
	if profile != "" {
		from += ", profile " + profile
	}
	return newCredentials(from, func(*credentials.CredContext) (keys, error) { return readCredentials(name, profile) })
}

// ReaderCredentials are [FileCredentials] in what can be read but once, such as standard input, which the name says for people. They can't
// be renewed while a run goes on.
func ReaderCredentials(from string, r io.Reader, profile string) *Credentials {
	read := sync.OnceValues(func() (keys, error) {
		k, err := parseCredentials(io.LimitReader(r, maxCredentialsFile), profile)
		if err != nil {
			return keys{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, from, err)
		}
		return k, nil
	})
	return newCredentials("credentials from "+from, func(*credentials.CredContext) (keys, error) { return read() })
}

// EnvCredentials are in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, asked of getenv. Only an
// operator who trusts the environment of the process should pass os.Getenv: on a suspected host it may not be his own.
func EnvCredentials(getenv func(string) string) *Credentials {
	return newCredentials("environment", func(*credentials.CredContext) (keys, error) {
		k := keys{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: secret(getenv("AWS_SECRET_ACCESS_KEY")),
			SessionToken:    secret(getenv("AWS_SESSION_TOKEN")),
		}
		if k.AccessKeyID == "" || k.SecretAccessKey == "" {
			return keys{}, fmt.Errorf("%w: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set", ErrCredentials)
		}
		return k, nil
	})
}

// InstanceCredentials are those of the role of the EC2 instance.
func InstanceCredentials(service *imds.Service) *Credentials {
	return newCredentials("instance role (IMDSv2)", func(cc *credentials.CredContext) (keys, error) {
		return instanceKeys(callerContext(cc), service)
	})
}

func newCredentials(from string, read func(*credentials.CredContext) (keys, error)) *Credentials {
	return &Credentials{from: from, provider: &refresher{read: read, now: time.Now}}
}

// Describe says where the credentials come from, without any secret.
func (c *Credentials) Describe() string { return c.from }

// String returns "REDACTED".
func (Credentials) String() string { return redacted }

// GoString returns "REDACTED".
func (Credentials) GoString() string { return redacted }

// LogValue returns "REDACTED".
func (Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

const redacted = "REDACTED"

// A secret never prints.
type secret string

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// keys are credentials once read. The names of the fields are those of AWS.
type keys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey secret
	SessionToken    secret
	Expiration      time.Time
}

func (k keys) value() credentials.Value {
	return credentials.Value{
		AccessKeyID:     k.AccessKeyID,
		SecretAccessKey: string(k.SecretAccessKey),
		SessionToken:    string(k.SessionToken),
		Expiration:      k.Expiration,
		SignerType:      credentials.SignatureV4,
	}
}

// A refresher reads credentials again before they expire. It is guarded by the lock of the credentials.Credentials that
// it is the provider of.
type refresher struct {
	read func(*credentials.CredContext) (keys, error)
	now  func() time.Time

	keys  keys
	next  time.Time // when to read again; zero where the keys don't expire
	valid bool
}

var _ credentials.Provider = (*refresher)(nil)

// RetrieveWithCredContext reads the credentials. Where that fails, those that are still good are kept.
func (r *refresher) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	k, err := r.read(cc)
	now := r.now()
	if err != nil {
		if r.valid && now.Before(r.keys.Expiration) {
			r.next = now.Add(refreshEvery)
			return r.keys.value(), nil
		}
		return credentials.Value{}, err
	}
	r.keys, r.valid, r.next = k, true, time.Time{}
	if !k.Expiration.IsZero() {
		r.next = k.Expiration.Add(-refreshBefore)
		if soon := now.Add(refreshEvery); r.next.Before(soon) {
			r.next = soon
		}
	}
	return k.value(), nil
}

// Retrieve is RetrieveWithCredContext without a context.
func (r *refresher) Retrieve() (credentials.Value, error) { return r.RetrieveWithCredContext(nil) }

// IsExpired reports whether it is time to read the credentials again.
func (r *refresher) IsExpired() bool {
	return !r.valid || !r.next.IsZero() && !r.now().Before(r.next)
}

// readCredentials reads the file name.
func readCredentials(name, profile string) (keys, error) {
	f, err := os.Open(name)
	if err != nil {
		return keys{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keys{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	if err := checkPrivate(name, info); err != nil {
		return keys{}, err
	}
	k, err := parseCredentials(io.LimitReader(f, maxCredentialsFile), profile)
	if err != nil {
		return keys{}, fmt.Errorf("%w: reading %s: %w", ErrCredentials, name, err)
	}
	return k, nil
}

// checkPrivate refuses a file that others than its owner can read: what it holds must be taken as known to them. Windows
// has no such mode bits, and a pipe is nobody else's.
func checkPrivate(name string, info fs.FileInfo) error {
	if runtime.GOOS == "windows" || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has mode %04o, so others than its owner can read it; run chmod 600 %s",
		ErrCredentials, name, info.Mode().Perm(), name)
}

// parseCredentials reads the JSON of STS, or an AWS credentials file. Its errors never repeat what it read, which is why
// it is not left to a library for INI files: those quote the line that they don't understand.
func parseCredentials(r io.Reader, profile string) (keys, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return keys{}, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var k keys
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		k, err = parseCredentialsJSON(text)
	} else {
		k, err = parseCredentialsINI(text, profile)
	}
	if err != nil {
		return keys{}, err
	}
	return k, k.check()
}

// check refuses keys that can't be sent in a header.
func (k keys) check() error {
	if k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return errors.New("an access key id and a secret access key are wanted")
	}
	for _, s := range []string{k.AccessKeyID, string(k.SecretAccessKey), string(k.SessionToken)} {
		if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("a key has a blank or a character that is not ASCII")
		}
	}
	return nil
}

// parseCredentialsJSON reads {"Credentials": {…}} as STS prints it, or the object alone.
func parseCredentialsJSON(text []byte) (keys, error) {
	var doc struct {
		Credentials *keys
		keys
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return keys{}, fmt.Errorf("not JSON at byte %d", syntax.Offset)
		}
		return keys{}, errors.New("not the JSON that `aws sts assume-role` prints")
	}
	if doc.Credentials != nil {
		return *doc.Credentials, nil
	}
	return doc.keys, nil
}

// parseCredentialsINI reads one profile of an AWS credentials file ("Configuration and credential file settings", AWS
// CLI User Guide). Keys that it doesn't know are ignored.
func parseCredentialsINI(text []byte, profile string) (keys, error) {
	if profile == "" {
		profile = "default"
	}
	var k keys
	var found, inside bool
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxCredentialsFile)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			name, ok := strings.CutSuffix(line[1:], "]")
			if !ok {
				return keys{}, fmt.Errorf("line %d: a section without its ]", n)
			}
			name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "profile "))
			inside = name == profile
			found = found || inside
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return keys{}, fmt.Errorf("line %d: neither a [section] nor name = value", n)
		}
		if inside {
			k.set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	if err := lines.Err(); err != nil {
		return keys{}, err
	}
	if !found {
		return keys{}, fmt.Errorf("no profile %q", profile)
	}
	return k, nil
}

// set takes one setting of a credentials file over.
func (k *keys) set(name, value string) {
	switch strings.ToLower(name) {
	case "aws_access_key_id":
		k.AccessKeyID = value
	case "aws_secret_access_key":
		k.SecretAccessKey = secret(value)
	case "aws_session_token":
		k.SessionToken = secret(value)
	}
}
