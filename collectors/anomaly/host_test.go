package anomaly

import (
	"strings"
	"testing"

	"bellwether/collectors/procfs"

	"github.com/google/go-cmp/cmp"
)

func TestSocketRules(t *testing.T) {
	dhclient := []procfs.Holder{{PID: 5, Comm: "dhclient", Exe: "/usr/sbin/dhclient", FD: 5}}
	implant := []procfs.Holder{{PID: 6, Comm: "dhclient", Exe: "/dev/shm/kdmtmpflush (deleted)", FD: 3}}
	for _, tt := range []struct {
		s    procfs.Socket
		want []string
	}{
		{procfs.Socket{Family: "tcp", Holders: implant}, nil},
		{procfs.Socket{Family: "packet", Protocol: "ip", Holders: dhclient}, []string{"socket-packet info"}},
		{procfs.Socket{Family: "packet", Protocol: "all", Holders: dhclient}, []string{"socket-packet low"}},
		{procfs.Socket{Family: "packet", Protocol: "ip", Holders: implant}, []string{"socket-packet medium"}},
		{procfs.Socket{Family: "packet", Protocol: "ip", Holders: append(implant, dhclient...)}, []string{"socket-packet medium"}},
		{procfs.Socket{Family: "raw", Protocol: "icmp", Holders: dhclient}, []string{"socket-raw info"}},
		{procfs.Socket{Family: "raw6", Protocol: "icmpv6"}, []string{"socket-raw low"}},
	} {
		if diff := cmp.Diff(tt.want, found(Sockets([]procfs.Socket{tt.s}))); diff != "" {
			t.Errorf("%+v: -want +got:\n%s", tt.s, diff)
		}
	}
}

func TestInterfaceRules(t *testing.T) {
	for _, tt := range []struct {
		i    procfs.Interface
		want []string
	}{
		{procfs.Interface{Name: "eth0", Flags: "0x1003"}, nil},
		{procfs.Interface{Name: "eth0", Flags: "0x1103", Promiscuous: true}, []string{"promiscuous-interface medium"}},
		{procfs.Interface{Name: "veth1", Flags: "0x1103", Promiscuous: true, PartOf: "docker0"}, nil},
		{procfs.Interface{Name: "eth0", Flags: "0x1103", Promiscuous: true, Uppers: []string{"macvlan0"}}, nil},
		{procfs.Interface{Name: "lo", Flags: "0x109", Promiscuous: true}, nil},
	} {
		if diff := cmp.Diff(tt.want, found(Interfaces([]procfs.Interface{tt.i}))); diff != "" {
			t.Errorf("%+v: -want +got:\n%s", tt.i, diff)
		}
	}
}

func TestModuleRules(t *testing.T) {
	for _, tt := range []struct {
		m    procfs.Module
		bare bool // there is no /sys/module
		want []string
	}{
		{m: procfs.Module{Name: "ext4", State: "Live", InProc: true, InSysfs: true, Traced: true}},
		{m: procfs.Module{Name: "evil", State: "live", InSysfs: true}, want: []string{"module-hidden high"}},
		{m: procfs.Module{Name: "evil", Traced: true}, want: []string{"module-hidden high"}},
		{m: procfs.Module{Name: "evil", State: "Live", InProc: true}, want: []string{"module-hidden high"}},
		{m: procfs.Module{Name: "evil", State: "Live", InProc: true}, bare: true},
		{m: procfs.Module{Name: "new", State: "Loading", InProc: true}},
	} {
		if diff := cmp.Diff(tt.want, found(HiddenModules([]procfs.Module{tt.m}, !tt.bare))); diff != "" {
			t.Errorf("%+v: -want +got:\n%s", tt.m, diff)
		}
	}
	if got := found(UnsignedModules([]procfs.Module{{Name: "zfs", Taints: "POE"}, {Name: "ext4"}})); !cmp.Equal(got, []string{"module-unsigned info"}) {
		t.Errorf("unsigned: %q", got)
	}
}

func TestSettingRules(t *testing.T) {
	foreign := []procfs.Module{{Name: "zfs", Taints: "POE"}}
	for _, tt := range []struct {
		name, value string
		modules     []procfs.Module
		want        []string
	}{
		{procfs.Tainted, "0", []procfs.Module{}, nil},
		{procfs.Tainted, "12289", foreign, nil}, // P, O and E
		{procfs.Tainted, "12288", []procfs.Module{}, []string{"taint-unexplained medium"}},
		{procfs.Tainted, "12288", nil, nil},             // no list of modules
		{procfs.Tainted, "512", []procfs.Module{}, nil}, // a warning
		{procfs.Tainted, "2", foreign, []string{"taint-unexplained medium"}},
		{procfs.CorePattern, "core", nil, nil},
		{procfs.CorePattern, "|/usr/share/apport/apport -p%p", nil, nil},
		{procfs.CorePattern, "|/bin/false", nil, nil},
		{procfs.CorePattern, "|/srv/collect %p", nil, []string{"core-pattern-pipe medium"}},
		{procfs.CorePattern, "|/tmp/x %p", nil, []string{"core-pattern-pipe high"}},
	} {
		if diff := cmp.Diff(tt.want, found(Settings([]procfs.Setting{{Name: tt.name, Value: tt.value}}, tt.modules))); diff != "" {
			t.Errorf("%s=%s: -want +got:\n%s", tt.name, tt.value, diff)
		}
	}
}

func TestMountRules(t *testing.T) {
	for path, want := range map[string][]string{
		"/proc": nil, "/proc/sys/fs/binfmt_misc": nil, "/proc/kcore": nil, "/proc/meminfo": nil, "/proc/77": nil, "/procfs": nil,
		"/proc/modules": {"mount-over-proc medium"}, "/proc/self": {"mount-over-proc medium"},
	} {
		if diff := cmp.Diff(want, found(Mounts([]procfs.Mount{{Path: path, Type: "tmpfs"}}))); diff != "" {
			t.Errorf("%s: -want +got:\n%s", path, diff)
		}
	}
}

func TestOtherKernelRules(t *testing.T) {
	got := Preload(map[string]bool{"/lib/b.so": true, "/lib/a.so": false})
	if !cmp.Equal(found(got), []string{"preload-file high", "preload-file high"}) || !strings.Contains(got[0].Text, "a.so") || !strings.Contains(got[0].Text, "no such file") {
		t.Errorf("preload: %+v", got)
	}
	formats := []procfs.Binfmt{
		{Name: "jar", Enabled: true, Interpreter: "/usr/bin/jexec"}, {Name: "off", Interpreter: "/tmp/x"},
		{Name: "own", Enabled: true, Interpreter: "/srv/run"}, {Name: "evil", Enabled: true, Interpreter: "/dev/shm/x"},
	}
	if got := found(Binfmts(formats)); !cmp.Equal(got, []string{"binfmt-misc medium", "binfmt-misc high"}) {
		t.Errorf("binfmt: %q", got)
	}
	if got := found(HiddenPorts([]Port{{"tcp", 4444, "a connection is accepted"}})); !cmp.Equal(got, []string{"port-hidden high"}) {
		t.Errorf("ports: %q", got)
	}
}

func TestComparisonRules(t *testing.T) {
	got := Comparisons([]Comparison{
		{Of: "process", Tool: "ps", LeftOut: []string{"pid 7 (evil)"}}, {Of: "process", Tool: "ps aux"}, {Of: "socket", Tool: "ss", LeftOut: []string{"tcp port 4444, listening"}},
		{Of: "module", Tool: "lsmod", LeftOut: []string{"evil"}}, {Of: "file", Tool: "ls", LeftOut: make([]string, 30)}, {Of: "file", Tool: "ls", Note: "not installed"},
	})
	if want := []string{"tool-hides-process high", "tool-hides-socket high", "tool-hides-module high", "tool-hides-file high"}; !cmp.Equal(found(got), want) {
		t.Errorf("got %q", found(got))
	}
	if !strings.Contains(got[3].Text, "and 10 more") || got[3].Row != 4 {
		t.Errorf("got %+v", got[3])
	}
}
