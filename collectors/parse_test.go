package collectors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mountinfo = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:30 / /mnt/with\040blank rw - nfs4 server:/export\134x rw
25 22 0:31 / /srv/bucket rw - fuse.s3fs s3fs rw
26 22 0:32 / /srv/disk rw - fuseblk /dev/sdb1 rw
27 22 0:33 / /dev/shm rw - tmpfs tmpfs rw
no separator here
28 22 0:34 / /home rw - cifs //server/home rw
29 28 254:2 / /home rw - xfs /dev/vdb1 rw
`

func TestParseMountinfo(t *testing.T) {
	got, err := parseMountinfo(strings.NewReader(mountinfo))
	if err != nil {
		t.Fatal(err)
	}
	why := map[string]string{}
	for path, m := range got {
		why[path] = m.passOver()
	}
	want := map[string]string{
		"/": "", "/proc": "pseudo file system: proc", "/mnt/with blank": `network file system: nfs4 from server:/export\x`,
		"/srv/bucket": "file system of a user process: fuse.s3fs from s3fs", "/srv/disk": "", "/dev/shm": "",
		"/home": "", // the later mount hides the earlier
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Errorf("passed over (-want +got):\n%s", diff)
	}
}

func FuzzParseMountinfo(f *testing.F) {
	f.Add(mountinfo)
	f.Add("1 2 3:4 / /a\\777\\0 rw - nfs x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseMountinfo(strings.NewReader(text))
		if err != nil {
			return
		}
		for path, m := range got {
			if m.Path != path {
				t.Errorf("mount %+v stands under %q", m, path)
			}
		}
	})
}

func TestParseStat(t *testing.T) {
	tests := []struct {
		text string
		want process
	}{
		{"17 (bash) S 1 17 17 34816 17 4194304", process{pid: 17, parent: 1, session: 17, state: 'S'}},
		{"18 (a) b) Z (c\n) Z 17 18 9 0", process{pid: 18, parent: 17, session: 9, state: 'Z'}},
	}
	for _, tt := range tests {
		got, err := parseStat([]byte(tt.text))
		if err != nil || got != tt.want {
			t.Errorf("parseStat(%q) = %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "17", "17 (x", "x (y) S 1 1 1", "17 (x) S 1", "17 (x) SS 1 2 3", ") ("} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q) = %+v, want an error", bad, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (bash) S 1 17 17 34816"))
	f.Add([]byte("18 (a) b) Z (c\n) Z 17 18 9 0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseStat(b)
		if err != nil {
			return
		}
		again, err := parseStat(fmt.Appendf(nil, "%d (x) %c %d 0 %d", p.pid, p.state, p.parent, p.session))
		if err != nil || again != p {
			t.Errorf("%+v reads back as %+v, %v", p, again, err)
		}
	})
}

func TestQuote(t *testing.T) {
	if got, want := quote([]string{"find", "/", "-name", "a b", "it's", "", "*"}), `find / -name 'a b' 'it'\''s' '' '*'`; got != want {
		t.Errorf("quote = %s, want %s", got, want)
	}
}
