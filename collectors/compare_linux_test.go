package collectors

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

// script makes a program of the host.
func script(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(p, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func newTestCompare() *compare {
	return &compare{NewEnv("/", slog.New(slog.DiscardHandler)), profiles.Step{Name: "tools", Collector: profiles.Compare}}
}

func TestAPsThatHidesAProcess(t *testing.T) {
	fs := procfs.New("/")
	self := strconv.Itoa(os.Getpid())
	s := subject{
		of: "process", parse: parsePS, list: func() (map[string]int, error) { return listPIDs(fs) }, foreign: foreignPS,
		describe: func(pid string) string { return describePID(fs, pid) },
	}
	c := newTestCompare()
	for _, tt := range []struct {
		name, tool string
		hides      bool
	}{
		{"honest", "ps -e -o pid,args -ww", false},
		{"replaced", "ps -e -o pid,args -ww | grep -v '^ *" + self + " '", true},
	} {
		s.argv = []string{script(t, tt.tool)}
		row := c.compare(t.Context(), s)
		if row.Note != "" {
			t.Fatalf("%s: %s", tt.name, row.Note)
		}
		if hides := len(row.LeftOut) > 0; hides != tt.hides {
			t.Errorf("%s: left out %q", tt.name, row.LeftOut)
		}
		if tt.hides && (len(row.LeftOut) != 1 || row.LeftOut[0] != describePID(fs, self)) {
			t.Errorf("%s: left out %q, want pid %s", tt.name, row.LeftOut, self)
		}
	}
}

// A ps of another format, or of another place, is no ps that hides processes.
func TestAPsThatIsNotUnderstoodHidesNothing(t *testing.T) {
	fs := procfs.New("/")
	c := newTestCompare()
	s := subject{of: "process", parse: parsePS, list: func() (map[string]int, error) { return listPIDs(fs) }, foreign: foreignPS}
	for name, tool := range map[string]string{
		"no heading": "ps -e -o pid= -o args=", "nothing": "true", "of a container": "echo '  PID CMD'; echo '    1 init'", "another column": "echo 'PID CMD'; ps -e -o user= -o pid=",
	} {
		s.argv = []string{script(t, tool)}
		if row := c.compare(t.Context(), s); row.Note == "" || len(row.LeftOut) > 0 {
			t.Errorf("%s: %+v", name, row)
		}
	}
	// One that hides this process and its parent is still one that hides processes.
	s.argv = []string{script(t, "ps -e -o pid,args | grep -Ev '^ *("+strconv.Itoa(os.Getpid())+"|"+strconv.Itoa(os.Getppid())+") '")}
	if row := c.compare(t.Context(), s); row.Note != "" || len(row.LeftOut) != 2 {
		t.Errorf("hides us: %+v", row)
	}
}

func TestAnLsThatHidesAFile(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"a", "b c", ".x", "evil", "line\nbreak"} {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := subject{of: "file", parse: parseLs, list: func() (map[string]int, error) { return listNames(dir) }}
	c := newTestCompare()
	s.argv = []string{"ls", "-a1", "--", dir}
	if row := c.compare(t.Context(), s); len(row.LeftOut) > 0 || row.Note != "" || row.Kernel != 4 {
		t.Errorf("ls: %+v", row)
	}
	s.argv = []string{script(t, "ls -a1 "+dir+" | grep -v evil")}
	if row := c.compare(t.Context(), s); !slices.Equal(row.LeftOut, []string{"evil"}) {
		t.Errorf("the other ls: %+v", row)
	}
}

// What comes and goes while the tools run is no finding: it is not in every reading.
func TestWhatComesAndGoesIsNotLeftOut(t *testing.T) {
	readings := 0
	s := subject{
		of: "file", argv: []string{script(t, "echo always")}, parse: parseLs,
		list: func() (map[string]int, error) {
			readings++
			return map[string]int{"always": 1, "name" + strconv.Itoa(readings/2): 1}, nil
		},
	}
	if row := newTestCompare().compare(t.Context(), s); len(row.LeftOut) > 0 {
		t.Errorf("left out %q", row.LeftOut)
	}
	s.list = func() (map[string]int, error) { return map[string]int{"always": 1, "hidden": 1}, nil }
	if row := newTestCompare().compare(t.Context(), s); !slices.Equal(row.LeftOut, []string{"hidden"}) {
		t.Errorf("left out %q, want the hidden one", row.LeftOut)
	}
}

func TestAToolThatFailsSaysNothing(t *testing.T) {
	list := func() (map[string]int, error) { return map[string]int{"x": 1}, nil }
	for _, argv := range [][]string{{"no-such-tool-here"}, {script(t, "echo usage >&2; exit 1")}} {
		row := newTestCompare().compare(t.Context(), subject{of: "file", argv: argv, parse: parseLs, list: list})
		if row.Note == "" || len(row.LeftOut) > 0 || len(anomaly.Comparisons([]anomaly.Comparison{row})) > 0 {
			t.Errorf("%q: %+v", argv, row)
		}
	}
}

func TestParseTools(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parse func([]byte) map[string]int
		text  string
		want  map[string]int
	}{
		{"ps -o", parsePS, "    PID COMMAND\n      1 /sbin/init\n    812 a 77\n", map[string]int{"1": 1, "812": 1}},
		{"ps aux", parsePS, "USER PID %CPU\nroot           1  0.0\nsystemd+     812 0.0\n", map[string]int{"1": 1, "812": 1}},
		{"ps auxww of BusyBox", parsePS, "PID   USER     COMMAND\n    1 root     init\n  812 77       a 5\n", map[string]int{"1": 1, "812": 1}},
		{"a ps without a heading", parsePS, "1 0:00 init\n812 0:01 a\n", map[string]int{}},
		{
			"ss", parseSS, "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n" +
				"udp   UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\ntcp LISTEN 0 128 [::]:22 [::]:*\n" +
				"tcp ESTAB 0 0 10.0.0.1:22 10.0.0.2:50000 users:((\"sshd\",pid=1,fd=3))\ntcp TIME-WAIT 0 0 10.0.0.1:22 10.0.0.2:50001\nudp ESTAB 0 0 [fe80::1]%eth0:546 [fe80::2]:547\n",
			map[string]int{"udp port 53": 1, "tcp port 22, listening": 2, "tcp port 22 connected to port 50000": 1, "udp port 546 connected to port 547": 1},
		},
		{
			"netstat", parseNetstat, "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n" +
				"tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      1/sshd\ntcp6       0      0 :::22                   :::*                    LISTEN      1/sshd\n" +
				"tcp        0      0 10.0.0.1:22             10.0.0.2:50000          ESTABLISHED 9/sshd\nudp        0      0 127.0.0.53:53           0.0.0.0:*                           7/systemd\n",
			map[string]int{"udp port 53": 1, "tcp port 22, listening": 2, "tcp port 22 connected to port 50000": 1},
		},
		{"lsmod", parseLsmod, "Module                  Size  Used by\next4                 1  2\nnf_nat 49152  2 xt,nft\n", map[string]int{"ext4": 1, "nf_nat": 1}},
		{"ls", parseLs, ".\n..\na  b\n", map[string]int{".": 1, "..": 1, "a  b": 1}},
	} {
		if diff := cmp.Diff(tt.want, tt.parse([]byte(tt.text))); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

// The tools of this host agree with the kernel about this host.
func TestToolsOfThisHostAgree(t *testing.T) {
	c := newTestCompare()
	c.step.Path = []string{"/*", "/etc/*"}
	for _, s := range c.subjects() {
		row := c.compare(t.Context(), s)
		if len(row.LeftOut) > 0 {
			t.Errorf("%s leaves out %q", row.Tool, row.LeftOut)
		}
	}
}

func FuzzParseTools(f *testing.F) {
	f.Add([]byte("tcp LISTEN 0 128 [::]:22 [::]:*\ntcp6       0      0 :::22                   :::*                    LISTEN      1/sshd\n  1 init\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) map[string]int{parsePS, parseSS, parseNetstat, parseLsmod, parseLs} {
			for key, n := range parse(b) {
				if n < 1 || n > len(b) {
					t.Errorf("%q has %d of %q", b, n, key)
				}
			}
		}
	})
}
