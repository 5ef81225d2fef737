package main

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"bellwether/agent/ioc"
)

// A scanTally counts what a scan has seen. It may be used by several goroutines at once.
type scanTally struct {
	began   time.Time
	maxHits int64 // that are listed of each indicator; 0 means all

	mu    sync.Mutex
	files int64
	bytes int64 // as read, before they are unpacked
	all   int64
	byIOC map[*ioc.Indicator]int64
}

func newScanTally(maxHits int) *scanTally {
	return &scanTally{began: time.Now(), maxHits: int64(maxHits), byIOC: map[*ioc.Indicator]int64{}}
}

// hit counts a hit, and reports whether it is to be listed.
func (t *scanTally) hit(i *ioc.Indicator) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all++
	t.byIOC[i]++
	return t.maxHits <= 0 || t.byIOC[i] <= t.maxHits
}

func (t *scanTally) file(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.files++
	t.bytes += bytes
}

func (t *scanTally) hits() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all
}

// An iocCount is how often an indicator was found.
type iocCount struct {
	indicator *ioc.Indicator
	n         int64
}

// frequent returns all indicators that were found, the most frequent first.
func (t *scanTally) frequent() []iocCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]iocCount, 0, len(t.byIOC))
	for i, n := range t.byIOC {
		out = append(out, iocCount{i, n})
	}
	slices.SortFunc(out, func(a, b iocCount) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.indicator.Value, b.indicator.Value))
	})
	return out
}
