package logconf

import "strings"

// yamlValues reads the scalars of a YAML document in block style, each under the dotted path of its keys; the items of a list have the path of
// the list. It is a reader for configuration files alone: anchors, tags and flow mappings are text to it, and no document is an error. (A
// library's parser takes any document, and time and memory as the document wants.)
func yamlValues(text string) []setting {
	type level struct {
		indent int
		key    string
	}
	var stack []level
	var out []setting
	dotted := func() string {
		var keys []string
		for _, l := range stack {
			if l.key != "" {
				keys = append(keys, l.key)
			}
		}
		return strings.Join(keys, ".")
	}
	n := 0
	for raw := range strings.Lines(text) {
		n++
		if len(out) >= maxValues {
			break
		}
		raw = cut(raw, 4*maxPath)
		body := strings.TrimRight(raw, " \t\r\n")
		trimmed := strings.TrimLeft(body, " ")
		if trimmed == "" || trimmed[0] == '#' || trimmed == "---" {
			continue
		}
		indent := len(body) - len(trimmed)
		for dash := strings.HasPrefix(trimmed, "- ") || trimmed == "-"; dash; dash = strings.HasPrefix(trimmed, "- ") || trimmed == "-" {
			for len(stack) > 0 && (stack[len(stack)-1].indent > indent || stack[len(stack)-1].indent == indent && stack[len(stack)-1].key == "") {
				stack = stack[:len(stack)-1]
			}
			if len(stack) < maxLevels {
				stack = append(stack, level{indent, ""})
			}
			rest := strings.TrimLeft(trimmed[1:], " ")
			indent += len(trimmed) - len(rest)
			trimmed = rest
		}
		for len(stack) > 0 && stack[len(stack)-1].indent >= indent {
			stack = stack[:len(stack)-1]
		}
		key, value, ok := yamlKey(trimmed)
		if !ok {
			out = yamlItems(out, dotted(), trimmed, n)
			continue
		}
		if len(stack) < maxLevels {
			stack = append(stack, level{indent, cut(key, maxKey)})
		}
		out = yamlItems(out, dotted(), value, n)
	}
	return out
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
