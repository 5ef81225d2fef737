package procfs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const (
	mountOfProc    = "22 1 0:21 / /proc rw,nosuid - proc proc rw\n"
	mountOfAutofs  = "30 22 0:27 / /proc/sys/fs/binfmt_misc rw,relatime shared:10 - autofs systemd-1 rw,fd=29,direct\n"
	mountOfBinfmt  = "40 30 0:35 / /proc/sys/fs/binfmt_misc rw,nosuid shared:20 - binfmt_misc binfmt_misc rw\n"
	mountOfTmpfsUp = "50 22 0:36 / /proc/sys/fs rw - tmpfs tmpfs rw\n"
)

// To look into binfmt_misc mounts it where autofs waits for that, so it is looked into only where it is mounted.
func TestBinfmtIsLookedIntoOnlyWhereItIsMounted(t *testing.T) {
	for _, tt := range []struct {
		name, mounts string
		want         bool
	}{
		{"not at all", mountOfProc, false},
		{"autofs waits", mountOfProc + mountOfAutofs, false},
		{"mounted by autofs", mountOfProc + mountOfAutofs + mountOfBinfmt, true},
		{"mounted without", mountOfProc + mountOfBinfmt, true},
		{"below another autofs", mountOfProc + mountOfBinfmt + mountOfAutofs, false},
		{"hidden by what is above", mountOfProc + mountOfBinfmt + mountOfTmpfsUp, false},
		{"below another place of the same beginning", mountOfProc + "50 22 0:36 / /proc/sys/f rw - tmpfs tmpfs rw\n" + mountOfBinfmt, true},
	} {
		root := t.TempDir()
		for name, text := range map[string]string{
			"proc/self/mountinfo": tt.mounts, "proc/sys/fs/binfmt_misc/status": "enabled\n", "proc/sys/fs/binfmt_misc/register": "",
			"proc/sys/fs/binfmt_misc/python3": "enabled\ninterpreter /usr/bin/python3\nflags: \noffset 0\nmagic 610d0d0a\n",
		} {
			if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		fs := New(root)
		if got := len(fs.Binfmts()) == 1; got != tt.want {
			t.Errorf("%s: interpreters are read: %t", tt.name, got)
		}
		status := slices.ContainsFunc(fs.Settings(), func(s Setting) bool { return s.Name == "fs.binfmt_misc.status" })
		if status != tt.want {
			t.Errorf("%s: the status is read: %t", tt.name, status)
		}
	}
}
