package procfs

import (
	"bytes"
	"strings"
)

// A Mapping is a file that a process has mapped as code.
type Mapping struct {
	Path    string `json:"path"`
	Deleted bool   `json:"deleted,omitempty"`
}

// maxMappings bounds how many different files of one process are kept.
const maxMappings = 2000

// ParseMaps reads /proc/PID/maps, see proc_pid_maps(5), and returns every file that is mapped as code, once. The names of what is no file
// ([vdso], anonymous memory) are left out.
func ParseMaps(b []byte) []Mapping {
	var out []Mapping
	seen := map[string]bool{}
	for line := range bytes.Lines(b) {
		m, ok := parseMapping(strings.TrimSuffix(string(line), "\n"))
		if !ok || seen[m.Path] {
			continue
		}
		seen[m.Path] = true
		if out = append(out, m); len(out) >= maxMappings {
			break
		}
	}
	return out
}

// parseMapping reads one line: 55d0-55e0 r-xp 00002000 fe:00 1311 /usr/bin/cat. It is not ok unless it is a file's code.
func parseMapping(line string) (Mapping, bool) {
	rest := line
	var field [5]string
	for i := range field {
		var ok bool
		if field[i], rest, ok = strings.Cut(rest, " "); !ok {
			return Mapping{}, false
		}
	}
	name := strings.TrimLeft(rest, " ")
	if len(field[1]) != 4 || field[1][2] != 'x' || !strings.HasPrefix(name, "/") {
		return Mapping{}, false
	}
	name = unescapeNewline(name)
	path, deleted := strings.CutSuffix(name, deletedMark)
	return Mapping{Path: path, Deleted: deleted}, true
}

// deletedMark ends the path of a file that has no name any more.
const deletedMark = " (deleted)"

// unescapeNewline undoes the only escape of these files.
func unescapeNewline(s string) string { return strings.ReplaceAll(s, `\012`, "\n") }
