package uploader_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/uploader"
	"bellwether/uploader/uploadertest"
)

// A fan passes what one store passes, and holds no more memory. All of its stores have the same.
func TestFanConformance(t *testing.T) {
	endpoint, access, secret := uploadertest.VersityGW(t)
	azure := uploadertest.Azurite(t)
	n := 0
	uploadertest.Run(t, func(t *testing.T) uploadertest.Harness {
		n++
		name := "fan-" + string(rune('a'+n))
		bucket, container := uploadertest.NewBucket(t, endpoint, access, secret, name), uploadertest.NewContainer(t, azure, name)
		folder := t.TempDir()
		fan := uploader.NewFan(uploader.Limits{},
			uploader.Leg{Name: "dir", Store: openDir(t, folder, uploader.DirOptions{})},
			uploader.Leg{Name: "s3", Store: openS3(t, endpoint, access, secret, bucket.Name, nil)},
			uploader.Leg{Name: "azure", Store: openAzure(t, strings.TrimSuffix(azure, "/"+uploadertest.AzuriteAccount), container, "cw", nil)},
			uploader.Leg{Name: "azure, whole only", Store: openAzure(t, strings.TrimSuffix(azure, "/"+uploadertest.AzuriteAccount), container, "c", func(opt *uploader.AzureOptions) {
				opt.URL.Prefix = "whole"
			})},
		)
		t.Cleanup(func() {
			if used := fan.PoolUsed(); used != 0 {
				t.Errorf("%d bytes were not given back", used)
			}
		})
		return uploadertest.Harness{
			Store: fan,
			Read: func(key string) ([]byte, error) {
				want, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(key))) //nolint:gosec // a key of the test
				for where, read := range map[string]func() ([]byte, error){
					"s3":                func() ([]byte, error) { return bucket.Read(t.Context(), "a prefix/IR-7/"+key) },
					"azure":             func() ([]byte, error) { return container.Read(t.Context(), "a prefix/IR-7/"+key) },
					"azure, whole only": func() ([]byte, error) { return container.Read(t.Context(), "whole/"+key) },
				} {
					got, other := read()
					if (err == nil) != (other == nil) || !bytes.Equal(got, want) {
						t.Errorf("%s: got %d bytes of %q, %v; the directory has %d, %v", where, len(got), key, other, len(want), err)
					}
				}
				return want, err
			},
			Leftover:  func() ([]string, error) { return bucket.Unfinished(t.Context()) },
			PartSizes: []int{8 << 20, 16 << 20},
			Peak:      fan.PoolPeak,
			Bound:     48 << 20,
		}
	})
}

// fanOf is a fan of a directory, and of two buckets on servers that have faults of their own.
func fanOf(t *testing.T) (fan *uploader.Fan, folder string, first, second *server) {
	t.Helper()
	folder = t.TempDir()
	first, second = newServer(t), newServer(t)
	short := func(opt *uploader.S3Options) { opt.RetryFor = 30 * time.Second }
	fan = uploader.NewFan(uploader.Limits{},
		uploader.Leg{Name: "dir", Store: openDir(t, folder, uploader.DirOptions{})},
		uploader.Leg{Name: "first", Store: first.open(t, short)},
		uploader.Leg{Name: "second", Store: second.open(t, short)})
	return fan, folder, first, second
}

// One store that fails doesn't stop the others, and is named with what it lacks.
func TestFanOneFails(t *testing.T) {
	fan, folder, first, second := fanOf(t)
	if err := send(t, fan, "before", content(small)); err != nil {
		t.Fatal(err)
	}
	if got := fan.Losses(); len(got) != 0 {
		t.Errorf("losses before: %v", got)
	}
	second.proxy.Set(func(*http.Request) uploadertest.Fault { return uploadertest.Cut(0) })
	for _, size := range []int{0, small, large} {
		key := fmt.Sprint("after", size)
		if err := send(t, fan, key, content(size)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		first.check(t, key, content(size))
		if got, err := os.ReadFile(filepath.Join(folder, key)); err != nil || !bytes.Equal(got, content(size)) { //nolint:gosec // a key of the test
			t.Errorf("the directory has %d of %d bytes, %v", len(got), size, err)
		}
	}
	got := fan.Losses()
	if len(got) != 1 || got[0].Name != "second" || got[0].Objects != 3 || !errors.Is(got[0].First, uploader.ErrUnreachable) {
		t.Errorf("got losses %v, want 3 of the second, which can't be reached", got)
	}
	if used := fan.PoolUsed(); used != 0 {
		t.Errorf("%d bytes were not given back", used)
	}
}

// The completion of an upload that fails at one store is a loss there.
func TestFanCompletionFails(t *testing.T) {
	fan, _, first, second := fanOf(t)
	second.proxy.Set(func(r *http.Request) uploadertest.Fault {
		if uploadertest.Kind(r) == uploadertest.Complete {
			return uploadertest.Refuse(403, "AccessDenied")
		}
		return nil
	})
	if err := send(t, fan, "x", content(large)); err != nil {
		t.Fatal(err)
	}
	first.check(t, "x", content(large))
	got := fan.Losses()
	if len(got) != 1 || got[0].Name != "second" || !errors.Is(got[0].First, fs.ErrPermission) || !strings.Contains(got[0].First.Error(), "s3:PutObject") {
		t.Errorf("got losses %v, want one of the second that names the right", got)
	}
	if left, err := second.bucket.Unfinished(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// An object that no store takes is an error.
func TestFanAllFail(t *testing.T) {
	s := newServer(t)
	fan := uploader.NewFan(uploader.Limits{}, uploader.Leg{Name: "a", Store: s.open(t, nil)}, uploader.Leg{Name: "b", Store: s.open(t, nil)})
	s.proxy.Set(func(*http.Request) uploadertest.Fault { return uploadertest.Refuse(403, "AccessDenied") })
	for _, size := range []int{small, large} {
		if err := send(t, fan, "x", content(size)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%d bytes: got error %v, want fs.ErrPermission", size, err)
		}
	}
}

// A name that is taken in one store is taken.
func TestFanTaken(t *testing.T) {
	fan, _, _, second := fanOf(t)
	if err := second.bucket.Put(t.Context(), "a prefix/IR-7/x", []byte("there before")); err != nil {
		t.Fatal(err)
	}
	if err := send(t, fan, "x", content(small)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got error %v, want fs.ErrExist", err)
	}
	second.check(t, "x", []byte("there before"))
}
