package anomaly

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/anomalies.md anew")

const manual = "../../docs/anomalies.md"

// TestManualOfRules compares the manual with the tables that it is made from.
func TestManualOfRules(t *testing.T) {
	got, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(got), "<!-- rules -->\n")
	if !ok {
		t.Fatalf("%s has no mark for the rules", manual)
	}
	want := before + "<!-- rules -->\n" + rulesTable()
	if *update {
		if err := os.WriteFile(manual, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s (-want +got); make docs writes it anew\n%s", manual, diff)
	}
}

func rulesTable() string {
	var b strings.Builder
	for _, table := range tables {
		fmt.Fprintf(&b, "\n## %s\n", table.about)
		for _, r := range table.rules {
			fmt.Fprintf(&b, "\n### %s\n\n%s · %s\n\n%s\n\n*May be honest:* %s\n", r.ID, r.Severity, strings.Join(r.Attack, ", "), r.Means, r.Honest)
		}
	}
	return b.String()
}

func TestRulesAreWhole(t *testing.T) {
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	attack := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	seen := map[string]bool{}
	for _, r := range Rules() {
		if !id.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("rule %q: its id is no name, or not the only one", r.ID)
		}
		seen[r.ID] = true
		if len(r.Attack) == 0 || !strings.HasSuffix(r.Means, ".") || !strings.HasSuffix(r.Honest, ".") {
			t.Errorf("rule %s lacks a technique, or a sentence for its meaning or its false positives", r.ID)
		}
		for _, a := range r.Attack {
			if !attack.MatchString(a) {
				t.Errorf("rule %s: %q is no technique", r.ID, a)
			}
		}
		switch r.Severity {
		case Info, Low, Medium, High:
		default:
			t.Errorf("rule %s: severity %q", r.ID, r.Severity)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, r := range Rules() {
		if got, err := Lookup(r.ID); err != nil || got.ID != r.ID {
			t.Errorf("Lookup(%s) = %v, %v", r.ID, got.ID, err)
		}
	}
	if _, err := Lookup("no-such-rule"); err == nil {
		t.Error("a rule that does not exist was found")
	}
}
