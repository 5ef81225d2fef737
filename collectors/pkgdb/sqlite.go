package pkgdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The reader of SQLite here knows one thing: to go through the rows of the table Packages, a number and a blob each. The format is
// https://www.sqlite.org/fileformat2.html. A library for all of SQL would be larger than the rest of the program.

const (
	sqliteMagic = "SQLite format 3\x00"
	// maxTreeDepth bounds how deep a b-tree is: with two entries a page, it would still hold more than a file can.
	maxTreeDepth = 40
	// maxSchema bounds the rows of the schema that are looked at.
	maxSchema = 1000
)

var errSQLite = errors.New("no SQLite database that rpm would write")

// A sqlite is an open database.
type sqlite struct {
	f        io.ReaderAt
	pageSize int
	usable   int // bytes of a page without what is reserved at its end
	pages    uint32
	wal      *wal
	left     int // pages that may still be read: a tree that goes in circles ends here
}

// readSQLite calls blob for every row of the table Packages. The bytes are valid during the call only.
func readSQLite(f *os.File, size int64, root Root, name string, blob func([]byte) error) error {
	log, err := openWAL(root, name+"-wal")
	if err != nil {
		return err
	}
	defer log.close()
	return walkSQLite(f, size, log, blob)
}

func walkSQLite(f io.ReaderAt, size int64, log *wal, blob func([]byte) error) error {
	db, err := newSQLite(f, size, log)
	if err != nil {
		return err
	}
	top, err := db.table("Packages")
	if err != nil {
		return err
	}
	return db.rows(top, 0, func(payload []byte) error {
		columns, err := record2(payload)
		if err != nil {
			return err
		}
		return blob(columns[1])
	})
}

func newSQLite(f io.ReaderAt, size int64, log *wal) (*sqlite, error) {
	var head [100]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:16]) != sqliteMagic {
		return nil, errSQLite
	}
	db := &sqlite{f: f, pageSize: int(binary.BigEndian.Uint16(head[16:])), wal: log}
	if db.pageSize == 1 {
		db.pageSize = 65536
	}
	if db.pageSize < 512 || db.pageSize&(db.pageSize-1) != 0 {
		return nil, errSQLite
	}
	if log != nil && log.pageSize != db.pageSize {
		db.wal = nil
	}
	db.usable = db.pageSize - int(head[20])
	if db.usable < 480 {
		return nil, errSQLite
	}
	db.pages = uint32(min(size/int64(db.pageSize), 1<<30))
	db.left = int(db.pages) + 1
	if db.wal != nil {
		db.pages = max(db.pages, db.wal.pages)
		db.left += len(db.wal.frames)
	}
	return db, nil
}

// page reads a page, counted from 1.
func (db *sqlite) page(n uint32, buf []byte) error {
	if db.left--; db.left < 0 {
		return errors.New("SQLite: pages in a circle")
	}
	if n == 0 || n > db.pages {
		return fmt.Errorf("SQLite: no page %d", n)
	}
	if db.wal != nil {
		if at, ok := db.wal.frames[n]; ok {
			_, err := db.wal.f.ReadAt(buf, at)
			return err
		}
	}
	_, err := db.f.ReadAt(buf, int64(n-1)*int64(db.pageSize))
	return err
}

var errFound = errors.New("found")

// table returns the first page of a table.
func (db *sqlite) table(name string) (top uint32, err error) {
	seen := 0
	err = db.rows(1, 0, func(payload []byte) error {
		if seen++; seen > maxSchema {
			return errSQLite
		}
		c, err := recordN(payload, 4) // type, name, tbl_name, rootpage
		if err == nil && string(c[0]) == "table" && string(c[1]) == name && len(c[3]) > 0 && len(c[3]) <= 4 {
			for _, b := range c[3] {
				top = top<<8 | uint32(b)
			}
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return top, nil
	}
	if err != nil {
		return 0, err
	}
	return 0, errSQLite
}

// Kinds of pages of a table's b-tree.
const (
	interiorPage = 5
	leafPage     = 13
)

// rows calls row with the payload of every row below a page.
func (db *sqlite) rows(n uint32, depth int, row func([]byte) error) error {
	if depth > maxTreeDepth {
		return errors.New("SQLite: the tree is too deep")
	}
	page := make([]byte, db.pageSize)
	if err := db.page(n, page); err != nil {
		return err
	}
	head := page
	if n == 1 {
		head = page[100:]
	}
	cells := int(binary.BigEndian.Uint16(head[3:]))
	switch head[0] {
	case interiorPage:
		return db.interior(page, head, cells, depth, row)
	case leafPage:
		return db.leaf(page, head[8:], cells, row)
	}
	return fmt.Errorf("SQLite: page %d is not of a table", n)
}

func (db *sqlite) interior(page, head []byte, cells, depth int, row func([]byte) error) error {
	for i := range cells {
		at, ok := cellAt(page, head[12:], i, 4)
		if !ok {
			return errSQLite
		}
		if err := db.rows(binary.BigEndian.Uint32(page[at:]), depth+1, row); err != nil {
			return err
		}
	}
	return db.rows(binary.BigEndian.Uint32(head[8:]), depth+1, row)
}

func (db *sqlite) leaf(page, pointers []byte, cells int, row func([]byte) error) error {
	for i := range cells {
		at, ok := cellAt(page, pointers, i, 2)
		if !ok {
			return errSQLite
		}
		payload, err := db.payload(page[at:db.usable])
		if err != nil {
			return err
		}
		if err := row(payload); err != nil {
			return err
		}
	}
	return nil
}

// cellAt returns where a cell begins, which has so many bytes at least.
func cellAt(page, pointers []byte, i, least int) (int, bool) {
	if 2*i+2 > len(pointers) {
		return 0, false
	}
	at := int(binary.BigEndian.Uint16(pointers[2*i:]))
	return at, at > 0 && at+least <= len(page)
}

// payload reads a leaf's cell: the length, the row's number, the content, and where it is too long for the page, the page that it goes on.
func (db *sqlite) payload(cell []byte) ([]byte, error) {
	length, n := varint(cell)
	_, m := varint(cell[n:])
	if n == 0 || m == 0 || length > maxHeader {
		return nil, errSQLite
	}
	cell = cell[n+m:]
	local := db.local(int(length))
	if local > len(cell) {
		return nil, errSQLite
	}
	if local == int(length) {
		return cell[:local], nil
	}
	if local+4 > len(cell) || int64(length) > int64(db.pages)*int64(db.pageSize) {
		return nil, errSQLite
	}
	out := append(make([]byte, 0, length), cell[:local]...)
	next := binary.BigEndian.Uint32(cell[local:])
	page := make([]byte, db.pageSize)
	for len(out) < int(length) {
		if err := db.page(next, page); err != nil {
			return nil, err
		}
		out = append(out, page[4:4+min(db.usable-4, int(length)-len(out))]...)
		next = binary.BigEndian.Uint32(page)
	}
	return out, nil
}

// local is how much of a content stands in the leaf itself.
func (db *sqlite) local(length int) int {
	most, least := db.usable-35, (db.usable-12)*32/255-23
	if length <= most {
		return length
	}
	if k := least + (length-least)%(db.usable-4); k <= most {
		return k
	}
	return least
}

// record2 reads a row of two columns.
func record2(b []byte) ([][]byte, error) { return recordN(b, 2) }

// recordN returns the bytes of the first n columns of a row.
func recordN(b []byte, n int) ([][]byte, error) {
	size, at := varint(b)
	if at == 0 || size > uint64(len(b)) || size < uint64(at) {
		return nil, errSQLite
	}
	types, body := b[at:size], b[size:]
	out := make([][]byte, 0, n)
	for range n {
		t, used := varint(types)
		if used == 0 {
			return nil, errSQLite
		}
		types = types[used:]
		length := columnSize(t)
		if length > uint64(len(body)) {
			return nil, errSQLite
		}
		out, body = append(out, body[:length]), body[length:]
	}
	return out, nil
}

// columnSize is how many bytes a column of a type takes.
func columnSize(t uint64) uint64 {
	if t >= 12 {
		return (t - 12) / 2
	}
	return [12]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[t]
}

// varint reads a number of up to nine bytes, and says how many it took; 0 if it is cut.
func varint(b []byte) (v uint64, n int) {
	for i := range 9 {
		if i >= len(b) {
			return 0, 0
		}
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
