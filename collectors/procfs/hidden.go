package procfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A HiddenPID is a process that exists and that reading the directory /proc leaves out.
type HiddenPID struct {
	PID  int
	Seen []string // the views that show it
}

// ErrCannotProbe is wrapped by the error of a probe that would say nothing here.
var ErrCannotProbe = errors.New("hidden processes can't be looked for")

const (
	// pidLimit is the most that pid_max can be (PID_MAX_LIMIT of the kernel).
	pidLimit = 1 << 22
	// slowProbe bounds the time of those probes that take longer than a system call, and slowFirst is how many numbers they go through
	// on a busy host as well, unless that takes the time five times.
	slowProbe = 200 * time.Millisecond
	slowFirst = 1 << 15
	// rounds is how often a candidate has to be confirmed, and pause what lies between.
	rounds = 4
	pause  = 25 * time.Millisecond
	// maxHidden bounds how many are confirmed: whoever hides more has hidden nothing.
	maxHidden = 4096
)

// A view is a way to ask the kernel for one process.
type view struct {
	name  string
	shows func(pid int) bool // reports whether there is such a process, which is no thread of another
	slow  bool
}

// Hidden looks for processes that list leaves out, by asking for every number that a process can have. What is found is asked for again,
// several times, between two readings of the list: a process that is there before and after a list was read has to stand in it, and one that
// has only just begun or ended fails that test.
func (f FS) Hidden(ctx context.Context, list func() ([]int, error)) ([]HiddenPID, error) {
	if err := f.canProbe(); err != nil {
		return nil, err
	}
	views := f.views()
	if len(views) == 0 {
		return nil, fmt.Errorf("%w: the kernel answers no probe", ErrCannotProbe)
	}
	shown, err := listed(list)
	if err != nil {
		return nil, err
	}
	candidates := map[int]bool{}
	sweep(ctx, views, f.pidMax(), shown, candidates)
	groups := f.cgroupPIDs()
	for pid := range groups {
		if !shown[pid] {
			candidates[pid] = true
		}
	}
	views = append(views, view{name: "cgroup.procs", shows: func(pid int) bool { return slices.Contains(f.groupPIDs(groups[pid]), pid) }})
	return confirm(ctx, views, candidates, list)
}

func listed(list func() ([]int, error)) (map[int]bool, error) {
	pids, err := list()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	out := make(map[int]bool, len(pids))
	for _, pid := range pids {
		out[pid] = true
	}
	return out, nil
}

// pidMax returns the number below which processes are numbered.
func (f FS) pidMax() int {
	n, err := strconv.Atoi(f.text("proc/sys/kernel/pid_max"))
	if err != nil || n <= 0 || n > pidLimit {
		return pidLimit
	}
	return n
}

// sweep asks each view for each number below most, and adds what it finds. The slow views go as far as their time lasts, from the lowest
// number on; the fast ones share the numbers among two, since pid_max can be four million.
func sweep(ctx context.Context, views []view, most int, shown, found map[int]bool) {
	var parts []part
	for _, v := range views {
		if v.slow {
			parts = append(parts, part{v, 1, most})
			continue
		}
		parts = append(parts, part{v, 1, most / 2}, part{v, max(1, most/2), most})
	}
	var (
		g  errgroup.Group
		mu sync.Mutex
	)
	g.SetLimit(2)
	for _, p := range parts {
		g.Go(func() error {
			pids := p.sweep(ctx, shown)
			mu.Lock()
			defer mu.Unlock()
			for _, pid := range pids {
				if len(found) < maxHidden {
					found[pid] = true
				}
			}
			return nil
		})
	}
	_ = g.Wait()
}

// A part is a view and the numbers that it is asked for.
type part struct {
	view
	from, to int
}

func (p part) sweep(ctx context.Context, shown map[int]bool) (found []int) {
	const look = 1024 // numbers between two looks at the clock
	start := time.Now()
	for pid := p.from; pid < p.to && len(found) < maxHidden; pid++ {
		if pid%look == 0 && (ctx.Err() != nil || p.slow && tooLong(time.Since(start), pid)) {
			break
		}
		if !shown[pid] && p.shows(pid) {
			found = append(found, pid)
		}
	}
	return found
}

func tooLong(d time.Duration, pid int) bool {
	return d > slowProbe && pid >= slowFirst || d > 5*slowProbe
}

// confirm keeps the candidates that every round finds to be there and left out.
func confirm(ctx context.Context, views []view, candidates map[int]bool, list func() ([]int, error)) ([]HiddenPID, error) {
	for round := 0; round < rounds && len(candidates) > 0; round++ {
		if round > 0 {
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(pause):
			}
		}
		keep(candidates, func(pid int) bool { return len(seenBy(views, pid)) > 0 })
		shown, err := listed(list)
		if err != nil {
			return nil, err
		}
		keep(candidates, func(pid int) bool { return !shown[pid] && len(seenBy(views, pid)) > 0 })
	}
	var out []HiddenPID
	for pid := range candidates {
		if seen := seenBy(views, pid); len(seen) > 0 {
			out = append(out, HiddenPID{PID: pid, Seen: seen})
		}
	}
	slices.SortFunc(out, func(a, b HiddenPID) int { return a.PID - b.PID })
	return out, nil
}

func keep(pids map[int]bool, when func(int) bool) {
	for pid := range pids {
		if !when(pid) {
			delete(pids, pid)
		}
	}
}

func seenBy(views []view, pid int) []string {
	var out []string
	for _, v := range views {
		if v.shows(pid) {
			out = append(out, v.name)
		}
	}
	return out
}

// canProbe says why a probe would say nothing: /proc is that of another pid namespace, or hides the processes of others from us by itself.
func (f FS) canProbe() error {
	if !f.Ours() {
		return fmt.Errorf("%w: /proc shows the processes of another namespace", ErrCannotProbe)
	}
	mounts, err := f.Mounts()
	if err != nil {
		return err
	}
	b, err := f.Read("proc/self/status")
	if err != nil {
		return err
	}
	s, err := ParseStatus(b)
	if err != nil {
		return err
	}
	if how := hidepid(mounts); how != "" && s.CapEff>>CapSysPtrace&1 == 0 {
		return fmt.Errorf("%w: /proc is mounted with %s, and this program may not see what belongs to others", ErrCannotProbe, how)
	}
	return nil
}

// Ours reports whether /proc is that of the pid namespace that this program runs in. In another the numbers are those of other processes.
func (f FS) Ours() bool {
	self, err := f.Link("proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}

// hidepid returns the option by which /proc shows to each user only what is his, "" without it.
func hidepid(mounts []Mount) string {
	how := ""
	for _, m := range mounts {
		if m.Path != "/proc" {
			continue
		}
		how = ""
		for o := range strings.SplitSeq(m.Super, ",") {
			switch o {
			case "hidepid=2", "hidepid=4", "hidepid=invisible", "hidepid=ptraceable":
				how = o
			}
		}
	}
	return how
}

// isProcess asks /proc by number. It is not fooled by what filters the reading of the directory alone.
func (f FS) isProcess(pid int) bool {
	b, err := readFile(f.path("proc/" + strconv.Itoa(pid) + "/status"))
	if err != nil {
		return false
	}
	s, err := ParseStatus(b)
	return err == nil && s.TGID == pid
}

const (
	// maxGroupDirs and groupTime bound the walk of the control groups.
	maxGroupDirs = 20_000
	groupTime    = time.Second
)

// cgroupPIDs returns the processes that the control groups list, and in which file.
func (f FS) cgroupPIDs() map[int]string {
	out := map[int]string{}
	start, dirs := time.Now(), 0
	_ = filepath.WalkDir(f.path("sys/fs/cgroup"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // a group that has gone
		}
		if dirs++; dirs > maxGroupDirs || time.Since(start) > groupTime {
			return fs.SkipAll
		}
		list := filepath.Join(p, "cgroup.procs")
		for _, pid := range f.groupPIDs(list) {
			out[pid] = list
		}
		return nil
	})
	return out
}

// groupPIDs reads one cgroup.procs. A process of another namespace is a 0 there.
func (f FS) groupPIDs(list string) []int {
	if list == "" {
		return nil
	}
	b, err := readFile(list)
	if err != nil {
		return nil
	}
	var out []int
	for line := range bytes.Lines(b) {
		if pid, err := strconv.Atoi(string(bytes.TrimSpace(line))); err == nil && pid > 0 {
			out = append(out, pid)
		}
	}
	return out
}

// MountedOver returns the mounts that lie over a process in /proc, by its number.
func MountedOver(mounts []Mount) map[int]Mount {
	out := map[int]Mount{}
	for _, m := range mounts {
		rest, ok := strings.CutPrefix(m.Path, "/proc/")
		number, _, _ := strings.Cut(rest, "/")
		if pid, err := strconv.Atoi(number); ok && err == nil && pid > 0 {
			out[pid] = m
		}
	}
	return out
}
