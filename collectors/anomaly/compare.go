package anomaly

import (
	"fmt"
	"strings"
)

var (
	toolHidesProcess = Rule{
		ID: "tool-hides-process", Severity: High, Attack: []string{"T1014", "T1564"},
		Means: "ps leaves out processes that the kernel lists: ps was replaced, a library is preloaded into it, or a mount lies over the processes.",
		Honest: "None: only processes that were there before, between and after three runs are counted, and a ps whose headings or whose list can't be those of this host " +
			"is not compared: state/compare.txt says so.",
	}
	toolHidesSocket = Rule{
		ID: "tool-hides-socket", Severity: High, Attack: []string{"T1014"},
		Means:  "ss or netstat leaves out sockets that the kernel lists.",
		Honest: "None: only sockets that were there before, between and after three runs are counted.",
	}
	toolHidesModule = Rule{
		ID: "tool-hides-module", Severity: High, Attack: []string{"T1014", "T1547.006"},
		Means:  "lsmod leaves out modules that the kernel lists.",
		Honest: "None: only modules that were loaded before, between and after three runs are counted.",
	}
	toolHidesFile = Rule{
		ID: "tool-hides-file", Severity: High, Attack: []string{"T1014", "T1564.001"},
		Means:  "ls leaves out files that the kernel lists.",
		Honest: "None: only names that were there before, between and after three runs are counted, and none that holds a line break.",
	}
)

var compareRules = []*Rule{&toolHidesProcess, &toolHidesSocket, &toolHidesModule, &toolHidesFile}

// A Comparison is what a tool of the host said beside what the kernel says.
type Comparison struct {
	Of      string   `json:"of"`   // process, socket, module, file
	Tool    string   `json:"tool"` // its command line
	Kernel  int      `json:"kernel"`
	Said    int      `json:"tool_count"`
	LeftOut []string `json:"left_out,omitempty"` // as the kernel names them
	Note    string   `json:"note,omitempty"`     // why there is nothing to compare
}

// maxNamed bounds how many names a sentence lists.
const maxNamed = 20

// Comparisons applies the rules for tools; the rows of the findings are those of cs.
func Comparisons(cs []Comparison) []Finding {
	rules := map[string]Rule{"process": toolHidesProcess, "socket": toolHidesSocket, "module": toolHidesModule, "file": toolHidesFile}
	var out []Finding
	for i, c := range cs {
		rule, ok := rules[c.Of]
		if !ok || len(c.LeftOut) == 0 {
			continue
		}
		names := strings.Join(c.LeftOut[:min(len(c.LeftOut), maxNamed)], ", ")
		if more := len(c.LeftOut) - maxNamed; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, rule.In(i, fmt.Sprintf("`%s` leaves out: %s", c.Tool, names), "tool", c.Tool, "left_out", names))
	}
	return out
}
