package collectors

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"

	"bellwether/profiles"

	"github.com/dustin/go-humanize"
)

// file copies the files that a step's patterns match.
type file struct {
	env  *Env
	step profiles.Step
}

func newFile(env *Env, step profiles.Step) Collector { return &file{env, step} }

// Collect implements [Collector].
func (f *file) Collect(ctx context.Context, sink Sink) error {
	root, err := openRoot(f.env.Root)
	if err != nil {
		return sink.Add(f.item(found{path: f.env.Root, reason: plain(err), failed: true}), nil)
	}
	defer root.close()
	for _, pattern := range f.step.Path {
		matched := 0
		w := walker{
			root: root, rootPath: f.env.Root, mounts: f.env.mounts, avoid: f.env.avoid,
			exclude: f.step.Exclude, maxDepth: f.step.MaxDepth,
			visit: func(x found) error {
				matched++
				return f.visit(ctx, sink, x)
			},
		}
		if err := w.walk(ctx, pattern); err != nil {
			return err
		}
		if matched > 0 {
			continue
		}
		if err := sink.Add(f.item(found{path: pattern, reason: "nothing there matches"}), nil); err != nil {
			return err
		}
	}
	return nil
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
		first, again := f.env.seen.add(x)
		if again && first == x.path {
			return nil // two patterns match it
		}
		if again {
			item.Reason, item.SameAs = "the same file is kept already", first
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
	return changed(item, r, x, st)
}

// seenFiles remembers what was read, so that each file is read once whatever its names. It also lends the buffers.
type seenFiles struct {
	mu    sync.Mutex
	first map[fileID]string
	pool  sync.Pool
}

type fileID struct{ dev, ino uint64 }

func newSeenFiles() *seenFiles {
	return &seenFiles{
		first: map[fileID]string{},
		pool:  sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }},
	}
}

// add reports whether the file was there already, and under which path. Where the system gives files no number, none is.
func (s *seenFiles) add(x found) (first string, again bool) {
	id := fileID{x.info.dev, x.info.ino}
	if id == (fileID{}) {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, again = s.first[id]; !again {
		s.first[id] = x.path
	}
	return first, again
}

func (s *seenFiles) buffer() *[]byte   { return s.pool.Get().(*[]byte) }
func (s *seenFiles) release(b *[]byte) { s.pool.Put(b) }
