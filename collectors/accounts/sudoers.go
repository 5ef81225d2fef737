package accounts

import (
	"strings"
)

// A Grant is a rule or a setting of sudoers(5).
type Grant struct {
	Who        string // the users, groups (%name) and aliases that it is for; "" for settings and includes
	Text       string // the line, with its continuations
	NoPassword bool   // it asks for no password: NOPASSWD, or !authenticate
	Everything bool   // it allows any command
	Kind       string // rule, default, alias, include
	Line       int    // that it begins in
}

// ParseSudoers reads sudoers(5). Includes are not followed: they are grants of their own, and the files beside have theirs.
func ParseSudoers(text string) []Grant {
	var grants []Grant
	n, begin := 0, 0
	var whole strings.Builder
	for line := range strings.Lines(text) {
		n++
		if whole.Len() == 0 {
			begin = n
		}
		line = strings.TrimRight(line, "\r\n")
		if head, ok := strings.CutSuffix(line, `\`); ok {
			whole.WriteString(head + " ")
			continue
		}
		whole.WriteString(line)
		if g, ok := parseGrant(whole.String()); ok && len(grants) < maxEntries {
			g.Line = begin
			grants = append(grants, g)
		}
		whole.Reset()
	}
	if g, ok := parseGrant(whole.String()); ok && len(grants) < maxEntries {
		g.Line = begin
		grants = append(grants, g)
	}
	return grants
}

func parseGrant(line string) (Grant, bool) {
	line = strings.TrimSpace(line)
	for _, include := range []string{"#include ", "#includedir ", "@include ", "@includedir "} {
		if strings.HasPrefix(line, include) {
			return Grant{Text: line, Kind: "include"}, true
		}
	}
	line = strings.TrimSpace(beforeComment(line))
	if line == "" {
		return Grant{}, false
	}
	first := firstWord(line)
	g := Grant{Text: strings.Join(strings.Fields(line), " "), Kind: "rule"}
	switch {
	case strings.HasPrefix(first, "Defaults"):
		g.Kind = "default"
		g.NoPassword = strings.Contains(line, "!authenticate")
	case strings.HasSuffix(first, "_Alias"):
		g.Kind = "alias"
	default:
		users, commands, ok := strings.Cut(line, "=")
		if !ok {
			return g, true
		}
		g.Who = who(users)
		g.NoPassword = strings.Contains(commands, "NOPASSWD:")
		g.Everything = allows(commands)
	}
	return g, true
}

// firstWord is a line up to its first blank that no backslash stands before.
func firstWord(line string) string {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ' ', '\t':
			return line[:i]
		}
	}
	return line
}

// who is the list of users before the list of hosts: ours is separated by commas, and ends at a blank that no comma is beside.
func who(left string) string {
	f := strings.Fields(left)
	var users []string
	for i, w := range f {
		users = append(users, w)
		if strings.HasSuffix(w, ",") || i+1 < len(f) && strings.HasPrefix(f[i+1], ",") {
			continue
		}
		break
	}
	return strings.Join(users, "")
}

// allows reports whether ALL is among the commands, which stand behind the users to be, in parentheses, and the tags.
func allows(commands string) bool {
	depth := 0
	bare := strings.Map(func(r rune) rune {
		switch r {
		case '(':
			depth++
			return ' '
		case ')':
			depth = max(0, depth-1)
			return ' '
		}
		if depth > 0 {
			return -1
		}
		return r
	}, commands)
	for _, c := range strings.FieldsFunc(bare, func(r rune) bool { return r == ',' || r == ':' || r == ' ' || r == '\t' }) {
		if c == "ALL" {
			return true
		}
	}
	return false
}

// beforeComment cuts a comment off: a # that is no number of a user (#1000), and not behind a backslash.
func beforeComment(line string) string {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\':
			i++
		case line[i] == '#' && (i+1 == len(line) || line[i+1] < '0' || line[i+1] > '9'):
			return line[:i]
		}
	}
	return line
}
