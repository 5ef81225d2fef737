package collectors

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/profiles"
)

// findingSink remembers findings.
type findingSink struct{ found []anomaly.Finding }

func (s *findingSink) Add(*Item, func(io.Writer) error) error { return nil }

func (s *findingSink) Anomaly(f anomaly.Finding, _ string, _ int64) error {
	s.found = append(s.found, f)
	return nil
}

// A user's decoys don't hide a finding about a file of another owner, nor do those of many users, and the last that is reported says so.
func TestDecoysHideNoFindingOfOthers(t *testing.T) {
	sink := &findingSink{}
	lists := newFileLists(&walkAll{env: &Env{Now: time.Now}, step: profiles.Step{}}, sink, nil, nil)
	list := lists.setID
	rule := anomaly.Rule{ID: "file-setid", Severity: anomaly.High}
	for uid := range uint32(mostOwners + 10) {
		for range 300 {
			lists.add(list, 1, 1000+uid, anomaly.Finding{Rule: rule, Text: "decoy"})
		}
	}
	lists.add(list, 1, 0, anomaly.Finding{Rule: rule, Text: "real"})
	last := map[string]int{}
	for _, f := range sink.found {
		if _, said, ok := strings.Cut(f.Text, "files of "); ok {
			last[said]++
		}
	}
	if got := sink.found[len(sink.found)-1].Text; got != "real" {
		t.Errorf("the last finding is %q, want root's", got)
	}
	if want := (mostOwners+1)*mostFindings + 1; len(sink.found) != want {
		t.Errorf("%d findings, want %d", len(sink.found), want)
	}
	for _, who := range []string{"uid 1000", fmt.Sprint("uid ", 1000+mostOwners-1), "other users"} {
		if n := last[who+" are not reported, see the list state/walk/suid.txt"]; n != 1 {
			t.Errorf("%d findings say that those of %s end, want 1; said: %v", n, who, last)
		}
	}
}
