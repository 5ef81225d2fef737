// Package anomaly says what is suspicious in the state of a host, in words for people.
//
// The rules that every file keeps: a rule is a row of a table, with an id, a severity, its ATT&CK techniques, and what else it can mean,
// so that docs/anomalies.md is made from the tables. The functions that apply rules are pure: facts in, findings out, no reading
// of the host. A severity of high is for what has no honest explanation on a server that nobody has tampered with; what an
// administrator or a package may have done is medium at most, and says so.
package anomaly

import (
	"fmt"
	"slices"
)

// A Severity says how much a finding should worry.
type Severity string

// The severities.
const (
	Info   Severity = "info"
	Low    Severity = "low"
	Medium Severity = "medium"
	High   Severity = "high"
)

// A Rule is one state of a host that is suspicious in itself.
type Rule struct {
	ID       string // lower case and dashes; never changes once it was released
	Severity Severity
	Attack   []string // MITRE ATT&CK technique ids
	Means    string   // a sentence for people: what such a state means
	Honest   string   // the false positives: how such a state comes about without an attacker, and how to tell
}

// A Finding is a place where a rule holds.
type Finding struct {
	Rule
	Text     string            // a sentence for people, with what was found
	Evidence map[string]string // what it was found from: pid, exe, path …
	Row      int               // the row of the state table that it was found in, from 0; -1 where it stands in none
}

// In returns a finding of a rule in a row of a state table; -1 is none. The pairs are names and values of the evidence.
func (r Rule) In(row int, text string, pairs ...string) Finding {
	f := Finding{Rule: r, Text: text, Row: row, Evidence: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			f.Evidence[pairs[i]] = pairs[i+1]
		}
	}
	return f
}

// tables are the rules by what they look at, in the order of the documentation.
var tables = []struct {
	about string
	rules []*Rule
}{
	{"Processes", processRules},
	{"Network", networkRules},
	{"Kernel", kernelRules},
	{"Tools of the host", compareRules},
	{"Accounts", accountRules},
	{"Records of logins", sessionRules},
	{"Logs", logRules},
	{"What starts by itself", scheduleRules},
	{"Containers", containerRules},
	{"Files", fileRules},
}

// Rules returns every rule, by what it looks at.
func Rules() []Rule {
	var all []Rule
	for _, t := range tables {
		for _, r := range t.rules {
			all = append(all, *r)
		}
	}
	return all
}

// Lookup returns the rule with an id.
func Lookup(id string) (Rule, error) {
	all := Rules()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, fmt.Errorf("no rule %q", id)
	}
	return all[i], nil
}
