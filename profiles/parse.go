package profiles

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a document may be at most. The parser recurses with the nesting and takes quadratic time in the number of keys, so
// that both are counted before it is asked.
const (
	maxDocument = 1 << 20 // bytes
	maxKeys     = 10_000
	maxNesting  = 16
	maxIndent   = 64 // blanks before a line
)

// A document is one parsed YAML document; what it includes is not read yet.
type document struct {
	Profile // without steps
	src     *source
	parts   []part
	builtin bool
}

// parseDocument reads a document. Where it returns errors, the document is there as far as it could be understood.
func parseDocument(file string, data []byte) (*document, Errors) {
	src := newSource(file, "")
	doc := &document{Profile: Profile{File: file}, src: src}
	if len(data) > maxDocument {
		return doc, Errors{{File: file, Msg: "the document is larger than 1 MiB"}}
	}
	if !utf8.Valid(data) {
		line, column := firstInvalid(data)
		excerpt := newSource(file, strings.ToValidUTF8(string(data), "\uFFFD")).excerpt(line, column)
		return doc, Errors{{File: file, Line: line, Column: column, Msg: "the document is not UTF-8", Hint: "save it as UTF-8", Excerpt: excerpt}}
	}
	// Notepad begins files with a byte order mark, and the parser counts a comment before CRLF as two lines.
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	*src = *newSource(file, text)

	body, err := parseYAML(src, text)
	if err != nil {
		return doc, Errors{err}
	}
	d := &decoder{src: src}
	doc.Profile, doc.parts = d.document(body)
	doc.File = file
	return doc, d.errs
}

// parseYAML returns the one document that a text holds, in the part of YAML that profiles are written in.
func parseYAML(src *source, text string) (ast.Node, *Error) {
	tokens := lexer.Tokenize(text)
	if err := plain(src, tokens); err != nil {
		return nil, err
	}
	// Duplicate keys are reported with the other errors.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) {
			return nil, src.errorAt(at.GetToken(), "", "%s", at.GetMessage())
		}
		return nil, src.errorAt(nil, "", "%v", err)
	}
	if len(file.Docs) > 1 {
		return nil, src.errorAt(file.Docs[1].Start, "write one file for each profile", "a second document begins here")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, src.errorAt(nil, "begin it with schema: 1", "the document is empty")
	}
	return file.Docs[0].Body, nil
}

// refused says what profiles do without: what makes a small document a large one, or one word mean another.
var refused = map[token.Type]string{
	token.AnchorType:     "an anchor (&)",
	token.AliasType:      "an alias (*)",
	token.MergeKeyType:   "a merge key (<<)",
	token.TagType:        "a tag (!)",
	token.DirectiveType:  "a directive (%)",
	token.MappingKeyType: "a complex key (?)",
}

// plain refuses what profiles do without, and what the parser can't be given.
func plain(src *source, tokens token.Tokens) *Error {
	var keys, depth, entries, line int
	for _, tk := range tokens {
		if what, no := refused[tk.Type]; no {
			return src.errorAt(tk, "put it into quotes if it is meant as text, or write it out", "%s is not part of what profiles are written in", what)
		}
		if tk.Position.Line != line {
			line, entries = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.MappingValueType:
			keys++
		case token.SequenceEntryType:
			entries++
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if keys > maxKeys {
			return src.errorAt(tk, "split it, and include the parts", "the document has more than %d keys", maxKeys)
		}
		if depth > maxNesting || entries > maxNesting || tk.Position.IndentNum > maxIndent {
			return src.errorAt(tk, "", "nested too deep")
		}
	}
	return nil
}

// firstInvalid returns where the first byte stands that is no UTF-8, both from 1; the column counts characters.
func firstInvalid(data []byte) (line, column int) {
	line, column = 1, 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return line, column
		case r == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		data = data[size:]
	}
	return line, column
}
