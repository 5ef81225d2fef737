package uploader_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestS3SourceConformance(t *testing.T) {
	endpoint, access, secret := uploadertest.VersityGW(t)
	proxy := uploadertest.NewProxy(t, endpoint)
	n := 0
	uploadertest.RunSource(t, func(t *testing.T) uploadertest.SourceHarness {
		n++
		bucket := uploadertest.NewBucket(t, endpoint, access, secret, "source-"+string(rune('a'+n)))
		proxy.Set(nil)
		return uploadertest.SourceHarness{
			Open: func(prefix string) uploader.Source {
				source := openS3Source(t, proxy.URL, access, secret, bucket.Name, prefix)
				source.SetPage(500)
				return source
			},
			Put:   bucket.Put,
			Proxy: proxy,
			Page:  500,
		}
	})
}

// openS3Source opens a source in the bucket at endpoint. Its clock is moved by sleeping alone.
func openS3Source(t *testing.T, endpoint, access, secret, bucket, prefix string) *uploader.S3Source {
	t.Helper()
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	source, err := uploader.OpenS3Source(t.Context(), uploader.S3Options{
		URL:      uploader.S3URL{Bucket: bucket, Prefix: prefix},
		Endpoint: endpoint,
		Region:   uploadertest.Region,
		Limits:   uploader.Limits{Now: c.Now, Sleep: c.Sleep},
		Credentials: uploader.EnvCredentials(func(name string) string {
			return map[string]string{"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}[name]
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestAzureSourceConformance(t *testing.T) {
	endpoint := uploadertest.Azurite(t)
	proxy := uploadertest.NewProxy(t, strings.TrimSuffix(endpoint, "/"+uploadertest.AzuriteAccount))
	n := 0
	uploadertest.RunSource(t, func(t *testing.T) uploadertest.SourceHarness {
		n++
		container := uploadertest.NewContainer(t, endpoint, "source-"+string(rune('a'+n)))
		proxy.Set(nil)
		token := container.SAS(t, "rl")
		return uploadertest.SourceHarness{
			Open: func(prefix string) uploader.Source {
				source := openAzureSource(t, proxy.URL, container.Name, prefix, token, nil)
				source.SetPage(10)
				return source
			},
			Put:   container.Put,
			Proxy: proxy,
			Page:  10,
		}
	})
}

// openAzureSource opens a source in the container of the emulator behind endpoint. Its clock is moved by sleeping alone.
// The function may change the options.
func openAzureSource(t *testing.T, endpoint, container, prefix, token string, change func(*uploader.AzureOptions)) *uploader.AzureSource {
	t.Helper()
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	opt := uploader.AzureOptions{
		URL:         uploader.AzureURL{Account: uploadertest.AzuriteAccount, Container: container, Prefix: prefix},
		Endpoint:    endpoint + "/" + uploadertest.AzuriteAccount,
		Credentials: uploader.SASEnvCredentials(func(string) string { return token }),
		Limits:      uploader.Limits{Now: c.Now, Sleep: c.Sleep},
	}
	if change != nil {
		change(&opt)
	}
	source, err := uploader.OpenAzureSource(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// Each right of a SAS token makes a store of its own: c sends objects whole, w (and cw) in blocks.
func TestAzureConformance(t *testing.T) {
	endpoint := uploadertest.Azurite(t)
	n := 0
	for _, rights := range []string{"c", "w"} {
		t.Run(rights, func(t *testing.T) {
			uploadertest.Run(t, func(t *testing.T) uploadertest.Harness {
				n++
				container := uploadertest.NewContainer(t, endpoint, "conformance-"+string(rune('a'+n%26))+string(rune('a'+n/26)))
				store := openAzure(t, strings.TrimSuffix(endpoint, "/"+uploadertest.AzuriteAccount), container, rights, nil)
				t.Cleanup(func() {
					if used := store.PoolUsed(); used != 0 {
						t.Errorf("%d bytes were not given back", used)
					}
				})
				return uploadertest.Harness{
					Store:     store,
					Read:      func(key string) ([]byte, error) { return container.Read(t.Context(), "a prefix/IR-7/"+key) },
					PartSizes: []int{8 << 20, 16 << 20},
					Peak:      store.PoolPeak,
					Bound:     48 << 20,
				}
			})
		})
	}
}

// openAzure opens a store in the container of the emulator behind endpoint, with a SAS token that has the rights.
func openAzure(t *testing.T, endpoint string, container *uploadertest.Container, rights string, change func(*uploader.AzureOptions)) *uploader.Azure {
	t.Helper()
	token := container.SAS(t, rights)
	opt := uploader.AzureOptions{
		URL:         uploader.AzureURL{Account: uploadertest.AzuriteAccount, Container: container.Name, Prefix: "a prefix/IR-7"},
		Endpoint:    endpoint + "/" + uploadertest.AzuriteAccount,
		Credentials: uploader.SASEnvCredentials(func(string) string { return token }),
		Scratch:     uploader.Scratch{Dir: t.TempDir()},
	}
	if change != nil {
		change(&opt)
	}
	store, err := uploader.NewAzure(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
