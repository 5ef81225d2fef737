package collectors

import "os"

// A cacheUse remembers what the host had of a file in its page cache before it was read, so that a walk leaves the cache as it was: what a
// database has there costs it dearly to read again.
type cacheUse struct {
	f           *os.File
	size        int64
	first, rest bool // the host had the first page, or something of the rest
	all         bool // the file is read beyond its first page
}

// newCacheUse is to be called before the first byte is read. Small files are left in the cache.
func newCacheUse(f *os.File, size int64) *cacheUse {
	c := &cacheUse{f: f, size: size, first: true}
	if size > firstRead {
		c.first = inCache(f, 0, firstRead)
		readPage(f)
	}
	return c
}

// readOn is to be called before the file is read beyond its first page.
func (c *cacheUse) readOn() {
	if c.size <= firstRead {
		return
	}
	c.all, c.rest = true, inCache(c.f, firstRead, c.size-firstRead)
	readOn(c.f)
}

// giveBack drops what was read, unless the host had any of it.
func (c *cacheUse) giveBack() {
	switch {
	case c.all && !c.first && !c.rest:
		dropCache(c.f)
	case !c.all && !c.first:
		dropCacheOf(c.f, 0, firstRead)
	}
}
