package uploadertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// versityGW is the S3 server that the tests run: Apache-2.0, from the Go module proxy.
	versityGW        = "github.com/versity/versitygw/cmd/versitygw"
	versityGWVersion = "v1.8.0"

	// Region is the region of the server that [VersityGW] starts.
	Region = "us-east-1"
)

// VersityGW starts a real S3 server on a free port of 127.0.0.1 and returns its URL and the keys of its root user. The
// test fails if there is none and none can be built. The server ends with the test, and its data with it.
func VersityGW(t testing.TB) (endpoint, access, secret string) {
	t.Helper()
	tool, err := versityGWTool(t.Context())
	if err != nil {
		t.Fatalf("the S3 server for tests: %v", err)
	}
	access, secret = "bellwether-test", "not-a-secret-outside-of-this-test"
	for range 3 { // another process may take the port between its choice and its use
		if endpoint, err = startVersityGW(t, tool, access, secret); err == nil {
			return endpoint, access, secret
		}
	}
	t.Fatalf("the S3 server for tests: %v", err)
	return "", "", ""
}

func startVersityGW(t testing.TB, tool, access, secret string) (endpoint string, err error) {
	t.Helper()
	addr, err := freePort(t.Context())
	if err != nil {
		return "", err
	}
	dir := t.TempDir()
	data, sidecar, iam, versions := filepath.Join(dir, "data"), filepath.Join(dir, "meta"), filepath.Join(dir, "iam"), filepath.Join(dir, "versions")
	for _, d := range []string{data, sidecar, iam, versions} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return "", err
		}
	}
	// The sidecar keeps metadata where the file system has no extended attributes.
	cmd := exec.CommandContext(t.Context(), tool, "--port", addr, "--region", Region, "--health", "/health", "--iam-dir", iam, "--quiet",
		"posix", "--sidecar", sidecar, "--versioning-dir", versions, data)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+secret)
	endpoint = "http://" + addr
	return endpoint, start(t, cmd, endpoint+"/health")
}

// versityGWTool returns the path of the server's binary, and builds it if it isn't there.
func versityGWTool(ctx context.Context) (string, error) {
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	return tool(ctx, "versitygw-"+versityGWVersion+suffix, func(ctx context.Context, dir string) (string, error) {
		cmd := exec.CommandContext(ctx, "go", "install", versityGW+"@"+versityGWVersion)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go install %s: %w\n%s", versityGW, err, out)
		}
		return filepath.Join(dir, "versitygw"+suffix), nil
	})
}

// A Bucket is a bucket of a server, as one who may do everything with it sees it: a test, not a store.
type Bucket struct {
	Name   string
	client *minio.Client
}

// NewBucket makes a bucket on the server at endpoint, such as [VersityGW] returns.
func NewBucket(t testing.TB, endpoint, access, secret, name string) *Bucket {
	t.Helper()
	return newBucket(t, endpoint, access, secret, name, false)
}

// NewLockedBucket is [NewBucket] with Object Lock: what is put there can't be deleted for a day, in compliance mode.
func NewLockedBucket(t testing.TB, endpoint, access, secret, name string) *Bucket {
	t.Helper()
	b := newBucket(t, endpoint, access, secret, name, true)
	mode, days, unit := minio.Compliance, uint(1), minio.Days
	if err := b.client.SetObjectLockConfig(t.Context(), name, &mode, &days, &unit); err != nil {
		t.Fatal(err)
	}
	return b
}

func newBucket(t testing.TB, endpoint, access, secret, name string, lock bool) *Bucket {
	t.Helper()
	host, ok := bytes.CutPrefix([]byte(endpoint), []byte("http://"))
	if !ok {
		t.Fatalf("endpoint %q: want http://", endpoint)
	}
	client, err := minio.New(string(host), &minio.Options{
		Creds:  credentials.NewStaticV4(access, secret, ""),
		Region: Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{Region: Region, ObjectLocking: lock}); err != nil {
		t.Fatal(err)
	}
	return &Bucket{Name: name, client: client}
}

// PutOnly makes a user of the server of [VersityGW] who may call PutObject and, if abort is set, AbortMultipartUpload on
// keys below the prefix, and nothing else. It returns the user's keys.
func (b *Bucket) PutOnly(t testing.TB, prefix string, abort bool) (access, secret string) {
	t.Helper()
	actions := []string{"s3:PutObject"}
	if abort {
		actions = append(actions, "s3:AbortMultipartUpload")
	}
	return b.user(t, "put-only", grant{actions, "/" + prefix + "/*"})
}

// Reader makes a user of the server of [VersityGW] who may call GetObject on keys below the prefix if get is set, and
// ListObjects on the bucket if list is set, and nothing else. It returns the user's keys.
func (b *Bucket) Reader(t testing.TB, prefix string, list, get bool) (access, secret string) {
	t.Helper()
	grants := []grant{{[]string{"s3:GetBucketTagging"}, ""}} // a policy has to grant something
	if list {
		grants = append(grants, grant{[]string{"s3:ListBucket"}, ""})
	}
	if get {
		grants = append(grants, grant{[]string{"s3:GetObject"}, "/" + prefix + "*"})
	}
	return b.user(t, fmt.Sprintf("reader-%s-%v-%v", b.Name, list, get), grants...)
}

// A grant is a statement of a bucket policy: actions on the bucket, if the resource is empty, or on what it names in it.
type grant struct {
	actions  []string
	resource string
}

// user makes a user who may do what the grants say, in place of the bucket's other users.
func (b *Bucket) user(t testing.TB, access string, grants ...grant) (_, secret string) {
	t.Helper()
	tool, err := versityGWTool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	root, err := b.client.GetCreds()
	if err != nil {
		t.Fatal(err)
	}
	secret = "the-secret-of-" + access
	cmd := exec.CommandContext(t.Context(), tool, "admin", "--endpoint-url", b.client.EndpointURL().String(), "create-user", "--access", access, "--secret", secret, "--role", "user")
	cmd.Env = append(os.Environ(), "ADMIN_ACCESS_KEY_ID="+root.AccessKeyID, "ADMIN_SECRET_ACCESS_KEY="+root.SecretAccessKey, "ADMIN_REGION="+Region)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var statements []map[string]any
	for _, g := range grants {
		statements = append(statements, map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": []string{access}},
			"Action": g.actions, "Resource": []string{"arn:aws:s3:::" + b.Name + g.resource},
		})
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.SetBucketPolicy(t.Context(), b.Name, string(policy)); err != nil {
		t.Fatal(err)
	}
	return access, secret
}

// Put makes an object, or replaces it.
func (b *Bucket) Put(ctx context.Context, key string, data []byte) error {
	_, err := b.client.PutObject(ctx, b.Name, key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{DisableMultipart: true})
	return err
}

// DeleteVersions deletes all that there is and was under a key.
func (b *Bucket) DeleteVersions(ctx context.Context, key string) error {
	for object := range b.client.ListObjects(ctx, b.Name, minio.ListObjectsOptions{Prefix: key, Recursive: true, WithVersions: true}) {
		if object.Err != nil {
			return object.Err
		}
		if err := b.client.RemoveObject(ctx, b.Name, object.Key, minio.RemoveObjectOptions{VersionID: object.VersionID}); err != nil {
			return err
		}
	}
	return nil
}

// Read returns the bytes of an object. It is an error if there is none.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	object, err := b.client.GetObject(ctx, b.Name, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = object.Close() }()
	return io.ReadAll(object)
}

// Metadata returns what was kept with an object: its x-amz-meta headers without that prefix, in lower case.
func (b *Bucket) Metadata(ctx context.Context, key string) (map[string]string, error) {
	info, err := b.client.StatObject(ctx, b.Name, key, minio.StatObjectOptions{})
	if err != nil {
		return nil, err
	}
	return info.UserMetadata, nil
}

// Keys returns the keys of all objects.
func (b *Bucket) Keys(ctx context.Context) ([]string, error) {
	var keys []string
	for object := range b.client.ListObjects(ctx, b.Name, minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			return nil, object.Err
		}
		keys = append(keys, object.Key)
	}
	return keys, nil
}

// Unfinished returns the keys of the uploads that have neither been completed nor aborted.
func (b *Bucket) Unfinished(ctx context.Context) ([]string, error) {
	var keys []string
	for upload := range b.client.ListIncompleteUploads(ctx, b.Name, "", true) {
		if upload.Err != nil {
			return nil, upload.Err
		}
		keys = append(keys, upload.Key)
	}
	return keys, nil
}
