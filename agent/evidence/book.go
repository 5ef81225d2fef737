package evidence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"sync"
)

// errTaken is an object's name that another run has.
var errTaken = errors.New("exists already")

func taken(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", errTaken, err)
	}
	return err
}

// A book is a file that the case itself writes for as long as it runs: the manifest, the sums, the log, the findings.
type book struct {
	name string

	mu     sync.Mutex
	object Object
	hash   hash.Hash
	size   int64
	closed bool
}

func (c *Case) openBook(name string, reserve int64) (*book, error) {
	store := c.store
	if name == SumsFile || name == SignatureFile {
		store = c.clear
	}
	o, err := c.createIn(store, name, Meta{Size: -1, Reserve: reserve})
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return &book{name: name, object: o, hash: sha256.New()}, nil
}

// Write implements [io.Writer].
func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, fs.ErrClosed
	}
	n, err := b.object.Write(p)
	b.hash.Write(p[:n])
	b.size += int64(n)
	return n, err
}

func (b *book) commit() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if err := b.object.Commit(); err != nil {
		return fmt.Errorf("finishing %s: %w", b.name, err)
	}
	return nil
}

// sum is the digest of what was written.
func (b *book) sum() string { return hexSum(b.hash) }

// quiet swallows errors.
type quiet struct{ b *book }

func (q quiet) Write(p []byte) (int, error) {
	_, _ = q.b.Write(p)
	return len(p), nil
}
