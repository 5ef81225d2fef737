package ioc

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ruleOf is a rule with strings and a condition, on one line.
func ruleOf(text, condition string) string {
	return "rule R { strings: " + text + " condition: " + condition + " }"
}

func TestYARAStrings(t *testing.T) {
	tests := []struct{ text, want string }{
		{`$a = "svcupd" nocase`, "string svcupd"}, {`$a = "Svc\"Upd\\\x41" wide`, `regex Svc"Upd\\A`}, {`$a = "svcupd" fullword nocase`, "regex (?:^|[^0-9A-Za-z])(?:(?i:svcupd))(?:$|[^0-9A-Za-z])"},
		{`$a = /svc(upd|x){,3}\/a/is`, `regex (?is:svc(upd|x){0,3}\/a)`}, {`$a = { 73 76 63 // c` + "\n" + ` /* d */ 75 70 64 }`, "regex svcupd"}, {`$a = { 73 76 [2] 64 6? ?? (41 | 42 43) [4-] 44 }`, `regex sv.{1,2}d[\x60-\x6F].(?:A|BC).*D`},
		{`$a = " x y "`, "regex (?: x y )"}, {`$a = "ümlaut" nocase`, "string ümlaut"},
	}
	for _, test := range tests {
		inds, err := Options{}.Read("x.yar", strings.NewReader(ruleOf(test.text, "$a")))
		if err != nil || len(inds) != 1 || string(inds[0].Type)+" "+inds[0].Value != test.want {
			t.Errorf("%s: got %v, %v, want %s", test.text, inds, err, test.want)
		}
	}
}

func TestYARAConditions(t *testing.T) {
	const three = `$a1 = "first_one" $a2 = "second_one" $b = "third_one"`
	tests := []struct {
		condition string
		want      int
	}{
		{"any of them", 3}, {"all of them", 3}, {"2 of them", 3}, {"$a1", 1}, {"$a1 or $b", 2}, {"$a1 and ($a2 or $b)", 3}, {"any of ($a*)", 2}, {"1 of ($a1, $b)", 2}, {"all of ($a*) or $b", 3}, {"($a1)", 1},
	}
	for _, test := range tests {
		inds, err := Options{}.Read("x.yar", strings.NewReader(ruleOf(three, test.condition)))
		if err != nil || len(inds) != test.want {
			t.Errorf("%s: got %d indicators, %v, want %d", test.condition, len(inds), err, test.want)
		}
	}
}

// What a rule needs beyond its strings is refused by the names of the rule and of what it uses.
func TestYARARefuses(t *testing.T) {
	const one = `$a = "svcupd_one"`
	tests := []struct{ rule, want string }{
		{ruleOf(one, "$a and filesize < 1MB"), "rule R: uses filesize,"}, {ruleOf(one, "uint16(0) == 0x5A4D and $a"), "rule R: uses uint16,"}, {ruleOf(one, "not $a"), "rule R: uses not "},
		{ruleOf(one, "$a at 0"), "rule R: uses at "}, {ruleOf(one, "$a in (0..100)"), "rule R: uses in "}, {ruleOf(one, "#a > 2"), "rule R: uses #a,"}, {ruleOf(one, "for any of them : ($)"), "rule R: uses for,"},
		{ruleOf(one, "none of them"), "rule R: uses none "}, {ruleOf(one, "$b"), "rule R: uses strings that it does not have,"}, {ruleOf(one, "2 of them"), "rule R: uses 2 of a set of 1,"},
		{ruleOf(one, "$a and Other"), "rule R: uses Other,"}, {ruleOf(one, "pe.imports(\"a\", \"b\") or $a"), "rule R: uses pe.imports,"}, {ruleOf(one, `$a or pe.name matches /x}/`), "rule R: uses pe.name,"},
		{"global " + ruleOf(one, "$a"), "rule R: is global,"}, {ruleOf(`$a = "svcupd" xor(1-255)`, "$a"), "rule R: $a: uses xor,"}, {ruleOf(`$a = "svcupd" base64`, "$a"), "rule R: $a: uses base64,"},
		{ruleOf(`$a = { 55 8B EC }`, "$a"), "rule R: $a: holds bytes "}, {ruleOf(`$a = { 73 76 ~63 }`, "$a"), "rule R: $a: uses ~,"}, {ruleOf(`$a = /\xe4bc/`, "$a"), "rule R: $a: holds bytes "}, {ruleOf(`$a = "a\nb"`, "$a"), "rule R: $a: a line break"},
		{ruleOf(`$a = "MZ"`, "$a"), `rule R: $a: "MZ" matches words of`}, {ruleOf(`$a = /(?=x)/`, "$a"), "rule R: $a: "}, {ruleOf(one, "$a)"), "rule R: uses ),"}, {ruleOf(one, "("+strings.Repeat("(", 100)), "reading YARA"},
		{`include "x.yar"`, "include is not supported"}, {ruleOf(one, ""), "reading YARA"}, {"rule R {", "reading YARA"}, {"rule R { strings: $a = \"x", "reading YARA"}, {"rule R { strings: $a = \"\\q\" condition: $a }", "reading YARA"}, {"rule R { x: 1 }", "reading YARA"},
	}
	for _, test := range tests {
		inds, err := Options{Format: YARA}.Read("x.yar", strings.NewReader("// c\n"+test.rule))
		if err == nil || !strings.HasPrefix(err.Error(), "x.yar:2: "+test.want) {
			t.Errorf("%s: got %v, %v, want %q", test.rule, inds, err, test.want)
		}
	}
}

// A string that is too broad or no text is no loss where the rule needs another as well.
func TestYARALeavesOutWhatIsNoLoss(t *testing.T) {
	const text = `$mz = "MZ" $op = { 55 8B EC } $a = "svcupd_one"`
	inds, err := Options{}.Read("x.yar", strings.NewReader(ruleOf(text, "all of them")))
	if err != nil || len(inds) != 1 || !strings.Contains(inds[0].Comment, "not looked for: $mz, $op") {
		t.Error(inds, err)
	}
	var warned []error
	inds, err = Options{Warn: func(err error) { warned = append(warned, err) }}.Read("x.yar", strings.NewReader(ruleOf(text, "any of them")))
	if err != nil || len(inds) != 1 || len(warned) != 2 {
		t.Error(inds, err, warned)
	}
}

// The expression of bytes finds them wherever they are followed by other text.
func TestHexRegexFindsItsBytes(t *testing.T) {
	tests := []struct {
		text string
		find []string
		not  []string
	}{
		{"7376[2-4]6B", []string{"sv12k", "sv1234k", "svüük", "sv\xff\xfek"}, []string{"svk", "sv12345k"}}, {"73 ?? 76", []string{"sxv", "s\xffv"}, []string{"sv", "sxxv"}}, {"(73|7476)6?", []string{"sa", "tvo"}, []string{"ta", "sA"}},
	}
	for _, test := range tests {
		s, err := hexRegex(strings.ReplaceAll(test.text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(s)
		for _, text := range test.find {
			if !re.MatchString("x" + text + "y") {
				t.Errorf("%s is not found in %q", test.text, text)
			}
		}
		for _, text := range test.not {
			if re.MatchString(text) {
				t.Errorf("%s is found in %q", test.text, text)
			}
		}
	}
}

func TestYARAScoreAndComment(t *testing.T) {
	inds, err := Options{}.Read("x.yar", strings.NewReader("rule R : t { meta: score = 75 description = \"d\" ok = true n = -1 strings: $ = \"svcupd_one\" nocase condition: any of them }"))
	want := []Indicator{{Type: String, Value: "svcupd_one", Raw: `"svcupd_one"`, Sources: []string{"x.yar:1#R"}, Comment: "YARA rule R $: d", Score: 75}}
	if diff := cmp.Diff(want, inds); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// FuzzYARA checks that no rule makes the reader panic.
func FuzzYARA(f *testing.F) {
	for _, s := range []string{ruleOf(`$a = "x" wide $b = /a{2,}/i $c = { 4? [2-] (41|42) }`, "any of ($a*) and ($b or $c)"), "import \"pe\" private rule A { condition: false }", "/* rule"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFormat(t, "x", YARA, data) })
}
