package uploader_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bellwether/uploader"
	"bellwether/uploader/uploadertest"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// BenchmarkS3Large sends 256 MiB with this store, and with the client of MinIO, which `mc cp` uses, side by side: the same server, parts
// and requests at once.
func BenchmarkS3Large(b *testing.B) {
	endpoint, access, secret := uploadertest.VersityGW(b)
	bucket := uploadertest.NewBucket(b, endpoint, access, secret, "large")
	data := content(256 << 20)
	client, err := minio.New(strings.TrimPrefix(endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(access, secret, ""), Region: uploadertest.Region})
	if err != nil {
		b.Fatal(err)
	}
	store, err := uploader.NewS3(b.Context(), uploader.S3Options{
		URL: uploader.S3URL{Bucket: bucket.Name}, Endpoint: endpoint, Region: uploadertest.Region,
		Credentials: uploader.EnvCredentials(func(name string) string {
			return map[string]string{"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}[name]
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	round := 0
	for range 3 { // alternating, since the machine's pace changes
		b.Run("bellwether", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				round++
				object, err := store.Create(b.Context(), fmt.Sprint("ours", round), uploader.Meta{Size: int64(len(data))})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := object.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := object.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("minio-go", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				round++
				_, err := client.PutObject(b.Context(), bucket.Name, fmt.Sprint("theirs", round), bytes.NewReader(data), int64(len(data)),
					minio.PutObjectOptions{PartSize: 8 << 20, NumThreads: 8})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
