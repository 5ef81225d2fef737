package collectors_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestHostileTree(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{
		"l/new\nline": "1", "l/not-utf8-\xff\xfe": "2", "l/" + strings.Repeat("n", 255): "3", "l/one": "4", "l/closed/inside": "5",
	})
	l := filepath.Join(root, "l")
	must(t, syscall.Mkfifo(filepath.Join(l, "fifo"), 0o644))
	must(t, os.Symlink("loop-b", filepath.Join(l, "loop-a")))
	must(t, os.Symlink("loop-a", filepath.Join(l, "loop-b")))
	must(t, os.Symlink("..", filepath.Join(l, "up")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(l, "out")))
	must(t, os.Link(filepath.Join(l, "one"), filepath.Join(l, "two")))
	must(t, os.Mkdir(filepath.Join(l, "empty"), 0o755))
	must(t, os.Chmod(filepath.Join(l, "closed"), 0))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(l, "closed"), 0o755) })
	listener, err := net.Listen("unix", filepath.Join(l, "socket"))
	must(t, err)
	defer listener.Close()

	sink := collect(t, root, fileStep("/l/**"))

	for source, want := range map[string]string{"/l/new\nline": "1", "/l/not-utf8-\xff\xfe": "2", "/l/" + strings.Repeat("n", 255): "3", "/l/one": "4"} {
		if got := sink.Item(t, source); string(got.Content) != want || got.Err != nil {
			t.Errorf("%q: content %q, error %v; want %q", source, got.Content, got.Err, want)
		}
	}
	for source, want := range map[string]string{
		"/l/fifo": "not a regular file: named pipe", "/l/socket": "not a regular file: socket", "/l/empty": "empty directory",
		"/l/loop-a": "symbolic link, not followed", "/l/two": "the same file is kept already",
	} {
		if got := sink.Item(t, source); got.Status != collectors.Skipped || got.Reason != want || !got.Bare {
			t.Errorf("%s: %s, %q; want skipped, %q", source, got.Status, got.Reason, want)
		}
	}
	for source, want := range map[string]string{"/l/loop-b": "loop-a", "/l/up": "..", "/l/out": "/etc/passwd"} {
		if got := sink.Item(t, source); got.Target != want {
			t.Errorf("%s: target %q, want %q", source, got.Target, want)
		}
	}
	if got := sink.Item(t, "/l/two"); got.SameAs != "/l/one" {
		t.Errorf("hard link: same as %q, want /l/one", got.SameAs)
	}
	if os.Geteuid() == 0 {
		if got := sink.Item(t, "/l/closed/inside"); string(got.Content) != "5" {
			t.Errorf("root reads a closed directory: content %q, want 5", got.Content)
		}
		return
	}
	if got := sink.Item(t, "/l/closed"); got.Status != collectors.Failed || got.Reason != "permission denied" || got.Mode != "d---------" {
		t.Errorf("closed directory: %s, %q, mode %s", got.Status, got.Reason, got.Mode)
	}
}

func TestFixedPartFollowsTrustedLinksBelowTheRoot(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"data/log/app.log": "x", "etc/secret": "s"})
	must(t, os.Mkdir(filepath.Join(root, "var"), 0o755))
	must(t, os.Symlink("/data/log", filepath.Join(root, "var/log")))
	must(t, os.Symlink("../../../../etc", filepath.Join(root, "var/up")))
	sink := collect(t, root, fileStep("/var/log/*.log", "/var/up/secret"))
	if got := sink.Item(t, "/data/log/app.log"); string(got.Content) != "x" {
		t.Errorf("behind an absolute link: %q, want x", got.Content)
	}
	if got := sink.Item(t, "/etc/secret"); string(got.Content) != "s" {
		t.Errorf("a link above the root stays below it: %q, want s", got.Content)
	}
}

func TestFixedPartDoesNotFollowLinksOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a link of another user")
	}
	root := collectorstest.Root(t, map[string]string{"etc/secret": "s"})
	must(t, os.MkdirAll(filepath.Join(root, "home/mallory"), 0o755))
	link := filepath.Join(root, "home/mallory/.ssh")
	must(t, os.Symlink("/etc", link))
	must(t, os.Lchown(link, 12345, 12345))
	got := collect(t, root, fileStep("/home/mallory/.ssh/*")).Item(t, "/home/mallory/.ssh")
	if got.Status != collectors.Skipped || got.Target != "/etc" || !got.Bare {
		t.Errorf("got %s, %q, target %q; want skipped with its target", got.Status, got.Reason, got.Target)
	}
}

func TestSparseFileCostsItsData(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"var/log/lastlog": ""})
	f, err := os.OpenFile(filepath.Join(root, "var/log/lastlog"), os.O_WRONLY, 0)
	must(t, err)
	const apparent = 20 << 30
	must(t, f.Truncate(apparent))
	first, second := bytes.Repeat([]byte("a"), 4096), bytes.Repeat([]byte("b"), 4096)
	_, err = f.WriteAt(first, 64<<20)
	must(t, err)
	_, err = f.WriteAt(second, 10<<30)
	must(t, err)
	must(t, f.Close())
	step := fileStep("/var/log/**")
	step.MaxFileSize = 1 << 20 // the data counts, not the holes
	got := collect(t, root, step).Item(t, "/var/log/lastlog")
	if got.Name != "files/var/log/lastlog.sparse" || got.SourceSize != apparent || got.Err != nil {
		t.Errorf("name %q, size %d, error %v", got.Name, got.SourceSize, got.Err)
	}
	rebuilt := map[int64][]byte{}
	at := int64(0)
	for _, e := range got.Extents {
		rebuilt[e.Offset] = got.Content[at : at+e.Length]
		at += e.Length
	}
	if at != int64(len(got.Content)) || at > 1<<20 {
		t.Errorf("extents hold %d bytes, the content %d", at, len(got.Content))
	}
	if !bytes.Equal(rebuilt[64<<20], first) || !bytes.Equal(rebuilt[10<<30], second) {
		t.Errorf("the data is not where it was: extents %v", got.Extents)
	}
}

// changing is a sink that does something to a file between the first and the last byte of it.
type changing struct {
	collectorstest.Sink
	change func()
}

func (c *changing) Add(item *collectors.Item, write func(io.Writer) error) error {
	if write == nil {
		return c.Sink.Add(item, nil)
	}
	return c.Sink.Add(item, func(w io.Writer) error { return write(&onFirst{w: w, do: c.change}) })
}

type onFirst struct {
	w  io.Writer
	do func()
}

func (o *onFirst) Write(p []byte) (int, error) {
	if o.do != nil {
		o.do()
		o.do = nil
	}
	return o.w.Write(p)
}

func TestFileThatChangesWhileItIsRead(t *testing.T) {
	const size = 1 << 20
	tests := []struct {
		name   string
		change func(path string) error
		reason string
		failed bool
		kept   int
	}{
		{"grows", func(p string) error {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("more")
			return err
		}, "grew while it was read: from 1048576 to 1048580 bytes", false, size},
		{"shrinks", func(p string) error { return os.Truncate(p, 300<<10) }, "shrank while it was read", true, 300 << 10},
		{"is rotated", func(p string) error {
			if err := os.Rename(p, p+".1"); err != nil {
				return err
			}
			return os.WriteFile(p, nil, 0o644)
		}, "was moved or replaced while it was read", false, size},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := collectorstest.Root(t, map[string]string{"l/x.log": strings.Repeat("x", size)})
			sink := &changing{change: func() { must(t, tt.change(filepath.Join(root, "l/x.log"))) }}
			must(t, collectors.Run(t.Context(), &profiles.Plan{Steps: []profiles.Step{fileStep("/l/x.log")}}, collectors.NewEnv(root, quiet()), sink))
			got := sink.Item(t, "/l/x.log")
			if len(got.Content) != tt.kept {
				t.Errorf("kept %d bytes, want %d", len(got.Content), tt.kept)
			}
			said := got.Reason
			if got.Err != nil {
				said = got.Err.Error()
			}
			if (got.Err != nil) != tt.failed || !strings.Contains(said, tt.reason) {
				t.Errorf("said %q (error: %v), want %q", said, got.Err != nil, tt.reason)
			}
		})
	}
}

func TestAccessTimeStays(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"l/x": "content"})
	p := filepath.Join(root, "l/x")
	must(t, unix.UtimesNano(p, []unix.Timespec{{Sec: 1000}, {Sec: 2000}}))
	collect(t, root, fileStep("/l/x"))
	var st unix.Stat_t
	must(t, unix.Stat(p, &st))
	if st.Atim.Sec != 1000 {
		t.Errorf("access time is %d after the read, want 1000", st.Atim.Sec)
	}
}

func TestDeepTreeEnds(t *testing.T) {
	root := t.TempDir()
	d, err := os.Open(root)
	must(t, err)
	fd := int(d.Fd())
	for range 150 { // much deeper than the limit, and longer than a path may be
		name := strings.Repeat("d", 100)
		must(t, unix.Mkdirat(fd, name, 0o755))
		next, err := unix.Openat(fd, name, unix.O_DIRECTORY|unix.O_RDONLY, 0)
		must(t, err)
		if fd != int(d.Fd()) {
			must(t, unix.Close(fd))
		}
		fd = next
	}
	must(t, unix.Close(fd))
	must(t, d.Close())
	t.Cleanup(func() { _ = removeDeep(root) })
	items := collect(t, root, fileStep("/**")).Items()
	if len(items) != 1 || items[0].Reason != "more than 100 directories deep" {
		t.Fatalf("got %d items, the first %+v; want one that names the depth limit", len(items), items)
	}
}

// removeDeep removes a tree whose paths are too long for os.RemoveAll's fallback on some systems.
func removeDeep(root string) error {
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.RemoveAll(strings.Repeat("d", 100))
}

func TestRefusedFileIsTriedAgain(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"l/big": strings.Repeat("x", 100)})
	must(t, os.Link(filepath.Join(root, "l/big"), filepath.Join(root, "l/same")))
	small, large, again := fileStep("/l/big"), fileStep("/l/same"), fileStep("/l/big")
	small.MaxFileSize = 10
	large.Name, again.Name = "large", "again"
	items := collect(t, root, small, large, again).Items()
	if len(items) != 3 {
		t.Fatalf("%d items, want one for each step", len(items))
	}
	if items[0].Status != collectors.Skipped || len(items[1].Content) != 100 || items[2].SameAs != "/l/same" {
		t.Errorf("refused: %s; kept: %d bytes; the third: same as %q", items[0].Status, len(items[1].Content), items[2].SameAs)
	}
}

func TestFileStepThatIsCutSaysWhere(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"l/a": "1", "l/b": "2", "l/c": "3"})
	ctx, cancel := context.WithCancel(t.Context())
	sink := &changing{change: cancel}
	step := fileStep("/l/*", "/m/*")
	err := collectors.Run(ctx, &profiles.Plan{Steps: []profiles.Step{step}}, collectors.NewEnv(root, quiet()), sink)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	if got := sink.Item(t, "/l/*"); got.Status != collectors.Skipped || got.Reason != "not finished: the run was interrupted; nothing after /l/a was looked at" {
		t.Errorf("the pattern that was begun: %s, %q", got.Status, got.Reason)
	}
	if got := sink.Item(t, "/m/*"); got.Status != collectors.Skipped || got.Reason != "not reached: the run was interrupted" {
		t.Errorf("the pattern that was not: %s, %q", got.Status, got.Reason)
	}
}
