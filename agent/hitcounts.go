package main

import (
	"cmp"
	"slices"
	"sync"

	"bellwether/agent/ioc"
)

// hitCounts counts the hits of each indicator, and says how many of them are to be listed. It may be used by several goroutines at once.
type hitCounts struct {
	max int64 // that are listed of each indicator; 0 means all

	mu    sync.Mutex
	total int64
	byIOC map[*ioc.Indicator]int64
}

func newHitCounts(maxHits int) *hitCounts {
	return &hitCounts{max: int64(maxHits), byIOC: map[*ioc.Indicator]int64{}}
}

// add counts a hit, and reports whether it is to be listed.
func (c *hitCounts) add(i *ioc.Indicator) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	c.byIOC[i]++
	return c.max <= 0 || c.byIOC[i] <= c.max
}

// all is the number of all hits.
func (c *hitCounts) all() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// An iocCount is how often an indicator was found.
type iocCount struct {
	indicator *ioc.Indicator
	n         int64
}

// frequent returns all indicators that were found, the most frequent first.
func (c *hitCounts) frequent() []iocCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]iocCount, 0, len(c.byIOC))
	for i, n := range c.byIOC {
		out = append(out, iocCount{i, n})
	}
	slices.SortFunc(out, func(a, b iocCount) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.indicator.Value, b.indicator.Value))
	})
	return out
}
