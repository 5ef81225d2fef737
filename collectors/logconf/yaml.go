package logconf

import "strings"

// yamlValues reads the scalars of a YAML document in block style, each under the dotted path of its keys; the items of a list have the path of
// the list. It is a reader for configuration files alone: anchors, tags and flow mappings are text to it, and no document is an error. (A
// library's parser takes any document, and time and memory as the document wants.)
func yamlValues(text string) []setting {
	var y yamlReader
	n := 0
	for raw := range strings.Lines(text) {
		if n++; len(y.out) >= maxValues {
			break
		}
		body := strings.TrimRight(cut(raw, 4*maxPath), " \t\r\n")
		trimmed := strings.TrimLeft(body, " ")
		if trimmed == "" || trimmed[0] == '#' || trimmed == "---" {
			continue
		}
		y.line(trimmed, len(body)-len(trimmed), n)
	}
	return y.out
}

// A yamlReader knows below which keys the next line stands.
type yamlReader struct {
	stack []yamlLevel
	out   []setting
}

// A yamlLevel is a key, or an item of a list where the key is empty.
type yamlLevel struct {
	indent int
	key    string
}

// line reads one line, without the blanks before it.
func (y *yamlReader) line(text string, indent, n int) {
	for strings.HasPrefix(text, "- ") || text == "-" {
		y.leave(func(l yamlLevel) bool { return l.indent > indent || l.indent == indent && l.key == "" })
		y.enter(yamlLevel{indent, ""})
		rest := strings.TrimLeft(text[1:], " ")
		indent += len(text) - len(rest)
		text = rest
	}
	y.leave(func(l yamlLevel) bool { return l.indent >= indent })
	key, value, ok := yamlKey(text)
	if !ok {
		y.out = yamlItems(y.out, y.path(), text, n)
		return
	}
	y.enter(yamlLevel{indent, cut(key, maxKey)})
	y.out = yamlItems(y.out, y.path(), value, n)
}

func (y *yamlReader) enter(l yamlLevel) {
	if len(y.stack) < maxLevels {
		y.stack = append(y.stack, l)
	}
}

// leave goes up as long as the innermost level is one to leave.
func (y *yamlReader) leave(over func(yamlLevel) bool) {
	for len(y.stack) > 0 && over(y.stack[len(y.stack)-1]) {
		y.stack = y.stack[:len(y.stack)-1]
	}
}

// path returns the dotted keys.
func (y *yamlReader) path() string {
	var keys []string
	for _, l := range y.stack {
		if l.key != "" {
			keys = append(keys, l.key)
		}
	}
	return strings.Join(keys, ".")
}

// yamlKey cuts key: value.
func yamlKey(s string) (key, value string, ok bool) {
	if s == "" || s[0] == '[' || s[0] == '{' {
		return "", "", false
	}
	at := 0
	if s[0] == '"' || s[0] == '\'' {
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 {
			return "", "", false
		}
		at = end + 2
	}
	i := strings.Index(s[at:], ": ")
	if i < 0 {
		if !strings.HasSuffix(s, ":") {
			return "", "", false
		}
		i = len(s) - 1 - at
	}
	return unquote(s[:at+i]), strings.TrimSpace(s[at+i+1:]), true
}

// yamlItems adds a value, or each of a list in brackets.
func yamlItems(out []setting, key, value string, n int) []setting {
	value = strings.TrimSpace(value)
	if i := strings.Index(value, " #"); i >= 0 && !strings.ContainsAny(value, `"'`) {
		value = strings.TrimSpace(value[:i])
	}
	if value == "" || value[0] == '#' {
		return out
	}
	if inner, ok := strings.CutPrefix(value, "["); ok {
		for _, item := range strings.Split(strings.TrimSuffix(inner, "]"), ",") {
			if item = unquote(item); item != "" {
				out = append(out, setting{key: key, value: item, n: n})
			}
		}
		return out
	}
	return append(out, setting{key: key, value: unquote(value), n: n})
}
