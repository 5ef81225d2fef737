package anomaly

import (
	"fmt"
	"path"
	"strings"

	"bellwether/collectors/procfs"
)

func oddLibrary(row int, p procfs.Process) *Finding {
	for _, m := range p.Mapped {
		why := procfs.OddPlace(m.Path)
		switch {
		case mapsOfKernel(m):
		case strings.HasPrefix(m.Path, "/memfd:"):
			return about(libraryOdd, row, p, "runs code that is in memory alone: "+m.Path, "library", m.Path).as(Low)
		case why == "":
		case strings.HasPrefix(why, "in the hidden") && inHome(m.Path), path.Base(p.Exe) == "java":
			return about(libraryOdd, row, p, "has the code of "+m.Path+" in memory, "+why, "library", m.Path).as(Low)
		default:
			return about(libraryOdd, row, p, "has the code of "+m.Path+" in memory, "+why, "library", m.Path)
		}
	}
	return nil
}

// mapsOfKernel reports whether a mapping has the name of a file, but is shared memory or a device.
func mapsOfKernel(m procfs.Mapping) bool {
	return strings.HasPrefix(m.Path, "/SYSV") || strings.HasPrefix(m.Path, "/dev/zero") || strings.HasPrefix(m.Path, "/[aio]") ||
		strings.HasPrefix(m.Path, "/anon_hugepage") || strings.HasPrefix(m.Path, "/i915") || strings.HasPrefix(m.Path, "/dev/dri/") ||
		strings.HasPrefix(m.Path, "/dev/nvidia")
}

// deletedLibraries makes one finding of each library, since after an upgrade half of a host maps the old one.
func (h processHost) deletedLibraries() []Finding {
	at := map[string]int{}
	count := map[string]int{}
	var order []string
	for i, p := range h.ps {
		for _, m := range p.Mapped {
			if !m.Deleted || p.Own || mapsOfKernel(m) || strings.HasPrefix(m.Path, "/memfd:") {
				continue
			}
			if _, ok := at[m.Path]; !ok {
				at[m.Path] = i
				order = append(order, m.Path)
			}
			count[m.Path]++
		}
	}
	var out []Finding
	for _, lib := range order {
		f := about(deletedLibrary, at[lib], h.ps[at[lib]], "runs code of "+lib+", which was deleted", "library", lib)
		if n := count[lib]; n > 1 {
			f.Text += fmt.Sprintf("; so do %d others", n-1)
		}
		if procfs.SystemPlace(lib) {
			f.as(Info)
		}
		out = append(out, *f)
	}
	return out
}
