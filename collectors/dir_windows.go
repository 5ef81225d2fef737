package collectors

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A dir is a directory that is read.
type dir struct {
	path string
	f    *os.File // opened when its names are first read
}

// openRoot opens the directory that a run reads below. The root "/" holds the drives: /C/Windows is C:\Windows.
func openRoot(path string) (*dir, error) {
	if path == "/" || path == `\` {
		return &dir{}, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return &dir{path: path}, nil
}

func (d *dir) join(name string) string {
	if d.path == "" {
		return strings.TrimSuffix(name, ":") + `:\`
	}
	return filepath.Join(d.path, name)
}

// again opens the same directory once more, to be read from its beginning.
func (d *dir) again() (*dir, error) { return &dir{path: d.path}, nil }

// openDir opens a directory below d. A reparse point is an error.
func (d *dir) openDir(name string) (*dir, error) {
	st, err := d.stat(name)
	if err != nil {
		return nil, err
	}
	if !st.mode.IsDir() {
		return nil, fmt.Errorf("is a %s", kindOf(st.mode))
	}
	return &dir{path: d.join(name)}, nil
}

// openFile opens a regular file in d, and nothing else.
func (d *dir) openFile(name string) (*os.File, info, error) {
	st, err := d.stat(name)
	if err != nil {
		return nil, info{}, err
	}
	if !st.mode.IsRegular() {
		return nil, info{}, fmt.Errorf("became a %s", kindOf(st.mode))
	}
	f, err := os.Open(d.join(name))
	if err != nil {
		return nil, info{}, err
	}
	return f, st, nil
}

// names returns up to n names, and io.EOF when there are no more.
func (d *dir) names(n int) ([]string, error) {
	if d.f == nil {
		if d.path == "" {
			return nil, io.EOF // a pattern names its drive
		}
		f, err := os.Open(d.path)
		if err != nil {
			return nil, err
		}
		d.f = f
	}
	return d.f.Readdirnames(n)
}

func (d *dir) readlink(name string) (string, error) { return os.Readlink(d.join(name)) }

func (d *dir) close() {
	if d.f != nil {
		_ = d.f.Close()
	}
}

func (d *dir) stat(name string) (info, error) { return statPath(d.join(name)) }

func (d *dir) self() (info, error) { return statPath(d.path) }

func statFile(f *os.File) (info, error) {
	st, err := f.Stat()
	if err != nil {
		return info{}, err
	}
	return infoOf(st), nil
}

func statPath(path string) (info, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return info{}, err
	}
	return infoOf(st), nil
}

func infoOf(st os.FileInfo) info {
	i := info{mode: st.Mode(), size: st.Size(), blocks: st.Size(), links: 1, mtime: st.ModTime()}
	if a, ok := st.Sys().(*syscall.Win32FileAttributeData); ok {
		i.atime = time.Unix(0, a.LastAccessTime.Nanoseconds())
		i.btime = time.Unix(0, a.CreationTime.Nanoseconds())
	}
	return i
}

// trusted reports whether a link may lead to what was asked for.
func (i info) trusted() bool { return false }

func dropCache(*os.File)                 {}
func dropCacheOf(*os.File, int64, int64) {}

func inCache(*os.File, int64, int64) bool { return true }

func readPage(*os.File) {}
func readOn(*os.File)   {}

// split cuts an absolute path, C:\dir\name or /C/dir/name, into its names.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
}
