package anomaly

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

var (
	deletedExe = Rule{
		ID: "process-deleted-exe", Severity: High, Attack: []string{"T1070.004"},
		Means:  "A process runs a program whose file has been deleted.",
		Honest: "After an upgrade of its package a service goes on running the old file until it is restarted: if another file has the path, or the path is where packages put programs, the finding is low or medium. Programs that a build has made and removed (go run, go test).",
	}
	memfdExe = Rule{
		ID: "process-memfd-exe", Severity: High, Attack: []string{"T1620", "T1027.011"},
		Means:  "A process runs a program that never was a file: it was written into memory and started from there.",
		Honest: "runc and crun start containers through a copy of themselves in memory, called runc_cloned or crun; it lives for moments, and is a finding of severity low.",
	}
	fakeKernelThread = Rule{
		ID: "process-fake-kernel-thread", Severity: High, Attack: []string{"T1036.004", "T1036.009"},
		Means:  "A user process calls itself what a thread of the kernel is called. The kernel marks its own threads, and this is none.",
		Honest: "A few programs put a title in brackets over their command line; a title that no thread of the kernel has is medium. So is a process that has emptied its command line, which ps shows in brackets.",
	}
	nameMismatch = Rule{
		ID: "process-name-mismatch", Severity: Medium, Attack: []string{"T1036.003", "T1036.011"},
		Means: "A process calls itself like a program of this system, but runs another one: from a place where no package puts programs, or an interpreter or a tool " +
			"that gives itself the whole path of a server.",
		Honest: "Tools in home folders that are named after a program of the system on purpose, such as replacements of core utilities. Low where the program lies where packages put them.",
	}
	cwdOdd = Rule{
		ID: "process-cwd-odd", Severity: Low, Attack: []string{"T1059"},
		Means:  "A process works in a folder that everybody writes to, or in a hidden one.",
		Honest: "A shell in which somebody has changed there, builds, installers, editors and language servers in hidden folders of a home.",
	}
	exeOdd = Rule{
		ID: "process-exe-odd", Severity: Medium, Attack: []string{"T1036.005", "T1564.001"},
		Means:  "A process runs a program from a folder that everybody writes to, or from a hidden one.",
		Honest: "Installers, builds and agents that unpack themselves into /tmp; version managers and editors in hidden folders of a home (.cargo, .nvm, .vscode-server), which are low.",
	}
	preload = Rule{
		ID: "process-preload", Severity: High, Attack: []string{"T1574.006"},
		Means:  "A library was forced into a process through LD_PRELOAD or LD_AUDIT.",
		Honest: "Allocators (jemalloc, tcmalloc), fakeroot, tracers and accelerators; a library where packages put them is low, one elsewhere medium, and one in a folder that everybody writes to, or in a hidden one, high.",
	}
	historyOff = Rule{
		ID: "process-history-off", Severity: Low, Attack: []string{"T1070.003"},
		Means:  "A process was started with the history of its shell going nowhere: HISTFILE is empty or leads to /dev/null.",
		Honest: "Some administrators and images turn the history off on purpose.",
	}
	hiddenPID = Rule{
		ID: "process-hidden-pid", Severity: High, Attack: []string{"T1014", "T1564"},
		Means:  "A process answers when it is asked for by its number, but is left out when the list of processes is read. Only what changes the kernel can do that.",
		Honest: "None on an ordinary host. Processes that began or ended during the search do not stand the tests, and a /proc that hides the processes of others from users (hidepid) is told apart.",
	}
	hiddenByMount = Rule{
		ID: "process-hidden-by-mount", Severity: High, Attack: []string{"T1564", "T1014"},
		Means:  "A file system is mounted over the folder of a process in /proc, so that ps and its relatives do not see what it is.",
		Honest: "None: no package does it.",
	}
	socketShell = Rule{
		ID: "process-socket-shell", Severity: High, Attack: []string{"T1059.004", "T1571"},
		Means:  "The input of a shell is a network connection: whoever is at its other end types the commands.",
		Honest: "A script behind inetd or a systemd socket unit. A shell on a socket within this host is medium without arguments and low with them: programs such as node talk to their children that way. An interpreter whose input, output and errors are one connection is medium.",
	}
	deletedLibrary = Rule{
		ID: "process-deleted-library", Severity: Medium, Attack: []string{"T1574.006", "T1055"},
		Means:  "A process runs code of a library whose file has been deleted.",
		Honest: "After an upgrade of a library every service that was not restarted shows it: in a folder of packages it is info, and one finding stands for all.",
	}
	libraryOdd = Rule{
		ID: "process-library-odd", Severity: Medium, Attack: []string{"T1574.006", "T1055"},
		Means:  "A process runs code that is mapped from a folder that everybody writes to, from a hidden one, or from memory.",
		Honest: "Java unpacks native libraries into /tmp (jna, netty, snappy) and just-in-time compilers map memory files (.NET's doublemapper): low. Extensions of editors in hidden folders of a home: low.",
	}
	traced = Rule{
		ID: "process-traced", Severity: Medium, Attack: []string{"T1055.008"},
		Means:  "A process is traced by another: it can read and change all that it does.",
		Honest: "Somebody debugs it (strace, gdb), or a sandbox runs it.",
	}
	sameExeRenamed = Rule{
		ID: "process-same-exe-renamed", Severity: Low, Attack: []string{"T1036.003"},
		Means:  "One program runs under different names: a copy of it has been renamed.",
		Honest: "Programs that are many in one (busybox) and are installed as copies.",
	}
)

var processRules = []*Rule{
	&deletedExe, &memfdExe, &fakeKernelThread, &nameMismatch, &cwdOdd, &exeOdd, &preload, &historyOff, &hiddenPID, &hiddenByMount,
	&socketShell, &deletedLibrary, &libraryOdd, &traced, &sameExeRenamed,
}

// Processes applies the rules for processes; the rows of the findings are those of ps. Its own processes are passed over. sockets has those
// sockets of the network that are the input of a process, by inode.
func Processes(ps []procfs.Process, sockets map[uint64]procfs.Socket) []Finding {
	h := processHost{ps: ps, sockets: sockets, byPID: map[int]int{}, kernel: kernelNames(ps)}
	for i, p := range ps {
		h.byPID[p.PID] = i
	}
	var out []Finding
	for i, p := range ps {
		if p.Own {
			continue
		}
		out = append(out, h.one(i, p)...)
	}
	return append(out, h.all()...)
}

// A processHost is what the rules see of a host.
type processHost struct {
	ps      []procfs.Process
	sockets map[uint64]procfs.Socket
	byPID   map[int]int
	kernel  map[string]bool // what threads of the kernel are called
}

// one applies the rules that look at one process.
func (h processHost) one(row int, p procfs.Process) []Finding {
	if f := hidden(row, p); f != nil {
		return append(h.seen(row, p), *f)
	}
	return h.seen(row, p)
}

func (h processHost) seen(row int, p procfs.Process) []Finding {
	if p.Kernel || p.State == "Z" {
		return nil
	}
	var out []Finding
	for _, rule := range []func(int, procfs.Process) *Finding{
		exeGone, memfd, h.fakeKernel, misnamed, oddCwd, oddExe, preloaded, noHistory, h.shellOnSocket, oddLibrary, h.isTraced,
	} {
		if f := rule(row, p); f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// about makes a finding about a process.
func about(r Rule, row int, p procfs.Process, text string, pairs ...string) *Finding {
	who := fmt.Sprintf("pid %d (%s)", p.PID, p.Comm)
	pairs = append(pairs, "pid", strconv.Itoa(p.PID), "comm", p.Comm, "exe", p.Exe, "sha256", p.ExeSHA256, "user", p.User, "container", p.Container)
	if len(p.Cmdline) > 0 {
		pairs = append(pairs, "cmdline", shorten(strings.Join(p.Cmdline, " ")))
	}
	f := r.In(row, who+" "+text, pairs...)
	return &f
}

// shorten cuts a text to what a reader needs of it.
func shorten(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + " …"
	}
	return s
}

// as gives a finding another severity than the rule's.
func (f *Finding) as(s Severity) *Finding {
	f.Severity = s
	return f
}

func hidden(row int, p procfs.Process) *Finding {
	switch {
	case p.Hidden == "":
		return nil
	case strings.HasPrefix(p.Hidden, "mount"):
		return about(hiddenByMount, row, p, "is hidden: "+p.Hidden)
	}
	return about(hiddenPID, row, p, "exists, and is left out when /proc is read; "+p.Hidden)
}

func exeGone(row int, p procfs.Process) *Finding {
	if !p.ExeDeleted || p.Memfd {
		return nil
	}
	f := about(deletedExe, row, p, "runs "+p.Exe+", which was deleted")
	switch {
	case procfs.OddPlace(p.Exe) != "":
		return f
	case p.ExeAgain && procfs.SystemPlace(p.Exe):
		f.Text += "; another file has its place, as after an upgrade"
		return f.as(Low)
	case p.ExeAgain || procfs.SystemPlace(p.Exe):
		return f.as(Medium)
	}
	return f
}

func memfd(row int, p procfs.Process) *Finding {
	if !p.Memfd {
		return nil
	}
	f := about(memfdExe, row, p, "runs from memory alone: "+p.Exe)
	if strings.HasPrefix(p.Exe, "/memfd:runc_cloned:") || strings.HasPrefix(p.Exe, "/memfd:crun") {
		return f.as(Low)
	}
	return f
}

// inHome reports whether a hidden folder is one of a user, which many honest tools keep.
func inHome(p string) bool {
	return strings.HasPrefix(p, "/home/") || strings.HasPrefix(p, "/root/") || strings.HasPrefix(p, "/var/lib/")
}

func oddCwd(row int, p procfs.Process) *Finding {
	why := procfs.OddPlace(strings.TrimSuffix(p.Cwd, " (deleted)") + "/x")
	if why == "" || strings.HasPrefix(p.Cwd, "(unreachable)") {
		return nil
	}
	f := about(cwdOdd, row, p, "works in "+p.Cwd, "cwd", p.Cwd)
	if strings.HasPrefix(p.Cwd, "/dev/") || strings.HasPrefix(why, "in the hidden") && !inHome(p.Cwd) {
		return f.as(Medium)
	}
	return f
}

func oddExe(row int, p procfs.Process) *Finding {
	why := procfs.OddPlace(p.Exe)
	if why == "" || p.Memfd {
		return nil
	}
	f := about(exeOdd, row, p, "runs "+p.Exe+", "+why)
	if strings.HasPrefix(why, "in the hidden") && inHome(p.Exe) {
		return f.as(Low)
	}
	return f
}

func preloaded(row int, p procfs.Process) *Finding {
	for _, name := range []string{"LD_PRELOAD", "LD_AUDIT"} {
		value := p.Environ[name]
		libraries := strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' })
		if len(libraries) == 0 {
			continue
		}
		f := about(preload, row, p, fmt.Sprintf("was started with %s=%s", name, shorten(value)), name, shorten(value)).as(Low)
		for _, l := range libraries {
			switch {
			case procfs.OddPlace(l) != "":
				return f.as(High)
			case strings.HasPrefix(l, "/") && !procfs.SystemPlace(l):
				f.as(Medium)
			}
		}
		return f
	}
	return nil
}

func noHistory(row int, p procfs.Process) *Finding {
	value, ok := p.Environ["HISTFILE"]
	if !ok || value != "" && value != "/dev/null" {
		return nil
	}
	return about(historyOff, row, p, "was started with HISTFILE="+value, "ssh_connection", p.Environ["SSH_CONNECTION"])
}

func (h processHost) isTraced(row int, p procfs.Process) *Finding {
	if p.Tracer == 0 {
		return nil
	}
	who := fmt.Sprintf("pid %d", p.Tracer)
	if i, ok := h.byPID[p.Tracer]; ok {
		if h.ps[i].Own {
			return nil
		}
		who += fmt.Sprintf(" (%s, %s)", h.ps[i].Comm, h.ps[i].Exe)
	}
	return about(traced, row, p, "is traced by "+who, "tracer", strconv.Itoa(p.Tracer))
}

// all applies the rules that compare processes.
func (h processHost) all() []Finding {
	return append(h.deletedLibraries(), h.renamed()...)
}

// renamed finds programs that are the same by their digest and differ in their names and files.
func (h processHost) renamed() []Finding {
	first := map[string]int{}
	told := map[string]bool{}
	var out []Finding
	for i, p := range h.ps {
		if p.ExeSHA256 == "" || p.Own {
			continue
		}
		j, ok := first[p.ExeSHA256]
		if !ok {
			first[p.ExeSHA256] = i
			continue
		}
		q := h.ps[j]
		if p.ExeFile == q.ExeFile || sameName(p.Exe, q.Exe) || told[p.Exe] {
			continue
		}
		told[p.Exe] = true
		out = append(out, *about(sameExeRenamed, i, p, fmt.Sprintf("runs %s, which is the same program as %s of pid %d", p.Exe, q.Exe, q.PID), "same_as", q.Exe))
	}
	return out
}

func sameName(a, b string) bool {
	a, b = path.Base(a), path.Base(b)
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}
