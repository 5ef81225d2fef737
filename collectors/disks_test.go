package collectors

import (
	"strings"
	"testing"

	"bellwether/collectors/procfs"

	"github.com/google/go-cmp/cmp"
)

const volumesMountinfo = `22 1 254:1 / / rw - ext4 /dev/vda1 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 254:17 / /data rw - xfs /dev/vdb1 rw
25 22 254:17 /x /srv/x rw - xfs /dev/vdb1 rw
26 22 254:1 /var/lib/y /mnt/y rw - ext4 /dev/vda1 rw
27 22 0:50 / /run rw - tmpfs tmpfs rw
28 22 0:60 / /nfs rw - nfs4 server:/x rw
29 22 0:61 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw
30 22 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
`

func TestVolumeRows(t *testing.T) {
	mounts, err := newMountTable(procfs.ParseMountinfo([]byte(volumesMountinfo)))
	if err != nil {
		t.Fatal(err)
	}
	rows := mounted(mounts, mount{}, true)
	rows = append(rows, swapVolumes(procfs.ParseSwaps([]byte("Filename\tType\tSize\tUsed\tPriority\n/swap\\040file file 1024 24 -2\n/dev/vda2 partition 2048 0 -3\n/odd file 1 2 -4\nodd\n")))...)
	parts := parsePartitions(strings.NewReader("major minor  #blocks  name\n\n 254 0 100 vda\n 254 1 50 vda1\n 254 2 2 vda2\n 254 17 9 vdb1\n 254 32 7 vdc\n 1 0 4 ram0\n"))
	rows = append(rows, notMounted(rows, parts, func(name string) []string { return map[string][]string{"vda": {"vda1", "vda2"}}[name] })...)
	fstab := parseFstab(strings.NewReader("# comment\n/dev/vda1 / ext4 defaults 0 1\nUUID=1 none swap sw 0 0\nserver:/a /backup nfs ro 0 0\n/dev/vdb1 /data xfs x 0 0\n"))
	rows = append(rows, onlyInFstab(rows, fstab)...)
	got := map[string]string{}
	for _, r := range rows {
		walk := ""
		if r.walk {
			walk = "walked "
		}
		got[r.Device+" "+r.Path] = walk + r.Kind + ": " + r.Reason
	}
	want := map[string]string{
		"/dev/vda1 /":             "system: the system's own: logs are looked for in the folders of applications",
		"/dev/vda1 /mnt/y":        "system: the system's own: logs are looked for in the folders of applications",
		"/dev/vdb1 /data":         "walked volume: ",
		"/dev/vdb1 /srv/x":        "volume: the same as /data",
		"tmpfs /run":              "walked volume: ",
		"server:/x /nfs":          "passed over: network file system: nfs4 from server:/x",
		"/dev/loop1 /snap/core/1": "passed over: an image that can't be written to",
		"overlay /var/lib/docker/overlay2/1/merged": "passed over: layers of a container, which are on another volume",
		"/swap file /swap file":                     "swap: in use: memory of processes may be on it",
		"/dev/vda2 ":                                "swap: in use: memory of processes may be on it",
		"/dev/vda ":                                 "not mounted: holds vda1, vda2",
		"/dev/vdc ":                                 "not mounted: not mounted: nothing on it was looked at",
		"UUID=1 ":                                   "swap: in /etc/fstab",
		"server:/a /backup":                         "not mounted: in /etc/fstab, and not mounted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func FuzzVolumeTables(f *testing.F) {
	f.Add(volumesMountinfo)
	f.Add("Filename\tType\tSize\tUsed\tPriority\n/swap file 1024 24 -2\n")
	f.Add(" 254 1 50 vda1\n")
	f.Add("/dev/vda1 / ext4 defaults 0 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		mounts, err := newMountTable(procfs.ParseMountinfo([]byte(text)))
		if err != nil {
			mounts = nil
		}
		rows := append(mounted(mounts, mount{}, true), swapVolumes(procfs.ParseSwaps([]byte(text)))...)
		rows = append(rows, notMounted(rows, parsePartitions(strings.NewReader(text)), func(string) []string { return nil })...)
		rows = append(rows, onlyInFstab(rows, parseFstab(strings.NewReader(text)))...)
		for _, r := range rows {
			if r.Size < 0 || r.Free < 0 || r.Free > r.Size || r.Kind == "" {
				t.Errorf("row %+v", r)
			}
			if r.walk && (r.Kind != "volume" || r.Reason != "") {
				t.Errorf("%+v would be walked", r)
			}
		}
	})
}

func TestParseFDInfo(t *testing.T) {
	for text, want := range map[string]openMode{
		"pos:\t0\nflags:\t0102001\nmnt_id:\t30\n": {write: true, add: true, mount: "30"},
		"flags:\t0100002\n":                       {write: true},
		"flags:\t0100000\nmnt_id:\t1\n":           {mount: "1"},
		"flags:\t9\n":                             {},
		"":                                        {},
	} {
		if got := parseFDInfo(text); got != want {
			t.Errorf("parseFDInfo(%q) = %+v, want %+v", text, got, want)
		}
	}
}

func TestIsText(t *testing.T) {
	for tail, want := range map[string]bool{
		"2026-11-22 started\n": true, "\x9f\x98\x80 rest of a rune\nline\n": true, "grün\n": true, "no line": false, "": false, "a\x00b\n": false,
		"\x01\x02\x03\x04\n": false, "\x1b[1mcolour\x1b[0m\n": true, "\xff\xfe\xff\xfe\xff\n": false,
	} {
		if got := isText([]byte(tail)); got != want {
			t.Errorf("isText(%q) = %v, want %v", tail, got, want)
		}
	}
}

func FuzzOpenFile(f *testing.F) {
	f.Add("flags:\t0102001\nmnt_id:\t30\n", []byte("text\n"))
	f.Fuzz(func(t *testing.T, text string, tail []byte) {
		if m := parseFDInfo(text); m.write && !strings.Contains(text, "flags") {
			t.Errorf("%q is open for writing", text)
		}
		if isText(tail) && strings.ContainsRune(string(tail), 0) {
			t.Errorf("%q is text", tail)
		}
	})
}
