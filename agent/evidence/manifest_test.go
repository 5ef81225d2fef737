package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func FuzzChainReader(f *testing.F) {
	var good bytes.Buffer
	c := chain{w: &good}
	for _, l := range []Line{{Kind: kindItem, Name: "a", SHA256: "00"}, {Kind: kindItem, Source: "x", SourceBase64: "AA=="}, {Kind: kindEnd, Totals: &Totals{Items: 2}}} {
		if _, err := c.append(l); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(good.Bytes())
	f.Add(good.Bytes()[:good.Len()-5])
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"kind":"item","seq":1,"prev":""}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newChainReader(bytes.NewReader(b))
		var read []Line
		var last error
		for {
			l, err := r.next()
			if err != nil {
				last = err
				break
			}
			read = append(read, l)
		}
		if !errors.Is(last, io.EOF) {
			return
		}
		// A manifest that is taken whole ends with an end line, and each of its lines is bound by the next.
		if len(read) == 0 || read[len(read)-1].Kind != kindEnd {
			t.Fatalf("a manifest without an end was taken as whole: %q", b)
		}
		all := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		for i := 1; i < len(all); i++ {
			var l struct{ Prev string }
			if err := json.Unmarshal([]byte(all[i]), &l); err != nil || l.Prev != hashOf([]byte(all[i-1])) {
				t.Fatalf("line %d is not bound to line %d", i, i+1)
			}
		}
	})
}

func TestChainReaderBoundsALine(t *testing.T) {
	r := newChainReader(io.MultiReader(strings.NewReader(`{"kind":"`), strings.NewReader(strings.Repeat("x", maxLine+1))))
	if _, err := r.next(); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v, want a refusal of the long line", err)
	}
}
