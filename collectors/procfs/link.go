package procfs

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// An Interface is a network interface of the namespace that this program runs in.
type Interface struct {
	Name        string   `json:"name"`
	Index       int      `json:"index"`
	State       string   `json:"state,omitempty"` // up, down, unknown
	MAC         string   `json:"mac,omitempty"`
	MTU         int      `json:"mtu"`
	Flags       string   `json:"flags"` // hex
	Promiscuous bool     `json:"promiscuous"`
	PartOf      string   `json:"part_of,omitempty"` // the bridge, bond or switch that it is a port of
	Uppers      []string `json:"uppers,omitempty"`  // interfaces that stand on it
	Addresses   []string `json:"addresses,omitempty"`
}

// flagPromisc is IFF_PROMISC of netdevice(7). Unlike what ip shows, the flags of sysfs have it also where a packet socket asked for it.
const flagPromisc = 0x100

// Interfaces reads /sys/class/net.
func (f FS) Interfaces() []Interface {
	names, err := f.names("sys/class/net")
	if err != nil {
		return nil
	}
	slices.Sort(names)
	var out []Interface
	for _, n := range names[:min(len(names), 10_000)] {
		dir := "sys/class/net/" + n
		flags, err := strconv.ParseUint(f.text(dir+"/flags"), 0, 32)
		if err != nil {
			continue // bonding_masters is no interface
		}
		i := Interface{
			Name: n, State: f.text(dir + "/operstate"), MAC: f.text(dir + "/address"), Flags: fmt.Sprintf("%#x", flags),
			Promiscuous: flags&flagPromisc != 0,
		}
		i.Index, _ = strconv.Atoi(f.text(dir + "/ifindex"))
		i.MTU, _ = strconv.Atoi(f.text(dir + "/mtu"))
		if master, err := f.Link(dir + "/master"); err == nil {
			i.PartOf = master[strings.LastIndex(master, "/")+1:]
		}
		i.Uppers = f.uppers(dir)
		i.Addresses = addressesOf(f, n)
		out = append(out, i)
	}
	return out
}

func (f FS) uppers(dir string) (out []string) {
	names, _ := f.names(dir)
	for _, n := range names {
		if up, ok := strings.CutPrefix(n, "upper_"); ok {
			out = append(out, up)
		}
	}
	return out
}

// addressesOf asks the kernel itself, by netlink: no file has them for both families.
func addressesOf(f FS, name string) (out []string) {
	if f.root != "/" {
		return nil
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil
	}
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

// A Route is a row of the main routing tables.
type Route struct {
	Destination string `json:"destination"` // 0.0.0.0/0 is the default
	Gateway     string `json:"gateway,omitempty"`
	Interface   string `json:"interface"`
	Metric      uint32 `json:"metric"`
	Flags       string `json:"flags"` // hex, see rtnetlink(7)
}

// maxRoutes bounds how many routes are kept: a router can have a million.
const maxRoutes = 50_000

// parseRoute reads a row of /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask …
func parseRoute(line string) (Route, bool) {
	f := strings.Fields(line)
	if len(f) < 8 {
		return Route{}, false
	}
	to, ok1 := hexIPv4(f[1])
	via, ok2 := hexIPv4(f[2])
	mask, ok3 := hexIPv4(f[7])
	metric, err := strconv.ParseUint(f[6], 10, 32)
	if !ok1 || !ok2 || !ok3 || err != nil {
		return Route{}, false
	}
	m := mask.As4()
	bits, _ := net.IPMask(m[:]).Size()
	r := Route{Destination: fmt.Sprintf("%s/%d", to, bits), Interface: f[0], Metric: uint32(metric), Flags: f[3]}
	if !via.IsUnspecified() {
		r.Gateway = via.String()
	}
	return r, true
}

func hexIPv4(text string) (netip.Addr, bool) {
	a, ok := hexAddrPort(text + ":0")
	return a.Addr(), ok && a.Addr().Is4()
}

// parseRoute6 reads a row of /proc/net/ipv6_route: destination, length, source, length, gateway, metric, refs, use, flags, interface.
func parseRoute6(line string) (Route, bool) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return Route{}, false
	}
	to, ok1 := hexIPv6(f[0])
	via, ok2 := hexIPv6(f[4])
	bits, err1 := strconv.ParseUint(f[1], 16, 8)
	metric, err2 := strconv.ParseUint(f[5], 16, 32)
	if !ok1 || !ok2 || err1 != nil || err2 != nil {
		return Route{}, false
	}
	r := Route{Destination: fmt.Sprintf("%s/%d", to, bits), Interface: f[9], Metric: uint32(metric), Flags: f[8]}
	if !via.IsUnspecified() {
		r.Gateway = via.String()
	}
	return r, true
}

func hexIPv6(text string) (netip.Addr, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16([16]byte(b)), true
}

// Routes reads the main routing tables of both families.
func (f FS) Routes() ([]Route, error) {
	four, err := lines(f, "proc/self/net/route", maxRoutes, parseRoute)
	six, err6 := lines(f, "proc/self/net/ipv6_route", maxRoutes, parseRoute6)
	if err6 != nil && !absent(err6) {
		err = err6
	}
	return append(four, six...), err
}

// A Neighbour is a row of the ARP table.
type Neighbour struct {
	Address   string `json:"address"`
	MAC       string `json:"mac"`
	Interface string `json:"interface"`
	Flags     string `json:"flags"` // 0x0 incomplete, 0x2 complete, 0x6 set by hand
}

// parseNeighbour reads a row of /proc/net/arp: IP address, HW type, Flags, HW address, Mask, Device.
func parseNeighbour(line string) (Neighbour, bool) {
	f := strings.Fields(line)
	if len(f) < 6 {
		return Neighbour{}, false
	}
	if _, err := netip.ParseAddr(f[0]); err != nil {
		return Neighbour{}, false
	}
	return Neighbour{Address: f[0], MAC: f[3], Interface: f[5], Flags: f[2]}, true
}

// Neighbours reads the ARP table.
func (f FS) Neighbours() ([]Neighbour, error) {
	return lines(f, "proc/self/net/arp", maxRoutes, parseNeighbour)
}
