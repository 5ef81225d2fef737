package procfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOverlay(t *testing.T) {
	for options, want := range map[string]Overlay{
		"rw,lowerdir=/l/A:/l/B,upperdir=/u/diff,workdir=/u/work,xino=off": {[]string{"/l/A", "/l/B"}, "/u/diff"},
		`rw,lowerdir=/a\:b:/c\054d,upperdir=/x\040y`:                      {[]string{"/a:b", "/c,d"}, "/x y"},
		`rw,lowerdir=/a\134:b,upperdir=/u`:                                {[]string{"/a:b"}, "/u"},
		"ro,lowerdir+=/a,lowerdir+=/b,datadir+=/c":                        {[]string{"/a", "/b", "/c"}, ""},
		"rw,lowerdir=/a::/data":                                           {[]string{"/a", "/data"}, ""},
		"":                                                                {},
	} {
		if diff := cmp.Diff(want, ParseOverlay(options)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", options, diff)
		}
	}
}

func FuzzParseOverlay(f *testing.F) {
	f.Add(`rw,lowerdir=/a\:b:/c,upperdir=/u\040x`)
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, options string) {
		o := ParseOverlay(options)
		if len(o.Upper) > len(options) || len(o.Lower) > len(options) {
			t.Errorf("%+v of %q", o, options)
		}
	})
}

const hostID = "4f5c0c3c5b6e0a1d2c3b4a59687766554433221100ffeeddccbbaa9988776655"

// fakeHost is a /proc of a host with one container of three processes, of which the second is its first.
func fakeHost(t *testing.T) FS {
	t.Helper()
	root := t.TempDir()
	file := func(name, text string) {
		p := filepath.Join(root, "proc", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(name, to string) {
		p := filepath.Join(root, "proc", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, p); err != nil {
			t.Fatal(err)
		}
	}
	status := func(pid, nspid, caps string) string {
		return "Name:\tsh\nTgid:\t" + pid + "\nPid:\t" + pid + "\nNSpid:\t" + nspid + "\nCapEff:\t" + caps + "\nSeccomp:\t0\n"
	}
	file("1/status", status("1", "1", "000001ffffffffff"))
	file("1/cgroup", "0::/init.scope\n")
	file("1/mountinfo", "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 25 8:16 /data /srv rw - ext4 /dev/sdb rw\n"+
		"70 25 0:50 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw,lowerdir=/l,upperdir=/u\n")
	for _, pid := range []string{"100", "101", "102"} {
		file(pid+"/cgroup", "0::/system.slice/docker-"+hostID+".scope\n")
	}
	file("100/status", status("100", "100\t7", "0"))
	file("101/status", status("101", "101\t1", "000001ffffffffff"))
	file("101/cmdline", "sh\x00-c\x00sleep 1\x00")
	file("101/mountinfo", "90 1 0:50 / / rw - overlay overlay rw,lowerdir=/l:/m,upperdir=/u\n91 90 8:1 /etc /host-etc ro - ext4 /dev/sda1 rw\n"+
		"92 90 8:16 /data/db /db rw - ext4 /dev/sdb rw\n93 90 0:4 / /proc rw - proc proc rw\n")
	for kind, n := range map[string]string{"net": "1", "user": "2", "pid": "3", "mnt": "4"} {
		link("1/ns/"+kind, kind+":["+n+"]")
		if kind == "pid" || kind == "mnt" {
			n = "9" + n
		}
		link("101/ns/"+kind, kind+":["+n+"]")
	}
	return New(root)
}

func TestContainers(t *testing.T) {
	got, err := fakeHost(t).Containers()
	if err != nil {
		t.Fatal(err)
	}
	want := []Container{{
		ID: hostID, Runtime: "docker", Main: 101, PIDs: []int{100, 101, 102}, Comm: "sh", Command: []string{"sh", "-c", "sleep 1"},
		AllCaps: true, CapEff: 0x1ffffffffff, NoSeccomp: true, HostSpaces: []string{"net", "user"},
		Merged: "/var/lib/docker/overlay2/ab/merged", Overlay: Overlay{[]string{"/l", "/m"}, "/u"}, RootType: "overlay",
		Binds: []Bind{{"/etc", "/host-etc", false, "ext4"}, {"/srv/db", "/db", true, "ext4"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", strings.TrimSpace(diff))
	}
}
