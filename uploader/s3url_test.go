package uploader

import (
	"io/fs"
	"strings"
	"testing"
)

func TestParseS3URL(t *testing.T) {
	for _, test := range []struct {
		in   string
		want S3URL
		key  string
	}{
		{"s3://bucket", S3URL{"bucket", ""}, "case.json"},
		{"s3://bucket/", S3URL{"bucket", ""}, "case.json"},
		{"s3://bucket/IR-7", S3URL{"bucket", "IR-7"}, "IR-7/case.json"},
		{"s3://bucket/IR-7/", S3URL{"bucket", "IR-7"}, "IR-7/case.json"},
		{"s3://my.bucket-2/a b/%41/ü?x=y#z", S3URL{"my.bucket-2", "a b/%41/ü?x=y#z"}, "a b/%41/ü?x=y#z/case.json"},
	} {
		got, err := ParseS3URL(test.in)
		if err != nil || got != test.want {
			t.Errorf("%q: got %v, %v; want %v", test.in, got, err, test.want)
		}
		if key := got.Key("case.json"); key != test.key {
			t.Errorf("%q: got key %q, want %q", test.in, key, test.key)
		}
	}
	for _, in := range []string{
		"", "bucket/prefix", "http://bucket", "S3://bucket", "s3:/bucket", "s3://", "s3:///x", "s3://ab", "s3://Bucket", "s3://a_b_c",
		"s3://user@bucket/x", "s3://bucket:80/x", "s3://192.168.1.1/x", "s3://bucket//x", "s3://bucket/a/../b", "s3://bucket/./x",
		"s3://bucket/..", "s3://bucket/x//", "s3://bucket/a\nb", "s3://bucket/\xff", "s3://bucket/" + strings.Repeat("x", 513),
		"s3://logs--use1-az4--x-s3/x",
	} {
		if got, err := ParseS3URL(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

func TestParseS3SourceURL(t *testing.T) {
	for in, want := range map[string]S3URL{
		"s3://bucket":                              {"bucket", ""},
		"s3://bucket/":                             {"bucket", ""},
		"s3://bucket/IR-7":                         {"bucket", "IR-7"},
		"s3://bucket/IR-7/":                        {"bucket", "IR-7/"},
		"s3://bucket//a/../b%2f?x#\n":              {"bucket", "/a/../b%2f?x#\n"},
		"s3://bucket/" + strings.Repeat("x", 1024): {"bucket", strings.Repeat("x", 1024)},
	} {
		if got, err := ParseS3SourceURL(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "bucket/prefix", "azblob://account/container", "s3://", "s3://Bucket", "s3://logs--use1-az4--x-s3/x", "s3://bucket/\xff", "s3://bucket/a\x00",
		"s3://bucket/" + strings.Repeat("x", 1025),
	} {
		if got, err := ParseS3SourceURL(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

// What parses prints in a form that parses to the same, and makes keys that S3 takes.
func FuzzParseS3URL(f *testing.F) {
	for _, seed := range []string{"s3://bucket", "s3://bucket/IR-7/", "s3://my.bucket/a b/%2e%2e/ü", "s3://bucket/..", "s3://b//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := ParseS3SourceURL(s); err == nil {
			if again, err := ParseS3SourceURL(u.String()); err != nil || again != u {
				t.Errorf("%q prints as %q, which is %v, %v", s, u, again, err)
			}
		}
		u, err := ParseS3URL(s)
		if err != nil {
			return
		}
		if again, err := ParseS3URL(u.String()); err != nil || again != u {
			t.Errorf("%q prints as %q, which is %v, %v", s, u, again, err)
		}
		if key := u.Key("case.json"); checkKey(key) != nil || !fs.ValidPath(key) || !strings.HasPrefix(key, u.Prefix) {
			t.Errorf("%q makes the key %q", s, key)
		}
	})
}
