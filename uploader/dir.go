package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
)

const (
	// guardEvery is how many bytes are written to a file between two looks at the free space.
	guardEvery = 4 << 20
	// dropEvery is how many bytes are written to a file before their page cache is given back.
	dropEvery = 8 << 20
)

// Dir is a store in a directory: every object is a file, and its key the path below the directory.
//
// A file is written at its final name, so that nothing has to be renamed and what has been collected can be read while
// the run goes on. Only a process that is killed leaves a part of a file; the manifest doesn't name it.
//
// Directories are made as they are needed, with mode 0700. A symbolic link below the directory never leads out of it, and
// one that is there when its name is first needed is an error.
type Dir struct {
	root *os.Root
	opt  DirOptions

	mu   sync.Mutex
	made map[string]bool // directories that are known to be real directories
}

// DirOptions are the options of [NewDir].
type DirOptions struct {
	// MinFree is the free space to leave on the volume. Objects with a Reserve are exempt: they are the case's own
	// books, and tell what else didn't fit.
	MinFree Floor
}

var _ Store = (*Dir)(nil)

// NewDir opens the directory at name, which may be any path that the operator chose, and makes it if it isn't there.
// The caller closes the store.
func NewDir(name string, opt DirOptions) (*Dir, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("making the destination: %w", err)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("opening the destination: %w", err)
	}
	return &Dir{root: root, opt: opt, made: map[string]bool{".": true}}, nil
}

// Free returns how many bytes this process may still write to the volume, and how many the volume has in all.
func (d *Dir) Free() (free, total uint64, err error) {
	free, total, err = diskSpace(d.root)
	if err != nil {
		return 0, 0, fmt.Errorf("asking for the free space of %s: %w", d.root.Name(), err)
	}
	return free, total, nil
}

// Sync returns once everything that has been committed would survive a power failure, as far as the system can tell.
// Commit alone lets a file survive the end of the process, not of the machine: to sync each of thousands of files would
// stall the host's own disk. On Linux Sync is one syncfs of the volume; elsewhere only the objects with a Reserve are
// durable, each from its Commit on.
func (d *Dir) Sync() error {
	if err := syncVolume(d.root); err != nil {
		return fmt.Errorf("syncing %s: %w", d.root.Name(), err)
	}
	return nil
}

// Close gives the directory's handle back. It doesn't sync.
func (d *Dir) Close() error { return d.root.Close() }

// Create makes the file named key.
func (d *Dir) Create(ctx context.Context, key string, meta Meta) (Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	name, err := filepath.Localize(key)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w: not a file name on %s", key, fs.ErrInvalid, runtime.GOOS)
	}
	if meta.Reserve == 0 {
		if err := d.guard(key, uint64(max(0, meta.Size))); err != nil {
			return nil, err
		}
	}
	if err := d.mkdir(path.Dir(key)); err != nil {
		return nil, fmt.Errorf("creating %s: %w", key, diskError(err))
	}
	// With O_EXCL a symbolic link at the name is an error too, dangling or not.
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", key, diskError(err))
	}
	file := &dirFile{ctx: ctx, dir: d, key: key, name: name, meta: meta, f: f}
	if err := file.reserve(); err != nil {
		return nil, errors.Join(fmt.Errorf("creating %s: %w", key, err), file.Abort())
	}
	return file, nil
}

// mkdir makes the directory, and what is missing above it.
func (d *Dir) mkdir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made[dir] {
		return nil
	}
	var missing []string
	for up := dir; !d.made[up]; up = path.Dir(up) {
		missing = append(missing, up)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		name := filepath.FromSlash(missing[i])
		err := d.root.Mkdir(name, 0o700)
		if errors.Is(err, fs.ErrExist) {
			err = d.checkDir(name)
		}
		if err != nil {
			return err
		}
		d.made[missing[i]] = true
	}
	return nil
}

// checkDir refuses a name that is not a real directory. os.Root keeps links from leading out of the store; this keeps
// them from leading elsewhere inside it.
func (d *Dir) checkDir(name string) error {
	info, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
	}
	return nil
}

// guard reports an error that wraps ErrFloor if more bytes would take the volume below its floor.
func (d *Dir) guard(key string, more uint64) error {
	if d.opt.MinFree == (Floor{}) {
		return nil
	}
	free, total, err := d.Free()
	if err != nil {
		return err
	}
	floor := d.opt.MinFree.Bytes(total)
	if free >= floor && free-floor >= more {
		return nil
	}
	return fmt.Errorf("writing %s: %w: %s more, with %s free and a floor of %s (%s); lower --min-free or choose another destination",
		key, ErrFloor, humanize.IBytes(more), humanize.IBytes(free), d.opt.MinFree, humanize.IBytes(floor))
}

// diskError marks an error that says the volume, or the quota on it, is used up.
func diskError(err error) error {
	if err != nil && isFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// dirFile is one file that is being written.
type dirFile struct {
	ctx  context.Context
	dir  *Dir
	key  string
	name string // key, as the system spells it
	meta Meta
	f    *os.File

	written  int64
	reserved int64 // offset up to which blocks are set aside
	guarded  int64 // offset at which the free space was last looked at
	dropped  int64 // offset up to which the page cache was given back
	done     bool
}

// Write appends p. After an error that wraps [ErrFloor] or [ErrFull] what was written so far may still be committed.
func (o *dirFile) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		if err := o.ready(); err != nil {
			return total, err
		}
		n, err := o.f.Write(p[:min(len(p), guardEvery)])
		total += n
		o.written += int64(n)
		if err != nil {
			return total, fmt.Errorf("writing %s: %w", o.key, diskError(err))
		}
		p = p[n:]
		o.dropCache()
	}
	return total, nil
}

// ready does what has to be done from time to time before a write.
func (o *dirFile) ready() error {
	if o.done {
		return fmt.Errorf("writing %s: %w", o.key, fs.ErrClosed)
	}
	if err := o.ctx.Err(); err != nil {
		return err
	}
	if o.meta.Reserve > 0 {
		if o.written+o.meta.Reserve/2 > o.reserved {
			// Best effort: a volume with no room for a new reserve may have room for the write.
			_ = o.reserve()
		}
		return nil
	}
	if o.written-o.guarded < guardEvery {
		return nil
	}
	o.guarded = o.written
	return o.dir.guard(o.key, guardEvery)
}

// reserve sets Meta.Reserve bytes aside after what is written, so that there always is a reserve ahead.
func (o *dirFile) reserve() error {
	if o.meta.Reserve <= 0 {
		return nil
	}
	if err := reserve(o.f, o.written, o.meta.Reserve); err != nil {
		return fmt.Errorf("reserving %s: %w", humanize.IBytes(uint64(o.meta.Reserve)), diskError(err))
	}
	o.reserved = o.written + o.meta.Reserve
	return nil
}

// dropCache gives the page cache of a large file back, so that the host's own programs keep theirs. The first call
// for a range makes the system write it out, without waiting; the second, one range later, drops the clean pages.
func (o *dirFile) dropCache() {
	if o.written-o.dropped < dropEvery {
		return
	}
	from := max(0, o.dropped-dropEvery)
	dropCache(o.f, from, o.written-from)
	o.dropped = o.written
}

// Commit gives the file its mode and time, and closes it.
func (o *dirFile) Commit() error {
	if o.done {
		return fmt.Errorf("committing %s: %w", o.key, fs.ErrClosed)
	}
	if err := o.ctx.Err(); err != nil {
		return errors.Join(err, o.Abort())
	}
	if err := o.finish(); err != nil {
		return errors.Join(fmt.Errorf("committing %s: %w", o.key, diskError(err)), o.Abort())
	}
	o.done = true
	return nil
}

func (o *dirFile) finish() error {
	if o.reserved > 0 {
		// Blocks beyond the end are freed by a truncation to the size that the file has.
		if err := o.f.Truncate(o.written); err != nil {
			return err
		}
		if err := o.f.Sync(); err != nil {
			return err
		}
	}
	if o.dropped > 0 {
		dropCache(o.f, 0, o.written)
	}
	if mode := fileMode(o.meta.Mode); mode != 0o600 && runtime.GOOS != "windows" { // there a mode is but "read-only"
		if err := o.f.Chmod(mode); err != nil {
			return err
		}
	}
	if err := o.f.Close(); err != nil {
		return err
	}
	if o.meta.ModTime.IsZero() {
		return nil
	}
	return o.dir.root.Chtimes(o.name, time.Time{}, o.meta.ModTime)
}

// fileMode is the mode that a file with mode had on its host gets: the owner's bits alone, and always readable.
func fileMode(mode fs.FileMode) fs.FileMode {
	if mode &= 0o700; mode != 0 {
		return mode | 0o400
	}
	return 0o600
}

// Abort closes and removes the file.
func (o *dirFile) Abort() error {
	if o.done {
		return fmt.Errorf("aborting %s: %w", o.key, fs.ErrClosed)
	}
	o.done = true
	_ = o.f.Close() // Commit may have closed it, and what it holds is dropped
	if err := o.dir.root.Remove(o.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("aborting %s: %w", o.key, err)
	}
	return nil
}
