// Package evidence is the case: what one run collected from one host, kept so that it can be proved later.
//
// The rules that every file here keeps:
//
//   - Every byte of an item passes once: it is hashed, shown to the taps, and written to the store in that pass.
//   - Everything that was asked for has a line in the manifest, with its reason if there is nothing of it.
//   - Each line of the manifest holds the SHA-256 of the line before it. The hash of the last line, of kind "end", is the seal.
//   - A name in the case is safe on Linux and on Windows, and unique when case is ignored.
//   - This item failed, and the case can't be kept: two failures, never mixed. The first is recorded, the second is returned.
package evidence

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// The names of a case's own books.
const (
	CaseFile     = "case.json"
	ManifestFile = "manifest.jsonl"
	SumsFile     = "SHA256SUMS"
	FindingsFile = "findings.jsonl"
	HitsFile     = "hits.txt"
	LogFile      = "bellwether.log"
)

// ErrNoRoom is the error of a store for an object that it has no room for, though it may have some for smaller ones. Every other error
// of a store means that nothing more can be kept.
var ErrNoRoom = errors.New("no room in the store")

// A Store is where a case's bytes go. It never overwrites: a taken key is [fs.ErrExist].
type Store interface {
	Create(ctx context.Context, key string, meta Meta) (Object, error)
}

// Meta is what is known of an object before its first byte.
type Meta struct {
	ModTime time.Time
	Mode    fs.FileMode
	Size    int64 // -1 where that is not known
	Reserve int64 // bytes to set aside, so that the object can be finished when the store is full
}

// An Object appears in its store whole, at Commit, or not at all.
type Object interface {
	io.Writer
	Commit() error
	Abort() error
}

// A Tap sees the bytes of an item as they pass. An error from it, also from Close, is recorded with the item as an incomplete scan; it
// never cuts the evidence.
type Tap func(name string) io.WriteCloser
