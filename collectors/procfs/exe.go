package procfs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"
)

// A FileID tells one file from every other of a host. The zero value is none.
type FileID struct{ Dev, Inode uint64 }

func isSlow(err error) bool { return errors.Is(err, ErrSlow) }

// exe reads which program a process runs, and whether it still is where it was started from.
func (r *Reader) exe(p *Process, dir string) {
	if p.Kernel {
		return
	}
	link, err := r.fs.Link(dir + "/exe")
	if err != nil {
		if p.State != "Z" {
			p.ExeNote = "not known: " + reasonOf(err)
		}
		return
	}
	p.Exe = link
	info, err := r.fs.stat(dir + "/exe")
	if err != nil {
		p.ExeNote = "its file does not answer"
		p.Exe, p.ExeDeleted = strings.CutSuffix(link, deletedMark)
		return
	}
	p.ExeSize = info.Size()
	id, links := identify(info)
	p.ExeFile = id
	if bare, marked := strings.CutSuffix(link, deletedMark); marked && !r.isAt(dir, link, id) {
		p.Exe, p.ExeDeleted = bare, true
		_, err := r.fs.stat(dir + "/root" + bare)
		p.ExeAgain = err == nil
	}
	p.Memfd = strings.HasPrefix(p.Exe, "/memfd:") && links == 0
}

// isAt reports whether a path, as the process sees it, is the file with an id: a file may really be called "x (deleted)".
func (r *Reader) isAt(dir, name string, id FileID) bool {
	info, err := r.fs.stat(dir + "/root" + name)
	if err != nil {
		return false
	}
	got, _ := identify(info)
	return got == id
}

// claims returns the program of this host that a process says it is, by its name or its first argument, while it runs another: "" if it says
// what it is. Names that share a beginning are no disguise: python3 runs python3.11.
func (r *Reader) claims(p *Process, dir string) string {
	if p.ExeDeleted || p.Memfd || p.ExeFile == (FileID{}) {
		return ""
	}
	if SystemPlace(p.Exe) {
		return r.claimsPath(p, dir)
	}
	names := []string{p.Comm}
	if len(p.Cmdline) > 0 {
		first, _, _ := strings.Cut(p.Cmdline[0], " ")
		names = append(names, path.Base(strings.Trim(first, "-:[]()")))
	}
	for _, name := range names {
		if claimed := r.other(p, dir, name); claimed != "" {
			return claimed
		}
	}
	return ""
}

// claimsPath is claims for programs where packages put them, such as interpreters: bots in Perl set their first argument to /usr/sbin/apache2.
// Only a whole path of a program in machine code counts, since scripts have the right to say their own.
func (r *Reader) claimsPath(p *Process, dir string) string {
	if len(p.Cmdline) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(p.Cmdline[0], " ")
	for _, in := range systemBins {
		if name, ok := strings.CutPrefix(first, in); ok {
			if claimed := r.other(p, dir, name); claimed != "" && r.fs.isELF(dir+"/root"+claimed) {
				return claimed
			}
		}
	}
	return ""
}

var systemBins = []string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}

// other returns the path of the program of the system that has a name, unless it is the one that the process runs.
func (r *Reader) other(p *Process, dir, name string) string {
	if name == "" || name == "." || strings.ContainsAny(name, " /") || related(name, path.Base(p.Exe)) {
		return ""
	}
	for _, in := range systemBins {
		info, err := r.fs.stat(dir + "/root" + in + name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if id, _ := identify(info); id == p.ExeFile {
			return ""
		}
		return in + name
	}
	return ""
}

// related reports whether one name begins with the other, as far as the kernel keeps names (15 bytes).
func related(a, b string) bool {
	a, b = strings.Trim(a, "-.[]"), strings.Trim(b, "-.[]")
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// Digests computes the SHA-256 of programs, each file once, within limits.
type Digests struct {
	fs      FS
	maxSize int64 // bytes of one program
	until   time.Time
	now     func() time.Time
	known   map[FileID]string
}

// NewDigests returns digests of programs of at most maxSize bytes, computed until a time.
func NewDigests(f FS, maxSize int64, until time.Time, now func() time.Time) *Digests {
	return &Digests{fs: f, maxSize: maxSize, until: until, now: now, known: map[FileID]string{}}
}

// Of fills in the digest of the program of a process, or the reason why there is none. It reads through /proc/PID/exe, and so also what
// was deleted.
func (d *Digests) Of(p *Process) {
	if p.ExeFile == (FileID{}) || p.ExeNote != "" {
		return
	}
	if sum, ok := d.known[p.ExeFile]; ok {
		p.ExeSHA256 = sum
		return
	}
	if p.ExeSize > d.maxSize {
		p.ExeNote = fmt.Sprintf("not digested: larger than %d MiB", d.maxSize>>20)
		return
	}
	left := d.until.Sub(d.now())
	if left <= 0 {
		p.ExeNote = "not digested: out of time"
		return
	}
	name := fmt.Sprintf("proc/%d/exe", p.PID)
	sum, err := bounded(d.fs.Within(left), name, func() (string, error) { return digest(d.fs.path(name), d.maxSize) })
	if err != nil {
		p.ExeNote = "not digested: " + reasonOf(err)
		return
	}
	p.ExeSHA256, d.known[p.ExeFile] = sum, sum
}

func reasonOf(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func digest(name string, limit int64) (string, error) {
	f, err := open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, limit)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
