package logconf

import "strings"

// A line is one logical line of a file, with the number of the line that it begins at.
type line struct {
	text string
	n    int
}

// lines cuts a text into lines without the blanks around them. With joined, a backslash at the end joins a line with the next one.
func lines(text string, joined bool) []line {
	var out []line
	held, start := "", 0
	n := 0
	for raw := range strings.Lines(text) {
		n++
		raw = cut(strings.TrimRight(raw, "\r\n"), 4*maxPath)
		if joined && strings.HasSuffix(raw, `\`) && len(held) < maxPath {
			if held == "" {
				start = n
			}
			held += strings.TrimSuffix(raw, `\`) + " "
			continue
		}
		if held == "" {
			start = n
		}
		out = append(out, line{strings.TrimSpace(held + raw), start})
		held = ""
	}
	if held != "" {
		out = append(out, line{strings.TrimSpace(held), start})
	}
	return out
}

// comment reports whether a line is empty or begins with one of the marks.
func (l line) comment(marks string) bool {
	return l.text == "" || strings.IndexByte(marks, l.text[0]) >= 0
}

// words cuts a line at its blanks. Single and double quotes hold a word together, a backslash inside double quotes takes its meaning from the next
// character.
func words(s string) []string {
	var out []string
	var b strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '"' && c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if in {
				out = append(out, b.String())
				b.Reset()
			}
			in = false
		default:
			b.WriteByte(c)
			in = true
		}
	}
	if in {
		out = append(out, b.String())
	}
	return out
}

// unquote takes the quotes off a value.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// A setting is a key with a value, in a section if the format has sections.
type setting struct {
	section, key, value string
	raw                 string // the line as it is written
	n                   int
}

// settings reads what most formats are: [section], key = value or key: value. Keys are in lower case, with _ for -. marks begin comments.
func settings(text, marks, separators string) []setting {
	var out []setting
	section := ""
	for _, l := range lines(text, false) {
		if l.comment(marks) {
			continue
		}
		if l.text[0] == '[' {
			section = strings.TrimSuffix(strings.TrimPrefix(l.text, "["), "]")
			out = append(out, setting{section: section, raw: l.text, n: l.n})
			continue
		}
		key, value := l.text, ""
		if i := strings.IndexAny(l.text, separators); i >= 0 {
			key, value = l.text[:i], l.text[i+1:]
		}
		key = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(key)), "-", "_")
		out = append(out, setting{section, key, strings.TrimSpace(value), l.text, l.n})
	}
	return out
}

// beforeComment cuts a value at a comment that stands behind it.
func beforeComment(s string) string {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '#':
			return strings.TrimSpace(s[:i])
		}
	}
	return strings.TrimSpace(s)
}

// cut bounds the length of a text.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// port adds a port to a host that has none.
func port(host, port string) string {
	if host == "" || port == "" {
		return host
	}
	return host + ":" + port
}
