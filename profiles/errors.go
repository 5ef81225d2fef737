package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/token"
)

// An Error says what is wrong in a profile, and where. A profile with an error is refused as a whole.
type Error struct {
	File    string
	Line    int // from 1; 0 means the file as a whole
	Column  int // from 1, in characters
	Msg     string
	Hint    string // what to write instead; may be empty
	Excerpt string // the lines around it with a mark below the place; empty where Line is 0

	err error // what it wraps, if anything
}

// Error returns all that there is to say, in one to several lines: FILE:LINE:COLUMN: message, the excerpt, the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": " + e.Msg)
	if e.Excerpt != "" {
		b.WriteString("\n" + e.Excerpt)
	}
	if e.Hint != "" {
		b.WriteString("\nhint: " + e.Hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.err }

// Errors is all that was found wrong, in the order of the documents. It is never empty where it is returned as an error.
type Errors []*Error

func (e Errors) Error() string {
	all := make([]string, len(e))
	for i, one := range e {
		all[i] = one.Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap lets [errors.As] find each [Error].
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// maxErrors bounds what one load reports: whoever has made more mistakes than this will run the check again anyway.
const maxErrors = 50

// asError returns the list as an error, nil if it is empty: document after document, each from its beginning to its end.
// What stands in it twice, because two profiles include the same broken one, is said once.
func (e Errors) asError() error {
	if len(e) == 0 {
		return nil
	}
	documents := map[string]int{}
	for _, one := range e {
		if _, met := documents[one.File]; !met {
			documents[one.File] = len(documents)
		}
	}
	sorted := slices.Clone(e)
	slices.SortStableFunc(sorted, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(documents[a.File], documents[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	sorted = slices.CompactFunc(sorted, func(a, b *Error) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Msg == b.Msg
	})
	if more := len(sorted) - maxErrors; more > 0 {
		sorted = append(sorted[:maxErrors], &Error{File: sorted[0].File, Msg: fmt.Sprintf("%d more errors are not shown", more)})
	}
	return sorted
}

// A source is the text of a document, from which errors cite.
type source struct {
	file  string
	lines []string
}

func newSource(file, text string) *source {
	return &source{file: file, lines: strings.Split(text, "\n")}
}

// errorAt returns an error at a token of the document; nil means its beginning.
func (s *source) errorAt(tk *token.Token, hint, format string, args ...any) *Error {
	line, column := 1, 1
	if tk != nil && tk.Position != nil {
		line, column = tk.Position.Line, tk.Position.Column
	}
	return &Error{File: s.file, Line: line, Column: column, Msg: printable(fmt.Sprintf(format, args...)), Hint: printable(hint), Excerpt: s.excerpt(line, column)}
}

// excerpt cites a line with two before it and one after it, and marks the column.
func (s *source) excerpt(line, column int) string {
	var b strings.Builder
	for n := max(1, line-2); n <= min(len(s.lines), line+1); n++ {
		if n == line+1 && s.lines[n-1] == "" {
			break
		}
		mark := ' '
		if n == line {
			mark = '>'
		}
		fmt.Fprintf(&b, "%c%4d | %s\n", mark, n, citable(s.lines[n-1]))
		if n == line && column <= maxCited {
			fmt.Fprintf(&b, "%s^\n", strings.Repeat(" ", len(">   1 | ")+column-1))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

const maxCited = 160 // characters of a line

// citable returns a line as it can be shown: cut, with its columns where they were.
func citable(line string) string {
	if runes := []rune(line); len(runes) > maxCited {
		line = string(runes[:maxCited]) + "…"
	}
	return printable(line)
}

// printable returns a text with a blank for each character that could do something to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
