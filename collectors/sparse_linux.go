package collectors

import (
	"os"

	"golang.org/x/sys/unix"
)

// readDataMap asks the file system where the data of a file is. Where it can't say, the whole file is data.
func readDataMap(f *os.File, size int64) *dataMap {
	const maxSeeks = 100_000
	m := &dataMap{}
	fd := int(f.Fd())
	at := int64(0)
	for range maxSeeks {
		data, err := unix.Seek(fd, at, unix.SEEK_DATA)
		if err == unix.ENXIO || (err == nil && data >= size) {
			return m
		}
		if err != nil {
			return wholeFile(size)
		}
		hole, err := unix.Seek(fd, data, unix.SEEK_HOLE)
		if err != nil {
			return wholeFile(size)
		}
		if !m.add(Extent{data, min(hole, size) - data}) {
			break
		}
		at = hole
	}
	m.cut = true
	return m
}
