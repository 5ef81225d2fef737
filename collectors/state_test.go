package collectors

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"bellwether/collectors/anomaly"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

type stateRow struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

// kept remembers what a table hands over.
type kept struct {
	items map[string]string
	lines []int64
}

func (k *kept) Add(item *Item, write func(io.Writer) error) error {
	var b strings.Builder
	_ = write(&b) // it is recorded with the item in a real sink, and not returned
	k.items[item.Name] = b.String()
	return nil
}

func (k *kept) Anomaly(_ anomaly.Finding, _ string, line int64) error {
	k.lines = append(k.lines, line)
	return nil
}

func TestTableIsKeptForProgramsAndForPeople(t *testing.T) {
	tab := table[stateRow]{
		name: "processes", source: "/proc", rows: []stateRow{{1, "init"}, {23, "a\nb\x1b[1m"}, {4, ""}},
		columns: []column[stateRow]{
			{"pid", func(r stateRow) string { return strings.Repeat("9", r.PID%7) }},
			{"name", func(r stateRow) string { return r.Name }},
		},
	}
	rule := anomaly.Rule{ID: "x"}
	k := &kept{items: map[string]string{}}
	if err := tab.keep(t.Context(), k, profiles.Step{}, []anomaly.Finding{rule.In(1, "odd"), rule.In(-1, "all of it")}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"state/processes.jsonl": `{"pid":1,"name":"init"}` + "\n" + `{"pid":23,"name":"a\nb\u001b[1m"}` + "\n" + `{"pid":4,"name":""}` + "\n",
		"state/processes.txt":   "PID   NAME\n9     init\n99    a\\x0ab\\x1b[1m\n9999  -\n",
	}
	if diff := cmp.Diff(want, k.items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{3, 0}, k.lines); diff != "" {
		t.Errorf("lines of the findings (-want +got):\n%s", diff)
	}
	lines := strings.Split(k.items["state/processes.txt"], "\n")
	if !strings.Contains(lines[k.lines[0]-1], "a\\x0ab") {
		t.Errorf("line %d is %q, not the row of the finding", k.lines[0], lines[k.lines[0]-1])
	}
}

// The rows that are left when a run ends are not written, and what was found is told all the same.
func TestATableEndsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("the run ended")
	written := 0
	tab := table[stateRow]{
		name: "processes", rows: make([]stateRow, 1000), columns: []column[stateRow]{{"name", func(stateRow) string {
			if written++; written == 10 {
				cancel(ended)
			}
			return "x"
		}}},
	}
	sink := &kept{items: map[string]string{}}
	err := tab.keep(ctx, sink, profiles.Step{}, []anomaly.Finding{{Row: 3}})
	if !errors.Is(err, ended) || written != 10 || len(sink.lines) != 1 {
		t.Errorf("%v after %d rows, %d findings", err, written, len(sink.lines))
	}
	var b strings.Builder
	if err := tab.writeJSON(ctx, &b); !errors.Is(err, ended) || b.Len() > 0 {
		t.Errorf("%v with %d bytes", err, b.Len())
	}
}
