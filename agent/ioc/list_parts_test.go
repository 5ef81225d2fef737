package ioc

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A list that is read in parts gives what it gives line by line.
func TestListParts(t *testing.T) {
	lines := []string{"%d.evil.com", "198.51.100.%d ", "", "# %d", "hxxp://a%d[.]example.net/x", "a%d, b\r", "mal%d.exe\t# note", "%d"}
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 6))
		var text strings.Builder
		for range plainPart / 3 {
			line := lines[r.IntN(len(lines)-int(seed%2))] // the last one is an error
			text.WriteString(strings.ReplaceAll(line, "%d", fmt.Sprint(r.IntN(9000))))
			text.WriteByte('\n')
		}
		if seed%5 == 4 {
			text.WriteString(strings.Repeat("x", maxListLine) + "\nevil.net\n")
		}
		read := func(parts bool) (inds []Indicator, said []string) {
			l := &loader{name: "list"}
			if seed%4 > 1 {
				l.Warn = func(err error) { said = append(said, err.Error()) }
			}
			if parts {
				l.addParts(text.String(), 3)
			} else {
				n := 0
				for line := range strings.Lines(text.String()) {
					if n++; l.full() || !l.addLine(n, strings.TrimSuffix(line, "\n")) {
						break
					}
				}
			}
			inds, err := l.result()
			return inds, append(said, fmt.Sprint(err))
		}
		inds, said := read(true)
		wantInds, wantSaid := read(false)
		if diff := cmp.Diff(wantInds, inds); diff != "" {
			t.Fatalf("seed %d\n-line by line +in parts:\n%s", seed, diff)
		}
		if diff := cmp.Diff(wantSaid, said); diff != "" {
			t.Fatalf("seed %d\n-line by line +in parts:\n%s", seed, diff)
		}
	}
}
