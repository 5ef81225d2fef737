package collectors

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"

	"bellwether/collectors/anomaly"
	"bellwether/profiles"
)

// A stream is a table of which no more than a few rows are held: it is read once for each of its two forms. each must hand over the same
// rows both times, and may set the reason while it does.
type stream[T any] struct {
	name    string
	source  string
	each    func(yield func(T) error) error
	columns []column[T]
	reason  func() string      // what a reader should know, asked when all rows were written
	finds   func(row int, t T) // sees every row once, for findings
}

// rowsAligned is how many rows of a stream are aligned with each other.
const rowsAligned = 256

// add hands both forms to the sink, and then the findings.
func (s stream[T]) add(sink Sink, step profiles.Step, findings func() []anomaly.Finding) error {
	json := s.item(step, ".jsonl")
	if err := sink.Add(json, func(w io.Writer) error { return s.writeJSON(w, json) }); err != nil {
		return err
	}
	text := s.item(step, ".txt")
	if err := sink.Add(text, func(w io.Writer) error { return s.writeText(w, text) }); err != nil {
		return err
	}
	return report(sink, findings(), text.Name)
}

func (s stream[T]) item(step profiles.Step, ending string) *Item {
	return &Item{Step: step.Name, Collector: step.Collector, Name: path.Join("state", s.name+ending), Source: s.source, SizeHint: -1}
}

func (s stream[T]) writeJSON(w io.Writer, item *Item) error {
	b := bufio.NewWriterSize(w, bufferSize)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	row := 0
	err := s.each(func(t T) error {
		s.finds(row, t)
		row++
		if err := e.Encode(t); err != nil {
			return fmt.Errorf("encoding %s: %w", s.name, err)
		}
		return nil
	})
	item.Reason = s.reason()
	if err != nil {
		return err
	}
	return b.Flush()
}

func (s stream[T]) writeText(w io.Writer, item *Item) error {
	b := bufio.NewWriterSize(w, bufferSize) // tabwriter writes cell by cell
	tw := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	row := 0
	err := s.each(func(t T) error {
		if row == 0 {
			for i, c := range s.columns {
				fmt.Fprint(tw, strings.ToUpper(c.name), ending(i, len(s.columns)))
			}
		}
		for i, c := range s.columns {
			fmt.Fprint(tw, cell(c.text(t)), ending(i, len(s.columns)))
		}
		if row++; row%rowsAligned == 0 {
			return tw.Flush()
		}
		return nil
	})
	item.Reason = s.reason()
	if err != nil {
		return err
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return b.Flush()
}
