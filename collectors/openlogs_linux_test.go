package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/profiles"
)

// heldItems remembers what is kept, by its source.
type heldItems struct {
	items   map[string]*Item
	content map[string]string
}

func (h *heldItems) Add(item *Item, write func(io.Writer) error) error {
	h.items[item.Source] = item
	if write == nil {
		return nil
	}
	var b bytes.Buffer
	err := write(&b)
	h.content[item.Source] = b.String()
	return err
}

// A running process's logs on this host: one with a name that says nothing, and one that was deleted.
func TestOpenFilesOfARunningProcess(t *testing.T) {
	dir := t.TempDir()
	command := exec.Command("sh", "-c", `exec 3>>gone 4>output 5<read; echo deleted >&3; rm gone; echo text >&4; echo ready; read wait`)
	command.Dir = dir
	if err := os.WriteFile(filepath.Join(dir, "read"), []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close(); _ = command.Wait() }()
	if _, err := stdout.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	root, err := openRoot("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	sink := &heldItems{map[string]*Item{}, map[string]string{}}
	step := profiles.Step{Name: "logs", Collector: profiles.Volumes, Names: []string{"*.log"}}
	v := &volumes{
		env: NewEnv("/", slog.New(slog.DiscardHandler)), step: step, root: root, sink: sink, logs: newLogFiles(maxLogFiles), byFD: map[fileID]bool{},
	}
	if err := v.openFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	for p := range v.logs.byPath {
		if !strings.HasPrefix(p, dir) { // of other processes of the machine that runs the test
			v.logs.byPath[p].reason = "not of this test"
		}
	}
	if err := v.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string][3]string{
		filepath.Join(dir, "output"):              {"text\n", "open for writing by sh (pid ", filepath.Join(dir, "output")},
		filepath.Join(dir, "gone") + " (deleted)": {"deleted\n", ", deleted; read through /proc/", filepath.Join(dir, "gone") + ".deleted"},
	} {
		item := sink.items[source]
		if item == nil {
			t.Errorf("%s is not kept", source)
			continue
		}
		if sink.content[source] != want[0] || !strings.Contains(item.Reason, want[1]) || item.Name != "files"+want[2] {
			t.Errorf("%s: %q in %s, %q; want %q", source, sink.content[source], item.Name, item.Reason, want)
		}
	}
	if sink.items[filepath.Join(dir, "read")] != nil {
		t.Error("a file that is open for reading was kept")
	}
}

// fullItems is a sink whose store takes no byte, which ends no run.
type fullItems struct{ heldItems }

func (s *fullItems) Add(item *Item, write func(io.Writer) error) error {
	s.items[item.Source] = item
	if write != nil {
		_ = write(failing{})
	}
	return nil
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

// A file that a process holds open is kept only if it was kept, is as new as the step asks for, and says what happened to it meanwhile.
func TestCopyOpen(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("text\n"); err != nil {
		t.Fatal(err)
	}
	st, err := statFile(f)
	if err != nil {
		t.Fatal(err)
	}
	v := &volumes{env: NewEnv("/", slog.New(slog.DiscardHandler)), step: profiles.Step{Name: "logs", NewerThan: time.Hour}}
	keep := func(sink Sink) *logFile {
		v.sink = sink
		l := &logFile{path: "/x/log (deleted)", fd: fmt.Sprintf("/proc/self/fd/%d", f.Fd())}
		if _, err := v.copyOpen(t.Context(), l, "note"); err != nil {
			t.Fatal(err)
		}
		return l
	}
	if l := keep(&fullItems{heldItems{map[string]*Item{}, map[string]string{}}}); l.kept || l.reason != "could not be kept: see the manifest" {
		t.Errorf("not kept: %v, %q", l.kept, l.reason)
	}
	now := v.env.Now
	v.env.Now = func() time.Time { return st.newest().Add(2 * time.Hour) }
	if l := keep(&heldItems{map[string]*Item{}, map[string]string{}}); l.kept || !strings.HasPrefix(l.reason, "not changed since ") {
		t.Errorf("old: %v, %q", l.kept, l.reason)
	}
	v.env.Now = now
	sink := &growing{heldItems{map[string]*Item{}, map[string]string{}}, f}
	if l := keep(sink); !l.kept || l.reason != "" {
		t.Errorf("kept: %v, %q", l.kept, l.reason)
	}
	if item := sink.items["/x/log (deleted)"]; sink.content[item.Source] != "text\n" || !strings.Contains(item.Reason, "grew while it was read: from 5 to 10 bytes") {
		t.Errorf("%q, %q", sink.content[item.Source], item.Reason)
	}
	if l := keep(sink); l.kept || l.reason != "kept already: /x/log (deleted)" {
		t.Errorf("twice: %v, %q", l.kept, l.reason)
	}
}

// growing is a sink during whose reads the file grows.
type growing struct {
	heldItems
	f *os.File
}

func (g *growing) Add(item *Item, write func(io.Writer) error) error {
	if write == nil {
		return g.heldItems.Add(item, nil)
	}
	return g.heldItems.Add(item, func(w io.Writer) error {
		return write(writerFunc(func(b []byte) (int, error) {
			_, _ = g.f.WriteString("more\n")
			return w.Write(b)
		}))
	})
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(b []byte) (int, error) { return w(b) }

// The oldest fall out where there are too many, and are counted.
func TestLogFilesAreBounded(t *testing.T) {
	l := newLogFiles(2)
	for i, name := range []string{"b", "d", "a", "c", "d"} {
		at := map[string]int64{"a": 10, "b": 20, "c": 30, "d": 40}[name]
		l.add(logFile{path: name, size: 1 << i, changed: time.Unix(0, at)}, "way")
	}
	l.add(logFile{path: "d"}, "another way")
	var got []string
	for _, f := range l.bestFirst() {
		got = append(got, f.path+": "+strings.Join(f.foundBy, ", "))
	}
	if want := "d: way, another way|c: way"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if l.dropped != 2 || l.droppedBytes != 5 || !l.droppedUntil.Equal(time.Unix(0, 20)) {
		t.Errorf("dropped %d of %d bytes until %v", l.dropped, l.droppedBytes, l.droppedUntil)
	}
}

// Nobody's files push out what another account's processes hold open, or what configurations name, nor the logs of those who have few.
func TestLogFilesOfOthersStay(t *testing.T) {
	l := newLogFiles(10)
	l.add(logFile{path: "/old/open", uid: 33, changed: time.Unix(1, 0)}, "open for writing by nginx (pid 7)")
	l.add(logFile{path: "/old/named", uid: 0, byName: true, changed: time.Unix(1, 0)}, byItsName)
	for i := range 50 {
		l.add(logFile{path: fmt.Sprint("/decoy/", i), uid: 1000, byName: true, changed: time.Unix(int64(100+i), 0)}, byItsName)
	}
	l.add(logFile{path: "/decoy/45", uid: 1000, changed: time.Unix(145, 0)}, "named in /etc/app.conf:1")
	for i := range 5 {
		l.add(logFile{path: fmt.Sprint("/open/", i), uid: uint32(i), changed: time.Unix(2, 0)}, "open for writing by x (pid 8)")
	}
	var got []string
	for _, f := range l.bestFirst() {
		got = append(got, f.path)
	}
	want := "/decoy/45 /open/0 /open/1 /open/2 /open/3 /open/4 /old/open /decoy/49 /decoy/48 /old/named"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, " "), want)
	}
	if l.dropped != 47 || len(l.named.byUID) != 2 {
		t.Errorf("%d dropped of %d owners, want 47 of 2", l.dropped, len(l.named.byUID))
	}
}

// A run that has ended keeps nothing more, and each log says so.
func TestKeepEndsWithTheRun(t *testing.T) {
	v := &volumes{env: &Env{}, logs: newLogFiles(2)}
	v.logs.add(logFile{path: "/a"}, "way")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.keep(ctx); err == nil {
		t.Error("no error")
	}
	if got := v.logs.byPath["/a"].reason; got != "not reached: the run was interrupted" {
		t.Errorf("reason %q", got)
	}
}
