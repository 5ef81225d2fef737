package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"bellwether/uploader/uploadertest"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bellwether": main})
}

// What the binary does is shown in testdata/script, one behaviour a file.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			samples, err := filepath.Abs("testdata/samples")
			e.Setenv("SAMPLES", samples)
			return err
		},
		Condition: func(cond string) (bool, error) {
			return cond == "root" && os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"case":       cmdCase,
			"item":       cmdItem,
			"changebyte": cmdChangeByte,
		},
	})
}

// The same binary against real servers of S3 and Azure: what stands in testdata/s3 needs one.
func TestScriptS3(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the S3 server is built for Linux")
	}
	endpoint, access, secret := uploadertest.VersityGW(t)
	uploadertest.NewBucket(t, endpoint, access, secret, "evidence")
	azure := uploadertest.Azurite(t)
	container := uploadertest.NewContainer(t, azure, "evidence")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/s3",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("S3", endpoint)
			e.Setenv("BUCKET", "evidence")
			e.Setenv("AWS_ACCESS_KEY_ID", access)
			e.Setenv("AWS_SECRET_ACCESS_KEY", secret)
			e.Setenv("AWS_REGION", uploadertest.Region)
			e.Setenv("AZURE", azure)
			e.Setenv("ACCOUNT", uploadertest.AzuriteAccount)
			for name, rights := range map[string]string{"SAS_C": "c", "SAS_CW": "cw", "SAS_R": "r"} {
				e.Setenv(name, container.SAS(t, rights))
			}
			e.Setenv("ACCOUNT_KEY", uploadertest.AzuriteKey)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"case": cmdCase, "fetch": cmdFetch},
	})
}

// cmdFetch brings all objects below a prefix of the bucket: fetch DIR PREFIX.
func cmdFetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fetch DIR PREFIX")
	}
	client, err := minio.New(strings.TrimPrefix(ts.Getenv("S3"), "http://"), &minio.Options{
		Creds:  credentials.NewStaticV4(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		Region: ts.Getenv("AWS_REGION"),
	})
	ts.Check(err)
	ctx := context.Background()
	for o := range client.ListObjects(ctx, ts.Getenv("BUCKET"), minio.ListObjectsOptions{Prefix: args[1], Recursive: true}) {
		ts.Check(o.Err)
		to := filepath.Join(ts.MkAbs(args[0]), filepath.FromSlash(o.Key))
		ts.Check(client.FGetObject(ctx, ts.Getenv("BUCKET"), o.Key, to, minio.GetObjectOptions{}))
	}
}

// cmdCase sets $CASE to the one case folder below a directory: case DIR/INCIDENT.
func cmdCase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: case DIR")
	}
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*", "case.json"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d cases in %s, want 1", len(found), args[0])
	}
	ts.Setenv("CASE", filepath.Dir(found[0]))
}

// manifest reads the lines of $CASE's manifest.
func manifest(ts *testscript.TestScript) []map[string]any {
	f, err := os.Open(filepath.Join(ts.Getenv("CASE"), "manifest.jsonl"))
	ts.Check(err)
	defer f.Close()
	var out []map[string]any
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l map[string]any
		ts.Check(json.Unmarshal(lines.Bytes(), &l))
		out = append(out, l)
	}
	ts.Check(lines.Err())
	return out
}

// cmdItem checks the manifest line of a source: item SOURCE STATUS [REASON-REGEXP].
func cmdItem(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: item SOURCE STATUS [REASON]")
	}
	found := false
	for _, l := range manifest(ts) {
		reason, _ := l["reason"].(string)
		if l["source"] != args[0] || l["status"] != args[1] {
			continue
		}
		if len(args) == 3 && !regexp.MustCompile(args[2]).MatchString(reason) {
			continue
		}
		found = true
	}
	if found == neg {
		ts.Fatalf("manifest has such a line: %v", found)
	}
}

// cmdChangeByte changes the first byte of a file: changebyte FILE.
func cmdChangeByte(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: changebyte FILE")
	}
	p := ts.MkAbs(args[0])
	b, err := os.ReadFile(p)
	ts.Check(err)
	b[0]++
	ts.Check(os.WriteFile(p, b, 0o644))
}
