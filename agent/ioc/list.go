package ioc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Bounds of a list, so that a wrong file is refused before it fills the memory.
const (
	maxListLine   = 1 << 16
	maxListErrors = 20
)

// Options say how lists are read.
type Options struct {
	Private bool        // addresses that are in use inside every network are no error
	Warn    func(error) // called for an entry that can't be read or is too broad, which is then left out; nil makes it an error
}

// ReadList reads a plain list under the default options.
func ReadList(name string, r io.Reader) ([]Indicator, error) {
	return Options{}.ReadList(name, r)
}

// ReadList reads a plain list: one indicator a line, # begins a comment. The type is guessed, or forced by a word before
// it, as in domain:example.net. The error names every bad line as name:line, up to a limit.
func (o Options) ReadList(name string, r io.Reader) ([]Indicator, error) {
	var inds []Indicator
	sink := entrySink{Options: o, name: name}
	lines := bufio.NewScanner(transform.NewReader(r, unicode.BOMOverride(transform.Nop)))
	lines.Buffer(nil, maxListLine)
	n := 0
	for lines.Scan() {
		n++
		ind, err := parseEntry(lines.Text())
		if ind.Raw == "" && err == nil {
			continue
		}
		if ok := sink.check(n, &ind, err); ok {
			inds = append(inds, ind)
		}
		if len(sink.errs) >= maxListErrors {
			break
		}
	}
	if err := lines.Err(); err != nil {
		sink.errs = append(sink.errs, fmt.Errorf("%s:%d: reading the list: %w", name, n+1, err))
	}
	return inds, errors.Join(sink.errs...)
}

// An entrySink judges the entries of one list.
type entrySink struct {
	Options
	name string
	errs []error
}

// check completes an entry with its source and reports whether it can be used.
func (s *entrySink) check(line int, ind *Indicator, err error) bool {
	if err == nil {
		err = tooBroad(*ind)
	}
	if s.Private && errors.Is(err, errPrivate) {
		err = nil
	}
	source := s.name + ":" + strconv.Itoa(line)
	if err == nil {
		ind.Sources = []string{source}
		return true
	}
	err = fmt.Errorf("%s: %w", source, err)
	if s.Warn != nil {
		s.Warn(err)
		return false
	}
	s.errs = append(s.errs, err)
	return false
}

var comment = regexp.MustCompile(`\s+#\s*`)

// parseEntry reads one line of a plain list. A line without an indicator is a zero Indicator.
func parseEntry(line string) (Indicator, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return Indicator{}, nil
	}
	if !utf8.ValidString(line) {
		return Indicator{}, errors.New("is no text in UTF-8 or UTF-16: save the list as UTF-8")
	}
	if forcesString(line) {
		t, value := guess(line)
		ind, err := parseValue(t, value)
		ind.Raw = line
		return ind, err
	}
	note := ""
	if strings.IndexByte(line, '#') > 0 {
		if at := comment.FindStringIndex(line); at != nil {
			line, note = line[:at[0]], line[at[1]:]
		}
	}
	t, value := guess(strings.Trim(line, `"',`))
	ind, err := parseValue(t, value)
	ind.Raw, ind.Comment = line, note
	return ind, err
}

// forcesString reports whether everything after the prefix belongs to the value.
func forcesString(line string) bool {
	word, _, ok := strings.Cut(line, ":")
	if !ok {
		return false
	}
	switch prefixes[strings.ToLower(word)] {
	case String, Mutex, UserAgent, Regex:
		return true
	}
	return false
}
