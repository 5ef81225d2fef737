package anomaly

import (
	"fmt"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

var (
	socketRaw = Rule{
		ID: "socket-raw", Severity: Medium, Attack: []string{"T1095", "T1040"},
		Means:  "A process sends and receives packets below TCP and UDP.",
		Honest: "ping, routing daemons, VRRP, DHCP and router discovery. A program where packages put them is info; one elsewhere, deleted, or in memory alone, medium.",
	}
	socketPacket = Rule{
		ID: "socket-packet", Severity: Medium, Attack: []string{"T1040", "T1205.002"},
		Means:  "A process receives packets as they come from the wire, before any firewall: it can listen to all traffic, or wait for a magic packet.",
		Honest: "DHCP clients, LLDP, network managers, tcpdump. A program where packages put them is low if it takes all packets and info otherwise; one elsewhere, deleted, or in memory alone, medium.",
	}
	portHidden = Rule{
		ID: "port-hidden", Severity: High, Attack: []string{"T1014", "T1571"},
		Means:  "A port is taken, and no list of the kernel shows the socket that has it.",
		Honest: "None for UDP. For TCP only ports that accept a connection are reported: a program may have reserved a port and not listen on it. Sockets of another network namespace do not take ports of this one.",
	}
	promiscuous = Rule{
		ID: "promiscuous-interface", Severity: Medium, Attack: []string{"T1040"},
		Means:  "A network interface takes all packets, also those for other hosts.",
		Honest: "tcpdump and its relatives while they run. Ports of bridges and switches (containers, virtual machines), and interfaces that others stand on (macvlan), have to, and are passed over.",
	}
)

var networkRules = []*Rule{&socketRaw, &socketPacket, &portHidden, &promiscuous}

// Sockets applies the rules for sockets; the rows of the findings are those of ss.
func Sockets(ss []procfs.Socket) []Finding {
	var out []Finding
	for i, s := range ss {
		switch s.Family {
		case "raw", "raw6":
			out = append(out, rawSocket(socketRaw, i, s, Info))
		case "packet":
			usual := Info
			if s.Protocol == "all" {
				usual = Low
			}
			out = append(out, rawSocket(socketPacket, i, s, usual))
		}
	}
	return out
}

// rawSocket makes a finding of a socket; usual is its severity if all who hold it are programs of packages.
func rawSocket(r Rule, row int, s procfs.Socket, usual Severity) Finding {
	who, honest := "nobody that can be seen", len(s.Holders) > 0
	var names, exes, pids []string
	for _, h := range s.Holders {
		names = append(names, fmt.Sprintf("pid %d (%s, %s)", h.PID, h.Comm, h.Exe))
		exes, pids = append(exes, h.Exe), append(pids, strconv.Itoa(h.PID))
		honest = honest && procfs.SystemPlace(h.Exe) && !strings.HasSuffix(h.Exe, " (deleted)")
	}
	if len(names) > 0 {
		who = strings.Join(names, ", ")
	}
	f := r.In(row, fmt.Sprintf("a %s socket for %s is held by %s", s.Family, s.Protocol, who),
		"pid", strings.Join(pids, " "), "exe", strings.Join(exes, " "), "protocol", s.Protocol, "inode", strconv.FormatUint(s.Inode, 10))
	switch {
	case honest:
		f.Severity = usual
	case len(s.Holders) == 0:
		f.Severity = Low // of the kernel itself, or of a process that this program may not look into
	}
	return f
}

// A Port is a port that is taken and stands in no list.
type Port struct {
	Protocol string // tcp, udp
	Number   int
	How      string // what shows that it is taken
}

// HiddenPorts applies the rule for ports.
func HiddenPorts(ports []Port) []Finding {
	var out []Finding
	for _, p := range ports {
		out = append(out, portHidden.In(-1, fmt.Sprintf("%s port %d is taken, and no list of sockets shows it: %s", p.Protocol, p.Number, p.How),
			"protocol", p.Protocol, "port", strconv.Itoa(p.Number)))
	}
	return out
}

// Interfaces applies the rule for interfaces; the rows of the findings are those of is.
func Interfaces(is []procfs.Interface) []Finding {
	var out []Finding
	for i, link := range is {
		if !link.Promiscuous || link.PartOf != "" || len(link.Uppers) > 0 || isLoopback(link) {
			continue
		}
		out = append(out, promiscuous.In(i, "the interface "+link.Name+" takes all packets, and is no port of a bridge", "interface", link.Name))
	}
	return out
}

// flagLoopback is IFF_LOOPBACK of netdevice(7).
const flagLoopback = 0x8

func isLoopback(link procfs.Interface) bool {
	flags, err := strconv.ParseUint(link.Flags, 0, 32)
	return err == nil && flags&flagLoopback != 0
}
