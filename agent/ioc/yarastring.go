package ioc

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readStrings reads the strings of a rule.
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
		return Indicator{}, y.err
	}
	raw := strings.ToValidUTF8(y.text[start:y.pos], "?")
	modifiers := y.modifiers()
	if y.err != nil {
		return Indicator{}, y.err
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
