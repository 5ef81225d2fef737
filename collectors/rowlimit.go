package collectors

// A rowLimit keeps one file and one owner from filling a table. It counts units: a row is one, and a KiB of its text is one more.
type rowLimit struct {
	file, owner, all int // how many units there are for each

	used   int
	owners map[uint32]int
	left   int // rows that had no room
	first  string
}

func newRowLimit(file, owner, all int) *rowLimit {
	return &rowLimit{file: file, owner: owner, all: all, owners: map[uint32]int{}}
}

// take returns how many of the n rows of a file there is room for. text is how many bytes of text a row has.
func (l *rowLimit) take(x found, n int, text func(int) int) int {
	inFile := 0
	for i := range n {
		cost := 1 + text(i)>>10
		if inFile+cost > l.file || l.owners[x.info.uid]+cost > l.owner || l.used+cost > l.all {
			if l.left == 0 {
				l.first = x.path
			}
			l.left += n - i
			return i
		}
		inFile += cost
		l.owners[x.info.uid] += cost
		l.used += cost
	}
	return n
}

// say tells the reader of the table what is not in it.
func (l *rowLimit) say(r *reader) {
	if l.left > 0 {
		r.cut("%d rows are left out, beyond the limits for one file, one owner and the table: the first of %s", l.left, l.first)
	}
}
