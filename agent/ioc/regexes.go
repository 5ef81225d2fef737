package ioc

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
)

// Regexes are the regular expressions of a set. Those that have a literal are tried where it stands, as found with the factors; the
// others on every line.
type regexes struct {
	all      []lineRegex
	everyone []int32   // those that are tried on every line
	folding  []int32   // those that are tried on every line where a text has one of foldsBeyondASCII
	byWord   [][]int32 // by number of a literal: those that have it
	words    []string  // the literals
}

// A lineRegex is a regular expression that is tried on a line at a time.
type lineRegex struct {
	*regexp.Regexp
	id int32
}

// minLiteral is the fewest bytes that a literal must have to be looked for.
const minLiteral = 3

func (r *regexes) add(id int32, ind *Indicator) error {
	re, err := regexp.Compile(ind.Value)
	if err != nil {
		return fmt.Errorf("indicator %q: %w", ind.Raw, err)
	}
	r.all = append(r.all, lineRegex{re, id})
	return nil
}

// seal finds the literals, and returns them as forms with the numbers from first on.
func (r *regexes) seal(first int32) []formRef {
	at := map[string]int{}
	for i := range r.all {
		expr := r.all[i].String()
		literals := literalsOf(expr, minLiteral)
		if literals == nil {
			r.everyone = append(r.everyone, int32(i))
			continue
		}
		if foldsCase(expr) {
			r.folding = append(r.folding, int32(i))
		}
		for _, w := range literals {
			if _, ok := at[w]; !ok {
				at[w] = len(r.words)
				r.words, r.byWord = append(r.words, w), append(r.byWord, nil)
			}
			r.byWord[at[w]] = append(r.byWord[at[w]], int32(i))
		}
	}
	var refs []formRef
	for n, w := range r.words {
		refs = append(refs, formRef{form{w, rule{}}, first + int32(n)})
	}
	return refs
}

// tryLines tries the expressions that need every line.
func (r *regexes) tryLines(buf []byte, hits *hitList) {
	for _, i := range r.everyone {
		r.all[i].lines(buf, hits)
	}
	if len(r.folding) > 0 && slices.ContainsFunc(foldsBeyondASCII, func(letter string) bool { return bytes.Contains(buf[hits.from:], []byte(letter)) }) {
		for _, i := range r.folding {
			r.all[i].lines(buf, hits)
		}
	}
}

// lines tries the expression on every line that begins where hits wants it.
func (re *lineRegex) lines(buf []byte, hits *hitList) {
	for at := hits.from; at < hits.limit; {
		end := lineEnd(buf, at)
		re.try(buf, at, end, hits)
		at = end + 1
	}
}

func lineEnd(buf []byte, at int) int {
	if i := bytes.IndexByte(buf[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(buf)
}

func (re *lineRegex) try(buf []byte, start, end int, hits *hitList) {
	if m := re.FindIndex(bytes.TrimSuffix(buf[start:end], []byte("\r"))); m != nil {
		hits.add(re.id, start+m[0], m[1]-m[0])
	}
}

// LineTries try expressions on the lines of one block in which a literal of theirs stands.
type lineTries struct {
	*regexes
	first int32 // number of the first literal, behind those of the indicators
	buf   []byte
	hits  *hitList
	until []int // by number of a literal: where the line ends that was tried last
}

func (r *regexes) newTries(first int32) *lineTries {
	if len(r.words) == 0 {
		return nil
	}
	return &lineTries{regexes: r, first: first, until: make([]int, len(r.words))}
}

// start begins a block.
func (t *lineTries) start(buf []byte, hits *hitList) {
	if t != nil {
		t.buf, t.hits = buf, hits
		clear(t.until)
	}
}

// at tries the expressions on the line in which a literal stands at buf[at]. Calls for one literal come in the order of the text.
func (t *lineTries) at(id int32, at int) {
	n, from := id-t.first, t.hits.from
	if at < from || at < t.until[n] {
		return
	}
	start := from + bytes.LastIndexByte(t.buf[from:at], '\n') + 1
	if start >= t.hits.limit {
		return
	}
	end := lineEnd(t.buf, at)
	t.until[n] = end
	for _, i := range t.byWord[n] {
		t.all[i].try(t.buf, start, end, t.hits)
	}
}

// EveryLine returns the regular expressions that have no fixed part of at least three characters, and so are tried on every line, which
// takes its time.
func (s *Set) EveryLine() []*Indicator {
	var list []*Indicator
	for _, i := range s.regexes.everyone {
		list = append(list, &s.inds[s.regexes.all[i].id])
	}
	return list
}
