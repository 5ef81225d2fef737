package collectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
	"bellwether/profiles"

	"github.com/bmatcuk/doublestar/v4"
)

// vendor looks which programs of vendors are on the host, such as EDR and antivirus, and copies their logs. All products are one step's, so
// that they are one table, and /proc is read once. The logs are copied also of what is gone: an attacker may have removed it.
type vendor struct {
	env    *Env
	step   profiles.Step
	budget *budget
}

func newVendor(env *Env, step profiles.Step) Collector {
	return &vendor{env, step, newBudget(step)}
}

const (
	// maxEvidence bounds how many paths a row names.
	maxEvidence = 5
	// maxProduct bounds how many processes of one product a row names.
	maxProduct = 50
)

// A productRow is one line of state/vendors.
type productRow struct {
	Product   string   `json:"product"`
	Kind      string   `json:"kind"`      // edr, antivirus, compliance, log, backup, monitoring, management
	State     string   `json:"state"`     // running, name only (of a process that anybody may have started), installed, traces (only logs are there), absent
	Installed bool     `json:"installed"` // a file or a unit proves it
	PIDs      []int    `json:"pids,omitempty"`
	Evidence  []string `json:"evidence,omitempty"` // paths, units, and what a process is called
	Logs      int      `json:"logs"`               // files that match
	Bytes     int64    `json:"bytes"`              // of them
}

// Collect implements [Collector].
func (c *vendor) Collect(ctx context.Context, sink Sink) error {
	root, err := openRoot(c.env.Root)
	if err != nil {
		return sink.Add(&Item{Step: c.step.Name, Collector: c.step.Collector, Source: c.env.Root, Status: Failed, Reason: plain(err)}, nil)
	}
	defer root.close()
	running := programsRunning(procfs.New(c.env.Root))
	rows := make([]productRow, 0, len(c.step.Products))
	for _, p := range c.step.Products {
		row, err := c.product(ctx, sink, root, p, running)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	return productTable(rows).keep(ctx, sink, c.step, nil)
}

// product looks for one product and copies its logs.
func (c *vendor) product(ctx context.Context, sink Sink, root *dir, p profiles.Product, running runningPrograms) (productRow, error) {
	row := productRow{Product: p.Name, Kind: p.Kind}
	evidence := func(s string) {
		if len(row.Evidence) < maxEvidence {
			row.Evidence = append(row.Evidence, s)
		}
	}
	proven, named := c.pids(p, running, evidence)
	row.PIDs = proven
	if len(proven) == 0 {
		row.PIDs = named
	}
	row.PIDs = row.PIDs[:min(len(row.PIDs), maxProduct)]

	there := func(pattern string) error {
		step := profiles.Step{Name: c.step.Name, Collector: c.step.Collector, MaxDepth: 1}
		return c.env.walker(root, step, func(x found) error {
			if !x.failed && !x.absent {
				row.Installed = true
				evidence(firstNames(x.path, strings.Count(pattern, "/")))
			}
			return errFound
		}).walk(ctx, pattern)
	}
	for _, pattern := range slices.Concat(p.Path, c.units(p)) {
		if err := there(pattern); err != nil && !errors.Is(err, errFound) {
			return row, err
		}
	}
	if err := c.logs(ctx, sink, root, p, &row); err != nil {
		return row, err
	}
	switch {
	case len(proven) > 0:
		row.State = "running"
	case len(named) > 0:
		row.State = "name only"
	case row.Installed:
		row.State = "installed"
	case row.Logs > 0:
		row.State = "traces"
	default:
		row.State = "absent"
	}
	return row, nil
}

// pids returns the processes of a product, sorted: root's that are called so and those that run from where the product is; and those that are
// called so alone, as anybody can call a process.
func (c *vendor) pids(p profiles.Product, running runningPrograms, evidence func(string)) (proven, named []int) {
	proven = running.below(p.Path)
	for _, name := range p.Process {
		roots, others := 0, 0
		for _, pid := range running.of(name) {
			switch {
			case running.root[pid]:
				proven = append(proven, pid)
				roots++
			case !slices.Contains(proven, pid):
				named = append(named, pid)
				others++
			}
		}
		if roots > 0 {
			evidence("process " + name)
		}
		if others > 0 {
			evidence("process " + name + ", by its name only: neither root's nor run from where the product is")
		}
	}
	for _, pid := range running.below(p.Path) {
		evidence("executable " + running.exes[pid])
	}
	slices.Sort(proven)
	slices.Sort(named)
	return slices.Compact(proven), slices.Compact(named)
}

// errFound ends a walk that has an answer.
var errFound = errors.New("found")

// firstNames cuts a path to so many names: what a pattern matches, and not what is below.
func firstNames(p string, n int) string {
	names := strings.Split(p, "/")
	return strings.Join(names[:min(len(names), n+1)], "/")
}

// units returns where the units of a product would be.
func (c *vendor) units(p profiles.Product) []string {
	var out []string
	for _, folder := range c.step.Path {
		for _, unit := range p.Unit {
			out = append(out, path.Join(folder, escapeLiteral(unit)))
		}
	}
	return out
}

// logs copies the logs of a product.
func (c *vendor) logs(ctx context.Context, sink Sink, root *dir, p profiles.Product, row *productRow) error {
	f := file{env: c.env, step: c.step, note: "log of " + p.Name}
	for _, pattern := range p.Logs {
		err := c.env.walker(root, c.step, func(x found) error {
			if x.reason == emptyDirectory || x.absent {
				return nil
			}
			if x.reason == "" && x.info.mode.IsRegular() {
				row.Logs++
				row.Bytes += x.info.size
				x.reason = c.budget.over(x.path, x.info.size)
			}
			if _, kept := c.env.seen.find(x); x.reason == "" && !kept {
				defer c.budget.take(x.path, min(x.info.size, x.info.blocks))
			}
			return f.visit(ctx, sink, x)
		}).walk(ctx, pattern)
		if err != nil {
			return err
		}
	}
	return nil
}

// runningPrograms are the processes by what they are called, and by their executables.
type runningPrograms struct {
	pids map[string][]int // by the name of the executable, and by what the kernel keeps of a name
	exes map[int]string   // by pid
	root map[int]bool     // started by root
}

// of returns the pids of a name. The kernel keeps the first 15 bytes of one.
func (r runningPrograms) of(name string) []int {
	const kept = 15
	if pids := r.pids[name]; len(pids) > 0 || len(name) <= kept {
		return pids
	}
	return r.pids[name[:kept]]
}

// below returns the pids whose executable one of the patterns matches, or stands below what one matches.
func (r runningPrograms) below(patterns []string) []int {
	var out []int
	for _, pid := range slices.Sorted(maps.Keys(r.exes)) {
		if slices.ContainsFunc(patterns, func(p string) bool {
			return doublestar.MatchUnvalidated(p, r.exes[pid]) || doublestar.MatchUnvalidated(path.Join(p, "**"), r.exes[pid])
		}) {
			out = append(out, pid)
		}
	}
	return out
}

func programsRunning(live procfs.FS) runningPrograms {
	r := runningPrograms{map[string][]int{}, map[int]string{}, map[int]bool{}}
	pids, err := live.PIDs()
	if err != nil && len(pids) == 0 {
		return r
	}
	for _, pid := range pids {
		at := fmt.Sprintf("proc/%d", pid)
		names := map[string]bool{}
		if comm, err := live.Read(at + "/comm"); err == nil {
			names[strings.TrimSpace(string(comm))] = true
		}
		if exe, err := live.Link(at + "/exe"); err == nil {
			r.exes[pid] = strings.TrimSuffix(exe, " (deleted)")
			names[path.Base(r.exes[pid])] = true
		}
		if text, err := live.Read(at + "/status"); err == nil {
			if st, err := procfs.ParseStatus(text); err == nil {
				r.root[pid] = st.UIDs[0] == 0
			}
		}
		for name := range names {
			if name != "" {
				r.pids[name] = append(r.pids[name], pid)
			}
		}
	}
	return r
}

func productTable(rows []productRow) table[productRow] {
	return table[productRow]{name: "vendors", source: "processes, units and files of known products", rows: rows, columns: []column[productRow]{
		{"state", func(r productRow) string { return r.State }},
		{"kind", func(r productRow) string { return r.Kind }},
		{"product", func(r productRow) string { return r.Product }},
		{"pids", func(r productRow) string { return joinInts(r.PIDs) }},
		{"logs", func(r productRow) string { return strconv.Itoa(r.Logs) }},
		{"bytes", func(r productRow) string { return strconv.FormatInt(r.Bytes, 10) }},
		{"evidence", func(r productRow) string { return strings.Join(r.Evidence, ", ") }},
	}}
}

func joinInts(n []int) string {
	out := make([]string, len(n))
	for i := range n {
		out[i] = strconv.Itoa(n[i])
	}
	return strings.Join(out, " ")
}
