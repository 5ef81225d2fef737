package procfs

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Socket is a row of one of the lists in /proc/net.
type Socket struct {
	Family   string `json:"family"` // tcp, tcp6, udp, udp6, udplite, udplite6, raw, raw6, icmp, icmp6, sctp, unix, packet, netlink
	State    string `json:"state,omitempty"`
	Local    string `json:"local,omitempty"`  // 10.0.0.1:22, [::1]:22; of unix sockets the path, @ for an abstract one
	Remote   string `json:"remote,omitempty"` // empty where there is none
	Type     string `json:"type,omitempty"`   // stream, dgram, raw, seqpacket
	Protocol string `json:"protocol,omitempty"`
	Iface    int    `json:"interface,omitempty"` // of packet sockets; 0 is all
	UID      uint32 `json:"uid"`
	Inode    uint64 `json:"inode"`
	NetNS    uint64 `json:"netns,omitempty"`
	OwnNS    bool   `json:"own_netns"` // in the network namespace that this program runs in

	Holders []Holder `json:"holders,omitempty"`

	LocalPort  uint16     `json:"-"`
	LocalAddr  netip.Addr `json:"-"`
	RemotePort uint16     `json:"-"`
}

// A socketList is a file of /proc/net and how its rows are read.
type socketList struct {
	file, family string
	parse        func(family, line string) (Socket, bool)
}

// socketLists is in the order in which sockets are listed.
var socketLists = []socketList{
	{"tcp", "tcp", parseInet}, {"tcp6", "tcp6", parseInet},
	{"udp", "udp", parseInet}, {"udp6", "udp6", parseInet},
	{"udplite", "udplite", parseInet}, {"udplite6", "udplite6", parseInet},
	{"sctp/eps", "sctp", parseSCTP}, {"sctp/assocs", "sctp", parseSCTP},
	{"raw", "raw", parseInet}, {"raw6", "raw6", parseInet},
	{"icmp", "icmp", parseInet}, {"icmp6", "icmp6", parseInet},
	{"packet", "packet", parsePacket},
	{"unix", "unix", parseUnix},
	{"netlink", "netlink", parseNetlink},
}

// MaxSockets bounds how many sockets of one list are kept.
const MaxSockets = 200_000

// Sockets reads the lists of the network namespace that a process is in; families names those that are wanted, none is all. A list that
// this kernel doesn't have is passed over.
func (f FS) Sockets(pid int, families ...string) ([]Socket, error) {
	var out []Socket
	var failed error
	for _, l := range socketLists {
		if len(families) > 0 && !slices.Contains(families, l.family) {
			continue
		}
		got, err := lines(f, fmt.Sprintf("proc/%d/net/%s", pid, l.file), MaxSockets, func(line string) (Socket, bool) { return l.parse(l.family, line) })
		if err != nil && !absent(err) {
			failed = err
		}
		out = append(out, got...)
	}
	return out, failed
}

// tcpStates are those of the kernel's include/net/tcp_states.h.
var tcpStates = []string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "SYN_RECV",
}

// parseInet reads a row of tcp, udp, raw or icmp, or of one of their siblings for IPv6, see proc_pid_net(5).
func parseInet(family, line string) (Socket, bool) {
	f := strings.Fields(line)
	if len(f) < 10 || !strings.HasSuffix(f[0], ":") {
		return Socket{}, false
	}
	s := Socket{Family: family}
	local, ok1 := hexAddrPort(f[1])
	remote, ok2 := hexAddrPort(f[2])
	state, err1 := strconv.ParseUint(f[3], 16, 8)
	uid, err2 := strconv.ParseUint(f[7], 10, 32)
	inode, err3 := strconv.ParseUint(f[9], 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || err3 != nil {
		return Socket{}, false
	}
	s.UID, s.Inode = uint32(uid), inode
	s.LocalAddr, s.LocalPort, s.RemotePort = local.Addr(), local.Port(), remote.Port()
	s.Local = local.String()
	if !remote.Addr().IsUnspecified() || remote.Port() != 0 {
		s.Remote = remote.String()
	}
	switch strings.TrimSuffix(family, "6") {
	case "tcp":
		s.Type, s.State = "stream", nameOf(tcpStates, state)
	case "raw":
		s.Type, s.Protocol = "raw", nameOr(ipProtocols, uint64(s.LocalPort)) // the port is the protocol here
		s.Local = local.Addr().String()
	default:
		s.Type, s.State = "dgram", udpState(state)
	}
	return s, true
}

func nameOf(names []string, n uint64) string {
	if n < uint64(len(names)) && names[n] != "" {
		return names[n]
	}
	return strconv.FormatUint(n, 10)
}

func nameOr(names map[uint64]string, n uint64) string {
	if s, ok := names[n]; ok {
		return s
	}
	return strconv.FormatUint(n, 10)
}

func udpState(n uint64) string {
	if n == 1 {
		return "ESTABLISHED"
	}
	return "UNCONN"
}

// ipProtocols are the usual ones of raw sockets.
var ipProtocols = map[uint64]string{
	1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmpv6", 89: "ospf", 112: "vrrp", 132: "sctp", 255: "raw",
}

// hexAddrPort reads 0100007F:0035: 32-bit words in the machine's order, which is little-endian wherever we run, and a port.
func hexAddrPort(text string) (netip.AddrPort, bool) {
	a, p, ok := strings.Cut(text, ":")
	if !ok || len(a) != 8 && len(a) != 32 {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(p, 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	b, err := hex.DecodeString(a)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr, uint16(port)), ok
}

// socketTypes are those of socket(2).
var socketTypes = []string{"", "stream", "dgram", "raw", "rdm", "seqpacket", "", "", "", "", "packet"}

// parsePacket reads a row of packet: sk RefCnt Type Proto Iface R Rmem User Inode.
func parsePacket(family, line string) (Socket, bool) {
	f := strings.Fields(line)
	if len(f) < 9 || f[0] == "sk" {
		return Socket{}, false
	}
	kind, err1 := strconv.ParseUint(f[2], 10, 8)
	proto, err2 := strconv.ParseUint(f[3], 16, 16)
	iface, err3 := strconv.ParseInt(f[4], 10, 32)
	uid, err4 := strconv.ParseUint(f[7], 10, 32)
	inode, err5 := strconv.ParseUint(f[8], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || err5 != nil {
		return Socket{}, false
	}
	return Socket{
		Family: family, Type: nameOf(socketTypes, kind), Protocol: etherName(proto), Iface: int(iface), UID: uint32(uid), Inode: inode,
	}, true
}

// etherName names the protocol of a packet socket, see the kernel's include/uapi/linux/if_ether.h.
func etherName(n uint64) string {
	names := map[uint64]string{3: "all", 0x800: "ip", 0x806: "arp", 0x86dd: "ipv6", 0x888e: "eapol", 0x88cc: "lldp", 0x88f7: "ptp", 0: "none"}
	if s, ok := names[n]; ok {
		return s
	}
	return fmt.Sprintf("0x%04x", n)
}

// unixStates are those of the kernel's include/uapi/linux/net.h.
var unixStates = []string{"FREE", "UNCONN", "CONNECTING", "CONNECTED", "DISCONNECTING"}

// unixListens is __SO_ACCEPTCON of the same file.
const unixListens = 1 << 16

// parseUnix reads a row of unix: Num RefCount Protocol Flags Type St Inode Path.
func parseUnix(family, line string) (Socket, bool) {
	f := strings.Fields(line)
	if len(f) < 7 || !strings.HasSuffix(f[0], ":") {
		return Socket{}, false
	}
	flags, err1 := strconv.ParseUint(f[3], 16, 32)
	kind, err2 := strconv.ParseUint(f[4], 16, 16)
	state, err3 := strconv.ParseUint(f[5], 16, 8)
	inode, err4 := strconv.ParseUint(f[6], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return Socket{}, false
	}
	s := Socket{Family: family, Type: nameOf(socketTypes, kind), State: nameOf(unixStates, state), Inode: inode}
	if flags&unixListens != 0 {
		s.State = "LISTEN"
	}
	if len(f) > 7 {
		s.Local = line[strings.LastIndex(line, " "+f[6]+" ")+len(f[6])+2:] // a path may hold blanks
	}
	return s, true
}

// parseNetlink reads a row of netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode.
func parseNetlink(family, line string) (Socket, bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[0] == "sk" {
		return Socket{}, false
	}
	inode, err := strconv.ParseUint(f[9], 10, 64)
	proto, err2 := strconv.ParseUint(f[1], 10, 8)
	if err != nil || err2 != nil {
		return Socket{}, false
	}
	return Socket{Family: family, Type: "raw", Protocol: nameOr(netlinkFamilies, proto), Inode: inode}, true
}

// netlinkFamilies are those of netlink(7) that matter here.
var netlinkFamilies = map[uint64]string{
	0: "route", 2: "usersock", 4: "sock_diag", 6: "xfrm", 7: "selinux", 9: "audit", 10: "fib_lookup", 11: "connector", 12: "netfilter",
	15: "uevent", 16: "generic",
}

// parseSCTP reads a row of eps (ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS) or assocs, which have the same beginning and more in between
// (… ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS).
func parseSCTP(family, line string) (Socket, bool) {
	f := strings.Fields(line)
	if len(f) < 8 || f[0] == "ENDPT" || f[0] == "ASSOC" {
		return Socket{}, false
	}
	port, uid, inode, state := f[5], f[6], f[7], "LISTEN"
	rest := f[8:]
	if slices.Contains(f, "<->") {
		if len(f) < 14 {
			return Socket{}, false
		}
		uid, inode, port, state, rest = f[9], f[10], f[11], "ESTABLISHED", f[13:]
	}
	p, err1 := strconv.ParseUint(port, 10, 16)
	u, err2 := strconv.ParseUint(uid, 10, 32)
	i, err3 := strconv.ParseUint(inode, 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Socket{}, false
	}
	return Socket{
		Family: family, Type: "seqpacket", State: state, Local: strings.Join(rest, " ") + " port " + port,
		UID: uint32(u), Inode: i, LocalPort: uint16(p),
	}, true
}
