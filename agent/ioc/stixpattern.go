package ioc

import (
	"fmt"
	"regexp"
	"strings"
)

// maxPatternDepth bounds the parentheses of a pattern.
const maxPatternDepth = 32

// A patternParser reads a pattern of STIX by the grammar of its specification. Precedence: AND before OR before FOLLOWEDBY.
type patternParser struct {
	text  string
	pos   int
	depth int
	at    place
	err   error
}

func parsePattern(text string, at place) (*condition, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("has more than %d bytes", maxPattern)
	}
	p := &patternParser{text: text, at: at}
	c := p.observations()
	if p.space(); p.err == nil && p.pos < len(p.text) {
		p.fail("%q is not expected", p.peek())
	}
	return c, p.err
}

// maxPattern bounds a pattern of STIX.
const maxPattern = 1 << 20

func (p *patternParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("column %d: "+format, append([]any{p.pos + 1}, args...)...)
	}
}

func (p *patternParser) space() {
	p.pos += len(p.text[p.pos:]) - len(strings.TrimLeft(p.text[p.pos:], " \t\r\n\v\f\u00a0"))
}

// peek returns the next word or sign without stepping over it.
func (p *patternParser) peek() string {
	p.space()
	rest := p.text[p.pos:]
	n := 0
	for n < len(rest) && (isAlnum(rest[n]) || rest[n] == '_' || rest[n] == '-') {
		n++
	}
	if n == 0 {
		for _, sign := range []string{"!=", "<>", "<=", ">=", "=="} {
			if strings.HasPrefix(rest, sign) {
				return sign
			}
		}
		n = min(1, len(rest))
	}
	return rest[:n]
}

// take steps over a word or sign and reports whether it was next.
func (p *patternParser) take(word string) bool {
	if p.err != nil || p.peek() != word || word == "" {
		return false
	}
	p.pos += len(word)
	return true
}

func (p *patternParser) want(word string) {
	if !p.take(word) {
		p.fail("%q is expected, and not %q", word, p.peek())
	}
}

func (p *patternParser) deeper() bool {
	if p.depth++; p.depth > maxPatternDepth {
		p.fail("more than %d levels of parentheses", maxPatternDepth)
	}
	return p.err == nil
}

// joined reads the operands that follow a first one and the word after it.
func (p *patternParser) joined(first *condition, word string, operand func() *condition) []*condition {
	parts := []*condition{first, operand()}
	for p.take(word) {
		parts = append(parts, operand())
	}
	return parts
}

func anyOf(parts []*condition) *condition { return count(1, "OR", parts) }

func allOf(parts []*condition) *condition { return all("AND", parts) }

func (p *patternParser) observations() *condition {
	c := p.observationOr()
	if p.take("FOLLOWEDBY") {
		return all("FOLLOWEDBY", p.joined(c, "FOLLOWEDBY", p.observationOr))
	}
	return c
}

func (p *patternParser) observationOr() *condition {
	c := p.observationAnd()
	if p.take("OR") {
		return anyOf(p.joined(c, "OR", p.observationAnd))
	}
	return c
}

func (p *patternParser) observationAnd() *condition {
	c := p.observation()
	if p.take("AND") {
		return allOf(p.joined(c, "AND", p.observation))
	}
	return c
}

// observation reads one observation with its qualifiers, which no indicator can keep.
func (p *patternParser) observation() *condition {
	var c *condition
	if !p.deeper() {
		return all("AND", nil)
	}
	defer func() { p.depth-- }()
	switch {
	case p.take("["):
		c = p.comparisonOr()
		p.want("]")
	case p.take("("):
		c = p.observations()
		p.want(")")
	default:
		p.fail("an observation in brackets is expected, and not %q", p.peek())
		return all("AND", nil)
	}
	for {
		from := p.pos
		if !p.qualifier() {
			return c
		}
		lost := strings.TrimSpace(p.text[from:p.pos])
		c.each(func(f *leaf, _ *condition) { f.ind.Comment = joinNotes(f.ind.Comment, "without "+lost) })
	}
}

func (p *patternParser) qualifier() bool {
	switch {
	case p.take("WITHIN"):
		p.constant()
		p.want("SECONDS")
	case p.take("REPEATS"):
		p.constant()
		p.want("TIMES")
	case p.take("START"):
		p.constant()
		p.want("STOP")
		p.constant()
	default:
		return false
	}
	return p.err == nil
}

func (p *patternParser) comparisonOr() *condition {
	c := p.comparisonAnd()
	if p.take("OR") {
		return anyOf(p.joined(c, "OR", p.comparisonAnd))
	}
	return c
}

func (p *patternParser) comparisonAnd() *condition {
	c := p.comparison()
	if p.take("AND") {
		return allOf(p.joined(c, "AND", p.comparison))
	}
	return c
}

func (p *patternParser) comparison() *condition {
	if p.take("(") {
		if !p.deeper() {
			return all("AND", nil)
		}
		defer func() { p.depth-- }()
		c := p.comparisonOr()
		p.want(")")
		return c
	}
	start := p.pos
	exists := p.take("EXISTS")
	path := p.path()
	if exists {
		return p.unusable(start, "EXISTS")
	}
	not := p.take("NOT")
	operator := p.peek()
	p.pos += len(operator)
	var values []string
	if operator == "IN" {
		values = p.set()
	} else {
		values = []string{p.constant()}
	}
	if p.err != nil {
		return all("AND", nil)
	}
	switch operator {
	case "=", "==", "IN", "LIKE", "MATCHES", "ISSUBSET":
		if not {
			return p.unusable(start, "NOT")
		}
	case "!=", "<>", "<", ">", "<=", ">=", "ISSUPERSET":
		return p.unusable(start, operator)
	default:
		p.pos = start
		p.fail("%q is no comparison", operator)
	}
	return p.leaves(start, path, operator, values)
}

func (p *patternParser) unusable(start int, why string) *condition {
	what := cutText(strings.TrimSpace(p.text[start:p.pos]), maxNote)
	return leafOf(leaf{at: p.at, what: what, err: fmt.Errorf("%q: a comparison by %s can't be looked for", what, why)})
}

// leaves are the indicators of one comparison.
func (p *patternParser) leaves(start int, path, operator string, values []string) *condition {
	what := cutText(strings.TrimSpace(p.text[start:p.pos]), maxNote)
	var parts []*condition
	t := typeOfProperty(path)
	for _, v := range values {
		f := leaf{at: p.at, what: what}
		switch {
		case t == "":
			f.err = fmt.Errorf("%q: values of %s can't be looked for", what, cutText(path, maxNote))
		case operator == "LIKE":
			f.ind, f.err = parseLike(t, v)
		case operator == "MATCHES":
			f.ind, f.err = parseValue(Regex, v)
		case operator == "ISSUBSET":
			f.ind, f.err = parseValue(settle(CIDR, v), v)
		default:
			f.ind, f.err = parseTyped(t, path, v)
		}
		parts = append(parts, leafOf(f))
	}
	if len(parts) == 0 {
		return all("AND", nil)
	}
	return anyOf(parts)
}

// path reads the name of a property: type:member.'member'[index].member. Indexes and quotes are left out of what is returned.
func (p *patternParser) path() string {
	object := p.peek()
	p.pos += len(object)
	if object == "" || !isAlnum(object[0]) {
		p.fail("the name of an object is expected, and not %q", object)
		return ""
	}
	p.want(":")
	path := object + ":" + p.step()
	for p.err == nil {
		switch {
		case p.take("."):
			path += "." + p.step()
		case p.take("["):
			if index := p.peek(); index == "*" || isNumber(index) {
				p.pos += len(index)
			}
			p.want("]")
		default:
			return strings.ToLower(path)
		}
	}
	return path
}

func (p *patternParser) step() string {
	p.space()
	if strings.HasPrefix(p.text[p.pos:], "'") {
		return p.str()
	}
	word := p.peek()
	if word == "" || !isAlnum(word[0]) && word[0] != '_' {
		p.fail("the name of a property is expected, and not %q", word)
		return ""
	}
	p.pos += len(word)
	return word
}

// set reads the values after IN.
func (p *patternParser) set() []string {
	p.want("(")
	var values []string
	for p.err == nil {
		values = append(values, p.constant())
		if p.take(")") {
			break
		}
		p.want(",")
	}
	return values
}

// constant reads a string, a number, a truth value, or the binary, hexadecimal and time constants, as text.
func (p *patternParser) constant() string {
	p.space()
	rest := p.text[p.pos:]
	switch {
	case strings.HasPrefix(rest, "'"):
		return p.str()
	case len(rest) > 1 && rest[1] == '\'' && strings.IndexByte("tbh", rest[0]) >= 0:
		p.pos++
		return p.str()
	}
	n := 0
	for n < len(rest) && (isAlnum(rest[n]) || strings.IndexByte("+-.", rest[n]) >= 0) {
		n++
	}
	if n == 0 {
		p.fail("a value is expected, and not %q", p.peek())
	}
	p.pos += n
	return rest[:n]
}

// str reads a string in single quotes, in which a backslash escapes a quote or itself.
func (p *patternParser) str() string {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\'':
			p.pos = i + 1
			return b.String()
		case c == '\\' && i+1 < len(p.text):
			i++
			if e := p.text[i]; e != '\'' && e != '\\' {
				b.WriteByte('\\') // the specification has no such escape, and patterns in use are full of them
			}
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	p.fail("a string does not end")
	return ""
}

// parseLike reads a value with % for any text and _ for any character. What begins or ends with % is looked for by its rest.
func parseLike(t Type, value string) (Indicator, error) {
	inner := strings.Trim(value, "%")
	ends := strings.HasSuffix(value, "%")
	switch plain := !strings.ContainsAny(inner, "%"); {
	case inner == "":
		return Indicator{Raw: value}, fmt.Errorf("%q is everything", cutText(value, maxNote))
	case t == Domain && plain && !ends && strings.HasPrefix(value, "%."):
		return parseValue(Domain, inner)
	case t == URL && plain && ends && !strings.HasPrefix(value, "%") && !strings.Contains(inner, "_"):
		return parseValue(URL, inner)
	case !strings.ContainsAny(value, "%_"):
		return parseTyped(t, "", value)
	}
	ind, err := parseValue(Regex, likeRegex(value))
	ind.Raw = value
	return ind, err
}

// likeRegex is the regular expression of a text with wildcards.
func likeRegex(value string) string {
	var b strings.Builder
	b.WriteString("(?i)")
	inner := strings.Trim(value, "%")
	if !strings.HasPrefix(value, "%") && isAlnum(inner[0]) {
		b.WriteString(`\b`)
	}
	for _, r := range inner {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		case '/', '\\':
			b.WriteString(`[\\/]+`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if !strings.HasSuffix(value, "%") && isAlnum(inner[len(inner)-1]) {
		b.WriteString(`\b`)
	}
	return b.String()
}
