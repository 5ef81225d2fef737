package procfs

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	sampleStat = "4242 (a) b (c)) S 1 4242 4200 34817 4242 4194560 1 0 0 0 150 50 0 0 39 19 3 0 123456 1 2 3\n"
	sampleNet  = "   1: 0100007F:1F90 0200000A:D431 01 00000000:00000000 00:00000000 00000000  1000        0 98765 1 0000000000000000 20 4 30 10 -1"
)

func TestParseStat(t *testing.T) {
	got, err := ParseStat([]byte(sampleStat))
	if err != nil {
		t.Fatal(err)
	}
	want := Stat{
		PID: 4242, Comm: "a) b (c)", State: 'S', PPID: 1, Group: 4242, Session: 4200, TTY: "pts/1",
		CPU: 2 * time.Second, Threads: 3, Start: 1234560 * time.Millisecond,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	kernel, err := ParseStat([]byte("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0"))
	if err != nil || !kernel.Kernel {
		t.Errorf("kthreadd is %+v, %v, want a thread of the kernel", kernel, err)
	}
}

func TestTTYName(t *testing.T) {
	for dev, want := range map[uint32]string{0: "", 4<<8 | 1: "tty1", 4<<8 | 64: "ttyS0", 136<<8 | 3: "pts/3", 5<<8 | 1: "5:1"} {
		if got := ttyName(dev); got != want {
			t.Errorf("%#x is %q, want %q", dev, got, want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	got, err := ParseStatus([]byte("Name:\tsshd\nTgid:\t7\nPid:\t7\nPPid:\t1\nTracerPid:\t9\nUid:\t0\t1\t2\t3\nGid:\t4\t5\t6\t7\nGroups:\t27 100 \n" +
		"NSpid:\t7\t1\nVmRSS:\t    2048 kB\nThreads:\t2\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000401\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\nOdd line\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Status{
		Name: "sshd", TGID: 7, PID: 7, PPID: 1, Tracer: 9, UIDs: [4]uint32{0, 1, 2, 3}, GIDs: [4]uint32{4, 5, 6, 7}, Groups: []uint32{27, 100},
		RSS: 2 << 20, Threads: 2, CapPrm: 0x400, CapEff: 0x401, CapBnd: 0x1ffffffffff, NoNewPrivs: true, Seccomp: 2, NSPIDs: []int{7, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, want := capNames(0x401|1<<60, 0x1ffffffffff), []string{"chown", "net_bind_service", "60"}; !slices.Equal(got, want) {
		t.Errorf("capabilities %q, want %q", got, want)
	}
}

func TestParseMaps(t *testing.T) {
	got := ParseMaps([]byte(`55d0c000-55d0d000 r--p 00000000 fe:00 1311 /usr/bin/cat
55d0d000-55d0e000 r-xp 00001000 fe:00 1311                               /usr/bin/cat
7f0000000000-7f0000001000 r-xp 00000000 fe:00 99                         /tmp/a b.so (deleted)
7f0000002000-7f0000003000 r-xp 00000000 fe:00 99                         /tmp/a b.so (deleted)
7f0000004000-7f0000005000 r-xp 00000000 00:01 7                          /memfd:x (deleted)
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]
7ffd00002000-7ffd00003000 r-xp 00000000 00:00 0
`))
	want := []Mapping{{Path: "/usr/bin/cat"}, {Path: "/tmp/a b.so", Deleted: true}, {Path: "/memfd:x", Deleted: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseCgroup(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for text, want := range map[string]Cgroup{
		"0::/system.slice/ssh.service\n":                                  {Path: "/system.slice/ssh.service"},
		"0::/system.slice/docker-" + id + ".scope\n":                      {Path: "/system.slice/docker-" + id + ".scope", Container: id, Runtime: "docker"},
		"12:pids:/docker/" + id + "\n1:name=systemd:/docker/" + id + "\n": {Path: "/docker/" + id, Container: id, Runtime: "docker"},
		"0::/kubepods.slice/pod1.slice/cri-containerd-" + id + ".scope\n": {Path: "/kubepods.slice/pod1.slice/cri-containerd-" + id + ".scope", Container: id, Runtime: "containerd"},
		"0::/machine.slice/machine-web.scope/payload\n":                   {Path: "/machine.slice/machine-web.scope/payload", Container: "web", Runtime: "nspawn"},
		"5:cpu:/lxc.payload.db/x\n0::/\n":                                 {Path: "/lxc.payload.db/x", Container: "db", Runtime: "lxc"},
		"nonsense\n":                                                      {},
	} {
		if diff := cmp.Diff(want, ParseCgroup([]byte(text)), cmpopts.IgnoreFields(Cgroup{}, "Path")); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
}

// Of an environment only five variables are kept: the rest is where credentials stand.
func TestParseEnvironKeepsFiveVariables(t *testing.T) {
	got := ParseEnviron([]byte("AWS_SECRET_ACCESS_KEY=x\x00LD_PRELOAD=/tmp/a.so\x00LD_PRELOAD=second\x00HISTFILE=\x00XLD_AUDIT=1\x00SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22\x00PASSWORD"))
	want := map[string]string{"LD_PRELOAD": "/tmp/a.so", "HISTFILE": "", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseSockets(t *testing.T) {
	for _, tt := range []struct {
		parse        func(string, string) (Socket, bool)
		family, line string
		want         Socket
	}{
		{parseInet, "tcp", sampleNet, Socket{Family: "tcp", State: "ESTABLISHED", Local: "127.0.0.1:8080", Remote: "10.0.0.2:54321", Type: "stream", UID: 1000, Inode: 98765, LocalPort: 8080, RemotePort: 54321}},
		{
			parseInet, "udp6", " 12: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 2 0 0",
			Socket{Family: "udp6", State: "UNCONN", Local: "[::1]:53", Type: "dgram", Inode: 5, LocalPort: 53},
		},
		{
			parseInet, "raw6", " 58: 00000000000000000000000000000000:003A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31 2 0 0",
			Socket{Family: "raw6", Local: "::", Type: "raw", Protocol: "icmpv6", Inode: 31, LocalPort: 58},
		},
		{parsePacket, "packet", "0000000000000000 3      3    0003   2     1 0      0      4711", Socket{Family: "packet", Type: "raw", Protocol: "all", Iface: 2, Inode: 4711}},
		{
			parseUnix, "unix", "0000000000000000: 00000002 00000000 00010000 0001 01 21000 /run/a b.sock",
			Socket{Family: "unix", State: "LISTEN", Local: "/run/a b.sock", Type: "stream", Inode: 21000},
		},
		{parseUnix, "unix", "0000000000000000: 00000003 00000000 00000000 0001 03 21001", Socket{Family: "unix", State: "CONNECTED", Type: "stream", Inode: 21001}},
		{parseNetlink, "netlink", "0000000000000000 9   812        00000001 0        0        0        2        0        777", Socket{Family: "netlink", Type: "raw", Protocol: "audit", Inode: 777}},
		{parseSCTP, "sctp", "ffff 0 2 10 3 5000 0 424242 127.0.0.1", Socket{Family: "sctp", State: "LISTEN", Local: "127.0.0.1 port 5000", Type: "seqpacket", Inode: 424242, LocalPort: 5000}},
	} {
		got, ok := tt.parse(tt.family, tt.line)
		if !ok {
			t.Errorf("%s: not read: %q", tt.family, tt.line)
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Socket{}, "LocalAddr")); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.family, diff)
		}
	}
	for _, heading := range []string{"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", "", "   1: zz:1 00000000:0 0A 0 0 0 0 0 0"} {
		if _, ok := parseInet("tcp", heading); ok {
			t.Errorf("a socket in %q", heading)
		}
	}
}

func TestParseModules(t *testing.T) {
	got := ParseModules([]byte("nf_nat 49152 2 xt_nat,nft_nat, Live 0x0000000000000000\nevil 16384 0 - Live 0x0000000000000000 (OE)\nnf 1 - - Loading 0x0 (E+)\nshort 1\n"))
	want := []Module{
		{Name: "nf_nat", Size: 49152, Refs: 2, UsedBy: []string{"xt_nat", "nft_nat"}, State: "Live", InProc: true},
		{Name: "evil", Size: 16384, State: "Live", Taints: "OE", InProc: true},
		{Name: "nf", Size: 1, State: "Loading", Taints: "E", InProc: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestModuleTag(t *testing.T) {
	for line, want := range map[string]string{"ext4_read [ext4]": "ext4", "vfs_read": "", "x [__builtin__ftrace]": "", "bpf_prog_1 [bpf]": "", "odd [a": ""} {
		if got := moduleTag(line); got != want {
			t.Errorf("%q is of %q, want %q", line, got, want)
		}
	}
}

func TestParseMountinfo(t *testing.T) {
	got := ParseMountinfo([]byte("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\nbroken - x\n"))
	want := []Mount{{ID: 36, Parent: 35, Device: "98:0", Root: "/mnt1", Path: "/mnt 2", Options: "rw,noatime", Type: "ext3", Source: "/dev/root", Super: "rw,errors=continue"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestHidepid(t *testing.T) {
	for options, want := range map[string]string{"rw": "", "rw,hidepid=1": "", "rw,hidepid=2,gid=4": "hidepid=2", "rw,hidepid=invisible": "hidepid=invisible", "hidepid=4": "hidepid=4"} {
		if got := hidepid([]Mount{{Path: "/proc", Super: options}}); got != want {
			t.Errorf("%q hides by %q, want %q", options, got, want)
		}
	}
}

func TestMountedOver(t *testing.T) {
	got := MountedOver([]Mount{{Path: "/proc"}, {Path: "/proc/sys"}, {Path: "/proc/77", Type: "tmpfs"}, {Path: "/proc/78/maps"}, {Path: "/var/proc/9"}})
	if len(got) != 2 || got[77].Type != "tmpfs" || got[78].Path == "" {
		t.Errorf("got %v", got)
	}
}

func TestParseSwapsAndHooksAndBinfmt(t *testing.T) {
	swaps := ParseSwaps([]byte("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap\\040file                           file\t\t2097148\t\t512\t\t-2\n"))
	if want := []Swap{{Path: "/swap file", Type: "file", Size: 2097148 << 10, Used: 512 << 10, Priority: -2}}; !cmp.Equal(want, swaps) {
		t.Errorf("swaps %+v", swaps)
	}
	probe, ok := parseKprobe("ffffffffc0a0  k  vfs_read+0x0  evil  [FTRACE]")
	if want := (Hook{Kind: "kprobe", Function: "vfs_read+0x0", Module: "evil", By: "evil [FTRACE]"}); !ok || probe != want {
		t.Errorf("probe %+v", probe)
	}
	traced, ok := parseFtrace("__x64_sys_kill (1) R I     \ttramp: 0xffffffffc0 (hook+0x0/0x10 [evil]) ->hook+0x0/0x10 [evil]")
	if !ok || traced.Function != "__x64_sys_kill" || traced.Module != "" {
		t.Errorf("hook %+v", traced)
	}
	b, ok := ParseBinfmt("jar", []byte("enabled\ninterpreter /usr/bin/jexec\nflags: PC\noffset 0\nmagic 504b0304\n"))
	if want := (Binfmt{Name: "jar", Enabled: true, Interpreter: "/usr/bin/jexec", Flags: "PC", Match: "magic 504b0304"}); !ok || b != want {
		t.Errorf("binfmt %+v", b)
	}
}

func TestParseLinks(t *testing.T) {
	r, ok := parseRoute("eth0\t0002A8C0\t0102A8C0\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0")
	if want := (Route{Destination: "192.168.2.0/24", Gateway: "192.168.2.1", Interface: "eth0", Metric: 100, Flags: "0003"}); !ok || r != want {
		t.Errorf("route %+v", r)
	}
	r, ok = parseRoute6("fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0")
	if want := (Route{Destination: "fe80::/64", Interface: "eth0", Metric: 256, Flags: "00000001"}); !ok || r != want {
		t.Errorf("route %+v", r)
	}
	n, ok := parseNeighbour("10.0.0.1         0x1         0x2         02:00:00:00:00:01     *        eth0")
	if want := (Neighbour{Address: "10.0.0.1", MAC: "02:00:00:00:00:01", Interface: "eth0", Flags: "0x2"}); !ok || n != want {
		t.Errorf("neighbour %+v", n)
	}
}

func TestPlaces(t *testing.T) {
	for p, want := range map[string]string{
		"/tmp/x": "in /tmp", "/var/tmp/a/b": "in /var/tmp", "/dev/shm/x": "in /dev/shm", "/dev/x": "in /dev", "/home/u/.cache/x": "in the hidden folder .cache",
		"/usr/bin/x": "", "/tmpfiles/x": "", "/home/u/.bashrc": "", "/usr/lib/..x/y": "in the hidden folder ..x",
	} {
		if got := OddPlace(p); got != want {
			t.Errorf("%s is odd: %q, want %q", p, got, want)
		}
	}
	for p, want := range map[string]bool{"/usr/bin/x": true, "/usr/local/bin/x": false, "/lib64/ld.so": true, "/home/u/x": false, "/usr/../tmp/x": false, "/usr/lib/.x/y": false} {
		if got := SystemPlace(p); got != want {
			t.Errorf("%s is of the system: %v", p, got)
		}
	}
}
