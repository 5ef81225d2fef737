//go:build hosts

package testhosts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bare runs the binary where there is almost nothing: busybox for a userland, a root that can't be written to, nothing executable in /tmp,
// no environment, no terminal.
const bare = `
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o noexec tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/mnt"
cd /
env -i "$(command -v chroot)" "$1" /bellwether collect --to /mnt --quiet < /dev/null
env -i "$(command -v chroot)" "$1" /bin/busybox sh -c '/bellwether verify /mnt/triage/*; cat /mnt/triage/*/state/compare.txt; cat /mnt/triage/*/findings.jsonl'
`

func TestBusyboxOnAReadOnlyRoot(t *testing.T) {
	base := os.Getenv("BELLWETHER_HOST_ROOT")
	if base == "" || os.Geteuid() != 0 {
		t.Fatal("run it as root, by make test-hosts")
	}
	root := t.TempDir()
	for _, d := range []string{"bin", "dev", "proc", "tmp", "mnt", "etc", "var/log", "root"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sh(t, "cp", filepath.Join(base, "bin/busybox"), filepath.Join(root, "bin/busybox"))
	for _, applet := range []string{"sh", "ps", "ls", "netstat", "lsmod", "find", "grep", "cat", "uname"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "var/log/messages"), []byte("a line\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	buildAgent(t, filepath.Join(root, "bellwether"))
	out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "--propagation", "private", "sh", "-c", bare, "sh", root).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "bellwether: COMPLETE ") || !strings.Contains(string(out), "the run was complete") ||
		strings.Contains(string(out), "commands  0 ran") {
		t.Errorf("%v\n%s", err, out)
	}
	// The tools of BusyBox print lists of their own kind, and hide nothing.
	if strings.Contains(string(out), `"severity":"high"`) || !strings.Contains(string(out), "ps auxww") {
		t.Errorf("a high finding on a host that nobody has tampered with, or no comparison:\n%s", out)
	}
	t.Logf("%s", out)
}
