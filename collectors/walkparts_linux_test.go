package collectors

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"bellwether/collectors/procfs"

	"github.com/google/go-cmp/cmp"
)

func TestWalkRoots(t *testing.T) {
	const info = `22 27 0:21 / /proc rw - proc proc rw
24 27 0:6 / /dev rw - devtmpfs devtmpfs rw
27 1 254:0 / / rw - ext4 /dev/vda rw
30 27 254:0 /srv/www /var/www rw - ext4 /dev/vda rw
31 27 254:16 /logs /var/log rw - xfs /dev/vdb rw
32 27 254:16 / /data rw - xfs /dev/vdb rw
33 27 254:16 / /again rw - xfs /dev/vdb rw
34 27 254:32 /a /only rw - ext4 /dev/vdc rw
35 27 0:40 / /mnt/share rw - nfs4 server:/x rw
36 27 0:41 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
37 27 7:0 / /snap/core ro - squashfs /dev/loop0 ro
38 27 0:42 / /run rw - tmpfs tmpfs rw
`
	table, err := newMountTable(procfs.ParseMountinfo([]byte(info)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range walkRoots(table, "/") {
		got = append(got, r.at+": "+r.reason)
	}
	want := []string{
		"/: ", "/again: ", "/data: shows what is walked as a part of /again", "/dev: ", "/mnt/share: network file system: nfs4 from server:/x", "/only: ",
		"/proc: pseudo file system: proc", "/run: ", "/snap/core: read-only image: squashfs",
		"/var/lib/docker/overlay2/x/merged: overlay of a container: its layers are walked where they lie",
		"/var/log: shows what is walked as a part of /again", "/var/www: shows what is walked as a part of /",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("from / (-want +got):\n%s", diff)
	}
	got = nil
	for _, r := range walkRoots(table, "/var") {
		got = append(got, r.Path+" "+r.at+": "+r.reason)
	}
	want = []string{
		"/var /: ", "/var/lib/docker/overlay2/x/merged /lib/docker/overlay2/x/merged: overlay of a container: its layers are walked where they lie",
		"/var/log /log: ", "/var/www /www: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("from /var (-want +got):\n%s", diff)
	}
}

func TestBodyLine(t *testing.T) {
	st := info{mode: fileMode(0o104755), uid: 0, gid: 42, size: 7, ino: 12, atime: time.Unix(1, 5), mtime: time.Unix(2, 0), ctime: time.Unix(3, 0)}
	if got, want := string(appendBody(nil, "", "/a|b\n\\", "c\u202ed", st)), `0|/a\x7cb\x0a\ -> c\xe2\x80\xaed|12|r/rrwsr-xr-x|0|42|7|1|2|3|0`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The lines are those of fls 4.11.1 of a file system that was made as in TestWalkBodyfileEqualsFls: fls -r -p -m / image.
func TestBodyLinesAreThoseOfFls(t *testing.T) {
	at := time.Unix(1795881803, 0)
	for want, x := range map[string]struct {
		path, target string
		mode         uint32
		ino          uint64
		size         int64
	}{
		"0|/lost+found|11|d/drwx------|0|0|12288|1795881803|1795881803|1795881803|1795881803": {"/lost+found", "", 0o040700, 11, 12288},
		"0|/etc/a|13|r/rrw-r--r--|0|0|2|1795881803|1795881803|1795881803|1795881803":          {"/etc/a", "", 0o100644, 13, 2},
		"0|/etc/l -> a|14|l/lrwxrwxrwx|0|0|1|1795881803|1795881803|1795881803|1795881803":     {"/etc/l", "a", 0o120777, 14, 1},
		"0|/f|15|p/prw-r--r--|0|0|0|1795881803|1795881803|1795881803|1795881803":              {"/f", "", 0o010644, 15, 0},
		"0|/s|16|s/hrwxr-xr-x|0|0|0|1795881803|1795881803|1795881803|1795881803":              {"/s", "", 0o140755, 16, 0},
	} {
		st := info{mode: fileMode(x.mode), ino: x.ino, size: x.size, atime: at, mtime: at, ctime: at, btime: at}
		if got := string(appendBody(nil, "", x.path, x.target, st)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// A name is one line of UTF-8 whatever its bytes, and without the separator.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "a|b", "\xff\x00\n", "caf\u00e9", "\u202e", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := string(appendName(nil, name, '|'))
		if strings.ContainsAny(got, "|\n") || strings.ToValidUTF8(got, "") != got || strings.ContainsFunc(got, breaks) {
			t.Errorf("%q became %q", name, got)
		}
		if !strings.ContainsFunc(name, func(r rune) bool { return breaks(r) || r == '|' }) && got != name {
			t.Errorf("%q became %q, and needed no change", name, got)
		}
	})
}

func FuzzCapability(f *testing.F) {
	for _, size := range []int{0, 3, 12, 20, 24} {
		b := bytes.Repeat([]byte{0xff}, size)
		if size > 4 {
			binary.LittleEndian.PutUint32(b, uint32(size/8)<<24|1)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, attr []byte) {
		got := fileCapability(attr)
		if got == "" || strings.ContainsFunc(got, breaks) {
			t.Errorf("% x became %q", attr, got)
		}
	})
}

func FuzzMagic(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("#!/bin/sh"))
	f.Add([]byte("#"))
	f.Fuzz(func(t *testing.T, b []byte) {
		switch m := magicOf(b); {
		case m == magicELF && string(b[1:4]) != "ELF", m == magicScript && b[0] != '#', m == noMagic && len(b) > 3 && string(b[:4]) == "\x7fELF":
			t.Errorf("%q is %d", b, m)
		}
	})
}

func TestGlobsAreThoseOfDoublestar(t *testing.T) {
	patterns := []string{"authorized_keys*", "*history", "exact", "*.ph?", "*.jsp*", "/etc/**", "{a,b}c"}
	g := newGlobs(patterns)
	w := walker{exclude: patterns}
	for _, p := range []string{
		"/x/authorized_keys2", "/x/bash_history", "/x/history2", "/exact", "/x/exacts", "/a.php", "/a.phtml", "/a.jspx", "/etc/a/b", "/x/ac", "/x/cc", "/x/.jsp",
	} {
		name := p[strings.LastIndex(p, "/")+1:]
		if got, want := g.match(name, p), w.excluded(name, p); got != want {
			t.Errorf("%s: match %v, want %v", p, got, want)
		}
	}
}
