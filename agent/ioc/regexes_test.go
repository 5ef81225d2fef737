package ioc

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"sort"
	"strings"
	"testing"
)

func TestLiteralsOf(t *testing.T) {
	for expr, want := range map[string]string{
		`svcupd-[0-9a-f]{8}\.tmp`:    "svcupd-",
		`ev[i1]l\d+`:                 "ev1l evil",
		`(?i)EVIL`:                   "evil",
		`a.*needle.b`:                "needle",
		`foo|bar`:                    "bar foo",
		`(foo|ba)r`:                  "bar foor",
		`(abc)+x`:                    "abc",
		`(abc)*xyz?`:                 "",
		`(abc)*xyzz?`:                "xyz xyzz",
		`x{3,5}y`:                    "xxxxxy xxxxy xxxy",
		`\d+`:                        "",
		`a|foo`:                      "",
		`(?i)\\procdump(64)?\.exe`:   `\procdump.exe \procdump64.exe`,
		"a\ufffdneedle":              "needle",
		`(?i)é-needle`:               "-needle",
		`é-needle`:                   "é-needle",
		`^$`:                         "",
		`(?i)[k]ill`:                 "kill \u212aill",
		`\bneedle\b|\Aother stuff\z`: "needle other stuff",
	} {
		got := literalsOf(expr, minLiteral)
		sort.Strings(got)
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %q, want %q", expr, g, want)
		}
	}
}

func TestEveryLine(t *testing.T) {
	set := mustSet(t, `regex:[0-9]{4}-[0-9]{5}`+"\n"+`regex:needle\d`)
	list := set.EveryLine()
	if len(list) != 1 || list[0].Value != `[0-9]{4}-[0-9]{5}` {
		t.Error(list)
	}
}

// Parts of expressions, which are also joined at random.
var exprParts = []string{
	"evil", "(?i)", "Kiss", "sk", "[Kk]", "[a-c]", ".", ".*", "x+", "(?:foo|bar)", "(ab|cd)?", "(abc)*", "a{2,4}", "^", "$", `\b`, `\.exe`, "é", "É", "|", `\d`, `\x{212a}`, "(?s:.)", "[^a]", `\pL`,
	"ſ", `\r`, "(?-i:Q)", "[éa]", `\x{fffd}`, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
}

var lineParts = []string{"evil", "EVIL", "kiss", "KIſS", "\u212aiss", "SK", "\xff", "foo", "bar", "ab", "cd", "abc", "aa", "x", ".exe", ".EXE", "é", "É", "\r", "\n", "\n", " ", "1", "q", "Q", "\ufffd", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}

func randomExpr(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(7) {
		b.WriteString(exprParts[r.IntN(len(exprParts))])
	}
	return b.String()
}

// FuzzRegexes checks that expressions are found as if each were tried on each line.
func FuzzRegexes(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, "(?i)sky|needle", "a needle\nin the \u212aSKY\n")
	}
	f.Add(uint64(1), `(?i)s{3}|x$`, "ſsS\r\nx\r\n")
	f.Fuzz(func(t *testing.T, seed uint64, expr, text string) {
		r := rand.New(rand.NewPCG(seed, 11))
		exprs := []string{expr}
		for range r.IntN(5) {
			exprs = append(exprs, randomExpr(r))
		}
		exprs = slices.DeleteFunc(exprs, func(e string) bool {
			tree, err := syntax.Parse(e, syntax.Perl)
			return err != nil || shortest(tree) == 0 || len(e) > 1000 // a match of nothing is no hit, and refused in lists
		})
		for range r.IntN(60) {
			text += lineParts[r.IntN(len(lineParts))]
		}
		checkRegexes(t, exprs, text, r)
	})
}

func checkRegexes(t *testing.T, exprs []string, text string, r *rand.Rand) {
	var inds []Indicator
	for _, e := range exprs {
		inds = append(inds, Indicator{Type: Regex, Value: e})
	}
	set, err := NewSet(inds)
	if err != nil {
		return // too large for the library
	}
	var want []string
	for n, line := range strings.Split(text, "\n") {
		if len(line) > 150 {
			return // it is looked at in pieces
		}
		for _, ind := range set.Indicators() {
			if regexp.MustCompile(ind.Value).MatchString(strings.TrimSuffix(line, "\r")) {
				want = append(want, fmt.Sprint(n+1, " ", ind.Type, " ", ind.Value))
			}
		}
	}
	sort.Strings(want)
	if diff := diffHits(want, scanSplit(t, set, text, r)); diff != "" {
		t.Errorf("%q in %q\n-plain +scan:\n%s", exprs, text, diff)
	}
}
