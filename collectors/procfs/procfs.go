// Package procfs reads what the Linux kernel says of itself in /proc and /sys.
//
// The rules that every file keeps: parsers take text, never a path. What reads takes an [FS], so that a test can pass a made one. Every
// read has a limit of bytes and of time, because a file of the kernel can block for as long as a driver likes. A process
// that ends while it is read is no error of the host: [fs.ErrNotExist] tells.
package procfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	// maxFile bounds what is read of one file of the kernel, in bytes.
	maxFile = 5 << 20
	// maxWait bounds how long one read may take.
	maxWait = 5 * time.Second
)

// ErrSlow is wrapped by the error of a read that was given up after its time.
var ErrSlow = errors.New("did not answer in time")

// An FS is a directory with proc and sys in it: "/" for the running host.
type FS struct{ root string }

// New returns the FS below a root.
func New(root string) FS { return FS{root} }

// Read returns a file below the root, such as proc/1/status, at most 5 MiB of it. Longer ones are cut.
func (f FS) Read(name string) ([]byte, error) {
	type answer struct {
		b   []byte
		err error
	}
	done := make(chan answer, 1)
	go func() {
		b, err := readFile(filepath.Join(f.root, name))
		done <- answer{b, err}
	}()
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.b, a.err
	case <-timer.C:
		return nil, fmt.Errorf("reading /%s: %w", name, ErrSlow) // the goroutine ends when the kernel lets it
	}
}

func readFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile))
	if errors.Is(err, syscall.ESRCH) {
		err = fs.ErrNotExist // the process has ended between open and read
	}
	return b, err
}

// Link returns where a link of the kernel leads, such as proc/1/exe.
func (f FS) Link(name string) (string, error) { return os.Readlink(filepath.Join(f.root, name)) }

// PIDs returns the processes that reading /proc shows, in order.
func (f FS) PIDs() ([]int, error) {
	d, err := os.Open(filepath.Join(f.root, "proc"))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, err
}
