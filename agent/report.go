package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"bellwether/agent/evidence"
	"bellwether/collectors"
	"bellwether/collectors/anomaly"
	"bellwether/profiles"
)

// A result is what a run has to say when it has ended.
type result struct {
	evidence.Summary
	Exit        int
	Err         error
	Took        time.Duration
	Where       string
	Tally       *tally
	Privileged  bool
	MaxBytes    string        // the run's budget, as the user gave it
	ClockOffset time.Duration // how far the store's clock is ahead; 0 where it isn't known
}

// A tally counts what the manifest records, for the report at the end.
type tally struct {
	mu       sync.Mutex
	commands counts
	files    counts
	refused  []string // sources that could not be read
	nRefused int      // all of them
	budget   int      // items that the run's budget has left out or cut

	severities map[string]int
	worst      []string // the first findings of severity high, in a sentence each
}

// maxWorst is how many findings a report tells.
const maxWorst = 5

// find takes one finding.
func (t *tally) find(f evidence.Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.severities[f.Severity]++
	if f.Severity == string(anomaly.High) && len(t.worst) < maxWorst {
		t.worst = append(t.worst, worstLine(f))
	}
}

// findings says how many findings there are of each severity.
func (t *tally) findings() string {
	var parts []string
	for _, s := range []anomaly.Severity{anomaly.High, anomaly.Medium, anomaly.Low, anomaly.Info} {
		if n := t.severities[string(s)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// counts are outcomes by kind.
type counts struct {
	Kept    int   `json:"kept"`
	Skipped int   `json:"skipped"`
	Failed  int   `json:"failed"`
	Partial int   `json:"partial"`
	Lost    int   `json:"lost"` // read, and not taken by the store
	Bytes   int64 `json:"bytes"`
}

// maxRefused is how many sources a report names.
const maxRefused = 5

func newTally() *tally { return &tally{severities: map[string]int{}} }

// add takes one line of the manifest.
func (t *tally) add(l evidence.Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if strings.HasPrefix(l.Reason, evidence.OverBudget) {
		t.budget++
	}
	switch l.Collector {
	case profiles.Command, profiles.Journal:
		if !strings.HasSuffix(l.Name, ".stderr.txt") { // what it wrote beside is no command of its own
			t.commands.add(l)
		}
	case profiles.File, profiles.Volumes, profiles.Vendor:
		if !strings.HasPrefix(l.Name, "state/") {
			t.files.add(l)
		}
	}
	if l.Status == collectors.Failed && profiles.CopiesFiles(l.Collector) && !strings.HasPrefix(l.Reason, evidence.NotKept) {
		t.nRefused++
		if source := evidence.Printable(l.Source); len(t.refused) < maxRefused && !slices.Contains(t.refused, source) {
			t.refused = append(t.refused, source)
		}
	}
}

func (c *counts) add(l evidence.Line) {
	switch l.Status {
	case collectors.Skipped:
		c.Skipped++
	case collectors.Failed:
		if strings.HasPrefix(l.Reason, evidence.NotKept) {
			c.Lost++
			break
		}
		c.Failed++
	case collectors.Partial:
		c.Partial++
		c.Kept++
	default:
		c.Kept++
	}
	if l.Size != nil {
		c.Bytes += *l.Size
	}
}

// A lateWriter keeps what is written to it until its destination is known.
type lateWriter struct {
	mu   sync.Mutex
	held []byte
	to   io.Writer
}

// maxHeld bounds what is kept before the case is open, in bytes.
const maxHeld = 64 << 10

func (l *lateWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		return l.to.Write(p)
	}
	if len(l.held)+len(p) <= maxHeld {
		l.held = append(l.held, p...)
	}
	return len(p), nil
}

// use names the destination, and sends it what was held.
func (l *lateWriter) use(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = w.Write(l.held)
	l.held, l.to = nil, w
}
