// Package uploadertest holds the conformance suite that every store of package uploader passes, and the real S3 server
// that it is run against.
package uploadertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether/uploader"

	"golang.org/x/sync/errgroup"
)

// A Harness is a store that is empty, and what the suite has to know of it.
type Harness struct {
	Store uploader.Store
	// Read returns the bytes of an object. It is an error if there is none.
	Read func(key string) ([]byte, error)
	// Leftover returns the names of what is neither an object nor gone: parts of uploads, temporary files. Nil if there
	// can't be such things. A store may leave some when a context ends, for then it doesn't wait, but not otherwise.
	Leftover func() ([]string, error)
	// PartSizes are the sizes at which the store changes its way. The suite tries each, and one byte to either side.
	PartSizes []int
	// Peak returns the largest number of bytes that the store has held, and Bound the largest that it may. Nil for a
	// store that holds none.
	Peak  func() int64
	Bound int64
}

// Run checks the promises of a [uploader.Store]. It calls open for each test, with the test that the store is for.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"round trip", testRoundTrip},
		{"unknown size", testUnknownSize},
		{"wrong size hint", testWrongHint},
		{"create only", testCreateOnly},
		{"create only, large", testCreateOnlyLarge},
		{"keys", testKeys},
		{"bad keys", testBadKeys},
		{"abort", testAbort},
		{"cancel", testCancel},
		{"cancelled before", testCancelledBefore},
		{"many small in parallel", testParallel},
		{"one winner", testOneWinner},
		{"memory", testMemory},
		{"used after its end", testEnded},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// content returns size bytes that depend on seed, and that no part repeats.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b) // never fails
	return b
}

// put writes an object in writes of at most step bytes.
func put(ctx context.Context, store uploader.Store, key string, meta uploader.Meta, data []byte, step int) error {
	object, err := store.Create(ctx, key, meta)
	if err != nil {
		return err
	}
	for len(data) > 0 {
		n, err := object.Write(data[:min(step, len(data))])
		if err != nil {
			return errors.Join(err, object.Abort())
		}
		data = data[n:]
	}
	return object.Commit()
}

func (h Harness) check(t *testing.T, key string, want []byte) {
	t.Helper()
	got, err := h.Read(key)
	if err != nil {
		t.Fatalf("reading %q back: %v", key, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%q: got %d bytes that differ from the %d written", key, len(got), len(want))
	}
}

// absent checks that there is no object, and nothing left of it.
func (h Harness) absent(t *testing.T, key string) {
	t.Helper()
	if got, err := h.Read(key); err == nil {
		t.Errorf("%q exists, with %d bytes", key, len(got))
	}
	if h.Leftover == nil {
		return
	}
	left, err := h.Leftover()
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func testRoundTrip(t *testing.T, h Harness) {
	sizes := []int{0, 1, 4096}
	for _, size := range h.PartSizes {
		sizes = append(sizes, size-1, size, size+1)
	}
	for i, size := range sizes {
		key := fmt.Sprintf("round/trip/%d", size)
		data := content(uint64(i), size)
		meta := uploader.Meta{Size: int64(size), ModTime: time.Unix(1_700_000_000, 123_456_789)}
		if err := put(t.Context(), h.Store, key, meta, data, 1<<20); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		h.check(t, key, data)
	}
}

func testUnknownSize(t *testing.T, h Harness) {
	data := content(1, 40<<20)
	if err := put(t.Context(), h.Store, "stream", uploader.Meta{Size: -1}, data, 65_537); err != nil {
		t.Fatal(err)
	}
	h.check(t, "stream", data)
}

// A hint is not a limit: a log that is being written to grows while it is read.
func testWrongHint(t *testing.T, h Harness) {
	data := content(2, 9<<20)
	if err := put(t.Context(), h.Store, "grew", uploader.Meta{Size: 10}, data, 1<<20); err != nil {
		t.Fatal(err)
	}
	h.check(t, "grew", data)
	if err := put(t.Context(), h.Store, "shrank", uploader.Meta{Size: 20 << 20}, data[:10], 10); err != nil {
		t.Fatal(err)
	}
	h.check(t, "shrank", data[:10])
}

func testCreateOnly(t *testing.T, h Harness) { createOnly(t, h, 10) }

func testCreateOnlyLarge(t *testing.T, h Harness) { createOnly(t, h, 9<<20) }

func createOnly(t *testing.T, h Harness, size int) {
	first := content(3, size)
	if err := put(t.Context(), h.Store, "a/taken", uploader.Meta{Size: -1}, first, 1<<20); err != nil {
		t.Fatal(err)
	}
	err := put(t.Context(), h.Store, "a/taken", uploader.Meta{Size: -1}, content(4, size), 1<<20)
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("second object: got error %v, want fs.ErrExist", err)
	}
	h.check(t, "a/taken", first)
	if h.Leftover == nil {
		return
	}
	if left, err := h.Leftover(); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func testKeys(t *testing.T, h Harness) {
	long := strings.Repeat(strings.Repeat("x", 179)+"/", 5)
	keys := []string{
		"plain", "with space/and  two", "plus+plus", "per%cent%2F", "a=b&c=d", "ünïcödé/日本語/🦊", "-dash", "~tilde", ".hidden/..also",
		"comma,semi;at@", "brackets[0](1){2}", "quote'quote", "hash#tag", "dollar$", long + "end", "a/b/c/d/e/f/g/h/i/j/k/l/m/n",
	}
	for i, key := range keys {
		data := content(uint64(i), 100+i)
		if err := put(t.Context(), h.Store, key, uploader.Meta{Size: -1}, data, 64); err != nil {
			t.Errorf("%q: %v", key, err)
			continue
		}
		h.check(t, key, data)
	}
}

func testBadKeys(t *testing.T, h Harness) {
	for _, key := range []string{
		"", ".", "..", "/", "/absolute", "trailing/", "a//b", "a/./b", "a/../b", "../escape", "nul\x00", "not\xffutf8", strings.Repeat("k", 1025),
	} {
		object, err := h.Store.Create(t.Context(), key, uploader.Meta{Size: -1})
		if err == nil {
			t.Errorf("%q was taken", key)
			_ = object.Abort() // it should not exist at all
		} else if errors.Is(err, fs.ErrExist) {
			t.Errorf("%q: %v; a key that can't be is not one that is taken", key, err)
		}
	}
}

func testAbort(t *testing.T, h Harness) {
	for i, size := range []int{0, 10, 20 << 20} {
		key := fmt.Sprintf("aborted/%d", size)
		data := content(uint64(i), size)
		object, err := h.Store.Create(t.Context(), key, uploader.Meta{Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := object.Abort(); err != nil {
			t.Errorf("abort after %d bytes: %v", size, err)
		}
		h.absent(t, key)
		if err := put(t.Context(), h.Store, key, uploader.Meta{Size: -1}, data, 1<<20); err != nil {
			t.Errorf("the key of an aborted object: %v", err)
			continue
		}
		h.check(t, key, data)
	}
}

func testCancel(t *testing.T, h Harness) {
	for _, size := range []int{10, 20 << 20} {
		key := fmt.Sprintf("cancelled/%d", size)
		ctx, cancel := context.WithCancel(t.Context())
		object, err := h.Store.Create(ctx, key, uploader.Meta{Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Write(content(5, size)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := object.Write([]byte("more")); err == nil {
			t.Error("a write after the context ended succeeded")
		}
		if err := object.Commit(); !errors.Is(err, context.Canceled) {
			t.Errorf("commit after the context ended: got error %v, want context.Canceled", err)
		}
		if got, err := h.Read(key); err == nil {
			t.Errorf("%q exists, with %d bytes", key, len(got))
		}
	}
}

func testCancelledBefore(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Store.Create(ctx, "never", uploader.Meta{Size: -1}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	h.absent(t, "never")
}

func testParallel(t *testing.T, h Harness) {
	const objects = 300
	var group errgroup.Group
	group.SetLimit(16)
	for i := range objects {
		group.Go(func() error {
			data := content(uint64(i), i*37)
			return put(t.Context(), h.Store, fmt.Sprintf("many/%d/%d", i%7, i), uploader.Meta{Size: int64(len(data))}, data, 1000)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range objects {
		h.check(t, fmt.Sprintf("many/%d/%d", i%7, i), content(uint64(i), i*37))
	}
}

// Of several who want a key at once one gets it, and the object is his.
func testOneWinner(t *testing.T, h Harness) {
	const rivals = 8
	errs := make([]error, rivals)
	var wg sync.WaitGroup
	for i := range rivals {
		wg.Go(func() {
			errs[i] = put(t.Context(), h.Store, "prize", uploader.Meta{Size: -1}, content(uint64(i), 1000), 1000)
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Errorf("%d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, fs.ErrExist):
			t.Errorf("a loser: got error %v, want fs.ErrExist", err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	h.check(t, "prize", content(uint64(winner), 1000))
}

// testMemory fills 64 objects at once while the books of a case stay open, each with less than a part in it. Together
// they are several times the bound.
func testMemory(t *testing.T, h Harness) {
	const fillers, books = 64, 5
	var open []uploader.Object
	for i := range books {
		book, err := h.Store.Create(t.Context(), fmt.Sprintf("book%d", i), uploader.Meta{Size: -1, Reserve: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := book.Write(content(uint64(i), 3<<20)); err != nil {
			t.Fatal(err)
		}
		open = append(open, book)
	}

	size := func(i int) int { return (1 + i%4) * 1_700_000 }
	var group errgroup.Group
	for i := range fillers {
		group.Go(func() error {
			return put(t.Context(), h.Store, fmt.Sprintf("fill%d", i), uploader.Meta{Size: -1}, content(uint64(i), size(i)), 32<<10)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, book := range open {
		if _, err := io.WriteString(book, "the end"); err != nil {
			t.Fatal(err)
		}
		if err := book.Commit(); err != nil {
			t.Fatal(err)
		}
		h.check(t, fmt.Sprintf("book%d", i), append(content(uint64(i), 3<<20), "the end"...))
	}
	for i := range fillers {
		h.check(t, fmt.Sprintf("fill%d", i), content(uint64(i), size(i)))
	}
	if h.Peak != nil && h.Peak() > h.Bound {
		t.Errorf("the store held %d bytes, and may hold %d", h.Peak(), h.Bound)
	}
}

func testEnded(t *testing.T, h Harness) {
	for _, end := range []struct {
		name string
		call func(uploader.Object) error
	}{{"commit", uploader.Object.Commit}, {"abort", uploader.Object.Abort}} {
		object, err := h.Store.Create(t.Context(), end.name, uploader.Meta{Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		if err := end.call(object); err != nil {
			t.Fatal(err)
		}
		if _, err := object.Write([]byte("x")); err == nil {
			t.Errorf("write after %s succeeded", end.name)
		}
		if err := object.Commit(); err == nil {
			t.Errorf("commit after %s succeeded", end.name)
		}
		if err := object.Abort(); err == nil {
			t.Errorf("abort after %s succeeded", end.name)
		}
	}
	h.check(t, "commit", nil)
}
