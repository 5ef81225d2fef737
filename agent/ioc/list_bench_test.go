package ioc

import (
	"fmt"
	"strings"
	"testing"
)

// plainList is a list of n entries of the types that feeds have.
func plainList(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(benchValue(i))
		b.WriteByte('\n')
	}
	return b.String()
}

func benchValue(i int) string {
	switch i % 10 {
	case 0, 1, 2, 3:
		return fmt.Sprintf("%d.%d.%d.%d", 11+i%80, i>>8&255, i&255, i%251)
	case 4, 5, 6:
		return fmt.Sprintf("host%d.evil-%d.com", i, i%1000)
	case 7:
		return fmt.Sprintf("hxxp://bad%d[.]example[.]net/a/%d", i, i)
	case 8:
		return fmt.Sprintf("%064x", i*7919)
	}
	return fmt.Sprintf("mal%d.exe", i)
}

func BenchmarkReadPlain(b *testing.B) {
	list := plainList(100_000)
	b.SetBytes(int64(len(list)))
	for b.Loop() {
		if _, err := ReadList("list.txt", strings.NewReader(list)); err != nil {
			b.Fatal(err)
		}
	}
}
