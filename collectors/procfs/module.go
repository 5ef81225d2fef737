package procfs

import (
	"bytes"
	"strconv"
	"strings"
)

// A Module is a loadable module of the kernel in the views that there are of it.
type Module struct {
	Name    string   `json:"name"`
	Size    int64    `json:"size"` // bytes
	Refs    int      `json:"refs"`
	UsedBy  []string `json:"used_by,omitempty"`
	State   string   `json:"state,omitempty"`  // Live, Loading, Unloading
	Taints  string   `json:"taints,omitempty"` // letters, such as OE
	Version string   `json:"version,omitempty"`
	Source  string   `json:"srcversion,omitempty"`

	InProc  bool `json:"in_proc"`             // stands in /proc/modules
	InSysfs bool `json:"in_sysfs"`            // stands in /sys/module
	Traced  bool `json:"in_ftrace,omitempty"` // the tracer knows functions of it
}

// maxModules bounds how many modules are kept.
const maxModules = 10_000

// ParseModules reads /proc/modules, see proc_modules(5). Lines that it can't read are passed over.
func ParseModules(b []byte) []Module {
	var out []Module
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		if len(f) < 5 || len(out) >= maxModules {
			continue
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			continue
		}
		m := Module{Name: f[0], Size: size, State: f[4], InProc: true}
		m.Refs, _ = strconv.Atoi(f[2]) // "-" in a kernel that can't unload
		for user := range strings.SplitSeq(f[3], ",") {
			if user != "" && user != "-" {
				m.UsedBy = append(m.UsedBy, user)
			}
		}
		if last := f[len(f)-1]; strings.HasPrefix(last, "(") && strings.HasSuffix(last, ")") {
			m.Taints = strings.TrimRight(strings.Trim(last, "()"), "+-")
		}
		out = append(out, m)
	}
	return out
}

// Modules reads the modules in every view. It is nil, and not only empty, if this kernel, or this container, shows no list of modules, since there is nothing to
// compare then.
func (f FS) Modules() ([]Module, error) {
	b, err := f.Read("proc/modules")
	if err != nil {
		if absent(err) {
			return nil, nil
		}
		return nil, err
	}
	all := append([]Module{}, ParseModules(b)...)
	at := map[string]int{}
	for i, m := range all {
		at[m.Name] = i
	}
	row := func(name string) *Module {
		if i, ok := at[name]; ok {
			return &all[i]
		}
		at[name] = len(all)
		all = append(all, Module{Name: name})
		return &all[len(all)-1]
	}
	names, err := f.names("sys/module")
	for _, name := range names {
		dir := "sys/module/" + name
		state := f.text(dir + "/initstate")
		if state == "" || len(all) >= maxModules {
			continue // built in
		}
		m := row(name)
		m.InSysfs, m.Version, m.Source = true, f.text(dir+"/version"), f.text(dir+"/srcversion")
		if !m.InProc {
			m.State, m.Taints = state, f.text(dir+"/taint")
			m.Size, _ = strconv.ParseInt(f.text(dir+"/coresize"), 10, 64)
		}
	}
	for name := range f.tracedModules() {
		if len(all) < maxModules {
			row(name).Traced = true
		}
	}
	return all, err
}

// SysfsLists reports whether /sys/module can be compared with: it is not there in some containers.
func (f FS) SysfsLists() bool {
	names, err := f.names("sys/module")
	return err == nil && len(names) > 0
}

// tracedModules returns the modules whose functions the tracer knows, if its file system is mounted.
func (f FS) tracedModules() map[string]bool {
	out := map[string]bool{}
	names, _ := lines(f, "sys/kernel/tracing/available_filter_functions", maxModules, distinctModules())
	for _, n := range names {
		out[n] = true
	}
	return out
}

// distinctModules returns a parser of lines such as "ext4_read [ext4]" that takes each module once, in a run of its functions.
func distinctModules() func(string) (string, bool) {
	last := ""
	return func(line string) (string, bool) {
		name := moduleTag(line)
		if name == "" || name == last {
			return "", false
		}
		last = name
		return name, true
	}
}

// moduleTag returns the module in brackets at the end of a line of the tracer, "" if there is none.
func moduleTag(line string) string {
	_, rest, ok := strings.Cut(line, " [")
	name, _, closed := strings.Cut(rest, "]")
	if !ok || !closed || strings.ContainsAny(name, " \t/[") || strings.HasPrefix(name, "__builtin__") || name == "bpf" {
		return ""
	}
	return name
}

// A Taint is one bit of /proc/sys/kernel/tainted.
type Taint struct {
	Letter string `json:"letter"`
	Means  string `json:"means"`
	Module bool   `json:"of_a_module"` // only loading a module sets it
}

// taints are the bits in their order, see the kernel's Documentation/admin-guide/tainted-kernels.rst.
var taints = []Taint{
	{"P", "a proprietary module was loaded", true},
	{"F", "a module was loaded by force", true},
	{"S", "the processor is out of its specification", false},
	{"R", "a module was unloaded by force", true},
	{"M", "a machine check exception", false},
	{"B", "a bad page", false},
	{"U", "a user program asked for it", false},
	{"D", "the kernel died (oops)", false},
	{"A", "an ACPI table was overridden", false},
	{"W", "the kernel warned", false},
	{"C", "a staging driver was loaded", true},
	{"I", "a workaround for the firmware", false},
	{"O", "an out-of-tree module was loaded", true},
	{"E", "an unsigned module was loaded", true},
	{"L", "a soft lockup", false},
	{"K", "the kernel was patched while it ran", true},
	{"X", "set by the distribution", false},
	{"T", "built with struct randomisation", false},
	{"N", "a test of the kernel was run", true},
	{"J", "a mutating fwctl call", false},
}

// DecodeTaint names the bits of /proc/sys/kernel/tainted.
func DecodeTaint(mask uint64) []Taint {
	var out []Taint
	for i := range 64 {
		if mask>>i&1 == 0 {
			continue
		}
		if i < len(taints) {
			out = append(out, taints[i])
		} else {
			out = append(out, Taint{Letter: strconv.Itoa(i), Means: "not known"})
		}
	}
	return out
}
