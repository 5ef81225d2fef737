package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
	"bellwether/profiles"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// deletedMark is what the kernel adds to the path of a file that has no name any more.
const deletedMark = " (deleted)"

// A holder is a process that holds files open.
type holder struct {
	pid     int
	name    string
	foreign bool // it sees other mounts than we do, so that its paths may not be ours
}

// openFiles finds logs that processes hold open for writing: by their name, because they are only added to, or because they are text.
func (v *volumes) openFiles(ctx context.Context) error {
	live := procfs.New(v.env.Root)
	pids, err := live.PIDs()
	if err != nil && len(pids) == 0 {
		return nil // an image
	}
	own, _ := live.Link("proc/self/ns/mnt")
	seen := 0
	for _, pid := range pids {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if pid == os.Getpid() && v.env.Root == "/" {
			continue // our own case
		}
		at := fmt.Sprintf("proc/%d", pid)
		h := holder{pid: pid}
		if ns, err := live.Link(at + "/ns/mnt"); err == nil && own != "" {
			h.foreign = ns != own
		}
		if comm, err := live.Read(at + "/comm"); err == nil {
			h.name = strings.TrimSpace(string(comm))
		}
		for _, fd := range v.fdsOf(filepath.Join(v.env.Root, at, "fd"), h) {
			if seen++; seen > maxAllFDs {
				v.cut("more than %d files are open: those of the processes from pid %d on were not looked at", maxAllFDs, pid)
				return nil
			}
			err := v.openFile(ctx, live, h, path.Join(at, "fd", fd), fd)
			if errors.Is(err, errLookedEnough) {
				v.cut("looking for what open logs were rotated to: more than %d names were come upon, and the open files from pid %d on were not looked at", maxLooked, pid)
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// fdsOf returns the numbers of a process's open files, and notes where there are too many.
func (v *volumes) fdsOf(folder string, h holder) []string {
	d, err := os.Open(folder)
	if err != nil {
		return nil // it has ended, or it isn't ours to look at
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxFDs + 1)
	if len(names) > maxFDs {
		v.cut("%s (pid %d) holds more than %d files open: the rest was not looked at", h.name, h.pid, maxFDs)
	}
	return names[:min(len(names), maxFDs)]
}

// openFile judges one open file.
func (v *volumes) openFile(ctx context.Context, live procfs.FS, h holder, at, fd string) error {
	target, err := live.Link(at)
	if err != nil || !strings.HasPrefix(target, "/") {
		return nil //nolint:nilerr // a socket, a pipe, or gone
	}
	text, err := live.Read(fmt.Sprintf("proc/%d/fdinfo/%s", h.pid, fd))
	mode := parseFDInfo(string(text))
	if err != nil || !mode.write {
		return nil //nolint:nilerr // it was closed, or is not written to
	}
	name, deleted := strings.CutSuffix(target, deletedMark)
	if v.excluded(name) {
		return nil
	}
	by := fmt.Sprintf("open for writing by %s (pid %d)", strings.ToValidUTF8(h.name, "\uFFFD"), h.pid)
	if deleted || h.foreign {
		return v.unreachable(ctx, live, h, openAt{at: "/" + at, path: name, deleted: deleted, mode: mode}, by)
	}
	_, err = v.reachable(ctx, target, by, mode, fileID{})
	return err
}

// reachable judges an open file that has a path, and reports whether that is so. With an id only that file is meant.
func (v *volumes) reachable(ctx context.Context, p, by string, mode openMode, id fileID) (met bool, err error) {
	err = v.peek(ctx, escapeLiteral(p), profiles.Step{Name: v.step.Name, Collector: v.step.Collector}, func(x found) error {
		if !x.info.mode.IsRegular() || id != (fileID{}) && id != (fileID{x.info.dev, x.info.ino}) {
			return nil
		}
		met = true
		if !v.isLog(x.path, mode, func() (*os.File, error) { f, _, err := x.in.openFile(x.name); return f, err }) {
			return nil
		}
		v.candidate(x, by)
		return v.rotated(ctx, x.path, by)
	})
	return met, err
}

// rotated takes what an open log was rotated to: its name, and a dot or a dash behind it.
func (v *volumes) rotated(ctx context.Context, p, by string) error {
	return v.peek(ctx, escapeLiteral(p)+"{.*,-[0-9]*}", v.step, func(x found) error {
		if x.info.mode.IsRegular() {
			v.candidate(x, "rotated; "+by)
		}
		return nil
	})
}

// isLog judges a regular file that is open for writing. What it holds is looked at last, and not by a run that reads no content.
func (v *volumes) isLog(p string, mode openMode, open func() (*os.File, error)) bool {
	if matchesAny(v.step.Names, path.Base(p), p) || mode.add {
		return true
	}
	if v.env.Look {
		return false
	}
	f, err := open()
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := statFile(f)
	if err != nil {
		return false
	}
	tail := make([]byte, tailRead)
	n, err := f.ReadAt(tail, max(0, st.size-tailRead))
	return (err == nil || errors.Is(err, io.EOF)) && isText(tail[:n])
}

// An openAt is a file that a process holds open, by its descriptor.
type openAt struct {
	at, path string // below /proc, and as the process sees it
	deleted  bool
	mode     openMode
}

// unreachable judges a file that is open and that maybe no path of ours leads to: it was deleted, or it is in another mount namespace, as of a
// container.
func (v *volumes) unreachable(ctx context.Context, live procfs.FS, h holder, o openAt, by string) error {
	if v.env.Root != "/" {
		return nil // the link leads out of the root
	}
	mounts, _ := live.Read(fmt.Sprintf("proc/%d/mountinfo", h.pid))
	if m, ok := mountByID(string(mounts), o.mode.mount); !ok || m.passOver() != "" {
		return nil
	}
	st, err := statAt(unix.AT_FDCWD, o.at, 0)
	if err != nil || !st.mode.IsRegular() {
		return nil //nolint:nilerr // it was closed, or is a device
	}
	id := fileID{st.dev, st.ino}
	if !o.deleted {
		if met, err := v.reachable(ctx, o.path, by, o.mode, id); met || err != nil {
			return err
		}
	}
	if v.byFD[id] || !v.isLog(o.path, o.mode, func() (*os.File, error) { return openAgain(o.at) }) {
		return nil
	}
	v.byFD[id] = true
	l := logFile{path: o.path, size: st.size, changed: st.newest(), uid: st.uid, fd: o.at}
	if h.foreign {
		l.path = path.Join("/proc", strconv.Itoa(h.pid), "root", o.path)
		by += ", in a mount namespace of its own"
	}
	if o.deleted {
		l.path += deletedMark
		by += ", deleted"
	}
	v.logs.add(l, by)
	return nil
}

// mountByID finds a line of mountinfo by its number.
func mountByID(mountinfo, id string) (mount, bool) {
	for line := range strings.Lines(mountinfo) {
		if n, _, ok := strings.Cut(line, " "); !ok || n != id || id == "" {
			continue
		}
		one, err := newMountTable(procfs.ParseMountinfo([]byte(line)))
		for _, m := range one {
			return m, err == nil
		}
	}
	return mount{}, false
}

// openAgain opens what a process holds open, for reading.
func openAgain(at string) (*os.File, error) {
	fd, err := openNoATime(unix.AT_FDCWD, at, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), at), nil
}

// copyOpen keeps a file through the process that holds it open.
func (v *volumes) copyOpen(ctx context.Context, l *logFile, note string) (int64, error) {
	item := &Item{
		Step: v.step.Name, Collector: v.step.Collector, Source: l.path, SizeHint: l.size, SourceSize: l.size, ModTime: l.changed,
		Name: path.Join("files", strings.Replace(l.path, deletedMark, ".deleted", 1)), Perm: 0o600,
	}
	f, st, data, err := openLayout(l.fd)
	x := found{path: l.path, info: st}
	switch k, ok := v.env.seen.find(x); {
	case err != nil:
		l.reason = "could not be opened any more: " + plain(err)
	case ok:
		l.reason = "kept already: " + k.path
	case l.reason == "":
		l.reason = v.whyNotOpen(f, x)
	}
	if f != nil {
		defer f.Close()
	}
	if l.reason != "" {
		item.Name, item.Status, item.Reason = "", Skipped, l.reason+"; found: "+note
		return 0, v.sink.Add(item, nil)
	}
	describe(item, st)
	item.Reason, item.SizeHint = note+"; read through "+l.fd, total(data.extents)
	if !data.whole(st.size) {
		item.Name += ".sparse"
	}
	if v.env.Look {
		v.env.seen.add(x, v.step.Name)
	}
	if err := v.sink.Add(item, func(w io.Writer) error { return v.keepOpen(ctx, w, f, x, item, data) }); err != nil {
		return 0, err
	}
	if _, l.kept = v.env.seen.find(x); !l.kept {
		l.reason = "could not be kept: see the manifest"
	}
	return total(data.extents), nil
}

// whyNotOpen says why a file that a process holds open is not kept, or returns "".
func (v *volumes) whyNotOpen(f *os.File, x found) string {
	judge := file{env: v.env, step: v.step}
	reason := judge.passOver(x)
	switch {
	case reason != "":
		return reason
	case !v.env.Look && beginsAsPrivateKey(f):
		return privateKey
	case v.step.MaxFileSize > 0 && x.info.blocks > v.step.MaxFileSize:
		return fmt.Sprintf("larger than the limit of %s", humanize.IBytes(uint64(v.step.MaxFileSize)))
	}
	return ""
}

// keepOpen reads a file that a process holds open into w, as [file.keep] does one that has a name.
func (v *volumes) keepOpen(ctx context.Context, w io.Writer, f *os.File, x found, item *Item, data *dataMap) error {
	defer dropCache(f)
	buf := v.env.seen.buffer()
	defer v.env.seen.release(buf)
	var err error
	if data.whole(x.info.size) {
		_, err = copySpan(ctx, w, f, *buf, Extent{0, x.info.size})
	} else {
		err = copySparse(ctx, w, f, *buf, data, item)
	}
	if err != nil {
		return err
	}
	v.env.seen.add(x, v.step.Name)
	return changed(item, f, x, x.info)
}

// openLayout opens what a process holds open, if it is a regular file, and says where its data is.
func openLayout(at string) (*os.File, info, *dataMap, error) {
	f, err := openAgain(at)
	if err != nil {
		return nil, info{}, nil, err
	}
	st, err := statFile(f)
	if err == nil && st.mode&fs.ModeType != 0 {
		err = fmt.Errorf("became a %s", kindOf(st.mode))
	}
	if err != nil {
		f.Close()
		return nil, info{}, nil, err
	}
	data := wholeFile(st.size)
	if st.size-st.blocks >= minHole {
		data = readDataMap(f, st.size)
	}
	return f, st, data, nil
}
