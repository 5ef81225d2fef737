package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a list in JSON.
const (
	maxJSONDepth = 64
	maxJSONNodes = 1 << 16 // of one object that is kept as a whole
)

// A jsonReader reads a text in JSON value by value, and knows the line of each. It is strict as encoding/json is, which knows
// no lines and takes four times as long. The first error stays.
type jsonReader struct {
	data  []byte
	pos   int
	depth int
	nodes int
	err   error

	counted int // the byte up to which lines have been counted
	lines   int

	keys map[string]string // those that have been read, each kept once
	last jsonValue         // what value has returned
}

// A jsonValue is a value with all that belongs to it.
type jsonValue struct {
	kind byte   // { [ " 0 t f n
	text string // of a string, number or literal; that of null is empty
	line int
	keys []string
	vals []jsonValue
}

// get returns the member of an object, or an empty value.
func (v *jsonValue) get(key string) *jsonValue {
	for i := range v.keys {
		if v.keys[i] == key {
			return &v.vals[i]
		}
	}
	return &jsonValue{line: v.line}
}

// lineAt returns the number of the line of a byte.
func (r *jsonReader) lineAt(pos int) int {
	if pos < r.counted {
		r.counted, r.lines = 0, 0
	}
	r.lines += bytes.Count(r.data[r.counted:pos], []byte{'\n'})
	r.counted = pos
	return r.lines + 1
}

func (r *jsonReader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
}

func (r *jsonReader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// kind returns the kind of the next value, 0 if there is none.
func (r *jsonReader) kind() byte {
	r.space()
	if r.err != nil || r.pos >= len(r.data) {
		return 0
	}
	switch c := r.data[r.pos]; {
	case c == '-' || isDigit(c):
		return '0'
	default:
		return c
	}
}

// next steps over the delimiter c and reports whether it was there.
func (r *jsonReader) next(c byte) bool {
	if r.kind() != c {
		return false
	}
	r.pos++
	return true
}

// end fails if anything follows the value.
func (r *jsonReader) end() {
	if r.space(); r.err == nil && r.pos < len(r.data) {
		r.fail("more text after the end of the JSON value")
	}
}

// object reads an object. The member is to be read by each.
func (r *jsonReader) object(each func(key string)) {
	if !r.enter('{') {
		return
	}
	defer r.leave()
	if r.next('}') {
		return
	}
	for r.err == nil {
		key := r.key()
		if !r.next(':') {
			r.fail("no colon after a key in JSON")
			return
		}
		each(key)
		if r.next('}') {
			return
		}
		if !r.next(',') {
			r.fail("no comma or brace after a member of an object in JSON")
		}
	}
}

// array reads an array. The element is to be read by each.
func (r *jsonReader) array(each func()) {
	if !r.enter('[') {
		return
	}
	defer r.leave()
	if r.next(']') {
		return
	}
	for r.err == nil {
		each()
		if r.next(']') {
			return
		}
		if !r.next(',') {
			r.fail("no comma or bracket after an element of an array in JSON")
		}
	}
}

func (r *jsonReader) enter(c byte) bool {
	if !r.next(c) {
		r.fail(fmt.Sprintf("no %c where JSON must have one", c))
		return false
	}
	if r.depth++; r.depth > maxJSONDepth {
		r.fail(fmt.Sprintf("JSON is more than %d levels deep", maxJSONDepth))
	}
	return r.err == nil
}

func (r *jsonReader) leave() { r.depth-- }

// skip reads a value that nobody wants.
func (r *jsonReader) skip() {
	switch r.kind() {
	case '{':
		r.object(func(string) { r.skip() })
	case '[':
		r.array(r.skip)
	case '"':
		r.rawString()
	case '0':
		r.number()
	default:
		r.scalar()
	}
}

// value reads a value, which stays until the next call. Of an object, only the members whose keys are wanted stay; nil wants all.
func (r *jsonReader) value(wanted map[string]bool) *jsonValue {
	r.nodes = 0
	r.last = r.tree(jsonValue{keys: r.last.keys[:0], vals: r.last.vals[:0]}, wanted)
	return &r.last
}

func (r *jsonReader) tree(v jsonValue, wanted map[string]bool) jsonValue {
	v.kind = r.kind()
	if r.nodes++; r.nodes > maxJSONNodes {
		r.fail(fmt.Sprintf("an object of more than %d values is no indicator", maxJSONNodes))
		return v
	}
	v.line = r.lineAt(r.pos)
	switch v.kind {
	case '{':
		r.object(func(key string) {
			if wanted != nil && !wanted[key] {
				r.skip()
				return
			}
			v.keys = append(v.keys, key)
			v.vals = append(v.vals, r.tree(jsonValue{}, nil))
		})
	case '[':
		r.array(func() { v.vals = append(v.vals, r.tree(jsonValue{}, nil)) })
	case '"':
		v.text = r.str()
	default:
		v.text = r.scalar()
	}
	return v
}

// scalar reads a number or a literal.
func (r *jsonReader) scalar() string {
	switch r.kind() {
	case '0':
		return string(r.number())
	case 't', 'f', 'n':
		for _, word := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
				r.pos += len(word)
				if word == "null" {
					return ""
				}
				return word
			}
		}
	case 0:
		r.fail("JSON ends before its last value does")
	}
	r.fail("no value where JSON must have one")
	return ""
}

func (r *jsonReader) number() []byte {
	start := r.pos
	r.accept('-')
	if !r.accept('0') && r.digits() == 0 {
		r.fail("a number in JSON without digits")
	}
	if r.accept('.') && r.digits() == 0 {
		r.fail("a number in JSON without digits after the point")
	}
	if r.accept('e') || r.accept('E') {
		_ = r.accept('+') || r.accept('-')
		if r.digits() == 0 {
			r.fail("a number in JSON without digits in its exponent")
		}
	}
	return r.data[start:r.pos]
}

func (r *jsonReader) accept(c byte) bool {
	if r.pos < len(r.data) && r.data[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *jsonReader) digits() int {
	start := r.pos
	for r.pos < len(r.data) && isDigit(r.data[r.pos]) {
		r.pos++
	}
	return r.pos - start
}

// maxKeys bounds how many keys are remembered.
const maxKeys = 256

// key reads a string that many objects have.
func (r *jsonReader) key() string {
	raw, escaped := r.rawString()
	if escaped {
		return unescapeJSON(raw)
	}
	if key, ok := r.keys[string(raw)]; ok {
		return key
	}
	key := string(raw)
	if r.keys == nil {
		r.keys = map[string]string{}
	}
	if len(r.keys) < maxKeys {
		r.keys[key] = key
	}
	return key
}

// str reads a string.
func (r *jsonReader) str() string {
	raw, escaped := r.rawString()
	if !escaped {
		return string(raw)
	}
	return unescapeJSON(raw)
}

// rawString steps over a string and returns what stands between its quotes.
func (r *jsonReader) rawString() (raw []byte, escaped bool) {
	if !r.next('"') {
		r.fail("no string where JSON must have one")
		return nil, false
	}
	start := r.pos
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			return r.data[start : r.pos-1], escaped
		case c == '\\':
			escaped = true
			if !r.escape() {
				return nil, false
			}
		case c < ' ':
			r.fail("a control character within a string in JSON")
			return nil, false
		default:
			r.pos++
		}
	}
	r.fail("JSON ends within a string")
	return nil, false
}

// escape steps over an escape and reports whether it is one.
func (r *jsonReader) escape() bool {
	r.pos++
	if r.pos < len(r.data) {
		switch r.data[r.pos] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			r.pos++
			return true
		case 'u':
			if r.pos+5 <= len(r.data) && allHex(r.data[r.pos+1:r.pos+5]) {
				r.pos += 5
				return true
			}
		}
	}
	r.fail("an escape in a string that JSON does not know")
	return false
}

// The escapes of one letter.
var escapesOfJSON = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescapeJSON decodes a string that rawString has found to be well-formed.
func unescapeJSON(raw []byte) string {
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] != '\\':
			b = append(b, raw[i])
		case raw[i+1] != 'u':
			b = append(b, escapesOfJSON[raw[i+1]])
			i++
		default:
			c := hex4(raw[i+2:])
			i += 5
			if utf16.IsSurrogate(c) && i+6 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if both := utf16.DecodeRune(c, hex4(raw[i+3:])); both != utf8.RuneError {
					c = both
					i += 6
				}
			}
			b = utf8.AppendRune(b, c)
		}
	}
	return string(b)
}

func hex4(b []byte) rune {
	n, err := strconv.ParseUint(string(b[:4]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// detectJSON tells the format of a list in JSON by the keys of its outermost objects.
func detectJSON(data []byte) (Format, error) {
	r := jsonReader{data: data}
	if r.kind() == '[' {
		r.pos++
	}
	if r.kind() != '{' {
		return "", errors.New("is JSON, and neither STIX nor MISP")
	}
	r.pos++
	for r.err == nil && !r.next('}') {
		key := r.str()
		r.next(':')
		if f := formatOfKey(key); f != "" {
			return f, nil
		}
		if key == "type" && r.kind() == '"' && isSTIXType(r.str()) {
			return STIX, nil
		} else if key != "type" {
			r.skip()
		}
		r.next(',')
	}
	if r.err != nil {
		return "", fmt.Errorf("is JSON with a fault in line %d, and neither STIX nor MISP: %w", r.lineAt(r.pos), r.err)
	}
	return "", errors.New("is JSON, and neither STIX nor MISP; of a MISP feed, load the events and not the manifest")
}

func formatOfKey(key string) Format {
	switch key {
	case "Event", "response", "Attribute", "Object":
		return MISP
	case "objects", "spec_version", "pattern", "pattern_type":
		return STIX
	}
	return ""
}
