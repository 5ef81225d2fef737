package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"time"

	"bellwether/profiles"
)

// Limits of a walk of everything where the step has none.
const (
	defaultWalkEntries = 5_000_000
	defaultWalkTime    = 10 * time.Minute
	defaultHashSize    = 256 << 20
	defaultRecent      = 24 * time.Hour
)

// errWalkTime ends a walk at the step's timeout.
var errWalkTime = errors.New("the step's timeout")

// walkAll walks every local volume once, and answers all questions about files on the way: a text file for each check, and findings.
type walkAll struct {
	env  *Env
	step profiles.Step
}

func newWalkAll(env *Env, step profiles.Step) Collector { return &walkAll{env, withWalkLimits(step)} }

func withWalkLimits(s profiles.Step) profiles.Step {
	if s.MaxEntries <= 0 {
		s.MaxEntries = defaultWalkEntries
	}
	if s.Timeout <= 0 {
		s.Timeout = defaultWalkTime
	}
	if s.MaxFileSize <= 0 {
		s.MaxFileSize = defaultHashSize
	}
	if s.NewerThan <= 0 {
		s.NewerThan = defaultRecent
	}
	return s
}

// walkItem is an item about the walk itself.
func (c *walkAll) item(source, reason string, status Status) *Item {
	return &Item{Step: c.step.Name, Collector: c.step.Collector, Source: source, Reason: reason, Status: status, SizeHint: -1}
}

// Collect implements [Collector].
func (c *walkAll) Collect(ctx context.Context, sink Sink) error {
	files := c.env.handedOver()
	root, err := openRoot(c.env.Root)
	if err != nil {
		if err := sink.Add(c.item(c.env.Root, plain(err), Failed), nil); err != nil {
			return err
		}
		return files.finish(ctx, sink, err)
	}
	defer root.close()
	limited, cancel := context.WithTimeoutCause(ctx, c.step.Timeout, errWalkTime)
	defer cancel()
	w := c.newWalk(root, sink, files)
	walkErr := w.all(limited, walkRoots(c.env.mounts, c.env.Root))
	reason := reasonOf(limited, walkErr)
	if errors.Is(context.Cause(limited), errWalkTime) && ctx.Err() == nil {
		reason = fmt.Sprintf("the walk is not complete: it took longer than %s", c.step.Timeout)
	}
	if err := w.finish(reason); err != nil {
		return err
	}
	if err := files.finish(ctx, sink, walkErr); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// A bigWalk is the state of one walk of everything.
type bigWalk struct {
	walker
	c        *walkAll
	sink     Sink
	lists    *fileLists
	programs *programs
	who      *owners
	files    *handed
	volumes  []*walkedVolume
	done     map[fileID]string // roots of volumes that were walked, with their path
	current  entry             // used again for each entry: a walk has millions
}

// A place is what a directory lends to what is in it.
type place struct {
	volume    *walkedVolume
	reachable bool // every user may come here
	lost      bool // it belongs to nobody
	path      string
	handed    []handedPattern
}

// An entry is one thing that the walk has come upon.
type entry struct {
	found
	at       place
	target   string // of a link
	noOwner  string
	magic    fileMagic
	digests  digests
	packaged packaged
	caps     string
}

func (c *walkAll) newWalk(root *dir, sink Sink, files *handed) *bigWalk {
	w := &bigWalk{
		walker: walker{
			root: root, rootPath: c.env.Root, mounts: c.env.mounts, avoid: c.env.avoid, exclude: c.step.Exclude, maxDepth: c.step.MaxDepth,
		},
		c: c, sink: sink, files: files, done: map[fileID]string{},
	}
	host := &hostFiles{w: &w.walker}
	defer host.close()
	w.who = readOwners(host)
	index := c.env.packages()
	w.lists = newFileLists(c, sink, index, w.who)
	w.programs = newPrograms(c.env, c.step, index, w.lists.keep)
	return w
}

// all walks the volumes that are to be walked, and says of the others why not.
func (w *bigWalk) all(ctx context.Context, roots []walkRoot) error {
	w.programs.start(ctx)
	defer w.programs.wait()
	inside := map[string]bool{}
	for _, r := range roots {
		inside[r.at] = true
	}
	for _, r := range roots {
		v := &walkedVolume{Path: r.at, Type: r.Type, Source: r.Source, Skipped: r.reason}
		w.volumes = append(w.volumes, v)
		if r.reason != "" {
			continue
		}
		start := w.c.env.Now()
		err := w.volume(ctx, v, inside)
		v.Seconds = w.c.env.Now().Sub(start).Seconds()
		if err != nil && !errors.Is(err, errVolumeEnds) {
			return err
		}
	}
	return nil
}

// errVolumeEnds ends the walk of one volume at its limit.
var errVolumeEnds = errors.New("the limit of entries")

func (w *bigWalk) volume(ctx context.Context, v *walkedVolume, roots map[string]bool) error {
	d, real, stop := w.descend(v.Path)
	if stop != nil {
		v.Skipped = stop.reason
		return nil
	}
	defer d.close()
	st, err := d.self()
	if err != nil || real != v.Path {
		v.Skipped = "is elsewhere now"
		return nil
	}
	id := fileID{st.dev, st.ino}
	if first, ok := w.done[id]; ok {
		v.Skipped = sameAs + first
		return nil
	}
	w.done[id], v.mounts = v.Path, roots
	at := place{volume: v, path: v.Path, reachable: w.reachable(v.Path), handed: w.files.at(v.Path)}
	if v.Path == "/" {
		return w.walkDir(ctx, d, st, at, 0)
	}
	w.current = entry{found: found{path: v.Path, info: st, in: d, name: "."}, at: at}
	if err := w.look(&w.current); err != nil {
		return err
	}
	return w.walkDir(ctx, d, st, at, 0)
}

// reachable reports whether every user may go through the directories above a volume.
func (w *bigWalk) reachable(at string) bool {
	d, err := w.root.again()
	if err != nil {
		return true
	}
	defer func() { d.close() }()
	for _, name := range split(path.Dir(at)) {
		st, err := d.stat(name)
		if err == nil && st.mode&0o001 == 0 {
			return false
		}
		next, err := d.openDir(name)
		if err != nil {
			return true
		}
		d.close()
		d = next
	}
	return true
}

// walkDir visits everything in a directory, and below it as long as it is the same volume.
func (w *bigWalk) walkDir(ctx context.Context, d *dir, st info, at place, depth int) error {
	at.reachable = at.reachable && st.mode&0o001 != 0
	at.volume.Directories++
	for {
		names, err := d.names(nameBatch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && len(names) == 0 {
			w.notSeen(at.volume, at.path, plain(err))
			return nil
		}
		for _, name := range names {
			if err := w.step(ctx, d, name, at, depth); err != nil {
				return err
			}
		}
	}
}

// step visits one name in a directory.
func (w *bigWalk) step(ctx context.Context, d *dir, name string, at place, depth int) error {
	if ctx.Err() != nil {
		w.endsAt(at, name, whyStopped(ctx, ctx.Err()))
		return context.Cause(ctx)
	}
	p := childPath(at.path, name)
	if w.excluded(name, p) {
		return nil
	}
	if at.volume.mounts[p] {
		return nil // a volume of its own
	}
	if at.volume.Entries++; at.volume.Entries > int64(w.c.step.MaxEntries) {
		w.endsAt(at, name, fmt.Sprintf("more than %d entries", w.c.step.MaxEntries))
		return errVolumeEnds
	}
	st, err := d.stat(name)
	if err != nil {
		w.notSeen(at.volume, p, plain(err))
		return nil
	}
	below := at
	below.path = p
	w.current = entry{found: found{path: p, info: st, in: d, name: name}, at: at}
	if below.handed, err = w.files.visit(ctx, w.sink, w.current.found, at.handed); err != nil {
		return err
	}
	if err := w.look(&w.current); err != nil {
		return err
	}
	if !st.mode.IsDir() {
		return nil
	}
	below.lost = w.current.noOwner != ""
	return w.descendInto(ctx, d, name, st, below, depth)
}

func childPath(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// descendInto walks a directory that was found.
func (w *bigWalk) descendInto(ctx context.Context, d *dir, name string, st info, at place, depth int) error {
	switch {
	case w.avoid.is(w.onMachine(at.path), st):
		w.notSeen(at.volume, at.path, "where cases are written to")
		return nil
	case depth+1 > w.depthLimit():
		w.notSeen(at.volume, at.path, fmt.Sprintf("more than %d directories deep", w.depthLimit()))
		at.volume.tooDeep++
		if at.volume.tooDeep == 1 {
			return w.sink.Add(w.c.item(at.path, fmt.Sprintf("not walked: more than %d directories deep; others like it stand in state/walk/not-walked.txt", w.depthLimit()), Skipped), nil)
		}
		return nil
	}
	child, err := d.openDir(name)
	if err != nil {
		w.notSeen(at.volume, at.path, plain(err))
		return nil
	}
	defer child.close()
	return w.walkDir(ctx, child, st, at, depth+1)
}

// look finds out what there is to know of an entry, and keeps it. What has to be read goes to the programs' readers.
func (w *bigWalk) look(e *entry) error {
	st := e.info
	if st.mode&fs.ModeSymlink != 0 {
		if target, err := e.in.readlink(e.name); err == nil {
			e.target = target
		}
	}
	e.noOwner = w.who.missing(st.uid, st.gid)
	if st.marks&marksKnown == 0 && (st.mode.IsDir() || st.mode.IsRegular()) {
		e.info.marks |= e.at.volume.marks(e.found)
	}
	if st.mode.IsRegular() {
		e.packaged = w.programs.packaged(e.path)
		if w.programs.wants(e) {
			return w.programs.open(e)
		}
	}
	return w.lists.keep(e)
}

// notSeen notes what the walk could not, or may not, look into.
func (w *bigWalk) notSeen(v *walkedVolume, p, reason string) {
	v.NotSeen++
	w.lists.notSeen(p, reason)
}

// endsAt notes where a limit ended a volume's walk.
func (w *bigWalk) endsAt(at place, name, reason string) {
	if at.volume.EndedAt == "" {
		at.volume.EndedAt, at.volume.Ended = childPath(at.path, name), reason
	}
}

// finish closes the lists, and says what was walked.
func (w *bigWalk) finish(reason string) error {
	cut := reason
	for _, v := range w.volumes {
		if v.Ended != "" && cut == "" {
			cut = fmt.Sprintf("the walk of %s is not complete: %s", v.Path, v.Ended)
		}
	}
	if err := w.lists.finish(cut); err != nil {
		return err
	}
	for _, v := range w.volumes {
		if v.Ended == "" {
			continue
		}
		text := fmt.Sprintf("not finished: %s; nothing after %s was looked at", v.Ended, v.EndedAt)
		if err := w.sink.Add(w.c.item(v.Path, text, Partial), nil); err != nil {
			return err
		}
	}
	return w.volumeTable(reason).keep(context.Background(), w.sink, w.c.step, nil) // short, and wanted when the run has ended too
}

// A walkedVolume is a mounted file system that was walked, or not.
type walkedVolume struct {
	Path        string  `json:"path"`
	Type        string  `json:"type,omitempty"`
	Source      string  `json:"source,omitempty"`
	Skipped     string  `json:"skipped,omitempty"` // why it was not walked
	Entries     int64   `json:"entries"`
	Directories int64   `json:"directories"`
	NotSeen     int64   `json:"not_seen,omitempty"` // entries that could not be looked at, see not-walked.txt
	Seconds     float64 `json:"seconds"`
	Ended       string  `json:"ended,omitempty"`    // the limit that ended the walk
	EndedAt     string  `json:"ended_at,omitempty"` // and where

	mounts  map[string]bool // paths below it that are volumes of their own
	tooDeep int
	noMarks bool // the file system has none
	noCaps  bool
}

// volumeTable is the table of what was walked.
func (w *bigWalk) volumeTable(reason string) table[*walkedVolume] {
	t := table[*walkedVolume]{
		name: "walk/volumes", source: "the mount table, and the walk", rows: w.volumes, reason: reason,
		columns: []column[*walkedVolume]{
			{"path", func(v *walkedVolume) string { return v.Path }},
			{"type", func(v *walkedVolume) string { return v.Type }},
			{"source", func(v *walkedVolume) string { return v.Source }},
			{"entries", func(v *walkedVolume) string { return strconv.FormatInt(v.Entries, 10) }},
			{"not seen", func(v *walkedVolume) string { return strconv.FormatInt(v.NotSeen, 10) }},
			{"seconds", func(v *walkedVolume) string { return fmt.Sprintf("%.1f", v.Seconds) }},
			{"why not", func(v *walkedVolume) string { return v.Skipped + v.Ended }},
		},
	}
	return t
}
