package collectors

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"bellwether/profiles"

	"github.com/dustin/go-humanize"
)

const (
	// maxLogFiles bounds how many logs are held at once.
	maxLogFiles = 10_000
	// maxFoundBy bounds what is said of how one of them was found.
	maxFoundBy = 3
)

// A logFile is a file that was found to be a log.
type logFile struct {
	path    string
	size    int64
	changed time.Time // the newest of its times
	uid     uint32    // its owner
	byName  bool      // nothing but its name says that it is a log
	foundBy []string
	fd      string // below /proc, of a file that has no name that we can reach; empty otherwise
	kept    bool
	reason  string // why it is not kept
}

// logFiles holds the logs that were found, each once. Of too many those go that were found by their name alone, and then the others; of
// either those of the owner who has the most go first, the oldest of them. So nobody can push out the logs of others.
type logFiles struct {
	most          int
	byPath        map[string]*logFile
	named, proven logOwners

	dropped      int // for want of room
	droppedBytes int64
	droppedUntil time.Time // the newest of them
}

func newLogFiles(most int) *logFiles {
	return &logFiles{most: most, byPath: map[string]*logFile{}, named: newLogOwners(), proven: newLogOwners()}
}

// add takes a log, or another way by which it was found.
func (l *logFiles) add(f logFile, foundBy string) {
	if have, ok := l.byPath[f.path]; ok {
		if have.byName && !f.byName {
			l.named.remove(have)
			have.byName = false
			l.proven.add(have)
		}
		if len(have.foundBy) < maxFoundBy && !slices.Contains(have.foundBy, foundBy) {
			have.foundBy = append(have.foundBy, foundBy)
		}
		return
	}
	f.foundBy = []string{foundBy}
	l.byPath[f.path] = &f
	if f.byName {
		l.named.add(&f)
	} else {
		l.proven.add(&f)
	}
	if len(l.byPath) > l.most {
		l.drop()
	}
}

// drop makes room for one.
func (l *logFiles) drop() {
	out := l.named.oldest()
	if out == nil {
		out = l.proven.oldest()
	}
	delete(l.byPath, out.path)
	l.dropped++
	l.droppedBytes += out.size
	if out.changed.After(l.droppedUntil) {
		l.droppedUntil = out.changed
	}
}

// bestFirst returns all that are held: those that were found by their name alone last, and the newest first.
func (l *logFiles) bestFirst() []*logFile {
	return slices.SortedFunc(maps.Values(l.byPath), func(a, b *logFile) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.changed.Compare(a.changed), strings.Compare(a.path, b.path))
	})
}

func rank(f *logFile) int {
	if f.byName {
		return 1
	}
	return 0
}

// A budget holds a step to its limits for one folder, and altogether.
type budget struct {
	step  profiles.Step
	total int64
	dirs  map[string]int64
}

func newBudget(step profiles.Step) *budget { return &budget{step: step, dirs: map[string]int64{}} }

// over says which limit a file of that size would break, or returns "".
func (b *budget) over(p string, size int64) string {
	switch {
	case b.step.MaxTotalSize > 0 && b.total+size > b.step.MaxTotalSize:
		return fmt.Sprintf("over the limit of %s altogether", humanize.IBytes(uint64(b.step.MaxTotalSize)))
	case b.step.MaxDirSize > 0 && b.dirs[path.Dir(p)]+size > b.step.MaxDirSize:
		return fmt.Sprintf("over the limit of %s for one folder", humanize.IBytes(uint64(b.step.MaxDirSize)))
	}
	return ""
}

// take notes what was kept.
func (b *budget) take(p string, size int64) {
	b.total += size
	b.dirs[path.Dir(p)] += size
}
