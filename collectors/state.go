package collectors

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"
	"unicode"

	"bellwether/collectors/anomaly"
	"bellwether/profiles"
)

// An AnomalySink is a sink that keeps findings as well.
type AnomalySink interface {
	Sink
	// Anomaly keeps a finding that stands in a line, counted from 1, of the item with this name; line 0 is the item as a whole. It returns
	// an error only when nothing more can be kept.
	Anomaly(f anomaly.Finding, name string, line int64) error
}

// A column is one column of the readable form of a state table.
type column[T any] struct {
	name string
	text func(T) string
}

// A table is a part of the host's state, as the agent's own system calls see it. It is kept twice: state/NAME.jsonl, an object a line, for
// programs, and state/NAME.txt, a row a line below one line of headings, for people.
type table[T any] struct {
	name    string // slash-separated, without an ending: processes
	source  string // what it was read from: /proc
	rows    []T
	columns []column[T]
	reason  string // what a reader should know, such as what could not be read
	cut     bool   // rows are left out, for the reason
}

// keep hands both forms to the sink, and then the findings, whose rows are rows of the table. When the context ends it writes no more rows,
// hands over the findings all the same, and returns the context's cause.
func (t table[T]) keep(ctx context.Context, sink Sink, step profiles.Step, findings []anomaly.Finding) error {
	item := func(ending string) *Item {
		i := &Item{Step: step.Name, Collector: step.Collector, Name: path.Join("state", t.name+ending), Source: t.source, Reason: t.reason, SizeHint: -1}
		switch {
		case t.cut:
			i.Status = Partial
		case len(t.rows) == 0:
			i.Status = Empty
		}
		return i
	}
	if err := sink.Add(item(".jsonl"), func(w io.Writer) error { return t.writeJSON(ctx, w) }); err != nil {
		return err
	}
	text := item(".txt")
	if err := sink.Add(text, func(w io.Writer) error { return t.writeText(ctx, w) }); err != nil {
		return err
	}
	return cmp.Or(report(sink, findings, text.Name), context.Cause(ctx))
}

// writeJSON writes an object a line.
func (t table[T]) writeJSON(ctx context.Context, w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, row := range t.rows {
		if ctx.Err() != nil {
			return cmp.Or(b.Flush(), context.Cause(ctx))
		}
		if err := e.Encode(row); err != nil {
			return fmt.Errorf("encoding %s: %w", t.name, err)
		}
	}
	return b.Flush()
}

// writeText writes the headings and a line a row. What could act on a terminal, or break a line, is shown as \xNN.
func (t table[T]) writeText(ctx context.Context, w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	b := bufio.NewWriterSize(w, bufferSize) // tabwriter writes cell by cell
	tw := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	for i, c := range t.columns {
		fmt.Fprint(tw, strings.ToUpper(c.name), ending(i, len(t.columns)))
	}
	for _, row := range t.rows {
		if ctx.Err() != nil {
			break
		}
		for i, c := range t.columns {
			fmt.Fprint(tw, cell(c.text(row)), ending(i, len(t.columns)))
		}
	}
	return cmp.Or(tw.Flush(), b.Flush(), context.Cause(ctx))
}

func ending(i, n int) string {
	if i+1 < n {
		return "\t"
	}
	return "\n"
}

// cell makes one cell of a table of what the host says: never empty, never more than a line.
func cell(s string) string {
	if s == "" {
		return "-"
	}
	if !strings.ContainsFunc(s, breaks) {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if breaks(r) {
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func breaks(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar
}

// report hands findings to the sink if it keeps them. Their rows are those of the table that name is the readable form of.
func report(sink Sink, findings []anomaly.Finding, name string) error {
	to, ok := sink.(AnomalySink)
	if !ok {
		return nil
	}
	for _, f := range findings {
		line := int64(0)
		if f.Row >= 0 {
			line = int64(f.Row) + 2 // after the headings
		}
		if err := to.Anomaly(f, name, line); err != nil {
			return err
		}
	}
	return nil
}
