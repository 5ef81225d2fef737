package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
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
