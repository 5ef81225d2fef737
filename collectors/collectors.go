// Package collectors carries out the steps of a plan: it reads the host and hands every piece of evidence to a [Sink].
//
// The rules that every collector keeps: the host's data is hostile. Nothing of it reaches a shell. Symbolic links are
// recorded, not followed out of what was asked. Only regular files are read, with O_NOFOLLOW and O_NONBLOCK, and without
// changing their access time. Every read has a limit, and a limit that bites is recorded with the item. What can't be
// collected is an item too, with its reason.
package collectors

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// A Collector carries out one step.
type Collector interface {
	// Collect hands every item of the step to the sink. It returns an error only if the sink can keep nothing more, or
	// the context has ended: what can't be read is an item with its reason, not an error.
	Collect(ctx context.Context, sink Sink) error
}

// A Sink keeps items. It may be used by several goroutines at once.
type Sink interface {
	// Add keeps one item. It calls write once, with the writer for the item's content; a nil write means that the item has
	// no content, and then the item says why. What write sets in the item until it returns is recorded. An error from write is
	// recorded with the item and not returned: the item is kept as far as it got. Add returns an error only when nothing more
	// can be kept, and the run must stop. A sink that only looks at what would be collected may leave write uncalled.
	Add(item *Item, write func(io.Writer) error) error
}

// A Status is the outcome of an item.
type Status string

// The outcomes of an item.
const (
	OK      Status = "ok"
	Empty   Status = "empty"   // it ran, or was read, and there was nothing
	Partial Status = "partial" // kept as far as it goes, for the reason given
	Failed  Status = "failed"  // nothing could be kept, for the reason given
	Skipped Status = "skipped" // left alone, for the reason given
)

// An Item is one piece of evidence: a name in the case, a source, an outcome.
type Item struct {
	Step      string
	Collector string
	Name      string      // the name wanted in the case, slash-separated; the sink makes it safe and unique. Empty: nothing is kept
	Source    string      // the path on the host, byte for byte, or the command line
	Status    Status      // empty means that the sink decides: ok, empty, or what the error of write says
	Reason    string      // in a few words, why the status is not simply ok; or what a reader should know
	SizeHint  int64       // bytes expected, -1 where that is not known
	Perm      fs.FileMode // permission bits, for stores that keep them

	Target     string    // of a symbolic link, byte for byte
	SameAs     string    // the source of the item that holds the same file already
	Mode       string    // as ls prints it: -rw-r--r--
	Owner      string    // uid:gid
	ModTime    time.Time // zero where the system has none; so for the three others
	AccessTime time.Time
	ChangeTime time.Time
	BirthTime  time.Time
	SourceSize int64    // of a file, in bytes, when it was opened or passed over
	Extents    []Extent // of a sparse file of which only the data is kept: where the kept bytes stand in it, in order

	ExitCode    *int          // of a command that ended by itself
	Signal      string        // that ended a command
	Duration    time.Duration // of a command
	TruncatedAt int64         // bytes after which a limit cut the content; 0 means it did not
}

// An Extent is a run of bytes of a sparse file.
type Extent struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}
