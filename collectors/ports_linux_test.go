package collectors

import (
	"net"
	"slices"
	"testing"

	"bellwether/collectors/procfs"
)

// withoutPort lists ports as a rootkit would.
func withoutPort(p portProbe, hidden int) portProbe {
	listed := p.listed
	p.listed = func() (map[int]bool, error) {
		ports, err := listed()
		delete(ports, hidden)
		return ports, err
	}
	return p
}

func TestPortsThatNoListShows(t *testing.T) {
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	ports := []int{tcp.Addr().(*net.TCPAddr).Port, udp.LocalAddr().(*net.UDPAddr).Port}
	for i, p := range portProbes(procfs.New("/")) {
		got, err := withoutPort(p, ports[i]).find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(got, ports[i]) || p.sure(ports[i]) == "" {
			t.Errorf("%s: %v, want %d among them, for a reason (%q)", p.protocol, got, ports[i], p.sure(ports[i]))
		}
	}
	if got, note := hiddenPorts(t.Context(), procfs.New("/")); len(got) > 0 {
		t.Errorf("hidden on a host that hides none: %+v %s", got, note)
	}
}

// A port that is bound and does not listen is taken, is in no list, and is honest.
func TestAReservedPortIsNotHidden(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if accepts(port) == "" {
		t.Errorf("nobody answers at port %d", port)
	}
	l.Close()
	if how := accepts(port); how != "" {
		t.Errorf("port %d is closed, and %s", port, how)
	}
}

func TestSocketsHaveOwners(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fs := procfs.New("/")
	pids, err := fs.PIDs()
	if err != nil {
		t.Fatal(err)
	}
	sockets, notes := allSockets(fs, pids)
	i := slices.IndexFunc(sockets, func(s procfs.Socket) bool { return s.Local == l.Addr().String() && s.State == "LISTEN" })
	if i < 0 || len(sockets[i].Holders) == 0 || sockets[i].Holders[0].Comm == "" || !sockets[i].OwnNS {
		t.Fatalf("socket %d of %d, %q", i, len(sockets), notes)
	}
	if last := slices.IndexFunc(sockets, func(s procfs.Socket) bool { return s.Family == "unix" }); last >= 0 && last < i {
		t.Error("what listens to the network does not come first")
	}
}
