package collectors

import (
	"fmt"

	"bellwether/collectors/anomaly"
)

const (
	// mostFindings bounds the findings of one rule, severity and owner: what floods the report hides the rest. The lists have all.
	mostFindings = 200
	// mostOwners bounds how many owners have a limit of their own, of one rule and severity. All others but root share one.
	mostOwners = 50
)

// A findingKind is what one limit of findings is for. Many of medium severity are not to hide one that is high, and the decoys that a user
// makes are not to hide what is root's.
type findingKind struct {
	rule, severity string
	uid            uint32
	rest           bool // of all owners that have no limit of their own
}

// findingCounts counts findings.
type findingCounts struct {
	kinds  map[findingKind]int
	owners map[findingKind]int // by rule and severity alone: how many owners have a limit
}

func newFindingCounts() findingCounts {
	return findingCounts{kinds: map[findingKind]int{}, owners: map[findingKind]int{}}
}

// count counts a finding about a file of an owner, and returns how many there are of its kind, and the kind.
func (c findingCounts) count(f anomaly.Finding, uid uint32) (int, findingKind) {
	all := findingKind{rule: f.ID, severity: string(f.Severity)}
	kind := all
	kind.uid = uid
	if _, known := c.kinds[kind]; !known && uid != 0 {
		if c.owners[all] >= mostOwners {
			kind.uid, kind.rest = 0, true
		} else {
			c.owners[all]++
		}
	}
	c.kinds[kind]++
	return c.kinds[kind], kind
}

// of names whose files a limit is for.
func (k findingKind) of() string {
	if k.rest {
		return "other users"
	}
	return fmt.Sprintf("uid %d", k.uid)
}
