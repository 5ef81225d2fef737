// Package procfs reads what the Linux kernel says of itself in /proc and /sys.
//
// The rules that every file keeps: parsers take text, never a path. What reads takes an [FS], so that a test can pass a made one. Every
// read has a limit of bytes and of time, because a file of the kernel can block for as long as a driver, or a file system of a user
// process, likes. A process that ends while it is read is no error of the host: [fs.ErrNotExist] tells.
//
// gopsutil reads the same files, but whole and without a limit of time, and it has no view of what is hidden; so it is used for the
// machine and not for processes.
package procfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// maxFile bounds what is read of one file of the kernel, in bytes.
	maxFile = 5 << 20
	// maxLines bounds what is read of a list of the kernel that is read line by line, in bytes.
	maxLines = 256 << 20
	// maxWait bounds how long one read may take.
	maxWait = 5 * time.Second
)

// ErrSlow is wrapped by the error of a read that was given up after its time.
var ErrSlow = errors.New("did not answer in time")

// ErrCut is wrapped by the error of a read that stopped at its limit of bytes or rows. What came before is returned with it.
var ErrCut = errors.New("longer than what is read of it")

// An FS is a directory with proc and sys in it: "/" for the running host.
type FS struct {
	root string
	proc string        // where proc/ is, if it isn't below the root
	wait time.Duration // 0 is maxWait
}

// New returns the FS below a root.
func New(root string) FS { return FS{root: root} }

// Within returns the same FS with another limit of time for each read.
func (f FS) Within(d time.Duration) FS {
	f.wait = d
	return f
}

// path returns where a name is.
func (f FS) path(name string) string {
	if rest, ok := strings.CutPrefix(name, "proc/"); ok && f.proc != "" {
		return f.proc + "/" + rest
	}
	if name == "proc" && f.proc != "" {
		return f.proc
	}
	return filepath.Join(f.root, name)
}

// Read returns a file below the root, such as proc/1/status, at most 5 MiB of it. Longer ones are cut; [FS.Beginning] says so.
func (f FS) Read(name string) ([]byte, error) {
	b, err := f.Beginning(name)
	if errors.Is(err, ErrCut) {
		err = nil
	}
	return b, err
}

// Beginning is Read for who needs to know that a file was cut: then the error is [ErrCut].
func (f FS) Beginning(name string) ([]byte, error) {
	return bounded(f, name, func() ([]byte, error) { return readFile(f.path(name)) })
}

// bounded calls do, and gives it up after the time of one read.
func bounded[T any](f FS, name string, do func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := do()
		done <- answer{v, err}
	}()
	wait := f.wait
	if wait <= 0 {
		wait = maxWait
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.v, a.err
	case <-timer.C:
		var none T
		return none, fmt.Errorf("reading /%s: %w", name, ErrSlow) // the goroutine ends when the kernel lets it
	}
}

func readFile(path string) ([]byte, error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if errors.Is(err, syscall.ESRCH) {
		err = fs.ErrNotExist // the process has ended between open and read
	}
	if err == nil && len(b) > maxFile {
		return b[:maxFile], fmt.Errorf("%s: %w: %d bytes", path, ErrCut, maxFile)
	}
	return b, err
}

// text returns a small file without the blanks around it, and "" for one that can't be read.
func (f FS) text(name string) string {
	b, err := f.Read(name)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}

// lines reads a long list line by line: at most limit of what parse takes. What came before an error is returned with it,
// and the error is [ErrCut] where there is more.
func lines[T any](f FS, name string, limit int, parse func(string) (T, bool)) ([]T, error) {
	return bounded(f, name, func() ([]T, error) {
		file, err := open(f.path(name))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		limited := &io.LimitedReader{R: file, N: maxLines}
		out, err := parseLines(limited, limit, parse)
		if err == nil && limited.N <= 0 {
			err = ErrCut
		}
		if errors.Is(err, ErrCut) {
			err = fmt.Errorf("/%s: %w: %d rows", name, err, len(out))
		}
		return out, err
	})
}

func parseLines[T any](r io.Reader, limit int, parse func(string) (T, bool)) (out []T, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), 1<<20)
	for s.Scan() {
		v, ok := parse(s.Text())
		if ok && len(out) >= limit {
			return out, ErrCut
		}
		if ok {
			out = append(out, v)
		}
	}
	return out, s.Err()
}

// Link returns where a link of the kernel leads, such as proc/1/exe.
func (f FS) Link(name string) (string, error) { return os.Readlink(f.path(name)) }

// stat follows links, as far as another file system if one leads there.
func (f FS) stat(name string) (fs.FileInfo, error) {
	return bounded(f, name, func() (fs.FileInfo, error) { return os.Stat(f.path(name)) })
}

// isELF reports whether a file begins as machine code does.
func (f FS) isELF(name string) bool {
	magic, err := bounded(f, name, func() ([]byte, error) {
		file, err := open(f.path(name))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		magic := make([]byte, 4)
		_, err = io.ReadFull(file, magic)
		return magic, err
	})
	return err == nil && string(magic) == "\x7fELF"
}

// maxNames bounds how many names of a directory of the kernel are read.
const maxNames = 1 << 20

// names returns the names in a directory of the kernel, in its order.
func (f FS) names(name string) ([]string, error) {
	return bounded(f, name, func() ([]string, error) {
		d, err := os.Open(f.path(name))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		names, err := d.Readdirnames(maxNames)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return names, err
	})
}

// PIDs returns the processes that reading /proc shows, in order.
func (f FS) PIDs() ([]int, error) { return f.numbers("proc") }

// numbers returns the entries of a directory whose names are positive numbers, in order.
func (f FS) numbers(name string) ([]int, error) {
	names, err := f.names(name)
	var out []int
	for _, n := range names {
		if i, err := strconv.Atoi(n); err == nil && i > 0 {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out, err
}

// absent reports whether an error says that this kernel, or by now this process, has no such file.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EINVAL)
}
