package ioc

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Columns name the columns of a CSV by its header or by number, from 1. Empty names are guessed.
type Columns struct {
	Value   string
	Type    string
	Comment string
	Score   string
}

// The delimiters that a CSV may have.
const delimiters = ",;\t|"

// The words that name a column which is no value.
var columnWords = map[string]string{
	"type": "type", "indicatortype": "type", "ioctype": "type", "observabletype": "type", "entitytype": "type", "kind": "type",
	"comment": "comment", "comments": "comment", "description": "comment", "threat": "comment", "malware": "comment", "malwareprintable": "comment", "threattype": "comment",
	"note": "comment", "notes": "comment", "tags": "comment", "signature": "comment", "eventinfo": "comment",
	"score": "score", "confidence": "score", "confidencelevel": "score", "threatscore": "score",
	"toids": "ids",
}

// A table is what the columns of a CSV hold, as indexes; -1 where there is no such column.
type table struct {
	values                    []column
	typ, comment, score, flag int
}

// A column holds values. Its type is "" where the type stands in another column or is guessed.
type column struct {
	index int
	word  string
}

// readCSV reads a table. Lines that begin with # are comments, but the last of them may be the header.
func readCSV(l *loader, data []byte) {
	comma := delimiterOf(sampleOf(data[:min(len(data), headLen)], len(data) > headLen))
	t, skip, err := l.layout(data, comma)
	if err != nil {
		l.broken(1, err)
		return
	}
	r := newCSV(data, comma)
	r.ReuseRecord = true
	for n := 0; !l.full(); n++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			l.fail(place{line: lineOfCSV(err)}, fmt.Errorf("reading the CSV: %w", cause(err)))
			continue
		}
		if n >= skip {
			l.addRecord(t, r, record)
		}
	}
}

func newCSV(data []byte, comma byte) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = rune(comma), '#', -1, comma != '\t'
	return r
}

func lineOfCSV(err error) int {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return at.Line
	}
	return 1
}

func cause(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// addRecord takes the indicators of one line.
func (l *loader) addRecord(t table, r *csv.Reader, record []string) {
	if flag := cell(record, t.flag); !l.Unflagged && flag != "" && !isTrue(flag) {
		l.skipped++
		return
	}
	e := entry{}
	if c := cell(record, t.comment); !isNothing(c) {
		e.comment = strings.Clone(cutText(c, maxNote))
	}
	if n, err := strconv.Atoi(cell(record, t.score)); err == nil {
		e.score = n
	}
	for _, c := range t.values {
		e.value = cell(record, c.index)
		if isNothing(e.value) {
			continue
		}
		line, _ := r.FieldPos(c.index)
		at := place{line: line}
		e.value = strings.Clone(e.value)
		switch e.typ = c.word; {
		case e.typ == "" && t.typ >= 0:
			e.typ = cell(record, t.typ)
		case e.typ == "" && l.Type != "":
			ind, err := parseAs(l.Type, e.value, e.value)
			ind.Comment, ind.Score = e.comment, e.score
			l.add(at, ind, err)
			continue
		}
		if e.typ == "" {
			e.typ = "any"
		}
		l.addEntry(at, e)
	}
}

// cell returns a field without the space around it, or nothing.
func cell(record []string, i int) string {
	if i < 0 || i >= len(record) {
		return ""
	}
	return strings.TrimSpace(record[i])
}

// isNothing reports whether a cell says that there is no value.
func isNothing(v string) bool {
	switch strings.ToLower(v) {
	case "", "-", "n/a", "na", "none", "null", "nil", "unknown":
		return true
	}
	return false
}

func isTrue(v string) bool {
	switch strings.ToLower(v) {
	case "1", "true", "yes":
		return true
	}
	return false
}

// layout tells what the columns hold, and how many records the header takes.
func (l *loader) layout(data []byte, comma byte) (table, int, error) {
	rows := firstRows(data, comma)
	if len(rows) == 0 {
		return table{}, 0, nil
	}
	if header := rows[0]; isHeader(header) || !isIndex(l.Columns) {
		t, err := l.named(header)
		return t, 1, err
	}
	if header := commentedHeader(data, comma); isHeader(header) && len(header) == len(rows[0]) {
		t, err := l.named(header)
		return t, 0, err
	}
	t := guessColumns(rows)
	err := l.forceColumns(&t, nil)
	return t, 0, err
}

// named is the table that a header describes.
func (l *loader) named(header []string) (table, error) {
	t := table{typ: -1, comment: -1, score: -1, flag: -1}
	generic := -1
	for i, name := range header {
		place := map[string]*int{"type": &t.typ, "comment": &t.comment, "score": &t.score, "ids": &t.flag}[columnWords[lettersOf(name)]]
		switch typ := typeOfWord(name); {
		case place != nil && *place < 0:
			*place = i
		case place != nil, typ == "", typ == noType:
		case typ == anyType && generic < 0:
			generic = i
		case typ != anyType:
			t.values = append(t.values, column{i, name})
		}
	}
	if generic >= 0 {
		t.values = []column{{generic, ""}}
	} else if len(t.values) > 0 {
		t.typ = -1 // it says something else, as file_type
	}
	return t, l.forceColumns(&t, header)
}

// forceColumns puts what the options say in place of what was guessed.
func (l *loader) forceColumns(t *table, header []string) error {
	find := func(name string, to *int) error {
		if name == "" {
			return nil
		}
		*to = slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
		if n, err := strconv.Atoi(name); err == nil && n > 0 && *to < 0 {
			*to = n - 1
		}
		if *to < 0 {
			return fmt.Errorf("the CSV has no column %q", name)
		}
		return nil
	}
	value := -1
	err := errors.Join(find(l.Columns.Value, &value), find(l.Columns.Type, &t.typ), find(l.Columns.Comment, &t.comment), find(l.Columns.Score, &t.score))
	if value >= 0 {
		t.values = []column{{value, ""}}
	}
	if err == nil && len(t.values) == 0 {
		err = errors.New("the CSV has no column of indicators that can be told: name it")
	}
	return err
}

// isIndex reports whether no column is named by a header.
func isIndex(c Columns) bool {
	for _, name := range []string{c.Value, c.Type, c.Comment, c.Score} {
		if name != "" && !isNumber(name) {
			return false
		}
	}
	return true
}

// isHeader reports whether a record names columns, one of which holds indicators.
func isHeader(record []string) bool {
	known := false
	for _, name := range record {
		if isStrong(name) {
			return false
		}
		known = known || typeOfWord(name) != "" && typeOfWord(name) != noType
	}
	return known
}

// commentedHeader is the last comment before the first record.
func commentedHeader(data []byte, comma byte) []string {
	last := ""
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			break
		}
		if len(line) > 1 {
			last = strings.TrimSpace(strings.TrimLeft(string(line), "#"))
		}
	}
	record, err := newCSV([]byte(last), comma).Read()
	if err != nil {
		return nil
	}
	return record
}

func firstRows(data []byte, comma byte) [][]string {
	r := newCSV(data, comma)
	var rows [][]string
	for len(rows) < maxSample {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			rows = append(rows, record)
		}
	}
	return rows
}

// guessColumns tells the columns of a table without a header: the first in which nearly all cells are indicators by their looks,
// and further ones of addresses, names and digests. URLs beside them are mostly references.
func guessColumns(rows [][]string) table {
	t := table{typ: -1, comment: -1, score: -1, flag: -1}
	for i := range len(rows[0]) {
		filled, strong, urls, words := 0, 0, 0, 0
		for _, row := range rows {
			v := cell(row, i)
			if isNothing(v) {
				continue
			}
			filled++
			switch {
			case isStrong(v):
				strong++
				if typ, _ := guess(v); typ == URL {
					urls++
				}
			case typeOfWord(v) != "":
				words++
			}
		}
		switch {
		case filled == 0:
		case t.typ < 0 && 10*words >= 8*filled:
			t.typ = i
		case 10*strong >= 6*filled && (len(t.values) == 0 || urls == 0):
			t.values = append(t.values, column{i, ""})
		}
	}
	if t.typ >= 0 && len(t.values) > 1 {
		t.values = t.values[:1]
	}
	if len(t.values) == 0 {
		t.values = []column{{0, ""}}
		if t.typ == 0 {
			t.values[0].index = 1
		}
	}
	return t
}

// delimiterOf returns the delimiter that divides the lines of a sample most evenly.
func delimiterOf(sample []string) byte {
	best, most := byte(','), 0
	for _, d := range []byte(delimiters) {
		if n := evenness(sample, d); n > most {
			best, most = d, n
		}
	}
	return best
}

// evenness returns how many lines have as many fields as the first, 0 if that has but one.
func evenness(sample []string, d byte) int {
	if len(sample) == 0 {
		return 0
	}
	fields := strings.Count(sample[0], string(d))
	n := 0
	for _, line := range sample {
		if fields > 0 && fieldsOf(line, d) == fieldsOf(sample[0], d) {
			n++
		}
	}
	return n
}

// fieldsOf counts the fields of a line that are not empty.
func fieldsOf(line string, d byte) int {
	record, err := newCSV([]byte(line), d).Read()
	if err != nil {
		return strings.Count(line, string(d)) + 1
	}
	n := 0
	for _, f := range record {
		if strings.TrimSpace(f) != "" {
			n++
		}
	}
	return n
}

// looksLikeCSV reports whether the lines are records rather than indicators. A URL may hold every delimiter, so that lines
// which could be read whole are a table only if they are divided evenly.
func looksLikeCSV(name string, sample []string) bool {
	if len(sample) == 0 {
		return false
	}
	d := delimiterOf(sample)
	first, err := newCSV([]byte(sample[0]), d).Read()
	if err != nil || fieldsOf(sample[0], d) < 2 {
		return false
	}
	if isHeader(first) {
		return true
	}
	named := strings.HasSuffix(baseName(name), ".csv") || strings.HasSuffix(baseName(name), ".tsv")
	whole, inFields, told := 0, 0, len(first) > 2
	for _, f := range first[1:] {
		told = told || isStrong(f) || typeOfWord(f) != ""
	}
	for _, line := range sample {
		if forcesString(line) {
			return false // whatever it holds is its value
		}
		if isStrong(strings.Trim(line, `"',`)) {
			whole++
		}
		if fields, err := newCSV([]byte(line), d).Read(); err == nil && slices.ContainsFunc(fields, isStrong) {
			inFields++
		}
	}
	even := 10*evenness(sample, d) >= 8*len(sample)
	switch {
	case 2*inFields < len(sample):
		return false
	case 2*whole < len(sample):
		return even || named
	}
	return even && (named || told && len(sample) > 1)
}
