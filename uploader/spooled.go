package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize"
)

// A Scratch says where an object is kept that can only be sent whole, and is too large for memory: on this host's disk. It is not
// used for anything else. The files have no name, or lose it when the object ends.
type Scratch struct {
	Dir     string // empty: the system's folder for temporary files
	MinFree Floor  // the free space to leave on its volume
}

// file makes a file.
func (s Scratch) file() (*os.File, *os.Root, error) {
	dir := s.Dir
	if dir == "" {
		dir = os.TempDir()
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the scratch folder: %w", err)
	}
	f, err := os.CreateTemp(dir, "bellwether-*.part") // with mode 0600, and O_EXCL
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("making a scratch file: %w", err), root.Close())
	}
	if runtime.GOOS != "windows" { // there an open file can't lose its name
		if err := root.Remove(filepath.Base(f.Name())); err != nil {
			return nil, nil, errors.Join(err, f.Close(), root.Close())
		}
	}
	return f, root, nil
}

// A spoolFile is an object in the scratch folder.
type spoolFile struct {
	f     *os.File
	root  *os.Root // of the scratch folder
	floor Floor
	size  atomic.Int64 // of what was written so far
}

// length implements payload.
func (f *spoolFile) length() int64 { return f.size.Load() }

// readAt implements payload.
func (f *spoolFile) readAt(p []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(p[:min(int64(len(p)), f.length()-off)], off)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// write puts the part to its place.
func (f *spoolFile) write(p *part) error {
	if err := f.guard(int64(p.size)); err != nil {
		return err
	}
	for i, chunk := range p.chunks {
		b := chunk[:min(chunkSize, p.size-i*chunkSize)]
		if _, err := f.f.WriteAt(b, p.offset+int64(i)*chunkSize); err != nil {
			return fmt.Errorf("writing to the scratch folder: %w", diskError(err))
		}
	}
	f.size.Add(int64(p.size))
	dropCache(f.f, p.offset, int64(p.size))
	return nil
}

// guard reports an error that wraps ErrFloor if more bytes would take the volume below its floor.
func (f *spoolFile) guard(more int64) error {
	free, total, err := diskSpace(f.root)
	if err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", f.root.Name(), err)
	}
	if floor := f.floor.Bytes(total); free < floor || free-floor < uint64(more) {
		return fmt.Errorf("%w in the scratch folder %s: %s free, floor %s; this store takes objects whole only: "+
			"use one that takes parts, or leave large files out with --max-file", ErrFloor, f.root.Name(), humanize.IBytes(free), f.floor)
	}
	return nil
}

// digest sends the whole of the file to the hashes.
func (f *spoolFile) digest(hashes ...io.Writer) error {
	if _, err := io.Copy(io.MultiWriter(hashes...), io.NewSectionReader(f.f, 0, f.length())); err != nil {
		return fmt.Errorf("reading from the scratch folder: %w", err)
	}
	return nil
}

// close drops the file.
func (f *spoolFile) close() {
	_ = f.f.Close() // what it holds is dropped
	_ = f.root.Remove(filepath.Base(f.f.Name()))
	_ = f.root.Close()
}

// A spooled is a [partTarget] for a store that takes objects whole only: the parts are put together on disk, and sent when all are there.
type spooled struct {
	u       *upload
	scratch Scratch
	most    int64 // bytes that one request takes
	send    func(context.Context, *spoolFile) error

	mu   sync.Mutex
	file *spoolFile // nil until the first part, and after the end
}

func newSpooled(u *upload, scratch Scratch, most int64, send func(context.Context, *spoolFile) error) *spooled {
	return &spooled{u: u, scratch: scratch, most: most, send: send}
}

// put implements partTarget.
func (s *spooled) put(p *part) error {
	if p.offset+int64(p.size) > s.most {
		return fmt.Errorf("%w: one request takes %s; use a store that takes parts, or leave large files out with --max-file",
			ErrTooLarge, humanize.IBytes(uint64(s.most)))
	}
	file, err := s.open()
	if err != nil {
		return err
	}
	return file.write(p)
}

// open returns the file, and makes it if there is none.
func (s *spooled) open() (*spoolFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return s.file, nil
	}
	f, root, err := s.scratch.file()
	if err != nil {
		return nil, err
	}
	s.u.e.retry.log.Info("too large for memory, and the store takes it whole only: kept on disk until it is sent", "key", s.u.key, "folder", root.Name())
	s.file = &spoolFile{f: f, root: root, floor: s.scratch.MinFree}
	return s.file, nil
}

// join implements partTarget.
func (s *spooled) join(ctx context.Context, _ uint32) error {
	err := s.send(ctx, s.file)
	if err == nil {
		s.drop()
	}
	return err
}

// drop implements partTarget.
func (s *spooled) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.close()
		s.file = nil
	}
}
