package collectors

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"bellwether/profiles"

	"github.com/dustin/go-humanize"
)

// file copies the files that a step's patterns match.
type file struct {
	env  *Env
	step profiles.Step
	last string // that was looked at
	note string // what the manifest says of what is kept: how it was found
}

func newFile(env *Env, step profiles.Step) Collector {
	return &file{env: env, step: step, note: step.Note}
}

// Collect implements [Collector].
func (f *file) Collect(ctx context.Context, sink Sink) error {
	root, err := openRoot(f.env.Root)
	if err != nil {
		return sink.Add(f.item(found{path: f.env.Root, reason: plain(err), failed: true}), nil)
	}
	defer root.close()
	for i, pattern := range f.step.Path {
		if err := f.pattern(ctx, sink, root, pattern); err != nil {
			f.notFinished(ctx, sink, f.step.Path[i:], err)
			return err
		}
	}
	return nil
}

// pattern collects what one pattern matches.
func (f *file) pattern(ctx context.Context, sink Sink, root *dir, pattern string) error {
	matched := 0
	w := f.env.walker(root, f.step, func(x found) error {
		matched++
		f.last = x.path
		return f.visit(ctx, sink, x)
	})
	if err := w.walk(ctx, pattern); err != nil || matched > 0 {
		return err
	}
	return sink.Add(f.item(found{path: pattern, reason: "nothing there matches"}), nil)
}

// walker returns the walker of a step.
func (e *Env) walker(root *dir, step profiles.Step, visit func(found) error) *walker {
	return &walker{
		root: root, rootPath: e.Root, mounts: e.mounts, avoid: e.avoid, exclude: step.Exclude, maxDepth: step.MaxDepth, visit: visit,
	}
}

// notFinished says what a run that ends here has not looked at: the rest of the first pattern, and the others.
func (f *file) notFinished(ctx context.Context, sink Sink, patterns []string, err error) {
	why := whyStopped(ctx, err)
	for i, p := range patterns {
		reason := "not reached: " + why
		if i == 0 && f.last != "" {
			reason = fmt.Sprintf("not finished: %s; nothing after %s was looked at", why, strings.ToValidUTF8(f.last, "\uFFFD"))
		}
		if sink.Add(f.item(found{path: p, reason: reason}), nil) != nil {
			return
		}
	}
}

// visit hands one thing that was found to the sink.
func (f *file) visit(ctx context.Context, sink Sink, x found) error {
	item := f.item(x)
	if item.Reason == "" {
		item.Reason = f.passOver(x)
	}
	if x.info.mode&fs.ModeSymlink != 0 && x.in != nil {
		target, err := x.in.readlink(x.name)
		if err != nil {
			item.Reason = "symbolic link that can't be read: " + plain(err)
		}
		item.Target = target
	}
	if item.Reason == "" {
		if k, ok := f.env.seen.find(x); ok && k.path == x.path && k.step == f.step.Name {
			return nil // two patterns of the step match it
		} else if ok {
			item.Reason, item.SameAs = "the same file is kept already", k.path
		}
	}
	var data *dataMap
	if item.Reason == "" {
		data = f.layout(x, item)
	}
	if item.Reason != "" {
		if item.Status == "" {
			item.Status = Skipped
		}
		item.Name = ""
		return sink.Add(item, nil)
	}
	item.Reason = f.note
	if f.env.Look {
		f.env.seen.add(x, f.step.Name) // nothing is read, but a later step should know
	}
	if err := sink.Add(item, func(w io.Writer) error { return f.keep(ctx, w, x, item, data) }); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// layout returns where the data of a sparse file is, or nil if the file is to be kept whole. It sets the item's reason if there is too
// much of it.
func (f *file) layout(x found, item *Item) *dataMap {
	size := x.info.size
	data := sparseMap(x)
	if data != nil {
		item.Name += ".sparse"
		size = total(data.extents)
		item.SizeHint = size
	}
	if f.step.MaxFileSize > 0 && size > f.step.MaxFileSize {
		item.Reason = fmt.Sprintf("larger than the limit of %s", humanize.IBytes(uint64(f.step.MaxFileSize)))
	}
	return data
}

// sparseMap looks into a file that has fewer blocks than bytes: it has holes, or its file system compresses it, and then it is nil.
func sparseMap(x found) *dataMap {
	if x.info.size-x.info.blocks < minHole {
		return nil
	}
	r, st, err := x.in.openFile(x.name)
	if err != nil {
		return nil // keep meets the same error, and records it
	}
	defer r.Close()
	m := readDataMap(r, st.size)
	if m.whole(st.size) {
		return nil
	}
	return m
}

// item says what is known of a thing before it is read.
func (f *file) item(x found) *Item {
	item := &Item{
		Step: f.step.Name, Collector: f.step.Collector, Source: x.path, Reason: x.reason, Target: x.target, SizeHint: -1,
	}
	switch {
	case x.failed:
		item.Status = Failed
	case x.reason != "":
		item.Status = Skipped
	}
	if x.info.mode != 0 || !x.info.mtime.IsZero() {
		item.Name = path.Join("files", x.path)
		item.Perm = x.info.mode.Perm()
		item.SizeHint = x.info.size
		describe(item, x.info)
	}
	return item
}

func describe(item *Item, st info) {
	item.Mode, item.Owner, item.SourceSize = lsMode(st.mode), fmt.Sprintf("%d:%d", st.uid, st.gid), st.size
	item.ModTime, item.AccessTime, item.ChangeTime, item.BirthTime = st.mtime, st.atime, st.ctime, st.btime
}

// passOver says why a thing that matches is not read, or returns "".
func (f *file) passOver(x found) string {
	st := x.info
	switch {
	case st.mode&fs.ModeSymlink != 0:
		return "symbolic link, not followed"
	case !st.mode.IsRegular():
		return "not a regular file: " + kindOf(st.mode)
	case st.size < f.step.MinFileSize:
		return fmt.Sprintf("smaller than %s", humanize.IBytes(uint64(f.step.MinFileSize)))
	case f.step.NewerThan > 0 && st.newest().Before(f.env.Now().Add(-f.step.NewerThan)):
		return fmt.Sprintf("not changed since %s", f.env.Now().Add(-f.step.NewerThan).UTC().Format(time.RFC3339))
	}
	return ""
}

// keep reads one file into w: all of it, or the data if it is sparse.
func (f *file) keep(ctx context.Context, w io.Writer, x found, item *Item, data *dataMap) error {
	r, st, err := x.in.openFile(x.name)
	if err != nil {
		return fmt.Errorf("opening: %s", plain(err))
	}
	defer r.Close()
	defer dropCache(r)
	describe(item, st)
	buf := f.env.seen.buffer()
	defer f.env.seen.release(buf)
	if data != nil {
		err = copySparse(ctx, w, r, *buf, data, item)
	} else {
		_, err = copySpan(ctx, w, r, *buf, Extent{0, st.size})
	}
	if err != nil {
		return err
	}
	f.env.seen.add(x, f.step.Name) // what could not be kept may be under another name, or in another step
	return changed(item, r, x, st)
}

// seenFiles remembers what was kept, so that each file is kept once whatever its names. It also lends the buffers.
type seenFiles struct {
	mu   sync.Mutex
	kept map[fileID]keptFile
	pool sync.Pool
}

type fileID struct{ dev, ino uint64 }

// A keptFile says under which path, and in which step, a file was kept.
type keptFile struct{ path, step string }

func newSeenFiles() *seenFiles {
	return &seenFiles{
		kept: map[fileID]keptFile{},
		pool: sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }},
	}
}

// find returns how the file was kept already. Where the system gives files no number, none was.
func (s *seenFiles) find(x found) (keptFile, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[fileID{x.info.dev, x.info.ino}]
	return k, ok
}

func (s *seenFiles) add(x found, step string) {
	id := fileID{x.info.dev, x.info.ino}
	if id == (fileID{}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[id] = keptFile{x.path, step}
}

func (s *seenFiles) buffer() *[]byte   { return s.pool.Get().(*[]byte) }
func (s *seenFiles) release(b *[]byte) { s.pool.Put(b) }
