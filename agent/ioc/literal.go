package ioc

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A regular expression is tried on a line only if one of a few literals stands there, of which every match has one. This is the
// idea of RE2's prefilter: a part of an expression either matches a few words and nothing else, or must hold one of a few words.

const (
	maxWords   = 16 // that are followed through an expression
	maxLiteral = 64 // bytes of a word that are followed; what is left of a longer one is enough
	maxFolds   = 4  // letters of a class that are followed one by one
)

// Words are what is known about the matches of a part of an expression.
type words struct {
	exact []string // all that it matches, but for case; nil if that is not known
	need  []string // one of them is in every match; nil if that is not known
}

var (
	noWords   = words{}
	emptyWord = words{exact: []string{""}}
)

// literalsOf returns words of at least n bytes, in lower case, of which every match of an expression has one, if there are such. Where case
// is folded, a K or S may be one of the two letters beyond ASCII that fold to them: see [foldsBeyondASCII].
func literalsOf(expr string, n int) []string {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	w := wordsOf(tree.Simplify())
	found := better(w.exact, w.need)
	if shortestWord(found) < n {
		return nil
	}
	return found
}

func wordsOf(re *syntax.Regexp) words {
	switch re.Op {
	case syntax.OpLiteral:
		return wordsOfLiteral(re)
	case syntax.OpCharClass:
		return wordsOfClass(re.Rune)
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return emptyWord
	case syntax.OpCapture:
		return wordsOf(re.Sub[0])
	case syntax.OpPlus:
		w := wordsOf(re.Sub[0])
		return words{need: better(w.exact, w.need)}
	case syntax.OpQuest:
		if w := wordsOf(re.Sub[0]); w.exact != nil && len(w.exact) < maxWords {
			return words{exact: union(w.exact, emptyWord.exact)}
		}
	case syntax.OpConcat:
		return wordsOfConcat(re.Sub)
	case syntax.OpAlternate:
		return wordsOfAlternate(re.Sub)
	}
	return noWords
}

// wordsOfLiteral breaks a literal where a letter has more spellings than the search folds, or where bytes that are no text match too.
func wordsOfLiteral(re *syntax.Regexp) words {
	s := newSequence()
	for _, r := range re.Rune {
		if r == utf8.RuneError || r >= utf8.RuneSelf && re.Flags&syntax.FoldCase != 0 {
			s.add(noWords)
			continue
		}
		s.add(words{exact: []string{lower(string(r))}})
	}
	return s.words()
}

func wordsOfClass(pairs []rune) words {
	var found []string
	for i := 0; i+1 < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if r == utf8.RuneError || len(found) > maxFolds {
				return noWords
			}
			found = union(found, []string{lower(string(r))})
		}
	}
	if len(found) > maxFolds {
		return noWords
	}
	return words{exact: found}
}

func wordsOfConcat(subs []*syntax.Regexp) words {
	s := newSequence()
	for _, sub := range subs {
		s.add(wordsOf(sub))
	}
	return s.words()
}

// A sequence is what is known about parts that stand one behind the other.
type sequence struct {
	run  []string // what the last parts match together, and nothing else
	all  bool     // and these are all parts
	best []string // the best words up to the last of what is not known
}

func newSequence() *sequence { return &sequence{run: emptyWord.exact, all: true} }

func (s *sequence) add(w words) {
	if joined := product(s.run, w.exact); joined != nil {
		s.run = joined
		return
	}
	s.best, s.all = better(better(s.best, s.run), w.need), false
	if s.run = w.exact; s.run == nil {
		s.run = emptyWord.exact
	}
}

func (s *sequence) words() words {
	if s.all {
		return words{exact: s.run}
	}
	return words{need: better(s.best, s.run)}
}

// product returns every word of a with every one of b behind it; nil if they are too many or too long.
func product(a, b []string) []string {
	if len(a)*len(b) > maxWords {
		return nil
	}
	var joined []string
	for _, x := range a {
		for _, y := range b {
			if len(x)+len(y) > maxLiteral {
				return nil
			}
			joined = union(joined, []string{x + y})
		}
	}
	return joined
}

func wordsOfAlternate(subs []*syntax.Regexp) words {
	all := wordsOf(subs[0])
	need := better(all.exact, all.need)
	for _, sub := range subs[1:] {
		w := wordsOf(sub)
		mine := better(w.exact, w.need)
		if need == nil || mine == nil || len(need)+len(mine) > maxWords {
			need = nil
		} else {
			need = union(need, mine)
		}
		if all.exact == nil || w.exact == nil || len(all.exact)+len(w.exact) > maxWords {
			all.exact = nil
		} else {
			all.exact = union(all.exact, w.exact)
		}
	}
	return words{exact: all.exact, need: need}
}

// better returns the words whose shortest is longer, or which are fewer.
func better(a, b []string) []string {
	x, y := shortestWord(a), shortestWord(b)
	if y > x || y == x && b != nil && len(b) < len(a) {
		return b
	}
	return a
}

// shortestWord returns the length of the shortest word, -1 if there is none.
func shortestWord(list []string) int {
	if len(list) == 0 {
		return -1
	}
	n := len(list[0])
	for _, w := range list[1:] {
		n = min(n, len(w))
	}
	return n
}

func union(a, b []string) []string {
	all := slices.Clip(a)
	for _, w := range b {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// foldsBeyondASCII are the letters beyond ASCII that an expression which ignores case takes for letters of ASCII: the sign for kelvin
// and the long s.
var foldsBeyondASCII = []string{"\u212a", "\u017f"}

// foldsCase reports whether an expression ignores the case of a K or an S anywhere.
func foldsCase(expr string) bool {
	tree, err := syntax.Parse(expr, syntax.Perl)
	return err != nil || foldsIn(tree)
}

func foldsIn(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0 && strings.ContainsFunc(string(re.Rune), func(r rune) bool {
		return unicode.ToLower(r) == 'k' || unicode.ToLower(r) == 's'
	}) {
		return true
	}
	return slices.ContainsFunc(re.Sub, foldsIn)
}
