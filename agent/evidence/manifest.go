package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"bellwether/collectors"
)

// The kinds of manifest lines.
const (
	kindItem = "item"
	kindEnd  = "end"
)

// A Line is one line of manifest.jsonl. docs/case-format.md explains each field.
type Line struct {
	Kind         string              `json:"kind"`
	Seq          int64               `json:"seq"`
	Time         time.Time           `json:"time"`
	Step         string              `json:"step,omitempty"`
	Collector    string              `json:"collector,omitempty"`
	Name         string              `json:"name,omitempty"`
	Source       string              `json:"source,omitempty"`
	SourceBase64 string              `json:"source_base64,omitempty"` // the bytes of a source that is no UTF-8
	Status       collectors.Status   `json:"status,omitempty"`
	Reason       string              `json:"reason,omitempty"`
	Size         *int64              `json:"size,omitempty"`
	SHA256       string              `json:"sha256,omitempty"`
	SizeStored   *int64              `json:"size_stored,omitempty"`
	SHA256Stored string              `json:"sha256_stored,omitempty"` // of what the store has, where it is encrypted
	SourceSize   int64               `json:"source_size,omitempty"`
	Mode         string              `json:"mode,omitempty"`
	Owner        string              `json:"owner,omitempty"`
	MTime        *time.Time          `json:"mtime,omitempty"`
	ATime        *time.Time          `json:"atime,omitempty"`
	CTime        *time.Time          `json:"ctime,omitempty"`
	BTime        *time.Time          `json:"btime,omitempty"`
	Target       string              `json:"target,omitempty"`
	TargetBase64 string              `json:"target_base64,omitempty"`
	SameAs       string              `json:"same_as,omitempty"`
	Extents      []collectors.Extent `json:"extents,omitempty"`
	ExitCode     *int                `json:"exit_code,omitempty"`
	Signal       string              `json:"signal,omitempty"`
	DurationMS   *int64              `json:"duration_ms,omitempty"`
	TruncatedAt  int64               `json:"truncated_at,omitempty"`
	Scan         string              `json:"scan,omitempty"` // why the scan for indicators is incomplete
	Totals       *Totals             `json:"totals,omitempty"`
	Prev         string              `json:"prev"`
}

// Totals are the figures of an end line.
type Totals struct {
	Items    int64    `json:"items"` // lines before the end line
	OK       int64    `json:"ok"`
	Empty    int64    `json:"empty"`
	Partial  int64    `json:"partial"`
	Failed   int64    `json:"failed"`
	Skipped  int64    `json:"skipped"`
	Bytes    int64    `json:"bytes"` // of all items
	Findings int64    `json:"findings"`
	Complete bool     `json:"complete"`
	Missing  []string `json:"missing,omitempty"` // why the case is not complete
}

func (t *Totals) count(l Line) {
	t.Items++
	switch l.Status {
	case collectors.OK:
		t.OK++
	case collectors.Empty:
		t.Empty++
	case collectors.Partial:
		t.Partial++
	case collectors.Failed:
		t.Failed++
	case collectors.Skipped:
		t.Skipped++
	}
	if l.Size != nil {
		t.Bytes += *l.Size
	}
}

// lineOf says in a line what a collector said of an item.
func lineOf(item *collectors.Item) Line {
	l := Line{
		Kind: kindItem, Step: item.Step, Collector: item.Collector, Status: item.Status, Reason: valid(item.Reason),
		SourceSize: item.SourceSize, Mode: item.Mode, Owner: item.Owner,
		MTime: utc(item.ModTime), ATime: utc(item.AccessTime), CTime: utc(item.ChangeTime), BTime: utc(item.BirthTime),
		SameAs: valid(item.SameAs), Extents: item.Extents, ExitCode: item.ExitCode, Signal: item.Signal, TruncatedAt: item.TruncatedAt,
	}
	l.Source, l.SourceBase64 = exact(item.Source)
	l.Target, l.TargetBase64 = exact(item.Target)
	if item.Duration > 0 {
		ms := item.Duration.Milliseconds()
		l.DurationMS = &ms
	}
	return l
}

// exact returns a string as JSON can hold it, and the bytes of one that JSON can't hold.
func exact(s string) (text, base64Bytes string) {
	if utf8.ValidString(s) {
		return s, ""
	}
	return valid(s), base64.StdEncoding.EncodeToString([]byte(s))
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// A chain writes manifest lines, each with the hash of the one before.
type chain struct {
	w    io.Writer
	seq  int64
	prev string
}

// append writes one line and returns its hash, which is the seal if nothing follows.
func (c *chain) append(l Line) (string, error) {
	c.seq++
	l.Seq, l.Prev = c.seq, c.prev
	b, err := encode(l)
	if err != nil {
		return "", fmt.Errorf("encoding manifest line %d: %w", l.Seq, err)
	}
	if _, err := c.w.Write(append(b, '\n')); err != nil {
		return "", fmt.Errorf("writing manifest line %d: %w", l.Seq, err)
	}
	c.prev = hashOf(b)
	return c.prev, nil
}

// encode is one JSON object without a newline, and without the escapes for HTML, so that paths stay readable and can be grepped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// maxLine is the longest manifest line that is read, in bytes.
const maxLine = 4 << 20

// A chainReader reads what a chain wrote, and checks that it is what was written.
type chainReader struct {
	lines *lineReader
	seq   int64
	prev  string
	ended bool
}

func newChainReader(r io.Reader) *chainReader { return &chainReader{lines: newLineReader(r, maxLine)} }

// next returns the next line, io.EOF after an end line, and io.ErrUnexpectedEOF where the manifest stops without one. Every other error
// names the line that is wrong.
func (c *chainReader) next() (Line, error) {
	b, err := c.lines.next()
	if errors.Is(err, io.EOF) && !c.ended {
		return Line{}, io.ErrUnexpectedEOF
	}
	n := c.seq + 1
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Line{}, err
	case err != nil:
		return Line{}, fmt.Errorf("line %d: %w", n, err)
	case c.ended:
		return Line{}, fmt.Errorf("line %d stands behind the end line", n)
	}
	var l Line
	if err := json.Unmarshal(b, &l); err != nil {
		return Line{}, fmt.Errorf("line %d is no manifest line: %w", n, err)
	}
	switch {
	case l.Prev != c.prev && c.seq == 0:
		return Line{}, errors.New("line 1 is not the first line that was written: lines before it were removed")
	case l.Prev != c.prev:
		return Line{}, fmt.Errorf("line %d was changed, or lines between it and line %d were added or removed: the hash in line %d doesn't fit",
			c.seq, n, n)
	case l.Seq != n:
		return Line{}, fmt.Errorf("line %d says that it is line %d", n, l.Seq)
	case l.Kind != kindItem && l.Kind != kindEnd:
		return Line{}, fmt.Errorf("line %d is of the unknown kind %q", n, l.Kind)
	}
	c.seq, c.prev, c.ended = n, hashOf(b), l.Kind == kindEnd
	return l, nil
}
