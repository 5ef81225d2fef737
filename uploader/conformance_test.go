package uploader_test

import (
	"os"
	"path/filepath"
	"testing"

	"bellwether/uploader"
	"bellwether/uploader/uploadertest"
)

func TestDirConformance(t *testing.T) {
	uploadertest.Run(t, func(t *testing.T) uploadertest.Harness {
		name := filepath.Join(t.TempDir(), "made", "as", "needed")
		dir := openDir(t, name, uploader.DirOptions{})
		return uploadertest.Harness{
			Store:     dir,
			Read:      func(key string) ([]byte, error) { return os.ReadFile(filepath.Join(name, filepath.FromSlash(key))) },
			PartSizes: []int{4 << 20, 8 << 20},
		}
	})
}

func openDir(t *testing.T, name string, opt uploader.DirOptions) *uploader.Dir {
	t.Helper()
	dir, err := uploader.NewDir(name, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestS3Conformance(t *testing.T) {
	endpoint, access, secret := uploadertest.VersityGW(t)
	n := 0
	uploadertest.Run(t, func(t *testing.T) uploadertest.Harness {
		n++
		bucket := uploadertest.NewBucket(t, endpoint, access, secret, "conformance-"+string(rune('a'+n)))
		s3 := openS3(t, endpoint, access, secret, bucket.Name, nil)
		t.Cleanup(func() {
			if used := s3.PoolUsed(); used != 0 {
				t.Errorf("%d bytes were not given back", used)
			}
		})
		return uploadertest.Harness{
			Store:     s3,
			Read:      func(key string) ([]byte, error) { return bucket.Read(t.Context(), "a prefix/IR-7/"+key) },
			Leftover:  func() ([]string, error) { return bucket.Unfinished(t.Context()) },
			PartSizes: []int{8 << 20, 16 << 20},
			Peak:      s3.PoolPeak,
			Bound:     48 << 20,
		}
	})
}

// openS3 opens a store in the bucket at endpoint. The function may change the options.
func openS3(t *testing.T, endpoint, access, secret, bucket string, change func(*uploader.S3Options)) *uploader.S3 {
	t.Helper()
	opt := uploader.S3Options{
		URL:      uploader.S3URL{Bucket: bucket, Prefix: "a prefix/IR-7"},
		Endpoint: endpoint,
		Region:   uploadertest.Region,
		Credentials: uploader.EnvCredentials(func(name string) string {
			return map[string]string{"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}[name]
		}),
	}
	if change != nil {
		change(&opt)
	}
	s3, err := uploader.NewS3(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s3
}
