package ioc

import (
	"fmt"
	"strings"
)

// A condition is what a pattern or rule says about several indicators: of its parts, so many must hold. Indicators are looked for
// one by one, line by line, and so a condition is never tested. What matters is that nothing is missed: a part that
// can't be looked for is no loss while any way to meet the condition still needs one that can.
type condition struct {
	need  int // of the parts
	parts []*condition
	how   string // what joins the parts, for the comment
	leaf  *leaf  // where there are no parts
}

// A leaf is one comparison of a condition.
type leaf struct {
	at   place
	ind  Indicator
	err  error  // why it can't be looked for
	what string // the comparison in the words of the list
}

func leafOf(l leaf) *condition { return &condition{leaf: &l} }

// all returns the condition that every part holds.
func all(how string, parts []*condition) *condition { return count(len(parts), how, parts) }

// count returns the condition that so many of the parts hold.
func count(need int, how string, parts []*condition) *condition {
	if len(parts) == 1 && need == 1 {
		return parts[0]
	}
	return &condition{need: need, parts: parts, how: how}
}

// Names of files that every host has. Beside another part of a condition they say nothing.
var ordinaryNames = map[string]bool{
	"svchost.exe": true, "explorer.exe": true, "rundll32.exe": true, "regsvr32.exe": true, "cmd.exe": true, "powershell.exe": true, "lsass.exe": true,
	"services.exe": true, "wscript.exe": true, "cscript.exe": true, "mshta.exe": true, "winlogon.exe": true, "csrss.exe": true, "smss.exe": true,
	"conhost.exe": true, "taskhost.exe": true, "dllhost.exe": true, "msiexec.exe": true, "schtasks.exe": true, "wmic.exe": true, "net.exe": true,
	"spoolsv.exe": true, "notepad.exe": true, "bash": true, "sh": true, "python": true, "python3": true, "perl": true, "curl": true, "wget": true,
	"systemd": true, "sshd": true, "cron": true, "sudo": true, "ls": true, "ps": true,
}

// addCondition takes what can be looked for, and fails for what is missed.
func (l *loader) addCondition(root *condition) {
	if f := root.leaf; f != nil {
		l.add(f.at, f.ind, f.err)
		return
	}
	weak := map[*leaf]bool{}
	var leaves []*leaf
	parents := map[*leaf]*condition{}
	root.each(func(f *leaf, parent *condition) {
		if _, seen := weak[f]; seen {
			return
		}
		f.err = l.judge(f.ind, f.err)
		weak[f] = f.err == nil && f.ind.Type == Filename && ordinaryNames[strings.ToLower(f.ind.Value)]
		leaves, parents[f] = append(leaves, f), parent
	})
	out := func(f *leaf) bool { return f.err != nil || weak[f] }
	if root.mayHold(out) {
		out = func(f *leaf) bool { return f.err != nil }
	}
	missed := map[*leaf]bool{}
	root.missed(out, func(f *leaf) { missed[f] = true })
	without := map[*condition][]string{}
	for _, f := range leaves {
		switch {
		case missed[f]:
			l.fail(f.at, f.err)
		case out(f):
			without[parents[f]] = append(without[parents[f]], f.what)
		}
	}
	for _, f := range leaves {
		if !out(f) {
			f.ind.Comment = joinNotes(f.ind.Comment, lossOf(parents[f], without[parents[f]]))
			l.take(f.at, f.ind)
		}
	}
}

// maxNote bounds the comment that tells what is lost of a condition.
const maxNote = 300

func lossOf(parent *condition, without []string) string {
	note := ""
	if parent != nil {
		note = fmt.Sprintf("one of %d joined by %s, each looked for by itself", len(parent.parts), parent.how)
	}
	if len(without) > 0 {
		note = joinNotes(note, "not looked for: "+strings.Join(without, ", "))
	}
	return cutText(note, maxNote)
}

// each calls f for every leaf, with the nearest condition around it that needs more than one of its parts.
func (c *condition) each(f func(*leaf, *condition)) { c.walk(nil, f) }

func (c *condition) walk(parent *condition, f func(*leaf, *condition)) {
	if c.leaf != nil {
		f(c.leaf, parent)
		return
	}
	if c.need > 1 {
		parent = c
	}
	for _, p := range c.parts {
		p.walk(parent, f)
	}
}

// mayHold reports whether the condition can be met by the leaves that are out alone.
func (c *condition) mayHold(out func(*leaf) bool) bool {
	if c.leaf != nil {
		return out(c.leaf)
	}
	n := 0
	for _, p := range c.parts {
		if p.mayHold(out) {
			n++
		}
	}
	return n >= c.need
}

// missed calls f for the leaves by which the condition is met although nothing is found.
func (c *condition) missed(out func(*leaf) bool, f func(*leaf)) {
	switch {
	case !c.mayHold(out):
		return
	case c.leaf != nil:
		f(c.leaf)
	}
	for _, p := range c.parts {
		p.missed(out, f)
	}
}

// joinNotes joins two remarks, each of which may be empty.
func joinNotes(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// cutText cuts a remark to n bytes.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
