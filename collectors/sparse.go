package collectors

const (
	// minHole is how many bytes of holes a file must have to be kept without them.
	minHole = 16 << 20
	// bridge is the longest hole that is kept as zeros, so that a file with many small holes needs few extents.
	bridge = 1 << 20
	// maxExtents bounds what the manifest has to say of one file.
	maxExtents = 1000
)

// A dataMap says where in a sparse file its data is.
type dataMap struct {
	extents []Extent
	cut     bool // there is more data than the map holds
}

func wholeFile(size int64) *dataMap { return &dataMap{extents: []Extent{{0, size}}} }

// add appends a run of data, joined to the last one if they are close. It reports whether there is room for more.
func (m *dataMap) add(e Extent) bool {
	if n := len(m.extents); n > 0 {
		last := &m.extents[n-1]
		if e.Offset-(last.Offset+last.Length) < bridge {
			last.Length = e.Offset + e.Length - last.Offset
			return true
		}
	}
	if len(m.extents) == maxExtents {
		return false
	}
	m.extents = append(m.extents, e)
	return true
}

// whole reports whether a file of that size has no hole worth leaving out.
func (m *dataMap) whole(size int64) bool {
	return len(m.extents) == 1 && m.extents[0] == Extent{0, size}
}

func total(extents []Extent) int64 {
	sum := int64(0)
	for _, e := range extents {
		sum += e.Length
	}
	return sum
}
