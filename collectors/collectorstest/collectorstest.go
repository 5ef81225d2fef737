// Package collectorstest holds what tests of collectors need: a sink that remembers, and fake roots.
package collectorstest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"bellwether/collectors"
	"bellwether/collectors/anomaly"
)

// Kept is an item as a sink has got it.
type Kept struct {
	collectors.Item
	Content []byte
	Err     error // of write
	Bare    bool  // there was no write
}

// A Sink remembers every item. The zero value is ready.
type Sink struct {
	// Fail, if set, is asked before every item; its error is returned by Add.
	Fail func(collectors.Item) error

	mu       sync.Mutex
	items    []Kept
	findings []Found
}

// Found is an anomaly as a sink has got it.
type Found struct {
	anomaly.Finding
	Name string
	Line int64
}

var _ collectors.AnomalySink = (*Sink)(nil)

// Anomaly implements [collectors.AnomalySink].
func (s *Sink) Anomaly(f anomaly.Finding, name string, line int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, Found{f, name, line})
	return nil
}

// Findings returns the anomalies so far, in order.
func (s *Sink) Findings() []Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.findings)
}

// Add implements [collectors.Sink].
func (s *Sink) Add(item *collectors.Item, write func(io.Writer) error) error {
	if s.Fail != nil {
		if err := s.Fail(*item); err != nil {
			return err
		}
	}
	k := Kept{Bare: write == nil}
	if write != nil {
		var b bytes.Buffer
		k.Err = write(&b)
		k.Content = b.Bytes()
	}
	k.Item = *item
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items, k)
	return nil
}

// Items returns what was added so far, in order.
func (s *Sink) Items() []Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.items)
}

// Sources returns the sources of the items that were kept, sorted.
func (s *Sink) Sources() []string {
	var out []string
	for _, k := range s.Items() {
		if !k.Bare {
			out = append(out, k.Source)
		}
	}
	slices.Sort(out)
	return out
}

// Item returns the one item of a source. It ends the test if there is none, or more than one.
func (s *Sink) Item(t testing.TB, source string) Kept {
	t.Helper()
	var got []Kept
	for _, k := range s.Items() {
		if k.Source == source {
			got = append(got, k)
		}
	}
	if len(got) != 1 {
		t.Fatalf("%d items of the source %q, want 1; there are %q", len(got), source, s.Sources())
	}
	return got[0]
}

// Root makes a root directory with files, by their path below it.
func Root(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
