package collectors

import (
	"container/heap"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"bellwether/profiles"

	"github.com/dustin/go-humanize"
)

const (
	// maxLogFiles bounds how many logs are held at once. Of more the newest are.
	maxLogFiles = 10_000
	// maxFoundBy bounds what is said of how one of them was found.
	maxFoundBy = 3
)

// A logFile is a file that was found to be a log.
type logFile struct {
	path    string
	size    int64
	changed time.Time // the newest of its times
	foundBy []string
	fd      string // below /proc, of a file that has no name that we can reach; empty otherwise
	kept    bool
	reason  string // why it is not kept
}

// logFiles holds the newest of the logs that were found, each once.
type logFiles struct {
	most   int
	byPath map[string]*logFile
	oldest logHeap

	dropped      int // for want of room
	droppedBytes int64
	droppedUntil time.Time // the newest of them
}

func newLogFiles(most int) *logFiles { return &logFiles{most: most, byPath: map[string]*logFile{}} }

// add takes a log, or another way by which it was found.
func (l *logFiles) add(f logFile, foundBy string) {
	if have, ok := l.byPath[f.path]; ok {
		if len(have.foundBy) < maxFoundBy && !slices.Contains(have.foundBy, foundBy) {
			have.foundBy = append(have.foundBy, foundBy)
		}
		return
	}
	f.foundBy = []string{foundBy}
	l.byPath[f.path] = &f
	heap.Push(&l.oldest, &f)
	if len(l.oldest) <= l.most {
		return
	}
	out, _ := heap.Pop(&l.oldest).(*logFile)
	delete(l.byPath, out.path)
	l.dropped++
	l.droppedBytes += out.size
	if out.changed.After(l.droppedUntil) {
		l.droppedUntil = out.changed
	}
}

// newestFirst returns all that are held.
func (l *logFiles) newestFirst() []*logFile {
	all := slices.Clone(l.oldest)
	slices.SortFunc(all, func(a, b *logFile) int {
		if c := b.changed.Compare(a.changed); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return all
}

// A logHeap has the oldest at its top.
type logHeap []*logFile

func (h logHeap) Len() int           { return len(h) }
func (h logHeap) Less(i, j int) bool { return h[i].changed.Before(h[j].changed) }
func (h logHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *logHeap) Push(x any) {
	if f, ok := x.(*logFile); ok {
		*h = append(*h, f)
	}
}

func (h *logHeap) Pop() any {
	n := len(*h) - 1
	out := (*h)[n]
	*h = (*h)[:n]
	return out
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
