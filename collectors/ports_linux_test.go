package collectors

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
		if !slices.Contains(got, ports[i]) || p.sure(t.Context(), ports[i]) == "" {
			t.Errorf("%s: %v, want %d among them, for a reason (%q)", p.protocol, got, ports[i], p.sure(t.Context(), ports[i]))
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
	if accepts(t.Context(), port) == "" {
		t.Errorf("nobody answers at port %d", port)
	}
	l.Close()
	if how := accepts(t.Context(), port); how != "" {
		t.Errorf("port %d is closed, and %s", port, how)
	}
}

// The end of the run, or of the time for all ports, ends the trying, and what was not tried is counted.
func TestConfirmingPortsEnds(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if how := accepts(ended, port); how != "" {
		t.Errorf("after the run's end %s", how)
	}
	tried := 0
	p := portProbe{protocol: "tcp", sure: func(ctx context.Context, port int) string {
		if tried++; tried < 3 {
			return "it answers"
		}
		<-ctx.Done()
		return ""
	}}
	got, left := p.confirm(t.Context(), []int{1, 2, 3, 4, 5}, 10*time.Millisecond)
	if len(got) != 2 || left != 3 || tried != 3 {
		t.Errorf("%d found, %d left, %d tried", len(got), left, tried)
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
	sockets, notes := allSockets(fs, pids, maxNamespaces)
	i := slices.IndexFunc(sockets, func(s procfs.Socket) bool { return s.Local == l.Addr().String() && s.State == "LISTEN" })
	if i < 0 || len(sockets[i].Holders) == 0 || sockets[i].Holders[0].Comm == "" || !sockets[i].OwnNS {
		t.Fatalf("socket %d of %d, %q", i, len(sockets), notes)
	}
	if last := slices.IndexFunc(sockets, func(s procfs.Socket) bool { return s.Family == "unix" }); last >= 0 && last < i {
		t.Error("what listens to the network does not come first")
	}
}

// What a limit leaves out of the sockets is said.
func TestNamespacesBeyondTheLimitAreTold(t *testing.T) {
	root := t.TempDir()
	for pid, link := range map[string]string{strconv.Itoa(os.Getpid()): "net:[1]", "70001": "net:[2]", "70002": "net:[3]"} {
		dir := filepath.Join(root, "proc", pid, "ns")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(link, filepath.Join(dir, "net")); err != nil {
			t.Fatal(err)
		}
	}
	_, notes := allSockets(procfs.New(root), []int{os.Getpid(), 70001, 70002}, 2)
	if len(notes) != 1 || !strings.Contains(notes[0], "more than 2 network namespaces") {
		t.Errorf("notes %q", notes)
	}
	if _, notes := allSockets(procfs.New(root), []int{os.Getpid(), 70001, 70002}, 3); len(notes) > 0 {
		t.Errorf("notes %q where nothing is left out", notes)
	}
}
