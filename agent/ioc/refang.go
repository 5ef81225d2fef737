package ioc

import "strings"

// What stands between brackets in a defanged indicator, and what it stands for.
var bracketed = []struct{ word, plain string }{
	{".", "."}, {"dot", "."}, {"@", "@"}, {"at", "@"}, {"://", "://"}, {":", ":"}, {"/", "/"},
}

// Schemes that are spelt so that nobody follows them.
var schemes = map[string]string{
	"hxxp": "http", "h**p": "http", "htxp": "http", "hxtp": "http", "h__p": "http", "meow": "http", "fxp": "ftp", "f*p": "ftp",
	"hxxps": "https", "h**ps": "https", "htxps": "https", "hxtps": "https", "h__ps": "https", "meows": "https", "fxps": "ftps", "f*ps": "ftps",
}

const (
	openers = "[({<"
	closers = "])}>"
	spaces  = " \t\n\v\f\r"
)

// refang undoes the spellings in which indicators are passed on so that nobody follows them by accident.
func refang(s string) string {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, `[({<\]`) {
		s = unbracket(s)
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if len(scheme) > maxScheme || strings.Contains(scheme, ".") {
		return s
	}
	if plain := schemes[strings.ToLower(scheme)]; plain != "" {
		scheme, ok = plain, true
	}
	switch {
	case !ok:
		return s
	case strings.HasPrefix(strings.TrimLeft(rest, spaces), "//"):
		return scheme + "://" + strings.TrimLeft(strings.TrimLeft(rest, spaces)[2:], spaces)
	}
	return scheme + ":" + rest
}

// maxScheme is longer than any scheme that is defanged.
const maxScheme = 12

// unbracket replaces [.], (dot), [://] and the like, with the spaces around them, and the dots that are escaped or stand
// beside one bracket.
func unbracket(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		plain, n := inBrackets(s[i:])
		switch {
		case n > 0:
			b = append(trimSpacesRight(b), plain...)
			i += n
			i += len(s[i:]) - len(strings.TrimLeft(s[i:], spaces))
		case strings.HasPrefix(s[i:], "[."), strings.HasPrefix(s[i:], ".]"), strings.HasPrefix(s[i:], `\.`):
			b = append(b, '.')
			i += 2
		default:
			b = append(b, s[i])
			i++
		}
	}
	return string(b)
}

// inBrackets reads one bracketed separator at the start of s and returns how long it is, 0 if there is none.
func inBrackets(s string) (plain string, n int) {
	if strings.IndexByte(openers, s[0]) < 0 {
		return "", 0
	}
	inner := strings.TrimLeft(s[1:], spaces)
	for _, b := range bracketed {
		if len(inner) < len(b.word) || !strings.EqualFold(inner[:len(b.word)], b.word) {
			continue
		}
		after := strings.TrimLeft(inner[len(b.word):], spaces)
		if after != "" && strings.IndexByte(closers, after[0]) >= 0 {
			return b.plain, len(s) - len(after) + 1
		}
	}
	return "", 0
}

func trimSpacesRight(b []byte) []byte {
	for len(b) > 0 && strings.IndexByte(spaces, b[len(b)-1]) >= 0 {
		b = b[:len(b)-1]
	}
	return b
}
