package collectors

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

// The fixed part of a pattern ends where a mount begins that can hang or that mounts another when it is touched: what is below is not
// looked at, as its directory can't be entered while the server or the process is away.
func TestFixedPartEndsAtMountsThatMayHang(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"fuse/a", "sshfs/a", "auto/a", "nfs/a", "dev/shm", "plain/a"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mounts := mountTable{}
	for name, kind := range map[string]string{
		"fuse": "fuse", "sshfs": "fuse.sshfs", "auto": "autofs", "nfs": "nfs4", "dev": "devtmpfs", "dev/shm": "tmpfs", "plain": "ext4",
	} {
		mounts[filepath.Join(root, name)] = mount{Path: filepath.Join(root, name), Type: kind, Source: "source"}
	}
	d, err := openRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	got := map[string]string{}
	w := walker{root: d, rootPath: root, mounts: mounts, visit: func(x found) error { got[x.path] = x.reason; return nil }}
	for _, pattern := range []string{"/fuse/a/*", "/sshfs/a/x", "/auto/a/*", "/nfs/a/*", "/dev/shm/*", "/plain/a/*"} {
		if err := w.walk(t.Context(), pattern); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"/fuse": "file system of a user process: fuse from source", "/sshfs": "file system of a user process: fuse.sshfs from source",
		"/auto": "pseudo file system: autofs", "/nfs": "network file system: nfs4 from source", "/dev/shm/x": "", "/plain/a/x": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
}

// Names that a walk comes upon count, whether the pattern matches them or not.
func TestLookCountsWhatDoesNotMatch(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d, err := openRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	v := &volumes{env: NewEnv(root, slog.New(slog.DiscardHandler)), root: d, sink: &heldItems{map[string]*Item{}, map[string]string{}}}
	v.mayLookAt(3)
	if err := v.look(t.Context(), "/*/x/*.conf", profiles.Step{}, func(found) error { return nil }); !errors.Is(err, errLookedEnough) {
		t.Errorf("error %v, want that it looked at enough", err)
	}
	v.mayLookAt(4 + 4) // the four, and x in each
	if err := v.look(t.Context(), "/*/x/*.conf", profiles.Step{}, func(found) error { return nil }); err != nil {
		t.Error(err)
	}
}
