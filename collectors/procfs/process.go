package procfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Process is what the kernel says of one process. Fields that could not be read are empty.
type Process struct {
	PID     int      `json:"pid"`
	PPID    int      `json:"ppid"`
	Depth   int      `json:"depth"` // in the tree; 0 is a root of it
	Comm    string   `json:"comm"`
	Exe     string   `json:"exe,omitempty"` // without the mark of a deleted one
	Cmdline []string `json:"cmdline,omitempty"`
	User    string   `json:"user,omitempty"` // of the effective uid, by this host's list of accounts

	UIDs     [4]uint32 `json:"uids"` // real, effective, saved, file system
	GIDs     [4]uint32 `json:"gids"`
	Groups   []uint32  `json:"groups,omitempty"`
	LoginUID *uint32   `json:"loginuid,omitempty"` // who logged in, whatever it is now; nil without a login
	Session  int       `json:"session"`
	Group    int       `json:"pgrp"`
	TTY      string    `json:"tty,omitempty"`

	State      string    `json:"state,omitempty"`
	Start      time.Time `json:"start"` // UTC
	CPUSeconds float64   `json:"cpu_seconds"`
	RSS        int64     `json:"rss"` // bytes
	Threads    int       `json:"threads"`
	Kernel     bool      `json:"kernel_thread,omitempty"`
	Own        bool      `json:"own,omitempty"` // this program, or one that it started

	ExeDeleted bool   `json:"exe_deleted,omitempty"`
	ExeAgain   bool   `json:"exe_replaced,omitempty"` // deleted, and another file has its path
	Memfd      bool   `json:"exe_memfd,omitempty"`    // never was on a disk
	ExeSHA256  string `json:"exe_sha256,omitempty"`
	ExeSize    int64  `json:"exe_size,omitempty"`
	ExeNote    string `json:"exe_note,omitempty"` // why there is no digest
	ExeFile    FileID `json:"-"`
	Claims     string `json:"claims,omitempty"` // another program of this host that its first argument or its name says it is

	Cwd  string `json:"cwd,omitempty"`
	Root string `json:"root,omitempty"`

	CapEff     string   `json:"cap_eff"` // hex
	CapNames   []string `json:"capabilities,omitempty"`
	Seccomp    int      `json:"seccomp"`
	NoNewPrivs bool     `json:"no_new_privs,omitempty"`
	Tracer     int      `json:"tracer,omitempty"`

	Cgroup     string            `json:"cgroup,omitempty"`
	Container  string            `json:"container,omitempty"`
	Runtime    string            `json:"runtime,omitempty"`
	NSPID      int               `json:"ns_pid,omitempty"` // its number in the innermost pid namespace, if it is in another
	Namespaces map[string]uint64 `json:"namespaces,omitempty"`

	Environ map[string]string `json:"environ,omitempty"` // see [ParseEnviron]
	Mapped  []Mapping         `json:"mapped,omitempty"`  // code that is deleted or lies in an odd place
	Files   Files             `json:"files"`

	Hidden  string `json:"hidden,omitempty"` // how it is hidden; empty for one that reading /proc shows
	Partial string `json:"partial,omitempty"`
}

// A Reader reads the processes of one host. Make it with [NewReader].
type Reader struct {
	fs   FS
	boot time.Time
	caps uint64 // all that the kernel has
	slow int    // processes that did not answer in time
}

// execTime is enough for the kernel to put the arguments of a new program in place.
const execTime = 10 * time.Millisecond

// maxSlow is how many processes may fail to answer before the files that a process can block are read no more.
const maxSlow = 16

// NewReader reads what the reading of processes needs.
func NewReader(f FS) *Reader {
	r := &Reader{fs: f.Within(time.Second), boot: bootTime(f.text("proc/stat"))}
	if last, err := strconv.Atoi(f.text("proc/sys/kernel/cap_last_cap")); err == nil && last >= 0 && last < 63 {
		r.caps = 1<<(last+1) - 1
	}
	return r
}

// bootTime reads the line btime of /proc/stat; zero if there is none.
func bootTime(text string) time.Time {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 40); err == nil {
				return time.Unix(n, 0).UTC()
			}
		}
	}
	return time.Time{}
}

// Process reads one process. The error wraps [fs.ErrNotExist] if it has ended.
func (r *Reader) Process(pid int) (Process, error) {
	dir := "proc/" + strconv.Itoa(pid)
	b, err := r.fs.Read(dir + "/stat")
	if err != nil {
		return Process{PID: pid}, err
	}
	stat, err := ParseStat(b)
	if err != nil {
		return Process{PID: pid}, fmt.Errorf("reading /%s/stat: %w", dir, err)
	}
	p := Process{PID: pid}
	r.fromStat(&p, stat)
	if err := r.fromStatus(&p, dir); err != nil {
		return p, err
	}
	r.place(&p, dir)
	r.exe(&p, dir)
	if !p.Kernel && p.State != "Z" {
		r.memory(&p, dir)
		p.Claims = r.claims(&p, dir)
		p.Files = r.files(dir)
	}
	// Its numbers may belong to another by now, and what was read may be of two.
	again, err := r.fs.Read(dir + "/stat")
	if err != nil {
		return p, fs.ErrNotExist
	}
	if s, err := ParseStat(again); err != nil || s.Start != stat.Start {
		return p, fs.ErrNotExist
	}
	return p, nil
}

func (r *Reader) fromStat(p *Process, s Stat) {
	p.PPID, p.Comm, p.State, p.TTY, p.Kernel = s.PPID, s.Comm, string(s.State), s.TTY, s.Kernel
	p.Session, p.Group, p.Threads = s.Session, s.Group, s.Threads
	p.CPUSeconds = s.CPU.Seconds()
	if !r.boot.IsZero() {
		p.Start = r.boot.Add(s.Start)
	}
}

func (r *Reader) fromStatus(p *Process, dir string) error {
	b, err := r.fs.Read(dir + "/status")
	if err != nil {
		return err
	}
	s, err := ParseStatus(b)
	if err != nil {
		return fmt.Errorf("reading /%s/status: %w", dir, err)
	}
	if s.TGID != s.PID {
		return fmt.Errorf("/%s is a thread of %d: %w", dir, s.TGID, fs.ErrNotExist)
	}
	p.UIDs, p.GIDs, p.Groups, p.Tracer, p.RSS = s.UIDs, s.GIDs, s.Groups, s.Tracer, s.RSS
	p.Seccomp, p.NoNewPrivs = s.Seccomp, s.NoNewPrivs
	p.CapEff, p.CapNames = fmt.Sprintf("%016x", s.CapEff), capNames(s.CapEff, r.caps)
	if n := len(s.NSPIDs); n > 1 {
		p.NSPID = s.NSPIDs[n-1]
	}
	return nil
}

// noLogin is what loginuid holds before a login.
const noLogin = 1<<32 - 1

// place reads where a process stands: control group, namespaces, folders, login.
func (r *Reader) place(p *Process, dir string) {
	if b, err := r.fs.Read(dir + "/cgroup"); err == nil {
		c := ParseCgroup(b)
		p.Cgroup, p.Container, p.Runtime = c.Path, c.Container, c.Runtime
	}
	if n, err := strconv.ParseUint(r.fs.text(dir+"/loginuid"), 10, 32); err == nil && n != noLogin {
		id := uint32(n)
		p.LoginUID = &id
	}
	p.Namespaces = r.fs.namespaces(dir)
	p.Cwd, _ = r.fs.Link(dir + "/cwd")
	p.Root, _ = r.fs.Link(dir + "/root")
}

// namespaces returns the numbers of the namespaces of a process: net -> 4026531840.
func (f FS) namespaces(dir string) map[string]uint64 {
	out := map[string]uint64{}
	for _, kind := range []string{"mnt", "pid", "net", "user", "uts", "ipc", "cgroup"} {
		if link, err := f.Link(dir + "/ns/" + kind); err == nil {
			if n, ok := bracketed(link, kind); ok {
				out[kind] = n
			}
		}
	}
	return out
}

// bracketed reads the number of a link such as net:[4026531840] or socket:[12].
func bracketed(link, kind string) (uint64, bool) {
	rest, ok := strings.CutPrefix(link, kind+":[")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 64)
	return n, err == nil
}

// memory reads what lies in the memory of a process. Such a read waits for the lock of that memory, and so for whoever holds it: an implant
// can make it wait for ever.
func (r *Reader) memory(p *Process, dir string) {
	if r.slow >= maxSlow {
		p.Partial = "not read: too many processes did not answer"
		return
	}
	for _, part := range []struct {
		name string
		take func([]byte)
	}{
		{"/cmdline", func(b []byte) { p.Cmdline = ParseCmdline(b) }},
		{"/environ", func(b []byte) {
			p.Environ = ParseEnviron(b)
			clear(b)
		}},
		{"/maps", func(b []byte) { p.Mapped = notable(ParseMaps(b), p.Exe) }},
	} {
		b, err := r.fs.Beginning(dir + part.name)
		if err == nil && len(b) == 0 && part.name == "/cmdline" && p.Exe != "" {
			time.Sleep(execTime) // a process that is just starting a program has no arguments yet
			b, err = r.fs.Beginning(dir + part.name)
		}
		if isSlow(err) {
			r.slow++
			p.Partial = part.name[1:] + " did not answer in time"
			return
		}
		if errors.Is(err, ErrCut) {
			p.Partial = strings.TrimPrefix(p.Partial+"; only the first "+strconv.Itoa(maxFile>>20)+" MiB of "+part.name[1:]+" were looked at", "; ")
			err = nil
		}
		if err == nil {
			part.take(b)
		}
	}
}

// maxNotable bounds how many mapped or open files of one process are listed.
const maxNotable = 64

// notable keeps the mapped files that are deleted or lie in an odd place, without the program itself.
func notable(all []Mapping, exe string) []Mapping {
	var out []Mapping
	for _, m := range all {
		if m.Path != exe && (m.Deleted || OddPlace(m.Path) != "") && len(out) < maxNotable {
			out = append(out, m)
		}
	}
	return slices.Clip(out)
}

// OddPlace says why no program or library belongs at a path: a folder that everybody writes to, or a hidden one. It returns "" where
// nothing is odd.
func OddPlace(p string) string {
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm", "/run/shm", "/dev/mqueue", "/run/lock", "/var/lock"} {
		if p == dir || strings.HasPrefix(p, dir+"/") {
			return "in " + dir
		}
	}
	if strings.HasPrefix(p, "/dev/") && p != "/dev/zero" {
		return "in /dev"
	}
	for part := range strings.SplitSeq(path.Dir(p), "/") {
		if len(part) > 1 && part[0] == '.' {
			return "in the hidden folder " + part
		}
	}
	return ""
}

// SystemPlace reports whether a path lies where the packages of a distribution put programs and libraries.
func SystemPlace(p string) bool {
	p = path.Clean(p)
	if strings.HasPrefix(p, "/usr/local/") || OddPlace(p) != "" {
		return false
	}
	for _, dir := range []string{"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/", "/libx32/", "/opt/", "/snap/", "/nix/store/", "/gnu/store/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}
