package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
	"bellwether/profiles"
)

// network keeps the sockets of every network namespace with their owners, the interfaces, routes and neighbours, and looks for open ports
// that no list shows.
type network struct {
	env  *Env
	step profiles.Step
}

func newNetwork(env *Env, step profiles.Step) Collector { return &network{env, step} }

// maxNamespaces bounds how many network namespaces are read.
const maxNamespaces = 2000

// Collect implements [Collector].
func (c *network) Collect(ctx context.Context, sink Sink) error {
	fs := procfs.New(c.env.Root)
	if view, closed, err := fs.Detached(); err == nil {
		defer closed()
		fs = view
	}
	pids, err := fs.PIDs()
	if err != nil {
		return sink.Add(&Item{Step: c.step.Name, Collector: c.step.Collector, Source: "/proc/net", Status: Failed, Reason: err.Error()}, nil)
	}
	sockets, notes := allSockets(fs, pids, maxNamespaces)
	found := anomaly.Sockets(sockets)
	ports, untried := hiddenPorts(ctx, fs)
	notes = append(notes, untried...)
	found = append(found, anomaly.HiddenPorts(ports)...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := table[procfs.Socket]{name: "sockets", source: "/proc/net", rows: sockets, columns: socketColumns, reason: strings.Join(notes, "; ")}
	if err := t.keep(ctx, sink, c.step, found); err != nil {
		return err
	}
	return c.addLinks(ctx, sink, fs)
}

// addLinks keeps what sockets go through.
func (c *network) addLinks(ctx context.Context, sink Sink, fs procfs.FS) error {
	links := fs.Interfaces()
	t := table[procfs.Interface]{name: "interfaces", source: "/sys/class/net", rows: links, columns: interfaceColumns}
	if err := t.keep(ctx, sink, c.step, anomaly.Interfaces(links)); err != nil {
		return err
	}
	routes, err := fs.Routes()
	r := table[procfs.Route]{name: "routes", source: "/proc/net/route", rows: routes, columns: routeColumns, reason: reasonFor(err), cut: errors.Is(err, procfs.ErrCut)}
	if err := r.keep(ctx, sink, c.step, nil); err != nil {
		return err
	}
	neighbours, err := fs.Neighbours()
	n := table[procfs.Neighbour]{name: "neighbours", source: "/proc/net/arp", rows: neighbours, columns: neighbourColumns, reason: reasonFor(err), cut: errors.Is(err, procfs.ErrCut)}
	return n.keep(ctx, sink, c.step, nil)
}

func reasonFor(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// allSockets reads the sockets of every network namespace that a process is in, at most so many, with who holds them, those that listen first.
func allSockets(fs procfs.FS, pids []int, most int) (out []procfs.Socket, notes []string) {
	own := netns(fs, os.Getpid())
	members := map[uint64]int{own: os.Getpid()}
	for _, pid := range pids {
		ns := netns(fs, pid)
		if _, ok := members[ns]; ok || ns == 0 {
			continue
		}
		if len(members) == most {
			notes = append(notes, fmt.Sprintf("more than %d network namespaces: the sockets of that of process %d, and maybe of others, are left out", most, pid))
			break
		}
		members[ns] = pid
	}
	for ns, pid := range members {
		sockets, err := fs.Sockets(pid)
		if err != nil {
			notes = append(notes, fmt.Sprintf("not all sockets of network namespace %d: %v", ns, err))
		}
		for _, s := range sockets {
			s.NetNS, s.OwnNS = ns, ns == own
			out = append(out, s)
		}
	}
	holders := fs.Holders(pids)
	for i := range out {
		if out[i].Inode != 0 {
			out[i].Holders = holders[out[i].Inode]
		}
	}
	slices.SortStableFunc(out, func(a, b procfs.Socket) int {
		return cmp.Or(cmp.Compare(socketRank(a), socketRank(b)), -cmpBool(a.OwnNS, b.OwnNS), cmp.Compare(a.NetNS, b.NetNS))
	})
	return out, notes
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// netns returns the number of the network namespace that a process is in, 0 if that is not known.
func netns(fs procfs.FS, pid int) uint64 {
	link, err := fs.Link(fmt.Sprintf("proc/%d/ns/net", pid))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "net:["), "]"), 10, 64)
	return n
}

// socketRank puts first what can be reached from elsewhere, and last what stays within the host.
func socketRank(s procfs.Socket) int {
	switch s.Family {
	case "unix":
		return 4
	case "netlink":
		return 5
	case "raw", "raw6", "packet", "icmp", "icmp6":
		return 1
	}
	switch s.State {
	case "LISTEN", "UNCONN":
		return 0
	case "ESTABLISHED":
		return 2
	}
	return 3
}

var socketColumns = []column[procfs.Socket]{
	{"family", func(s procfs.Socket) string { return s.Family }},
	{"state", func(s procfs.Socket) string { return s.State }},
	{"local", func(s procfs.Socket) string { return s.Local }},
	{"remote", func(s procfs.Socket) string { return s.Remote }},
	{"type", func(s procfs.Socket) string { return s.Type }},
	{"protocol", func(s procfs.Socket) string { return s.Protocol }},
	{"uid", func(s procfs.Socket) string { return strconv.FormatUint(uint64(s.UID), 10) }},
	{"inode", func(s procfs.Socket) string { return strconv.FormatUint(s.Inode, 10) }},
	{"netns", func(s procfs.Socket) string {
		if s.OwnNS {
			return ""
		}
		return strconv.FormatUint(s.NetNS, 10)
	}},
	{"processes", func(s procfs.Socket) string { return holdersText(s.Holders) }},
}

// holdersText names who holds a socket: 812/sshd[3] /usr/sbin/sshd.
func holdersText(hs []procfs.Holder) string {
	var out []string
	for _, h := range hs {
		out = append(out, fmt.Sprintf("%d/%s[%d] %s", h.PID, h.Comm, h.FD, h.Exe))
	}
	return strings.Join(out, ", ")
}

var interfaceColumns = []column[procfs.Interface]{
	{"name", func(i procfs.Interface) string { return i.Name }},
	{"index", func(i procfs.Interface) string { return strconv.Itoa(i.Index) }},
	{"state", func(i procfs.Interface) string { return i.State }},
	{"mac", func(i procfs.Interface) string { return i.MAC }},
	{"mtu", func(i procfs.Interface) string { return strconv.Itoa(i.MTU) }},
	{"promiscuous", func(i procfs.Interface) string {
		if i.Promiscuous {
			return "PROMISC"
		}
		return ""
	}},
	{"part-of", func(i procfs.Interface) string { return i.PartOf }},
	{"addresses", func(i procfs.Interface) string { return strings.Join(i.Addresses, " ") }},
}

var routeColumns = []column[procfs.Route]{
	{"destination", func(r procfs.Route) string { return r.Destination }},
	{"gateway", func(r procfs.Route) string { return r.Gateway }},
	{"interface", func(r procfs.Route) string { return r.Interface }},
	{"metric", func(r procfs.Route) string { return strconv.FormatUint(uint64(r.Metric), 10) }},
	{"flags", func(r procfs.Route) string { return r.Flags }},
}

var neighbourColumns = []column[procfs.Neighbour]{
	{"address", func(n procfs.Neighbour) string { return n.Address }},
	{"mac", func(n procfs.Neighbour) string { return n.MAC }},
	{"interface", func(n procfs.Neighbour) string { return n.Interface }},
	{"flags", func(n procfs.Neighbour) string { return n.Flags }},
}
