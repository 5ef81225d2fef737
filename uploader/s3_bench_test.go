package uploader_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"bellwether/uploader"
	"bellwether/uploader/uploadertest"

	"golang.org/x/sync/errgroup"
)

// BenchmarkS3Small sends 2,000 objects of 2 kB, one at a time and eight at once, to the server next door and to one whose answers take
// 20 ms, which is a region away.
func BenchmarkS3Small(b *testing.B) {
	const objects = 2000
	endpoint, access, secret := uploadertest.VersityGW(b)
	bucket := uploadertest.NewBucket(b, endpoint, access, secret, "small")
	proxy := uploadertest.NewProxy(b, endpoint)
	proxy.Set(func(*http.Request) uploadertest.Fault {
		return func(w http.ResponseWriter, r *http.Request, server http.Handler) {
			time.Sleep(20 * time.Millisecond)
			server.ServeHTTP(w, r)
		}
	})
	data := content(2000)
	round := 0
	for _, at := range []struct{ name, url string }{{"local", endpoint}, {"20ms", proxy.URL}} {
		for _, parallel := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", at.name, parallel), func(b *testing.B) {
				for b.Loop() {
					round++
					store, err := uploader.NewS3(b.Context(), uploader.S3Options{
						URL:      uploader.S3URL{Bucket: bucket.Name, Prefix: fmt.Sprint("round", round)},
						Endpoint: at.url, Region: uploadertest.Region,
						Credentials: uploader.EnvCredentials(func(name string) string {
							return map[string]string{"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}[name]
						}),
						Limits: uploader.Limits{Parallel: parallel},
					})
					if err != nil {
						b.Fatal(err)
					}
					var group errgroup.Group
					group.SetLimit(parallel)
					for i := range objects {
						group.Go(func() error {
							object, err := store.Create(b.Context(), fmt.Sprint("item", i), uploader.Meta{Size: int64(len(data))})
							if err != nil {
								return err
							}
							if _, err := object.Write(data); err != nil {
								return err
							}
							return object.Commit()
						})
					}
					if err := group.Wait(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
