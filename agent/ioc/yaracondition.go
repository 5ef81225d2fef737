package ioc

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

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
