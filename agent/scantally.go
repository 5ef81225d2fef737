package main

import (
	"sync/atomic"
	"time"
)

// A scanTally is what a scan has seen. It may be used by several goroutines at once.
type scanTally struct {
	*hitCounts
	began time.Time
	files atomic.Int64
	bytes atomic.Int64 // as read, before they are unpacked
}

func newScanTally(maxHits int) *scanTally {
	return &scanTally{hitCounts: newHitCounts(maxHits), began: time.Now()}
}

func (t *scanTally) file(bytes int64) {
	t.files.Add(1)
	t.bytes.Add(bytes)
}
