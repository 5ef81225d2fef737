package evidence

import (
	"fmt"
	"sync"
)

// A budget is what all items together may take.
type budget struct {
	mu   sync.Mutex
	max  int64 // 0 means no limit
	used int64
}

// fits reports whether an item of that size, -1 where it is not known, may be begun.
func (b *budget) fits(size int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.max <= 0 || b.used+max(size, 1) <= b.max
}

// take returns how many of n bytes may be kept.
func (b *budget) take(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.max > 0 {
		n = int(min(int64(n), max(b.max-b.used, 0)))
	}
	b.used += int64(n)
	return n
}

func (b *budget) reason() string { return fmt.Sprintf("%s of %d bytes", OverBudget, b.max) }
