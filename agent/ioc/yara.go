package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a rule.
const (
	maxYARATokens = 4096 // of a condition
	maxYARALeaves = 1 << 16
	maxYARADepth  = 32
	maxYARAJump   = 1000 // what Go's regular expressions can count to
)

func readYARA(l *loader, data []byte) {
	y := &yaraReader{loader: l, text: string(data)}
	y.read()
	if y.rules == 0 && len(l.errs) == 0 {
		l.broken(1, errors.New("holds no rule of YARA"))
	}
}

// skipYARAComments returns what follows the comments at the start.
func skipYARAComments(text []byte) []byte {
	for {
		text = bytes.TrimSpace(text)
		end := "\n"
		switch {
		case bytes.HasPrefix(text, []byte("//")):
		case bytes.HasPrefix(text, []byte("/*")):
			end = "*/"
		default:
			return text
		}
		i := bytes.Index(text, []byte(end))
		if i < 0 {
			return nil
		}
		text = text[i+len(end):]
	}
}

// A yaraReader reads rules. What a rule needs beyond counting its strings is refused by the rule's name.
type yaraReader struct {
	*loader
	text  string
	pos   int
	base  place // where the rules stand, if it is within a list of another format
	err   error
	rules int

	counted, lines int

	rule yaraRule
}

// A yaraRule is the rule that is being read.
type yaraRule struct {
	name        string
	line        int
	scope       string // private, global or nothing
	score       int
	description string
	strings     []yaraString
	unsupported string // what the condition uses beyond the strings
	tokens      []string
	next        int // the token that comes next
	depth       int
	leaves      int
}

type yaraString struct {
	name string
	leaf *condition
}

func (y *yaraReader) read() {
	for y.err == nil && !y.full() {
		scope := ""
		word := y.word()
		for word == "private" || word == "global" {
			scope, word = word, y.word()
		}
		switch word {
		case "":
			if y.pos < len(y.text) {
				y.fault("a rule is expected, and not %q", y.text[y.pos:min(len(y.text), y.pos+1)])
			}
			y.finish()
			return
		case "import":
			y.quoted()
		case "include":
			y.quoted()
			y.loader.fail(y.at(y.line()), errors.New("include is not supported: name the files one by one"))
		case "rule":
			y.rule = yaraRule{scope: scope, line: y.line()}
			y.readRule()
		default:
			y.fault("a rule is expected, and not %q", word)
		}
	}
	y.finish()
}

func (y *yaraReader) finish() {
	if y.err != nil {
		y.broken(y.at(y.line()).line, fmt.Errorf("reading YARA: %w", y.err))
	}
}

func (y *yaraReader) at(line int) place {
	if y.base.line > 0 {
		line = y.base.line
	}
	if y.rule.name == "" {
		return place{line: line, id: y.base.id}
	}
	return place{line, y.rule.name, "rule "}
}

// fault records that the text is not YARA.
func (y *yaraReader) fault(format string, args ...any) {
	if y.err == nil {
		y.err = fmt.Errorf(format, args...)
	}
}

func (y *yaraReader) line() int {
	y.lines += strings.Count(y.text[y.counted:y.pos], "\n")
	y.counted = y.pos
	return y.lines + 1
}

// space steps over spaces and comments.
func (y *yaraReader) space() {
	for y.pos < len(y.text) {
		rest := y.text[y.pos:]
		switch {
		case strings.IndexByte(spaces, rest[0]) >= 0:
			y.pos++
		case strings.HasPrefix(rest, "//"):
			y.skipTo("\n")
		case strings.HasPrefix(rest, "/*"):
			y.pos += 2
			y.skipTo("*/")
		default:
			return
		}
	}
}

func (y *yaraReader) skipTo(end string) {
	if i := strings.Index(y.text[y.pos:], end); i >= 0 {
		y.pos += i + len(end)
		return
	}
	y.pos = len(y.text)
}

// word reads a name, and returns nothing if there is none.
func (y *yaraReader) word() string {
	y.space()
	start := y.pos
	for y.pos < len(y.text) && (isAlnum(y.text[y.pos]) || y.text[y.pos] == '_') {
		y.pos++
	}
	return y.text[start:y.pos]
}

// take steps over a sign and reports whether it came next.
func (y *yaraReader) take(sign byte) bool {
	y.space()
	if y.err == nil && y.pos < len(y.text) && y.text[y.pos] == sign {
		y.pos++
		return true
	}
	return false
}

func (y *yaraReader) want(sign byte) {
	if !y.take(sign) {
		y.fault("rule %s: %q is expected", y.rule.name, sign)
	}
}

// readRule reads a rule from its name on.
func (y *yaraReader) readRule() {
	y.rules++
	if y.rule.name = y.word(); y.rule.name == "" {
		y.fault("a rule has no name")
	}
	if y.take(':') {
		for y.word() != "" {
		}
	}
	y.want('{')
	for y.err == nil {
		section := y.word()
		if y.want(':'); y.err != nil {
			return
		}
		switch section {
		case "meta":
			y.meta()
		case "strings":
			y.readStrings()
		case "condition":
			y.condition()
			return
		default:
			y.fault("rule %s: the section %q is not known", y.rule.name, section)
		}
	}
}

// meta reads name = value until the next section.
func (y *yaraReader) meta() {
	for y.err == nil && !y.sectionNext() {
		key := y.word()
		if y.want('='); key == "" || y.err != nil {
			y.fault("rule %s: the name of a meta value is expected", y.rule.name)
			return
		}
		var value string
		if y.space(); strings.HasPrefix(y.text[y.pos:], `"`) {
			value = y.quoted()
		} else {
			y.take('-')
			value = y.word()
		}
		switch key {
		case "score":
			y.rule.score = number(value)
		case "description":
			y.rule.description = cutText(strings.ToValidUTF8(value, "?"), maxNote)
		}
	}
}

var yaraSection = regexp.MustCompile(`^(?:strings|condition)\s*:`)

// sectionNext reports whether a section begins, or the text ends.
func (y *yaraReader) sectionNext() bool {
	y.space()
	rest := y.text[y.pos:]
	return rest == "" || yaraSection.MatchString(rest[:min(len(rest), 64)])
}

// quoted reads a string in double quotes and undoes its escapes.
func (y *yaraReader) quoted() string {
	y.want('"')
	var b []byte
	for y.err == nil && y.pos < len(y.text) {
		c := y.text[y.pos]
		y.pos++
		switch c {
		case '"':
			return string(b)
		case '\n':
			y.pos--
			y.fault("a string does not end in its line")
		case '\\':
			b = append(b, y.escaped())
		default:
			b = append(b, c)
		}
	}
	y.fault("a string does not end")
	return ""
}

// escaped reads what follows a backslash.
func (y *yaraReader) escaped() byte {
	rest := y.text[y.pos:]
	if len(rest) >= 3 && rest[0] == 'x' && isHex(rest[1]) && isHex(rest[2]) {
		y.pos += 3
		return hexByte(rest[1:3])
	}
	if rest != "" {
		y.pos++
		switch rest[0] {
		case 'n':
			return '\n'
		case 't':
			return '\t'
		case 'r':
			return '\r'
		case '"', '\\':
			return rest[0]
		}
	}
	y.fault("an escape in a string that YARA does not know")
	return 0
}

func hexByte(s string) byte {
	n, err := strconv.ParseUint(s, 16, 8)
	if err != nil {
		return 0
	}
	return byte(n)
}

func (y *yaraReader) readStrings() {
	for y.err == nil && !y.sectionNext() {
		y.want('$')
		name := "$" + y.word()
		y.want('=')
		y.space()
		line := y.line()
		f := leaf{at: y.at(line), what: name}
		f.ind, f.err = y.readString()
		note := fmt.Sprintf("YARA rule %s %s", y.rule.name, name)
		if y.rule.description != "" {
			note += ": " + y.rule.description
		}
		f.ind.Comment, f.ind.Score = note, y.rule.score
		if f.err = y.judge(f.ind, f.err); f.err != nil {
			f.err = fmt.Errorf("%s: %w", name, f.err)
		}
		y.rule.strings = append(y.rule.strings, yaraString{name, leafOf(f)})
		if len(y.rule.strings) > maxYARALeaves {
			y.fault("rule %s: more than %d strings", y.rule.name, maxYARALeaves)
		}
	}
}

// readString reads a text, a regular expression or bytes, with their modifiers.
func (y *yaraReader) readString() (Indicator, error) {
	start := y.pos
	var value, flags string
	kind := byte(0)
	if y.pos < len(y.text) {
		kind = y.text[y.pos]
	}
	switch kind {
	case '"':
		value = y.quoted()
	case '/':
		value, flags = y.regex()
	case '{':
		y.pos++
		value = y.hexText()
	default:
		y.fault("rule %s: a string, a regular expression or bytes are expected", y.rule.name)
		return Indicator{}, nil
	}
	raw := strings.ToValidUTF8(y.text[start:y.pos], "?")
	modifiers := y.modifiers()
	if y.err != nil {
		return Indicator{}, nil
	}
	for _, m := range modifiers {
		switch m {
		case "xor", "base64", "base64wide":
			return Indicator{Raw: raw}, fmt.Errorf("uses %s, which is not supported", m)
		}
	}
	ind, err := yaraValue(kind, value, flags, modifiers)
	ind.Raw = cutText(raw, maxValue)
	return ind, err
}

// regex reads an expression between slashes and the letters after it.
func (y *yaraReader) regex() (value, flags string) {
	start := y.pos + 1
	for i := start; i < len(y.text) && y.text[i] != '\n'; i++ {
		switch y.text[i] {
		case '\\':
			i++
		case '/':
			y.pos = i + 1
			for y.pos < len(y.text) && (y.text[y.pos] == 'i' || y.text[y.pos] == 's') {
				y.pos++
			}
			return y.text[start:i], y.text[i+1 : y.pos]
		}
	}
	y.fault("rule %s: a regular expression does not end in its line", y.rule.name)
	return "", ""
}

// hexText reads the text between braces, without its comments.
func (y *yaraReader) hexText() string {
	var b strings.Builder
	for y.pos < len(y.text) {
		if y.space(); y.pos == len(y.text) {
			break
		}
		c := y.text[y.pos]
		y.pos++
		if c == '}' {
			return b.String()
		}
		b.WriteByte(c)
	}
	y.fault("rule %s: the bytes of a string do not end", y.rule.name)
	return ""
}

// modifiers reads the words after a string.
func (y *yaraReader) modifiers() []string {
	var words []string
	for {
		before := y.pos
		switch word := y.word(); word {
		case "ascii", "wide", "nocase", "fullword", "private":
			words = append(words, word)
		case "xor", "base64", "base64wide":
			words = append(words, word)
			if y.take('(') {
				y.skipTo(")")
			}
		default:
			y.pos = before
			return words
		}
	}
}

// yaraValue is the indicator of a string. As the engine reads text in lines, it can be one only if all of it may stand in a line.
func yaraValue(kind byte, value, flags string, modifiers []string) (Indicator, error) {
	nocase, fullword := false, false
	for _, m := range modifiers {
		nocase = nocase || m == "nocase"
		fullword = fullword || m == "fullword"
	}
	re := ""
	switch kind {
	case '"':
		ind, err := parseValue(String, value)
		switch {
		case err != nil:
			return ind, err
		case !isText(value):
			return ind, errors.New("holds bytes that are no text")
		case nocase && !fullword && value == ind.Value:
			return ind, nil
		}
		re = regexp.QuoteMeta(value)
	case '/':
		if rawByte.MatchString(value) {
			return Indicator{}, errors.New("holds bytes that are no text")
		}
		re = strings.ReplaceAll(value, "{,", "{0,")
	case '{':
		var err error
		if re, err = hexRegex(value); err != nil {
			return Indicator{}, err
		}
	}
	if nocase && !strings.Contains(flags, "i") {
		flags += "i"
	}
	if flags != "" {
		re = "(?" + flags + ":" + re + ")"
	}
	if fullword {
		re = "(?:^|[^0-9A-Za-z])(?:" + re + ")(?:$|[^0-9A-Za-z])"
	}
	return regexOf(re)
}

// regexOf is the indicator of a regular expression whose spaces all count.
func regexOf(re string) (Indicator, error) {
	if t := strings.TrimSpace(re); t != re {
		re = "(?:" + re + ")"
	}
	return parseValue(Regex, re)
}

// rawByte finds the escapes of bytes that are no characters by themselves.
var rawByte = regexp.MustCompile(`\\x[89A-Fa-f]`)

// isText reports whether the bytes may stand in a line of text.
func isText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// hexRegex is the regular expression of bytes. Go's expressions read characters, not bytes, and so a byte that is no text of
// its own can't be looked for; a gap of n bytes may be n characters or, if they are long, a fourth of that.
func hexRegex(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '(' || c == ')' || c == '|':
			b.WriteString(map[byte]string{'(': "(?:", ')': ")", '|': "|"}[c])
			i++
		case c == '[':
			end := strings.IndexByte(text[i:], ']')
			if end < 0 {
				return "", errors.New("a jump has no end")
			}
			jump, err := jumpRegex(text[i+1 : i+end])
			if err != nil {
				return "", err
			}
			b.WriteString(jump)
			i += end + 1
		case c == '~':
			return "", errors.New("uses ~, which is not supported")
		case i+1 < len(text) && isNibble(c) && isNibble(text[i+1]):
			one, err := byteRegex(text[i : i+2])
			if err != nil {
				return "", err
			}
			b.WriteString(one)
			i += 2
		default:
			return "", fmt.Errorf("%q is no byte", text[i:min(len(text), i+2)])
		}
	}
	return b.String(), nil
}

func isNibble(c byte) bool { return isHex(c) || c == '?' }

var errNoText = errors.New("holds bytes that are no text, which are not supported")

func byteRegex(s string) (string, error) {
	switch {
	case s[0] == '?':
		return ".", nil
	case s[1] == '?':
		if s[0] < '2' || s[0] > '7' {
			return "", errNoText
		}
		return fmt.Sprintf(`[\x%c0-\x%cF]`, s[0], s[0]), nil
	}
	c := hexByte(s)
	if !isText(string([]byte{c})) {
		return "", errNoText
	}
	return regexp.QuoteMeta(string(rune(c))), nil
}

func jumpRegex(jump string) (string, error) {
	from, to, isRange := strings.Cut(jump, "-")
	if !isRange {
		to = from
	}
	low, err := strconv.Atoi("0" + from)
	high := maxYARAJump + 1
	if err == nil && to != "" {
		high, err = strconv.Atoi(to)
	}
	switch {
	case err != nil || !isRange && from == "" || low > high && to != "":
		return "", fmt.Errorf("%q is no jump", "["+jump+"]")
	case high > maxYARAJump:
		return ".*", nil
	}
	return fmt.Sprintf(".{%d,%d}", (low+3)/4, high), nil
}

// condition reads the condition up to the end of the rule, and takes the rule.
func (y *yaraReader) condition() {
	if y.tokens(); y.err != nil {
		return
	}
	r := &y.rule
	c := y.anyPart()
	if r.next < len(r.tokens) {
		y.refuse(r.tokens[r.next])
	}
	switch {
	case y.err != nil:
	case r.unsupported != "":
		y.loader.fail(y.at(r.line), fmt.Errorf("uses %s, which is not supported; leave it out with --lenient", r.unsupported))
	case r.scope == "global":
		y.loader.fail(y.at(r.line), errors.New("is global, which is not supported; leave it out with --lenient"))
	case r.scope == "private": // it serves other rules alone
	default:
		y.addCondition(c)
	}
}

var yaraToken = regexp.MustCompile(`^(?:[$#@!][A-Za-z0-9_]*\*?|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|0x[0-9A-Fa-f]+|0o[0-7]+|[0-9]+(?:\.[0-9]+)?(?:KB|MB)?|==|!=|<=|>=|<<|>>|\.\.)`)

// tokens divides the condition. Braces close the rule: a condition has none but in strings.
func (y *yaraReader) tokens() {
	r := &y.rule
	for y.err == nil {
		y.space()
		rest := y.text[y.pos:]
		if rest == "" {
			y.fault("rule %s: the condition does not end", r.name)
			return
		}
		if len(r.tokens) > maxYARATokens {
			y.fault("rule %s: the condition has more than %d words", r.name, maxYARATokens)
			return
		}
		switch {
		case rest[0] == '}':
			y.pos++
			return
		case rest[0] == '"':
			y.quoted()
			r.tokens = append(r.tokens, "a string")
		case rest[0] == '/':
			y.regex()
			r.tokens = append(r.tokens, "a regular expression")
		default:
			word := yaraToken.FindString(rest[:min(len(rest), 256)])
			if word == "" || word == "!" {
				word = rest[:1]
			}
			y.pos += len(word)
			r.tokens = append(r.tokens, word)
		}
	}
}

// refuse records what the condition uses that can't be looked for.
func (y *yaraReader) refuse(what string) *condition {
	if y.rule.unsupported == "" {
		y.rule.unsupported = strings.ToValidUTF8(what, "?")
	}
	y.rule.next = len(y.rule.tokens)
	return count(1, "", nil)
}

func (y *yaraReader) peek() string {
	if y.rule.next < len(y.rule.tokens) {
		return y.rule.tokens[y.rule.next]
	}
	return ""
}

func (y *yaraReader) takeToken(token string) bool {
	if y.peek() != token {
		return false
	}
	y.rule.next++
	return true
}

func (y *yaraReader) anyPart() *condition {
	parts := []*condition{y.allPart()}
	for y.takeToken("or") {
		parts = append(parts, y.allPart())
	}
	return count(1, "or", parts)
}

func (y *yaraReader) allPart() *condition {
	parts := []*condition{y.part()}
	for y.takeToken("and") {
		parts = append(parts, y.part())
	}
	return all("and", parts)
}

// part reads one string, so many of several, or what stands in parentheses.
func (y *yaraReader) part() *condition {
	r := &y.rule
	token := y.peek()
	if token == "" {
		y.fault("rule %s: the condition is not complete", r.name)
		return y.refuse(token)
	}
	r.next++
	switch {
	case token == "(":
		if r.depth++; r.depth > maxYARADepth {
			y.fault("rule %s: more than %d levels of parentheses", r.name, maxYARADepth)
			return y.refuse(token)
		}
		c := y.anyPart()
		r.depth--
		if r.unsupported == "" && !y.takeToken(")") {
			return y.refuse(y.peek())
		}
		return c
	case token == "any" || token == "all" || isNumber(token):
		return y.of(token)
	case strings.HasPrefix(token, "$") && len(token) > 1:
		return y.group(1, "", y.named(token))
	case token == "not" || token == "none":
		return y.refuse(token + " (the absence of a string)")
	}
	return y.refuse(token)
}

// of reads so many of a set of strings.
func (y *yaraReader) of(how string) *condition {
	if !y.takeToken("of") {
		return y.refuse(how + " " + y.peek())
	}
	set := y.set()
	need := len(set)
	switch {
	case y.rule.unsupported != "" || y.err != nil:
		return count(1, "", nil)
	case how == "any":
		need = 1
	case how != "all":
		n, err := strconv.Atoi(how)
		if err != nil || n < 1 || n > len(set) {
			return y.refuse(how + " of a set of " + strconv.Itoa(len(set)))
		}
		need = n
	}
	how += " of them"
	return y.group(need, how, set)
}

// group is the condition that so many of the strings are found, wherever they are.
func (y *yaraReader) group(need int, how string, set []*condition) *condition {
	switch next := y.peek(); {
	case next == "at" || next == "in":
		return y.refuse(next + " (the place of a string)")
	case len(set) == 0:
		return y.refuse("strings that it does not have")
	}
	if y.rule.leaves += len(set); y.rule.leaves > maxYARALeaves {
		return y.refuse("more strings than can be counted")
	}
	return count(need, how, set)
}

// set reads them, or names of strings in parentheses.
func (y *yaraReader) set() []*condition {
	if y.takeToken("them") {
		return y.named("$*")
	}
	if !y.takeToken("(") {
		y.refuse("of " + y.peek())
		return nil
	}
	var set []*condition
	for y.rule.unsupported == "" {
		name := y.peek()
		if !strings.HasPrefix(name, "$") {
			y.refuse("of (" + name)
			return nil
		}
		y.rule.next++
		set = append(set, y.named(name)...)
		if y.takeToken(")") {
			break
		}
		if !y.takeToken(",") || len(set) > maxYARALeaves {
			y.refuse("of (" + y.peek())
		}
	}
	return set
}

// named returns the strings that a name, which may end in a star, stands for.
func (y *yaraReader) named(name string) []*condition {
	var set []*condition
	prefix, star := strings.CutSuffix(name, "*")
	for _, s := range y.rule.strings {
		if s.name == name || star && strings.HasPrefix(s.name, prefix) {
			set = append(set, s.leaf)
		}
	}
	return set
}
