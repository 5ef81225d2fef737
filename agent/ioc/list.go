package ioc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// maxListLine bounds a line of a plain list, so that a wrong file is refused before it fills the memory.
const maxListLine = 1 << 16

// ReadList reads a plain list under the default options.
func ReadList(name string, r io.Reader) ([]Indicator, error) {
	return Options{}.ReadList(name, r)
}

// ReadList reads a plain list: one indicator a line, # begins a comment. The type is guessed, or forced by a word before
// it, as in domain:example.net. The error names every bad line as name:line, up to a limit.
func (o Options) ReadList(name string, r io.Reader) ([]Indicator, error) {
	o.Format = Plain
	return o.Read(name, r)
}

func readPlain(l *loader, data []byte) {
	l.inds = make([]Indicator, 0, min(bytes.Count(data, []byte{'\n'})+1, maxReserved))
	text := unsafe.String(unsafe.SliceData(data), len(data)) // nobody changes data from here on
	if workers := runtime.GOMAXPROCS(0); workers > 1 && l.Type == "" && len(text) > plainPart {
		l.addParts(text, workers)
		return
	}
	for n := 1; text != "" && !l.full(); n++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if !l.addLine(n, line) {
			return
		}
	}
}

// addLine takes one line of a plain list, and reports whether the list can be read on.
func (l *loader) addLine(n int, line string) bool {
	if len(line) >= maxListLine {
		l.broken(n, fmt.Errorf("reading the list: %w", bufio.ErrTooLong))
		return false
	}
	l.addPlain(place{line: n}, line)
	return true
}

// maxReserved bounds the entries for which there is room before any of them is read.
const maxReserved = 1 << 17

// addPlain takes one line of a plain list.
func (l *loader) addPlain(at place, line string) {
	if l.Type == "" {
		if ind, ok := quickEntry(strings.TrimSpace(line)); ok {
			l.take(at, ind)
			return
		}
	}
	if ind, err := parseEntryAs(l.Type, line); ind.Raw != "" || err != nil {
		l.add(at, ind, err)
	}
}

var comment = regexp.MustCompile(`\s+#\s*`)

// parseEntryAs reads one line of a plain list, whose type is guessed unless the line or the caller says it. A line without an
// indicator is a zero Indicator.
func parseEntryAs(force Type, line string) (Indicator, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return Indicator{}, nil
	}
	if !utf8.ValidString(line) {
		return Indicator{}, errors.New("is no text in UTF-8 or UTF-16: save the list as UTF-8")
	}
	if isVerbatim(force) || forcesString(line) {
		return parseAs(force, line, line)
	}
	note := ""
	if strings.IndexByte(line, '#') > 0 {
		if at := comment.FindStringIndex(line); at != nil {
			line, note = line[:at[0]], line[at[1]:]
		}
	}
	ind, err := parseAs(force, strings.Trim(line, `"',`), line)
	ind.Comment = note
	return ind, err
}

// parseAs reads a value as the type that its prefix says, else as the one that is forced, else as it looks.
func parseAs(force Type, value, raw string) (Indicator, error) {
	t, v := guess(value)
	if t == String && isTopLevel(value) {
		t = Domain
	}
	if force != "" && len(v) == len(strings.TrimSpace(value)) {
		t = settle(force, v)
	}
	ind, err := parseValue(t, v)
	ind.Raw = raw
	return ind, err
}

// forcesString reports whether everything after the prefix belongs to the value.
func forcesString(line string) bool {
	word, _, ok := strings.Cut(line, ":")
	return ok && isVerbatim(prefixes[strings.ToLower(word)])
}

// isVerbatim reports whether values of the type may hold anything.
func isVerbatim(t Type) bool {
	switch t {
	case String, Mutex, UserAgent, Regex:
		return true
	}
	return false
}
