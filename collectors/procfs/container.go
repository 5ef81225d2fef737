package procfs

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Container is what the kernel says of a group of processes that a container runtime holds together.
type Container struct {
	ID      string
	Runtime string
	Main    int // its first process, by this host's number
	PIDs    []int
	Comm    string
	Command []string

	AllCaps    bool   // it has every capability that the host itself has, and no user namespace of its own
	CapEff     uint64 // of its first process
	NoSeccomp  bool
	HostSpaces []string // the namespaces that it shares with the host: net, pid, …
	Merged     string   // where its file system is mounted on the host; "" where the host doesn't see it
	Overlay    Overlay  // of its file system; empty for another kind
	RootType   string   // the type of its file system
	Binds      []Bind   // what of the host is mounted in it
}

// An Overlay has the folders, on the host, that an overlay is made of.
type Overlay struct {
	Lower []string // the uppermost first
	Upper string   // what was changed
}

// A Bind is a part of a host's file system that is mounted in a container.
type Bind struct {
	From     string `json:"from"` // the path on the host
	To       string `json:"to"`   // the path in the container
	Writable bool   `json:"writable"`
	Type     string `json:"type"`
}

// ParseOverlay reads the options of an overlay as mountinfo has them: the kernel writes blanks, commas and backslashes of a value in
// octal, and in the value itself colons part the lower folders and a backslash makes a colon stand for itself.
func ParseOverlay(options string) Overlay {
	var o Overlay
	for _, option := range splitEscaped(options, ',') {
		name, value, _ := strings.Cut(option, "=")
		value = unoctal(value)
		switch name {
		case "lowerdir":
			for _, dir := range splitEscaped(value, ':') {
				if dir != "" { // two colons part what holds data only
					o.Lower = append(o.Lower, unbackslash(dir))
				}
			}
		case "lowerdir+", "datadir+":
			o.Lower = append(o.Lower, unbackslash(value))
		case "upperdir":
			o.Upper = unbackslash(value)
		}
	}
	return o
}

// unoctal undoes the kernel's \054 for a comma and the like.
func unoctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// splitEscaped cuts a text at a byte that no backslash stands before.
func splitEscaped(s string, at byte) []string {
	var out []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case at:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

func unbackslash(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const (
	// maxContainers and maxContainerPIDs bound what is remembered.
	maxContainers    = 4096
	maxContainerPIDs = 100_000
)

// Containers returns the containers that have processes, in the order of their first ones. What ends meanwhile is left out.
func (f FS) Containers() ([]Container, error) {
	pids, err := f.PIDs()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	byID := map[string]*Container{}
	var all []*Container
	for _, pid := range pids[:min(len(pids), maxContainerPIDs)] {
		b, err := f.Read("proc/" + strconv.Itoa(pid) + "/cgroup")
		if err != nil {
			continue
		}
		group := ParseCgroup(b)
		if group.Container == "" {
			continue
		}
		c := byID[group.Container]
		if c == nil && len(all) == maxContainers {
			continue
		}
		if c == nil {
			c = &Container{ID: group.Container, Runtime: group.Runtime}
			byID[group.Container] = c
			all = append(all, c)
		}
		c.PIDs = append(c.PIDs, pid)
	}
	hostMounts, _ := f.hostMounts() // without them no mount is known to be the host's
	caps := f.hostCaps()
	out := make([]Container, 0, len(all))
	for _, c := range all {
		f.describe(c, hostMounts, caps)
		out = append(out, *c)
	}
	return out, nil
}

// hostMounts are the mounts of the host's first process, or else those that we see.
func (f FS) hostMounts() ([]Mount, error) {
	b, err := f.Read("proc/1/mountinfo")
	if err != nil {
		b, err = f.Read("proc/self/mountinfo")
	}
	return ParseMountinfo(b), err
}

// hostCaps are the capabilities of the host's first process: a host that is a container itself has not all that the kernel knows.
func (f FS) hostCaps() uint64 {
	b, err := f.Read("proc/1/status")
	if err != nil {
		return 0
	}
	s, err := ParseStatus(b)
	if err != nil {
		return 0
	}
	return s.CapEff
}

// describe fills in what its first process says of a container.
func (f FS) describe(c *Container, host []Mount, caps uint64) {
	c.Main = f.firstOf(c.PIDs)
	dir := "proc/" + strconv.Itoa(c.Main)
	if b, err := f.Read(dir + "/cmdline"); err == nil {
		c.Command = ParseCmdline(b)
	}
	ours := f.namespaces("proc/1")
	its := f.namespaces(dir)
	for kind, n := range its {
		if ours[kind] == n {
			c.HostSpaces = append(c.HostSpaces, kind)
		}
	}
	slices.Sort(c.HostSpaces)
	if b, err := f.Read(dir + "/status"); err == nil {
		if s, err := ParseStatus(b); err == nil {
			c.Comm, c.CapEff, c.NoSeccomp = s.Name, s.CapEff, s.Seccomp == 0
			c.AllCaps = caps != 0 && s.CapEff&caps == caps && slices.Contains(c.HostSpaces, "user")
		}
	}
	if slices.Contains(c.HostSpaces, "mnt") {
		return // what it sees mounted is the host's own
	}
	if b, err := f.Read(dir + "/mountinfo"); err == nil {
		c.mounts(ParseMountinfo(b), host)
	}
}

// firstOf is the process that is number 1 in its own pid namespace, or the one with the lowest number.
func (f FS) firstOf(pids []int) int {
	for _, pid := range pids {
		b, err := f.Read("proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			continue
		}
		if s, err := ParseStatus(b); err == nil && len(s.NSPIDs) > 1 && s.NSPIDs[len(s.NSPIDs)-1] == 1 {
			return pid
		}
	}
	return slices.Min(pids)
}

// mounts tells from what a container's file system is made, and what of the host is mounted in it.
func (c *Container) mounts(its, host []Mount) {
	for _, m := range its {
		if m.Path == "/" {
			c.RootType = m.Type
			if m.Type == "overlay" {
				c.Overlay = ParseOverlay(m.Super)
				c.Merged = mountedAs(host, m.Device)
			}
			continue
		}
		if from, ok := onHost(host, m); ok && len(c.Binds) < 1000 {
			c.Binds = append(c.Binds, Bind{From: from, To: m.Path, Type: m.Type, Writable: !slices.Contains(strings.Split(m.Options, ","), "ro")})
		}
	}
}

// mountedAs is where the host has a file system mounted.
func mountedAs(host []Mount, device string) string {
	for _, m := range host {
		if m.Device == device {
			return m.Path
		}
	}
	return ""
}

// onHost is the path on the host of what is mounted in a container, if the host has that file system mounted too.
func onHost(host []Mount, m Mount) (string, bool) {
	best := Mount{}
	for _, h := range host {
		if h.Device != m.Device || kernelOnly(h.Type) {
			continue
		}
		if within(h.Root, m.Root) && (best.Path == "" || len(h.Root) > len(best.Root)) {
			best = h
		}
	}
	if best.Path == "" {
		return "", false
	}
	return path.Join(best.Path, strings.TrimPrefix(m.Root, best.Root)), true
}

func within(dir, p string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/")
}

// kernelOnly tells the file systems of which every container has a mount of the same device as the host, or that hold no files.
func kernelOnly(kind string) bool {
	switch kind {
	case "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "nsfs", "overlay":
		return true
	}
	return false
}
