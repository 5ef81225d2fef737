package anomaly

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

var (
	moduleHidden = Rule{
		ID: "module-hidden", Severity: High, Attack: []string{"T1014", "T1547.006"},
		Means:  "A module of the kernel stands in one of the kernel's lists and not in another: /proc/modules, /sys/module, or the functions that the tracer knows.",
		Honest: "A module that was being loaded or unloaded; so the lists are read three times.",
	}
	taintUnexplained = Rule{
		ID: "taint-unexplained", Severity: Medium, Attack: []string{"T1014", "T1547.006"},
		Means:  "The kernel remembers that a foreign module was loaded, but no module that is loaded now is one.",
		Honest: "The mark stays after the module was unloaded, until the next boot: drivers and agents that were updated or removed, or that load one for a moment. dmesg names it.",
	}
	moduleUnsigned = Rule{
		ID: "module-unsigned", Severity: Info, Attack: []string{"T1547.006"},
		Means:  "A module that was not built with this kernel, or that nobody has signed, is loaded.",
		Honest: "Drivers that a vendor or DKMS builds (graphics, network, security agents, ZFS).",
	}
	preloadFile = Rule{
		ID: "preload-file", Severity: High, Attack: []string{"T1574.006"},
		Means:  "/etc/ld.so.preload puts a library into every process of the host, the favourite place of rootkits that live outside the kernel.",
		Honest: "Some monitoring agents (Dynatrace OneAgent, snoopy) and Raspberry Pi OS install such a file; the library belongs to a package then.",
	}
	corePatternPipe = Rule{
		ID: "core-pattern-pipe", Severity: Medium, Attack: []string{"T1546"},
		Means:  "The kernel starts a program as root whenever a process crashes, and the program does not lie where packages put them. In a folder that everybody writes to, or in a hidden one, it is high.",
		Honest: "A crash collector that was installed by hand.",
	}
	binfmtMisc = Rule{
		ID: "binfmt-misc", Severity: Medium, Attack: []string{"T1546"},
		Means:  "The kernel starts an interpreter for a kind of file, and the interpreter does not lie where packages put them. In a folder that everybody writes to, or in a hidden one, it is high.",
		Honest: "Emulators and run-times that were installed by hand; WSL's /init.",
	}
	mountOverProc = Rule{
		ID: "mount-over-proc", Severity: Medium, Attack: []string{"T1564", "T1014"},
		Means:  "Something is mounted over a file of /proc, and programs read that instead of what the kernel says.",
		Honest: "Containers cover files such as /proc/kcore and /proc/sys, and lxcfs gives them their own /proc/meminfo; those are known and passed over.",
	}
)

var kernelRules = []*Rule{&moduleHidden, &taintUnexplained, &moduleUnsigned, &preloadFile, &corePatternPipe, &binfmtMisc, &mountOverProc}

// ModuleViews names the lists that a module stands in.
func ModuleViews(m procfs.Module) []string {
	var out []string
	for _, v := range []struct {
		name string
		in   bool
	}{{"proc", m.InProc}, {"sysfs", m.InSysfs}, {"ftrace", m.Traced}} {
		if v.in {
			out = append(out, v.name)
		}
	}
	return out
}

// HiddenModules applies the rule for modules that stand in one list only; sysfs says whether /sys/module can be compared with.
func HiddenModules(ms []procfs.Module, sysfs bool) []Finding {
	var out []Finding
	for i, m := range ms {
		if m.State != "Live" && m.State != "live" && m.InProc {
			continue // it is being loaded or unloaded
		}
		if m.InProc && (m.InSysfs || !sysfs) {
			continue
		}
		views := strings.Join(ModuleViews(m), " and ")
		missing := "/proc/modules"
		if m.InProc {
			missing = "/sys/module"
		}
		out = append(out, moduleHidden.In(i, fmt.Sprintf("the module %s is known to %s, and does not stand in %s", m.Name, views, missing), "module", m.Name, "views", views))
	}
	return out
}

// UnsignedModules tells the modules that are foreign to this kernel.
func UnsignedModules(ms []procfs.Module) []Finding {
	var out []Finding
	for i, m := range ms {
		if strings.ContainsAny(m.Taints, "OEFC") {
			out = append(out, moduleUnsigned.In(i, fmt.Sprintf("the module %s taints the kernel (%s)", m.Name, m.Taints), "module", m.Name, "taints", m.Taints))
		}
	}
	return out
}

// Settings applies the rules for settings of the kernel; the rows of the findings are those of ss.
func Settings(ss []procfs.Setting, ms []procfs.Module) []Finding {
	var out []Finding
	for i, s := range ss {
		switch s.Name {
		case procfs.Tainted:
			out = append(out, taint(i, s.Value, ms)...)
		case procfs.CorePattern:
			out = append(out, corePattern(i, s.Value)...)
		}
	}
	return out
}

// taint compares what the kernel remembers with the modules that are loaded. Without a list of modules it says nothing.
func taint(row int, value string, ms []procfs.Module) []Finding {
	mask, err := strconv.ParseUint(value, 10, 64)
	if err != nil || ms == nil {
		return nil
	}
	var loaded strings.Builder
	for _, m := range ms {
		loaded.WriteString(m.Taints)
	}
	var letters, means []string
	for _, t := range procfs.DecodeTaint(mask) {
		// R, K and N are of modules too, but no module carries R, and K and N may be of code that is built in.
		if slices.Contains([]string{"P", "F", "C", "O", "E"}, t.Letter) && !strings.Contains(loaded.String(), t.Letter) {
			letters, means = append(letters, t.Letter), append(means, t.Means)
		}
	}
	if len(letters) == 0 {
		return nil
	}
	return []Finding{taintUnexplained.In(row, "the kernel is tainted ("+strings.Join(means, ", ")+"), and no loaded module explains it",
		"tainted", value, "letters", strings.Join(letters, ""))}
}

func corePattern(row int, value string) []Finding {
	command, ok := strings.CutPrefix(value, "|")
	program, _, _ := strings.Cut(strings.TrimSpace(command), " ")
	if !ok || program == "" || procfs.SystemPlace(program) {
		return nil
	}
	return []Finding{atPlace(corePatternPipe, program).In(row, "the kernel starts "+program+" when a process crashes", "core_pattern", value)}
}

// atPlace is a rule with the severity of a program at a path.
func atPlace(r Rule, program string) Rule {
	if procfs.OddPlace(program) != "" {
		r.Severity = High
	}
	return r
}

// Binfmts applies the rule for interpreters of kinds of files; the rows of the findings are those of bs.
func Binfmts(bs []procfs.Binfmt) []Finding {
	var out []Finding
	for i, b := range bs {
		if !b.Enabled || procfs.SystemPlace(b.Interpreter) {
			continue
		}
		out = append(out, atPlace(binfmtMisc, b.Interpreter).In(i, "the kernel starts "+b.Interpreter+" for files of the kind "+b.Name,
			"interpreter", b.Interpreter, "match", b.Match, "flags", b.Flags))
	}
	return out
}

// Preload applies the rule for /etc/ld.so.preload: the libraries that it names, and whether they exist.
func Preload(libraries map[string]bool) []Finding {
	names := make([]string, 0, len(libraries))
	for l := range libraries {
		names = append(names, l)
	}
	sort.Strings(names)
	var out []Finding
	for _, l := range names {
		text := "/etc/ld.so.preload puts " + l + " into every process"
		if !libraries[l] {
			text += "; there is no such file, or it is hidden"
		}
		out = append(out, preloadFile.In(-1, text, "library", l, "exists", strconv.FormatBool(libraries[l])))
	}
	return out
}

// coveredProc are what containers, systemd and the kernel's own file systems cover in /proc.
var coveredProc = strings.Fields(`acpi asound bus fs irq kcore keys kmsg latency_stats sched_debug scsi sys sysrq-trigger timer_list timer_stats
	interrupts cpuinfo diskstats loadavg meminfo slabinfo stat swaps uptime pressure xen`)

// Mounts applies the rule for what is mounted over /proc. Mounts over a process are found with the processes.
func Mounts(ms []procfs.Mount) []Finding {
	over := procfs.MountedOver(ms)
	var out []Finding
	for i, m := range ms {
		rest, ok := strings.CutPrefix(m.Path, "/proc/")
		first, _, _ := strings.Cut(rest, "/")
		if !ok || slices.Contains(coveredProc, first) {
			continue
		}
		if pid, err := strconv.Atoi(first); err == nil && over[pid].Path != "" {
			continue
		}
		out = append(out, mountOverProc.In(i, fmt.Sprintf("%s (%s) is mounted over %s", m.Source, m.Type, m.Path), "path", m.Path, "source", m.Source, "type", m.Type))
	}
	return out
}
