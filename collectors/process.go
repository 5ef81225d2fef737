package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
	"bellwether/profiles"
)

const (
	// processTime bounds the reading of all processes, and digestTime that of their programs.
	processTime = 30 * time.Second
	digestTime  = 20 * time.Second
	// maxProgram is the largest program that is digested, in bytes.
	maxProgram = 512 << 20
	// maxProcesses bounds how many processes are kept.
	maxProcesses = 100_000
)

// processes keeps the processes as the kernel has them, and looks for those that are hidden.
type processes struct {
	env  *Env
	step profiles.Step
}

func newProcesses(env *Env, step profiles.Step) Collector { return &processes{env, step} }

// Collect implements [Collector].
func (c *processes) Collect(ctx context.Context, sink Sink) error {
	fs := procfs.New(c.env.Root)
	view, closed, err := fs.Detached()
	if err == nil {
		defer closed()
	}
	listing := processListing{env: c.env, ordinary: fs, view: view}
	ps, notes, err := listing.read(ctx)
	if err != nil {
		return sink.Add(&Item{Step: c.step.Name, Collector: c.step.Collector, Source: "/proc", Status: Failed, Reason: err.Error()}, nil)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := table[procfs.Process]{name: "processes", source: "/proc", rows: ps, columns: processColumns, reason: strings.Join(notes, "; ")}
	return t.keep(ctx, sink, c.step, anomaly.Processes(ps, stdSockets(view, ps)))
}

// A processListing reads all processes of a host.
type processListing struct {
	env      *Env
	ordinary procfs.FS // what every program sees
	view     procfs.FS // the same, or a /proc that nothing is mounted over
}

// read returns the processes as a tree, and what a reader should know.
func (l processListing) read(ctx context.Context) (ps []procfs.Process, notes []string, err error) {
	pids, err := l.ordinary.PIDs()
	if err != nil {
		return nil, nil, err
	}
	hidden, note := l.hidden(ctx)
	if note != "" {
		notes = append(notes, note)
	}
	for pid := range hidden {
		if !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	ps, note = l.readAll(ctx, pids, hidden)
	if note != "" {
		notes = append(notes, note)
	}
	markOwn(ps, os.Getpid())
	return tree(ps), notes, nil
}

// hidden returns how processes are hidden, by their numbers, and why that is not known.
func (l processListing) hidden(ctx context.Context) (how map[int]string, note string) {
	how = map[int]string{}
	found, err := l.view.Hidden(ctx, l.ordinary.PIDs)
	if err != nil {
		note = err.Error()
	}
	for _, h := range found {
		how[h.PID] = "seen by " + strings.Join(h.Seen, ", ")
	}
	mounts, err := l.ordinary.Mounts()
	if err != nil {
		note = "the mounts over /proc are not all known: " + err.Error()
	}
	for pid, m := range procfs.MountedOver(mounts) {
		how[pid] = fmt.Sprintf("mount of %s (%s) over %s", m.Source, m.Type, m.Path)
	}
	return how, note
}

// readAll reads processes until its time is up. One that has ended meanwhile is left out, unless it is hidden: then its number is kept.
func (l processListing) readAll(ctx context.Context, pids []int, hidden map[int]string) (ps []procfs.Process, note string) {
	reader := procfs.NewReader(l.view)
	start := l.env.Now()
	digests := procfs.NewDigests(l.view, maxProgram, start.Add(digestTime), l.env.Now)
	users := userNames(l.env.Root)
	for i, pid := range pids {
		if ctx.Err() != nil || i >= maxProcesses || l.env.Now().Sub(start) > processTime {
			return ps, fmt.Sprintf("%d of %d processes were not read: out of time, or too many", len(pids)-i, len(pids))
		}
		p, err := reader.Process(pid)
		p.Hidden = hidden[pid]
		if err != nil && (p.Hidden == "" || errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(p.Hidden, "mount") && !alive(pid)) {
			continue
		}
		if err != nil {
			p.Partial = "its own files can't be read: " + err.Error()
		}
		p.User = users[p.UIDs[1]]
		digests.Of(&p)
		ps = append(ps, p)
	}
	return ps, ""
}

// userNames reads the names of this host's accounts, by their numbers.
func userNames(root string) map[uint32]string {
	out := map[uint32]string{}
	b, err := procfs.New(root).Read("etc/passwd")
	if err != nil {
		return out
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 4 {
			continue
		}
		uid, err := strconv.ParseUint(f[2], 10, 32)
		if _, taken := out[uint32(uid)]; err == nil && !taken {
			out[uint32(uid)] = f[0]
		}
	}
	return out
}

// markOwn marks the process with a number and all that it has started.
func markOwn(ps []procfs.Process, self int) {
	own := map[int]bool{self: true}
	for again := true; again; {
		again = false
		for i := range ps {
			if p := &ps[i]; !p.Own && (own[p.PID] || own[p.PPID]) {
				p.Own, own[p.PID], again = true, true, true
			}
		}
	}
}

// tree puts every process behind its parent, and says how deep it stands. A circle, which a made /proc can have, is a root.
func tree(ps []procfs.Process) []procfs.Process {
	slices.SortFunc(ps, func(a, b procfs.Process) int { return cmp.Compare(a.PID, b.PID) })
	known := map[int]bool{}
	children := map[int][]int{}
	for i, p := range ps {
		known[p.PID] = true
		children[p.PPID] = append(children[p.PPID], i)
	}
	out := make([]procfs.Process, 0, len(ps))
	done := make([]bool, len(ps))
	place := func(root int) {
		type at struct{ i, depth int }
		for stack := []at{{root, 0}}; len(stack) > 0; {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if done[top.i] {
				continue
			}
			done[top.i] = true
			p := ps[top.i]
			p.Depth = top.depth
			out = append(out, p)
			for _, c := range slices.Backward(children[p.PID]) {
				stack = append(stack, at{c, top.depth + 1})
			}
		}
	}
	for i, p := range ps {
		if !known[p.PPID] {
			place(i)
		}
	}
	for i := range ps {
		place(i) // those that nothing leads to
	}
	return out
}

// stdSockets returns the network sockets that are the input of some process, by inode.
func stdSockets(view procfs.FS, ps []procfs.Process) map[uint64]procfs.Socket {
	wanted := map[uint64]bool{}
	namespaces := map[uint64]int{}
	for _, p := range ps {
		if inode, ok := procfs.SocketInode(p.Files.Std[0]); ok {
			wanted[inode] = true
			namespaces[p.Namespaces["net"]] = p.PID
		}
	}
	out := map[uint64]procfs.Socket{}
	for _, pid := range namespaces {
		sockets, err := view.Sockets(pid, "tcp", "tcp6", "udp", "udp6", "sctp", "raw", "raw6")
		if err != nil {
			continue // the process has ended: its input says nothing any more
		}
		for _, s := range sockets {
			if wanted[s.Inode] {
				out[s.Inode] = s
			}
		}
	}
	return out
}

// processColumns are those of the readable list.
var processColumns = []column[procfs.Process]{
	{"pid", func(p procfs.Process) string { return strconv.Itoa(p.PID) }},
	{"ppid", func(p procfs.Process) string { return strconv.Itoa(p.PPID) }},
	{"user", func(p procfs.Process) string { return cmp.Or(p.User, strconv.FormatUint(uint64(p.UIDs[1]), 10)) }},
	{"login", func(p procfs.Process) string {
		if p.LoginUID == nil {
			return ""
		}
		return strconv.FormatUint(uint64(*p.LoginUID), 10)
	}},
	{"tty", func(p procfs.Process) string { return p.TTY }},
	{"st", func(p procfs.Process) string { return p.State }},
	{"start", func(p procfs.Process) string { return stamp(p.Start) }},
	{"cpu", func(p procfs.Process) string { return strconv.FormatFloat(p.CPUSeconds, 'f', 2, 64) }},
	{"rss", func(p procfs.Process) string { return fmt.Sprintf("%dK", p.RSS>>10) }},
	{"fds", func(p procfs.Process) string { return strconv.Itoa(p.Files.Open) }},
	{"sha256", func(p procfs.Process) string { return p.ExeSHA256 }},
	{"marks", processMarks},
	{"container", func(p procfs.Process) string { return p.Container[:min(len(p.Container), 12)] }},
	{"exe", func(p procfs.Process) string { return p.Exe }},
	{"cwd", func(p procfs.Process) string { return p.Cwd }},
	{"comm", func(p procfs.Process) string { return p.Comm }},
	{"command", func(p procfs.Process) string {
		line := strings.Join(p.Cmdline, " ")
		if p.Kernel {
			line = "[" + p.Comm + "]"
		}
		return strings.Repeat("  ", min(p.Depth, 40)) + line
	}},
}

// stamp prints a time as tables have it; an unknown one is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// processMarks are words for what is unusual in a process.
func processMarks(p procfs.Process) string {
	var out []string
	for _, m := range []struct {
		word string
		is   bool
	}{
		{"own", p.Own}, {"hidden", p.Hidden != ""}, {"deleted", p.ExeDeleted && !p.Memfd}, {"memfd", p.Memfd},
		{"traced", p.Tracer != 0}, {"partial", p.Partial != ""}, {"nonewprivs", p.NoNewPrivs}, {"seccomp", p.Seccomp != 0},
	} {
		if m.is {
			out = append(out, m.word)
		}
	}
	return strings.Join(out, ",")
}
