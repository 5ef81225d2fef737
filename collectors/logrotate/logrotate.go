// Package logrotate reads the configuration of logrotate(8): which logs are rotated, how often, and what runs with it.
//
// It takes text, never a path, and does not follow includes: whoever calls it reads those files as well. Words that it doesn't know
// are passed over, since they don't change when a log is rotated.
package logrotate

import (
	"strconv"
	"strings"
	"time"
)

// maxRules bounds what is read of one file.
const maxRules = 10_000

// A Rule says how logs are rotated.
type Rule struct {
	Paths        []string      // globs of shell(1); none for what holds for all that follow
	Every        time.Duration // how often at most; 0 where the file doesn't say
	Keep         int           // how many rotations are kept; -1 where the file doesn't say
	BySize       bool          // it is rotated by size, whatever the time
	CopyTruncate bool          // the log is copied and then emptied in place
	NotIfEmpty   bool          // empty logs are not rotated
	Scripts      []Script
	Line         int
}

// A Script is what runs with a rotation.
type Script struct {
	When    string // prerotate, postrotate, firstaction, lastaction, preremove
	Command string // its lines, joined by newlines
	Line    int    // of its first command
}

const day = 24 * time.Hour

var periods = map[string]time.Duration{"hourly": time.Hour, "daily": day, "weekly": 7 * day, "monthly": 31 * day, "yearly": 366 * day}

// isScript tells the words that begin a script, which ends with endscript.
func isScript(word string) bool {
	switch word {
	case "prerotate", "postrotate", "firstaction", "lastaction", "preremove":
		return true
	}
	return false
}

// Parse reads a file. The first rule has what stands outside of braces, and holds for the others where they say nothing; they have it
// already.
func Parse(text string) []Rule {
	p := parser{rules: []Rule{{Keep: -1, Line: 1}}}
	for line := range strings.Lines(text) {
		p.n++
		p.line(strings.TrimSpace(line))
	}
	p.flushScript()
	return p.rules
}

type parser struct {
	rules  []Rule
	n      int
	in     bool     // inside braces
	paths  []string // that a brace is awaited for
	script *Script
	over   bool // past the limit of rules
}

func (p *parser) rule() *Rule {
	if p.in && !p.over {
		return &p.rules[len(p.rules)-1]
	}
	if p.in {
		return &Rule{}
	}
	return &p.rules[0]
}

func (p *parser) line(line string) {
	if p.script != nil {
		p.scriptLine(line)
		return
	}
	if line == "" || line[0] == '#' {
		return
	}
	words := fields(line)
	if len(words) == 0 {
		return
	}
	switch {
	case p.in && words[0] == "}":
		p.in = false
	case p.in:
		p.option(words)
	case strings.HasPrefix(words[0], "/") || strings.HasPrefix(words[0], "~") || words[0] == "{" || len(p.paths) > 0:
		p.begin(words)
	default:
		p.option(words)
	}
}

// begin takes the paths of a rule, up to its brace.
func (p *parser) begin(words []string) {
	for i, w := range words {
		if w != "{" {
			if len(p.paths) < maxRules {
				p.paths = append(p.paths, w)
			}
			continue
		}
		p.open()
		if rest := words[i+1:]; len(rest) > 0 && rest[len(rest)-1] == "}" {
			if len(rest) > 1 {
				p.option(rest[:len(rest)-1])
			}
			p.in = false
		} else if len(rest) > 0 {
			p.option(rest)
		}
		return
	}
}

func (p *parser) open() {
	p.in = true
	if p.over = len(p.rules) > maxRules; p.over {
		p.paths = nil
		return
	}
	global := p.rules[0]
	p.rules = append(p.rules, Rule{
		Paths: p.paths, Every: global.Every, Keep: global.Keep, BySize: global.BySize, CopyTruncate: global.CopyTruncate,
		NotIfEmpty: global.NotIfEmpty, Line: p.n,
	})
	p.paths = nil
}

func (p *parser) option(words []string) {
	r := p.rule()
	word := words[0]
	if every, ok := periods[word]; ok {
		r.Every, r.BySize = every, false
		return
	}
	if isScript(word) {
		p.script = &Script{When: word, Line: p.n + 1}
		return
	}
	switch word {
	case "rotate":
		if n, err := strconv.Atoi(arg(words)); err == nil && n >= -1 {
			r.Keep = n
		}
	case "size":
		r.BySize = true
	case "copytruncate", "copy":
		r.CopyTruncate = true
	case "nocopytruncate", "nocopy":
		r.CopyTruncate = false
	case "notifempty":
		r.NotIfEmpty = true
	case "ifempty":
		r.NotIfEmpty = false
	}
}

func arg(words []string) string {
	if len(words) < 2 {
		return ""
	}
	return words[1]
}

func (p *parser) scriptLine(line string) {
	if line == "endscript" {
		p.flushScript()
		return
	}
	if line == "" || line[0] == '#' {
		return
	}
	if p.script.Command == "" {
		p.script.Line = p.n
		p.script.Command = line
		return
	}
	p.script.Command += "\n" + line
}

func (p *parser) flushScript() {
	if p.script == nil {
		return
	}
	if r := p.rule(); p.script.Command != "" && len(r.Scripts) < maxRules {
		r.Scripts = append(r.Scripts, *p.script)
	}
	p.script = nil
}

// fields cuts a line at its blanks, outside of quotes, and at braces.
func fields(line string) []string {
	var out []string
	var word strings.Builder
	quote := byte(0)
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote = c
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == ' ' || c == '\t':
			flush()
		case c == '{' && (word.Len() == 0 || i+1 == len(line)) || c == '}' && word.Len() == 0:
			flush()
			out = append(out, string(c))
		case c == '#' && word.Len() == 0:
			flush()
			return out
		default:
			word.WriteByte(c)
		}
	}
	flush()
	return out
}
