package collectors

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A dir is an open directory. What is below it is reached through it, name by name, so that nobody can exchange a directory for a link
// between the look and the use, and so that a path may be longer than the system allows.
type dir struct{ f *os.File }

const (
	openFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	// dirFlags have no O_NONBLOCK: nothing but a directory is opened, and the runtime would try to poll it.
	dirFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_DIRECTORY | unix.O_CLOEXEC
)

// openRoot opens the directory that a run reads below.
func openRoot(path string) (*dir, error) {
	fd, err := openNoATime(unix.AT_FDCWD, path, dirFlags&^unix.O_NOFOLLOW)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &dir{os.NewFile(uintptr(fd), path)}, nil
}

// again opens the same directory once more, to be read from its beginning.
func (d *dir) again() (*dir, error) { return d.openDir(".") }

// openDir opens a directory below d. A symbolic link is an error.
func (d *dir) openDir(name string) (*dir, error) {
	fd, err := openNoATime(int(d.f.Fd()), name, dirFlags)
	if err != nil {
		return nil, err
	}
	return &dir{os.NewFile(uintptr(fd), name)}, nil
}

// openFile opens a regular file in d, and nothing else: neither a link, nor anything that took its place.
func (d *dir) openFile(name string) (*os.File, info, error) {
	fd, err := openNoATime(int(d.f.Fd()), name, openFlags|unix.O_NOCTTY)
	if err != nil {
		return nil, info{}, err
	}
	f := os.NewFile(uintptr(fd), name)
	st, err := statFile(f)
	if err == nil && !st.mode.IsRegular() {
		err = fmt.Errorf("became a %s", kindOf(st.mode))
	}
	if err != nil {
		f.Close()
		return nil, info{}, err
	}
	return f, st, nil
}

// openNoATime leaves the access time alone where that is allowed: to root, and to the owner.
func openNoATime(at int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(at, name, flags|unix.O_NOATIME, 0)
		if errors.Is(err, unix.EPERM) {
			fd, err = unix.Openat(at, name, flags, 0)
		}
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// names returns up to n names, and io.EOF when there are no more.
func (d *dir) names(n int) ([]string, error) {
	names, err := d.f.Readdirnames(n)
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	return names, err
}

func (d *dir) readlink(name string) (string, error) {
	for size := 256; ; size *= 2 {
		buf := make([]byte, size)
		n, err := unix.Readlinkat(int(d.f.Fd()), name, buf)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(buf[:n]), nil
		}
	}
}

func (d *dir) close() { _ = d.f.Close() }

// stat looks at an entry of d without following it and without asking a server.
func (d *dir) stat(name string) (info, error) {
	return statAt(int(d.f.Fd()), name, unix.AT_SYMLINK_NOFOLLOW)
}

// self looks at the directory itself.
func (d *dir) self() (info, error) { return statFile(d.f) }

func statFile(f *os.File) (info, error) { return statAt(int(f.Fd()), "", unix.AT_EMPTY_PATH) }

func statAt(fd int, name string, flags int) (info, error) {
	var s unix.Statx_t
	err := unix.Statx(fd, name, flags|unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &s)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return statOld(fd, name, flags) // before Linux 4.11, or a container that forbids what it doesn't know
	}
	if err != nil {
		return info{}, err
	}
	i := info{
		mode: fileMode(uint32(s.Mode)), uid: s.Uid, gid: s.Gid, size: int64(s.Size), blocks: int64(s.Blocks) * 512,
		dev: unix.Mkdev(s.Dev_major, s.Dev_minor), ino: s.Ino, links: uint64(s.Nlink),
		mtime: time.Unix(s.Mtime.Sec, int64(s.Mtime.Nsec)), atime: time.Unix(s.Atime.Sec, int64(s.Atime.Nsec)),
		ctime: time.Unix(s.Ctime.Sec, int64(s.Ctime.Nsec)),
	}
	if s.Mask&unix.STATX_BTIME != 0 && s.Btime.Sec > 0 { // some file systems know of no birth, and say 1970
		i.btime = time.Unix(s.Btime.Sec, int64(s.Btime.Nsec))
	}
	if i.mode&fs.ModeDevice != 0 {
		i.rdev = unix.Mkdev(s.Rdev_major, s.Rdev_minor)
	}
	i.marks = marksOf(&s)
	return i, nil
}

// marksOf reads the marks that come with statx, which needs no open file as FS_IOC_GETFLAGS does.
func marksOf(s *unix.Statx_t) (m marks) {
	if s.Attributes_mask&unix.STATX_ATTR_IMMUTABLE != 0 {
		m |= marksKnown
	}
	if s.Attributes&unix.STATX_ATTR_IMMUTABLE != 0 {
		m |= immutable
	}
	if s.Attributes&unix.STATX_ATTR_APPEND != 0 {
		m |= appendOnly
	}
	return m
}

func statOld(fd int, name string, flags int) (info, error) {
	var s unix.Stat_t
	if err := unix.Fstatat(fd, name, &s, flags); err != nil {
		return info{}, err
	}
	return info{
		mode: fileMode(s.Mode), uid: s.Uid, gid: s.Gid, size: s.Size, blocks: s.Blocks * 512,
		dev: uint64(s.Dev), ino: s.Ino, links: uint64(s.Nlink),
		mtime: time.Unix(s.Mtim.Unix()), atime: time.Unix(s.Atim.Unix()), ctime: time.Unix(s.Ctim.Unix()),
	}, nil
}

func fileMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFREG:
	default:
		mode |= fs.ModeIrregular
	}
	if m&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if m&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if m&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// trusted reports whether a link may lead to what was asked for: root's links and our own may, those of other users may not.
func (i info) trusted() bool { return i.uid == 0 || int(i.uid) == os.Geteuid() }

// dropCache gives the page cache that reading a file took back to the host.
func dropCache(f *os.File) { dropCacheOf(f, 0, 0) }

// dropCacheOf is dropCache of a part of a file; a length of 0 means up to its end.
func dropCacheOf(f *os.File, offset, length int64) {
	_ = unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_DONTNEED)
}

// readPage says that no more than a page is wanted of a file, and readOn, once its first page has told that it is a program, that all of it is.
func readPage(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM) }
func readOn(f *os.File)   { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_SEQUENTIAL) }

// split cuts an absolute path into its names.
func split(path string) []string {
	return strings.FieldsFunc(filepath.Clean(path), func(r rune) bool { return r == '/' })
}
