package collectors

import (
	"testing"

	"bellwether/collectors/procfs"

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

func TestMountTable(t *testing.T) {
	got, err := newMountTable(procfs.ParseMountinfo([]byte(mountinfo)))
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

func FuzzMountTable(f *testing.F) {
	f.Add(mountinfo)
	f.Add("1 2 3:4 / /a\\777\\0 rw - nfs x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := newMountTable(procfs.ParseMountinfo([]byte(text)))
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

func TestQuote(t *testing.T) {
	if got, want := quote([]string{"find", "/", "-name", "a b", "it's", "", "*"}), `find / -name 'a b' 'it'\''s' '' '*'`; got != want {
		t.Errorf("quote = %s, want %s", got, want)
	}
}
