package uploadertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"bellwether/uploader"

	"golang.org/x/sync/errgroup"
)

// A SourceHarness is a bucket that is empty, and what the suite has to know of it. Its keys are those of the bucket.
type SourceHarness struct {
	// Open opens a source at a prefix. It looks at the bucket by way of the proxy.
	Open func(prefix string) uploader.Source
	// Put makes an object, or replaces it.
	Put   func(ctx context.Context, key string, data []byte) error
	Proxy *Proxy
	// Page is how many objects the source asks for at once.
	Page int
}

// RunSource checks the promises of a [uploader.Source]. It calls open for each test, with the test that the bucket is for.
func RunSource(t *testing.T, open func(t *testing.T) SourceHarness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, SourceHarness)
	}{
		{"nothing there", testSourceEmpty},
		{"keys", testSourceKeys},
		{"prefixes", testSourcePrefixes},
		{"folder markers", testSourceMarkers},
		{"pages", testSourcePages},
		{"a page that fails", testSourcePageFails},
		{"visit ends the list", testSourceVisitEnds},
		{"large object", testSourceLarge},
		{"connections that break", testSourceBreaks},
		{"replaced while it is read", testSourceReplaced},
		{"not there", testSourceAbsent},
		{"closed", testSourceClosed},
		{"cancelled", testSourceCancelled},
		{"in parallel", testSourceParallel},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func (h SourceHarness) put(t *testing.T, objects map[string][]byte) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for key, data := range objects {
		group.Go(func() error { return h.Put(t.Context(), key, data) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// list returns the keys that a source lists, and checks that they can be read.
func list(t *testing.T, source uploader.Source) []string {
	t.Helper()
	keys := []string{}
	err := source.List(t.Context(), func(e uploader.Entry) error {
		keys = append(keys, e.Key)
		if e.ETag == "" || strings.Contains(e.ETag, `"`) || e.ModTime.IsZero() {
			t.Errorf("%q: got ETag %q and time %v", e.Key, e.ETag, e.ModTime)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func read(ctx context.Context, source uploader.Source, key string) (data []byte, err error) {
	object, err := source.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	return io.ReadAll(object)
}

func checkKeys(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got keys %q, want %q", got, want)
	}
}

func testSourceEmpty(t *testing.T, h SourceHarness) {
	for _, prefix := range []string{"", "IR-7", "IR-7/", "a/b/c"} {
		checkKeys(t, list(t, h.Open(prefix)), []string{})
	}
}

func testSourceKeys(t *testing.T, h SourceHarness) {
	objects := map[string][]byte{}
	for i, key := range []string{
		"plain", "with space/and  two", "plus+plus", "per%cent%2F", "a=b&c=d", "ünïcödé/日本語/🦊", "-dash", "~tilde", ".hidden/..also",
		"comma,semi;at@", "brackets[0](1){2}", "quote'quote", `double"quote`, "hash#tag", "what?", "dollar$", "empty", "a/b/c/d/e/f/g/h/i/j/k/l/m/n",
	} {
		objects["a prefix/IR-7/"+key] = content(uint64(i), 100*i)
	}
	objects["a prefix/IR-7/empty"] = nil
	h.put(t, objects)

	source := h.Open("a prefix/IR-7")
	var want []string
	for key := range objects {
		want = append(want, strings.TrimPrefix(key, "a prefix/IR-7/"))
	}
	slices.Sort(want)
	got := list(t, source)
	slices.Sort(got)
	checkKeys(t, got, want)
	sizes := map[string]int64{}
	if err := source.List(t.Context(), func(e uploader.Entry) error { sizes[e.Key] = e.Size; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, key := range want {
		data, err := read(t.Context(), source, key)
		if err != nil {
			t.Error(err)
			continue
		}
		whole := objects["a prefix/IR-7/"+key]
		if !bytes.Equal(data, whole) || sizes[key] != int64(len(whole)) {
			t.Errorf("%q: got %d bytes, listed as %d; want %d", key, len(data), sizes[key], len(whole))
		}
		if name := source.Name(key); !strings.HasSuffix(name, "/a prefix/IR-7/"+key) {
			t.Errorf("%q: got name %q", key, name)
		}
	}
}

func testSourcePrefixes(t *testing.T, h SourceHarness) {
	objects := map[string][]byte{}
	for _, key := range []string{"IR-7.txt", "IR-7/db/b", "IR-7/web-01/a", "IR-7/web-01/a.gz", "IR-70/web-01/c", "IR-8/web/d", "top"} {
		objects[key] = []byte(key)
	}
	h.put(t, objects)
	for prefix, want := range map[string][]string{
		"":                {"IR-7.txt", "IR-7/db/b", "IR-7/web-01/a", "IR-7/web-01/a.gz", "IR-70/web-01/c", "IR-8/web/d", "top"},
		"IR-7":            {"db/b", "web-01/a", "web-01/a.gz"},
		"IR-7/":           {"db/b", "web-01/a", "web-01/a.gz"},
		"IR-7/web-01":     {"a", "a.gz"},
		"IR-7/web-01/a":   {""},
		"IR-7/web-01/a/":  {},
		"IR-7/web":        {},
		"top":             {""},
		"top/of/the/pops": {},
	} {
		source := h.Open(prefix)
		got := list(t, source)
		checkKeys(t, got, want)
		for _, key := range got {
			data, err := read(t.Context(), source, key)
			if err != nil {
				t.Error(err)
			} else if name := source.Name(key); !strings.HasSuffix(name, "/"+string(data)) {
				t.Errorf("%q: got name %q of the object %q", key, name, data)
			}
		}
	}
}

func testSourceMarkers(t *testing.T, h SourceHarness) {
	h.put(t, map[string][]byte{"IR-7/": nil, "IR-7/empty/": nil, "IR-7/web/": nil, "IR-7/web/a": []byte("a")})
	checkKeys(t, list(t, h.Open("IR-7")), []string{"web/a"})
	checkKeys(t, list(t, h.Open("IR-7/")), []string{"web/a"})
}

// testSourcePages has objects for two pages and a bit, and for exactly two.
func testSourcePages(t *testing.T, h SourceHarness) {
	objects := map[string][]byte{}
	var want []string
	for i := range 2*h.Page + 5 {
		key := fmt.Sprintf("%d/%05d", i/(h.Page/2), i)
		if i >= 2*h.Page {
			key = "5" + key
		}
		want = append(want, key)
		objects["many/"+key] = []byte{'x'}
	}
	h.put(t, objects)
	checkKeys(t, list(t, h.Open("many")), want)
	for n := range 4 {
		var below []string
		for _, key := range want {
			if rest, ok := strings.CutPrefix(key, fmt.Sprintf("%d/", n)); ok {
				below = append(below, rest)
			}
		}
		checkKeys(t, list(t, h.Open(fmt.Sprintf("many/%d", n))), below)
	}
}

// Nothing is lost or listed twice where pages have to be asked for again.
func testSourcePageFails(t *testing.T, h SourceHarness) {
	objects := map[string][]byte{}
	var want []string
	for i := range h.Page + 5 {
		key := fmt.Sprintf("%05d", i)
		want = append(want, key)
		objects["many/"+key] = []byte{'x'}
	}
	h.put(t, objects)
	source := h.Open("many/")
	left := h.Proxy.Next(func(*http.Request) bool { return true }, CutAnswer(0), Refuse(503, "ServerBusy"), CutAnswer(200), pass, CutAnswer(100), Refuse(500, "InternalError"))
	checkKeys(t, list(t, source), want)
	if n := left(); n != 0 {
		t.Errorf("%d faults were not met", n)
	}
}

func pass(w http.ResponseWriter, r *http.Request, server http.Handler) { server.ServeHTTP(w, r) }

func testSourceVisitEnds(t *testing.T, h SourceHarness) {
	h.put(t, map[string][]byte{"a/b": nil, "a/c": nil, "a/d": nil})
	for _, wanted := range []error{io.ErrClosedPipe, fs.ErrPermission} {
		for _, prefix := range []string{"", "a"} {
			visits := 0
			err := h.Open(prefix).List(t.Context(), func(uploader.Entry) error {
				if visits++; visits == 2 {
					return wanted
				}
				return nil
			})
			if !errors.Is(err, wanted) || visits != 2 {
				t.Errorf("%q: got error %v after %d visits, want %v after 2", prefix, err, visits, wanted)
			}
		}
	}
}

func testSourceLarge(t *testing.T, h SourceHarness) {
	data := content(1, 40<<20)
	h.put(t, map[string][]byte{"large": data})
	got, err := read(t.Context(), h.Open(""), "large")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("got %d bytes that differ from the %d put", len(got), len(data))
	}
}

func testSourceBreaks(t *testing.T, h SourceHarness) {
	data := content(2, 3<<20)
	h.put(t, map[string][]byte{"x": data, "empty": nil})
	source := h.Open("")
	for _, test := range []struct {
		name   string
		key    string
		want   []byte
		faults []Fault
	}{
		{"before the answer", "x", data, []Fault{CutAnswer(0), Refuse(503, "ServerBusy"), Refuse(500, "InternalError")}},
		{"empty, before the answer", "empty", nil, []Fault{CutAnswer(0)}},
		{"in the middle", "x", data, []Fault{CutAnswer(1 << 20)}},
		{"again and again", "x", data, []Fault{CutAnswer(100), CutAnswer(1 << 20), CutAnswer(0), CutAnswer(1), Refuse(503, "ServerBusy"), CutAnswer(1 << 20)}},
		{"before the last byte", "x", data, []Fault{CutAnswer(len(data) - 1)}},
		{"right after the last byte", "x", data, []Fault{CutAnswer(len(data))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			left := h.Proxy.Next(func(r *http.Request) bool { return r.Method == http.MethodGet }, test.faults...)
			object, err := source.Open(t.Context(), test.key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(iotest.HalfReader(object))
			if err := errors.Join(err, object.Close()); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, test.want) {
				t.Errorf("got %d bytes that differ from the %d put", len(got), len(test.want))
			}
			if n := left(); n != 0 {
				t.Errorf("%d faults were not met", n)
			}
		})
	}
}

func testSourceReplaced(t *testing.T, h SourceHarness) {
	for name, size := range map[string]int{"same size": 1 << 20, "longer": 2 << 20, "shorter": 100} {
		h.put(t, map[string][]byte{name: content(3, 1<<20)})
		source := h.Open("")
		h.Proxy.Next(func(r *http.Request) bool { return r.Method == http.MethodGet }, CutAnswer(100_000))
		object, err := source.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, object, 50_000); err != nil {
			t.Fatal(err)
		}
		h.put(t, map[string][]byte{name: content(4, size)})
		n, err := io.Copy(io.Discard, object)
		if !errors.Is(err, uploader.ErrChanged) || n > 50_000 {
			t.Errorf("%s: got error %v after %d bytes more, want ErrChanged", name, err, n)
		}
		if err := object.Close(); err != nil {
			t.Error(err)
		}
		got, err := read(t.Context(), source, name)
		if err != nil || len(got) != size {
			t.Errorf("%s, again: got %d bytes, %v; want %d", name, len(got), err, size)
		}
	}
}

func testSourceAbsent(t *testing.T, h SourceHarness) {
	h.put(t, map[string][]byte{"a/b": nil})
	for prefix, key := range map[string]string{"": "a/c", "a": "b/c", "a/": "", "a/c": ""} {
		source := h.Open(prefix)
		object, err := source.Open(t.Context(), key)
		if err == nil {
			_ = object.Close() // it should not exist at all
		}
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(fmt.Sprint(err), source.Name(key)) {
			t.Errorf("%s: got error %v, want fs.ErrNotExist with the name", source.Name(key), err)
		}
	}
	if _, err := h.Open("").Open(t.Context(), ""); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("the bucket itself: got error %v, want fs.ErrInvalid", err)
	}
}

func testSourceClosed(t *testing.T, h SourceHarness) {
	h.put(t, map[string][]byte{"a": content(5, 1<<20)})
	object, err := h.Open("").Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := object.Read(nil); n != 0 || err != nil {
		t.Errorf("read of nothing: got %d, %v", n, err)
	}
	if err := object.Close(); err != nil {
		t.Error(err)
	}
	if _, err := object.Read(make([]byte, 10)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after close: got error %v, want fs.ErrClosed", err)
	}
}

func testSourceCancelled(t *testing.T, h SourceHarness) {
	h.put(t, map[string][]byte{"a": content(6, 4<<20), "b": nil})
	source := h.Open("")
	ctx, cancel := context.WithCancel(t.Context())
	object, err := source.Open(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := object.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	visits := 0
	err = source.List(ctx, func(uploader.Entry) error {
		visits++
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || visits != 1 {
		t.Errorf("list: got error %v after %d visits, want context.Canceled after one", err, visits)
	}
	if _, err := io.Copy(io.Discard, object); !errors.Is(err, context.Canceled) {
		t.Errorf("read: got error %v, want context.Canceled", err)
	}
	if err := object.Close(); err != nil {
		t.Error(err)
	}
	if _, err := source.Open(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("open: got error %v, want context.Canceled", err)
	}
	if err := source.List(ctx, func(uploader.Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("list: got error %v, want context.Canceled", err)
	}
}

func testSourceParallel(t *testing.T, h SourceHarness) {
	objects := map[string][]byte{}
	for i := range 30 {
		objects[fmt.Sprintf("p/%d", i)] = content(uint64(i), i*10_007)
	}
	h.put(t, objects)
	source := h.Open("p")
	var group errgroup.Group
	group.SetLimit(8)
	for key, want := range objects {
		group.Go(func() error {
			got, err := read(t.Context(), source, strings.TrimPrefix(key, "p/"))
			if err == nil && !bytes.Equal(got, want) {
				err = fmt.Errorf("%s: got %d bytes that differ from the %d put", key, len(got), len(want))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
