// Package schedule reads the files that make programs start by themselves on Linux: tables of cron and at, units of systemd, and the
// many others that boot, login, devices, packages and sessions go by.
//
// The rules that every file keeps: parsers take text, never a path, and pass over what they can't read. Each returns entries in the
// order of the text. Nothing is followed: an include, a link, a script that is called are for whoever reads the next file.
package schedule

import (
	"strings"
)

// maxEntries bounds what is made of one file.
const maxEntries = 20_000

// An Entry is a thing that one line of a file starts, or a setting that changes what is started.
type Entry struct {
	Line    int
	Command string
	User    string // "" where the file doesn't say
	When    string // in the words of the file
}

// lines hands over every line that is neither blank nor a comment, without the blanks around it.
func lines(text string, each func(n int, line string)) {
	n, used := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if used++; used > maxEntries {
			return
		}
		each(n, line)
	}
}

// cutFields cuts n fields off a line, and returns them with the rest.
func cutFields(line string, n int) (fields []string, rest string, ok bool) {
	rest = line
	for range n {
		rest = strings.TrimLeft(rest, " \t")
		i := strings.IndexAny(rest, " \t")
		if i < 0 {
			return nil, "", false
		}
		fields, rest = append(fields, rest[:i]), rest[i:]
	}
	return fields, strings.TrimLeft(rest, " \t"), true
}

// Lines takes every line for an entry: lists of modules, of libraries, of folders.
func Lines(text string) []Entry {
	var out []Entry
	lines(text, func(n int, line string) { out = append(out, Entry{Line: n, Command: line}) })
	return out
}

// quoted returns what stands between the double quotes of a line.
func quoted(line string) []string {
	var out []string
	for {
		i := strings.IndexByte(line, '"')
		if i < 0 {
			return out
		}
		line = line[i+1:]
		end := strings.IndexByte(line, '"')
		for end > 0 && line[end-1] == '\\' {
			next := strings.IndexByte(line[end+1:], '"')
			if next < 0 {
				break
			}
			end += 1 + next
		}
		if end < 0 {
			return out
		}
		out = append(out, line[:end])
		line = line[end+1:]
	}
}
