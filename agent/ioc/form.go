package ioc

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// A form is one literal spelling of an indicator, in lower case, and the rule for what stands beside it.
type form struct {
	text string
	rule rule
}

// formsOf returns the literal spellings of an indicator. Addresses of IPv6, networks and regular expressions have none.
func formsOf(ind *Indicator) []form {
	switch ind.Type {
	case IPv4:
		return []form{{ind.Value, rule{notAddr, notAddr}}}
	case Domain:
		return hostForms(ind.Value, rule{notLabel, notLabel})
	case Hostname:
		return hostForms(ind.Value, rule{notHost, notHost})
	case Email:
		return []form{{ind.Value, rule{notMail, notMail}}}
	case URL:
		return urlForms(ind.Value)
	case MD5, SHA1, SHA256, SHA512:
		return []form{{ind.Value, rule{notAlnum, notAlnum}}}
	case Filename:
		return caseForms(ind.Value, rule{notName, notName})
	case Path, Registry:
		return pathForms(ind.Value)
	case String, Mutex, UserAgent:
		return caseForms(ind.Value, rule{})
	}
	return nil
}

// hostForms adds the spelling in Unicode to an internationalised name.
func hostForms(name string, r rule) []form {
	forms := []form{{name, r}}
	if strings.Contains(name, "xn--") {
		if u, err := idna.Display.ToUnicode(name); err == nil && u != name {
			forms = append(forms, caseForms(u, r)...)
		}
	}
	return forms
}

// urlForms adds the spelling without percent-encoding, because that is what is left of a text once it is decoded.
func urlForms(value string) []form {
	if strings.HasPrefix(value, "://") {
		return []form{{lower(value), rule{anything, notHost}}}
	}
	r := rule{notHost, wordEnd(value)}
	forms := []form{{lower(value), r}}
	if plain, err := url.PathUnescape(value); err == nil && plain != value && !strings.ContainsAny(plain, "\x00\n\r") {
		r.right = wordEnd(plain)
		forms = append(forms, caseForms(plain, r)...)
	}
	return forms
}

// wordEnd is the edge after a text whose last word must not go on.
func wordEnd(text string) edge {
	if isLabel(text[len(text)-1]) {
		return notWord
	}
	return anything
}

// pathForms are the spellings with each separator. A path that begins with one may stand below any other path.
func pathForms(value string) []form {
	r := rule{notName, notName}
	if value[0] == '/' {
		r.left = anything
	}
	if value[len(value)-1] == '/' {
		r.right = anything
	}
	forms := caseForms(value, r)
	if strings.Contains(value, "/") {
		forms = append(forms, caseForms(strings.ReplaceAll(value, "/", `\`), r)...)
		forms = append(forms, caseForms(strings.ReplaceAll(value, "/", `\\`), r)...)
	}
	return forms
}

// caseForms are the spellings of a text whose letters beyond ASCII come in two cases: the engine folds those of ASCII alone.
func caseForms(text string, r rule) []form {
	forms := []form{{lower(text), r}}
	if isASCII(text) {
		return forms
	}
	for _, t := range []string{lower(strings.ToLower(text)), lower(strings.ToUpper(text))} {
		if len(t) >= minWord && t != forms[0].text && (len(forms) < 2 || t != forms[1].text) {
			forms = append(forms, form{t, r})
		}
	}
	return forms
}

// lower folds the letters of ASCII.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return foldAll(s)
		}
	}
	return s
}

func foldAll(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = fold(c)
	}
	return string(b)
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
