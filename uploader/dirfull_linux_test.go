package uploader_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"bellwether/uploader"

	"golang.org/x/sys/unix"
)

// insideEnv names the empty directory that a test, run again in its own mount namespace, may mount on.
const insideEnv = "BELLWETHER_TEST_MOUNT"

// TestDirFull fills a volume. It runs itself again in namespaces of its own, where also a normal user may mount.
func TestDirFull(t *testing.T) {
	if dir := os.Getenv(insideEnv); dir != "" {
		testDirFull(t, dir)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestDirFull$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EACCES) {
		t.Skipf("this system gives no user namespaces: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("%s", out)
	}
}

func testDirFull(t *testing.T, mount string) {
	const size, reserve = 64 << 20, 1 << 20
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=64m"); errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skipf("this system doesn't let a user namespace mount: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	testDirFloorWhileWriting(t, filepath.Join(mount, "floor"))
	dir := openDir(t, filepath.Join(mount, "case"), uploader.DirOptions{})
	book, err := dir.Create(t.Context(), "manifest.jsonl", uploader.Meta{Size: -1, Reserve: reserve})
	if err != nil {
		t.Fatal(err)
	}
	if free, total, err := dir.Free(); err != nil || total != size || free > size-reserve {
		t.Errorf("got %d bytes free of %d, error %v; want the reserve of %d taken", free, total, err, reserve)
	}

	filler, err := dir.Create(t.Context(), "files/large", uploader.Meta{Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	n, err := filler.Write(make([]byte, 2*size))
	if !errors.Is(err, uploader.ErrFull) {
		t.Fatalf("wrote %d bytes: got error %v, want ErrFull", n, err)
	}

	if n, err := book.Write(make([]byte, reserve)); err != nil {
		t.Errorf("the manifest on a full volume: %d bytes, %v", n, err)
	}
	if err := book.Commit(); err != nil {
		t.Error(err)
	}
	if err := filler.Abort(); err != nil {
		t.Error(err)
	}
	if free, _, err := dir.Free(); err != nil || free < size-2*reserve {
		t.Errorf("got %d bytes free, error %v; the aborted file and the reserve should be back", free, err)
	}
	if _, err := dir.Create(t.Context(), "book", uploader.Meta{Size: -1, Reserve: 2 * size}); !errors.Is(err, uploader.ErrFull) {
		t.Errorf("a reserve that doesn't fit: got error %v, want ErrFull", err)
	}
	if _, err := os.Stat(filepath.Join(mount, "case", "book")); err == nil {
		t.Error("the object without its reserve was left behind")
	}
}

// testDirFloorWhileWriting writes to a volume of 64 MiB that is to keep a half.
func testDirFloorWhileWriting(t *testing.T, name string) {
	floor, err := uploader.ParseFloor("50%")
	if err != nil {
		t.Fatal(err)
	}
	dir := openDir(t, name, uploader.DirOptions{MinFree: floor})
	object, err := dir.Create(t.Context(), "unknown", uploader.Meta{Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	n, err := object.Write(make([]byte, 60<<20))
	if !errors.Is(err, uploader.ErrFloor) || n < 24<<20 || n > 32<<20 {
		t.Errorf("got %d bytes, error %v; want ErrFloor before 32 MiB", n, err)
	}
	if err := object.Commit(); err != nil {
		t.Errorf("keeping what was written: %v", err)
	}
	if info, err := os.Stat(filepath.Join(name, "unknown")); err != nil || info.Size() != int64(n) {
		t.Errorf("got %v, %v; want %d bytes", info, err, n)
	}
	if err := os.Remove(filepath.Join(name, "unknown")); err != nil {
		t.Fatal(err)
	}
}

// What a book reserved beyond its end is the volume's again after Commit.
func TestDirReserveIsFreed(t *testing.T) {
	name := t.TempDir()
	dir := openDir(t, name, uploader.DirOptions{})
	book, err := dir.Create(t.Context(), "book", uploader.Meta{Size: -1, Reserve: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	if err := book.Commit(); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Stat(filepath.Join(name, "book"), &stat); err != nil {
		t.Fatal(err)
	}
	if stat.Size != 7 || stat.Blocks*512 > 1<<20 {
		t.Errorf("got %d bytes in %d blocks, want 7 in few", stat.Size, stat.Blocks)
	}
}
