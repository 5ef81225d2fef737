package anomaly

import "fmt"

// A limited counts findings by a key, such as the owner of a file, and says which are too many to be told one by one.
type limited[K comparable] struct {
	most   int
	things string // what the others are, for a sentence
	count  map[K]int
	last   map[K]int
}

func limit[K comparable](most int, things string) limited[K] {
	return limited[K]{most: most, things: things, count: map[K]int{}, last: map[K]int{}}
}

// take reports whether one more of a key is told. row is where its finding will stand.
func (l limited[K]) take(key K, row int) bool {
	l.count[key]++
	if l.count[key] > l.most {
		return false
	}
	l.last[key] = row
	return true
}

// tell says in the last finding of each key how many more there are.
func (l limited[K]) tell(out []Finding) {
	for key, n := range l.count {
		if n > l.most {
			out[l.last[key]].Text += fmt.Sprintf("; and %d %s", n-l.most, l.things)
		}
	}
}
