// Package uploader holds the stores: the places where the bytes of a case go.
//
// Every store keeps the same promises, and the conformance suite in uploadertest checks them:
//
//   - An object appears whole, at Commit, or not at all.
//   - Nothing that exists is ever overwritten: a key that is taken is [fs.ErrExist].
//   - Memory is bounded, whatever the number and the size of the objects.
//   - A store needs no right but to create. It never lists, reads, or deletes what it has committed.
//   - No credential is ever part of an error, a log line or a String.
package uploader

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// ErrFloor is the error of an object that would take the store below its free-space floor. Smaller objects may still fit.
var ErrFloor = errors.New("free-space floor reached")

// ErrUnreachable is the error of a store that has not answered for as long as it was to be waited for.
var ErrUnreachable = errors.New("the store can't be reached")

// ErrChecksum is the error of an object that the store received with other bytes than were sent.
var ErrChecksum = errors.New("the store has other bytes than were sent")

// ErrTooLarge is the error of an object that the store can't take because of its size.
var ErrTooLarge = errors.New("too large for the store")

// ErrFull is the error of a store that has no space left.
var ErrFull = errors.New("no space left")

// A Store keeps objects under keys. Keys are slash-separated, relative and clean, at most 1,024 bytes of UTF-8.
// A Store may be used by several goroutines at once.
type Store interface {
	// Create starts the object named key. The context governs the object until Commit or Abort has returned.
	// It is an error that wraps [fs.ErrExist] if the store can tell that the key is taken; a store that can't
	// tell yet returns that error from Commit.
	Create(ctx context.Context, key string, meta Meta) (Object, error)
}

// Meta is what is known of an object before its first byte.
type Meta struct {
	ModTime time.Time   // kept where the store can; zero means now
	Mode    fs.FileMode // permission bits where the store has them; 0 means 0600
	Size    int64       // bytes expected, -1 where that is not known; a hint, never a limit
	Reserve int64       // bytes to set aside at once, so that the object can be finished when the store is full
}

// An Object is one object that is being written. It belongs to one goroutine at a time, and ends with exactly one
// call of Commit or Abort.
type Object interface {
	io.Writer
	// Commit makes the object permanent. After an error the object does not exist.
	Commit() error
	// Abort drops what was written.
	Abort() error
}
