package pkgdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The format of rpm up to RHEL 8 and Amazon Linux 2: a hash table of Berkeley DB, versions 8 to 10, see db_page.h of its sources. The number of
// a package is the key, its header the value, which nearly always stands on overflow pages.
const (
	bdbHashMagic  = 0x061561
	bdbPageHeader = 26
	maxBDBItems   = 65535
)

// Kinds of pages and of items.
const (
	bdbHashUnsorted = 2
	bdbOverflow     = 7
	bdbHash         = 13
	bdbKeyData      = 1
	bdbOffPage      = 3
	bdbOffPageSize  = 12
)

var errBDB = errors.New("no hash table of Berkeley DB")

// A bdb is an open table.
type bdb struct {
	f        io.ReaderAt
	order    binary.ByteOrder
	pageSize int
	pages    uint32
	left     int // pages that may still be read as overflow: a chain that goes in circles ends here
}

// readBDB calls blob for every package. The bytes are valid during the call only.
func readBDB(f *os.File, size int64, _ Root, _ string, blob func([]byte) error) error {
	return walkBDB(f, size, blob)
}

func walkBDB(f io.ReaderAt, size int64, blob func([]byte) error) error {
	db, err := newBDB(f, size)
	if err != nil {
		return err
	}
	page := make([]byte, db.pageSize)
	for n := uint32(1); n < db.pages; n++ {
		if _, err := f.ReadAt(page, int64(n)*int64(db.pageSize)); err != nil {
			return fmt.Errorf("berkeley db: page %d: %w", n, err)
		}
		if kind := page[25]; kind != bdbHash && kind != bdbHashUnsorted {
			continue
		}
		if err := db.items(page, blob); err != nil {
			return err
		}
	}
	return nil
}

func newBDB(f io.ReaderAt, size int64) (*bdb, error) {
	var head [72]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, errBDB
	}
	db := &bdb{f: f, order: binary.LittleEndian}
	if binary.BigEndian.Uint32(head[12:]) == bdbHashMagic {
		db.order = binary.BigEndian
	}
	if db.order.Uint32(head[12:]) != bdbHashMagic {
		return nil, errBDB
	}
	db.pageSize = int(db.order.Uint32(head[20:]))
	if db.pageSize < 512 || db.pageSize > 65536 || db.pageSize&(db.pageSize-1) != 0 {
		return nil, errBDB
	}
	if head[24] != 0 {
		return nil, errors.New("berkeley db: encrypted")
	}
	db.pages = uint32(size / int64(db.pageSize))
	db.left = int(db.pages)
	return db, nil
}

// items calls blob for every value of a page. Keys and values take turns; of each the page has the offset.
func (db *bdb) items(page []byte, blob func([]byte) error) error {
	n := int(db.order.Uint16(page[20:]))
	if bdbPageHeader+2*n > len(page) || n > maxBDBItems {
		return errors.New("berkeley db: a page with more items than it has room for")
	}
	offset := func(i int) int { return int(db.order.Uint16(page[bdbPageHeader+2*i:])) }
	for i := 0; i+1 < n; i += 2 {
		key, value, end := offset(i), offset(i+1), len(page)
		if i > 0 {
			end = offset(i - 1)
		}
		if key >= end || value >= key || value < bdbPageHeader+2*n || end > len(page) {
			return errors.New("berkeley db: items in disorder")
		}
		b, err := db.value(page[value:key])
		if err != nil {
			return err
		}
		if len(page[key:end]) == 5 && isZero(page[key+1:end]) {
			continue // package 0 holds the next number
		}
		if err := blob(b); err != nil {
			return err
		}
	}
	return nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// value reads an item: a byte for its kind, then its bytes, or the page where they begin and how many they are.
func (db *bdb) value(item []byte) ([]byte, error) {
	switch {
	case item[0] == bdbKeyData:
		return item[1:], nil
	case item[0] == bdbOffPage && len(item) >= bdbOffPageSize:
		return db.overflow(db.order.Uint32(item[4:]), db.order.Uint32(item[8:]))
	}
	return nil, fmt.Errorf("berkeley db: an item of kind %d", item[0])
}

// overflow reads a value that stands on a chain of pages.
func (db *bdb) overflow(n, length uint32) ([]byte, error) {
	if length > maxHeader || int64(length) > int64(db.pages)*int64(db.pageSize) {
		return nil, errors.New("berkeley db: a value that is too large")
	}
	out := make([]byte, 0, length)
	page := make([]byte, db.pageSize)
	for n != 0 && len(out) < int(length) {
		if db.left--; db.left < 0 {
			return nil, errors.New("berkeley db: pages in a circle")
		}
		if n >= db.pages {
			return nil, fmt.Errorf("berkeley db: no page %d", n)
		}
		if _, err := db.f.ReadAt(page, int64(n)*int64(db.pageSize)); err != nil {
			return nil, fmt.Errorf("berkeley db: page %d: %w", n, err)
		}
		used := int(db.order.Uint16(page[22:]))
		if page[25] != bdbOverflow || used > len(page)-bdbPageHeader {
			return nil, fmt.Errorf("berkeley db: page %d is no overflow page", n)
		}
		out = append(out, page[bdbPageHeader:bdbPageHeader+min(used, int(length)-len(out))]...)
		n = db.order.Uint32(page[16:])
	}
	return out, nil
}
