package procfs

import (
	"os"
	"strconv"
	"strings"
)

// Files is what a process has open.
type Files struct {
	Open    int        `json:"open"`
	Sockets int        `json:"sockets"`
	Std     [3]string  `json:"std"` // where descriptors 0, 1 and 2 lead: /dev/null, pipe:[1], socket:[2]
	Of      []OpenFile `json:"interest,omitempty"`
	Cut     bool       `json:"cut,omitempty"` // there are more of interest, or more descriptors, than are kept
}

// An OpenFile is a file of interest: deleted and still open, or open for writing.
type OpenFile struct {
	FD      int    `json:"fd"`
	Path    string `json:"path"`
	Deleted bool   `json:"deleted,omitempty"`
	Writes  bool   `json:"writes,omitempty"`
}

// maxFDs bounds how many descriptors of one process are looked at.
const maxFDs = 65536

// files reads /proc/PID/fd.
func (r *Reader) files(dir string) Files {
	var out Files
	for _, fd := range r.fs.fds(dir) {
		link, err := r.fs.Link(dir + "/fd/" + strconv.Itoa(fd))
		if err != nil {
			continue
		}
		out.Open++
		if fd < len(out.Std) {
			out.Std[fd] = link
		}
		if strings.HasPrefix(link, "socket:[") {
			out.Sockets++
			continue
		}
		f, ok := r.interest(dir, fd, link)
		switch {
		case !ok:
		case len(out.Of) >= maxNotable:
			out.Cut = true
		default:
			out.Of = append(out.Of, f)
		}
	}
	out.Cut = out.Cut || out.Open >= maxFDs
	return out
}

// fds returns the descriptors of a process, in order. Zero is one of them, so numbers doesn't do.
func (f FS) fds(dir string) []int {
	names, err := f.names(dir + "/fd")
	if err != nil {
		return nil
	}
	var out []int
	for _, n := range names[:min(len(names), maxFDs)] {
		if fd, err := strconv.Atoi(n); err == nil && fd >= 0 {
			out = append(out, fd)
		}
	}
	return out
}

// interest says whether an open file is one, and how. The permissions of the link itself say how the file was opened.
func (r *Reader) interest(dir string, fd int, link string) (OpenFile, bool) {
	if !strings.HasPrefix(link, "/") {
		return OpenFile{}, false
	}
	f := OpenFile{FD: fd}
	f.Path, f.Deleted = strings.CutSuffix(link, deletedMark)
	if !f.Deleted && inKernel(f.Path) {
		return OpenFile{}, false
	}
	if info, err := os.Lstat(r.fs.path(dir + "/fd/" + strconv.Itoa(fd))); err == nil {
		f.Writes = info.Mode().Perm()&0o200 != 0
	}
	return f, f.Deleted || f.Writes
}

// inKernel reports whether a path is a device or a file of the kernel.
func inKernel(p string) bool {
	for _, dir := range []string{"/dev/", "/proc/", "/sys/"} {
		if strings.HasPrefix(p, dir) && !strings.HasPrefix(p, "/dev/shm/") {
			return true
		}
	}
	return false
}

// A Holder is a descriptor of a process that leads to a socket.
type Holder struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
	Exe  string `json:"exe,omitempty"`
	FD   int    `json:"fd"`
}

// maxHolders bounds how many holders of one socket are kept: a server that forks has one in every child.
const maxHolders = 16

// Holders returns who holds each socket, by the socket's inode.
func (f FS) Holders(pids []int) map[uint64][]Holder {
	f = f.Within(maxWait)
	out := map[uint64][]Holder{}
	for _, pid := range pids {
		dir := "proc/" + strconv.Itoa(pid)
		h := Holder{PID: pid}
		for _, fd := range f.fds(dir) {
			link, err := f.Link(dir + "/fd/" + strconv.Itoa(fd))
			inode, ok := SocketInode(link)
			if err != nil || !ok || len(out[inode]) >= maxHolders {
				continue
			}
			if h.Comm == "" {
				h.Comm, h.Exe = f.text(dir+"/comm"), f.program(dir)
			}
			h.FD = fd
			out[inode] = append(out[inode], h)
		}
	}
	return out
}

// program returns the path of a process's program as the kernel says it, with the mark of a deleted one.
func (f FS) program(dir string) string {
	link, err := f.Link(dir + "/exe")
	if err != nil {
		return ""
	}
	return link
}

// SocketInode returns the number of the socket that a descriptor's link leads to.
func SocketInode(link string) (uint64, bool) { return bracketed(link, "socket") }
