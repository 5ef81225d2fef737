package collectors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"bellwether/collectors/procfs"

	"golang.org/x/sys/unix"
)

// portProbes tries ports by binding to them, without listening, and closing at once: nothing is sent, nobody can connect, and the port is
// ours for some microseconds.
func portProbes(fs procfs.FS) []portProbe {
	listed := func(families ...string) func() (map[int]bool, error) {
		return func() (map[int]bool, error) { return listedPorts(fs, families) }
	}
	taken := func(kind int) func(int) (bool, error) {
		return func(port int) (bool, error) { return portTaken(kind, port) }
	}
	return []portProbe{
		{protocol: "tcp", taken: taken(unix.SOCK_STREAM), listed: listed("tcp", "tcp6"), sure: accepts},
		{protocol: "udp", taken: taken(unix.SOCK_DGRAM), listed: listed("udp", "udp6"), sure: func(context.Context, int) string {
			return "nobody else can bind to it, and a UDP socket that is bound is always listed"
		}},
	}
}

func listedPorts(fs procfs.FS, families []string) (map[int]bool, error) {
	sockets, err := fs.Sockets(os.Getpid(), families...)
	if err != nil {
		return nil, err
	}
	out := map[int]bool{}
	for _, s := range sockets {
		out[int(s.LocalPort)] = true
	}
	return out, nil
}

// portTaken reports whether a port is taken, on any address of either family.
func portTaken(kind, port int) (bool, error) {
	err := bindOnce(unix.AF_INET6, kind, &unix.SockaddrInet6{Port: port})
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EPROTONOSUPPORT) {
		err = bindOnce(unix.AF_INET, kind, &unix.SockaddrInet4{Port: port}) // a host without IPv6
	}
	if errors.Is(err, unix.EADDRINUSE) {
		return true, nil
	}
	return false, err
}

func bindOnce(family, kind int, to unix.Sockaddr) error {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if family == unix.AF_INET6 {
		// One socket for both families, whatever the host's default is.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	return unix.Bind(fd, to)
}

// accepts says whether somebody answers at a TCP port of this host. A port that is taken and does not answer was only reserved, or refuses
// us.
func accepts(ctx context.Context, port int) string {
	d := net.Dialer{Timeout: 300 * time.Millisecond}
	for _, host := range ownAddresses() {
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			if ctx.Err() != nil {
				return ""
			}
			continue
		}
		own := c.LocalAddr().String() == c.RemoteAddr().String() // a connection of this socket with itself
		_ = c.Close()
		if !own {
			return fmt.Sprintf("a connection to %s is accepted", host)
		}
	}
	return ""
}

// ownAddresses returns the addresses of this host, those that lead nowhere else first.
func ownAddresses() []string {
	out := []string{"127.0.0.1", "::1"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return out
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() && len(out) < 16 {
			out = append(out, n.IP.String())
		}
	}
	return out
}
