package anomaly

import (
	"slices"
	"strings"
	"testing"

	"bellwether/collectors/procfs"

	"github.com/google/go-cmp/cmp"
)

// found is a rule and its severity: "process-deleted-exe high".
func found(fs []Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.ID+" "+string(f.Severity))
	}
	return out
}

func TestProcessRules(t *testing.T) {
	kworker := procfs.Process{PID: 2, Comm: "kworker/0:1", Kernel: true, State: "I"}
	shell := procfs.Process{PID: 9, Comm: "bash", Exe: "/usr/bin/bash", Cmdline: []string{"bash", "-i"}, Files: procfs.Files{Std: [3]string{"socket:[5]", "socket:[5]", "socket:[5]"}}}
	with := func(p procfs.Process, change func(*procfs.Process)) procfs.Process {
		if p.PID == 0 {
			p.PID, p.Comm, p.Exe, p.Cmdline = 9, "app", "/usr/bin/app", []string{"app"}
		}
		change(&p)
		return p
	}
	var plain procfs.Process
	tcp := map[uint64]procfs.Socket{5: {Family: "tcp", Local: "192.0.2.1:4444", Remote: "198.51.100.7:5555", Inode: 5}}
	for _, tt := range []struct {
		name    string
		p       procfs.Process
		parent  procfs.Process
		sockets map[uint64]procfs.Socket
		want    []string
	}{
		{name: "an ordinary program", p: with(plain, func(*procfs.Process) {})},
		{name: "a zombie", p: with(plain, func(p *procfs.Process) { p.State, p.Exe, p.Cmdline = "Z", "", nil })},
		{name: "a thread of the kernel", p: kworker},
		{name: "our own", p: with(shell, func(p *procfs.Process) { p.Own = true }), sockets: tcp},
		{name: "deleted from a home", p: with(plain, func(p *procfs.Process) { p.Exe, p.ExeDeleted = "/home/u/app", true }), want: []string{"process-deleted-exe high"}},
		{name: "deleted from /tmp, and there again", p: with(plain, func(p *procfs.Process) { p.Exe, p.ExeDeleted, p.ExeAgain = "/tmp/app", true, true }), want: []string{"process-deleted-exe high", "process-exe-odd medium"}},
		{name: "upgraded", p: with(plain, func(p *procfs.Process) { p.ExeDeleted, p.ExeAgain = true, true }), want: []string{"process-deleted-exe low"}},
		{name: "removed package", p: with(plain, func(p *procfs.Process) { p.ExeDeleted = true }), want: []string{"process-deleted-exe medium"}},
		{name: "memfd", p: with(plain, func(p *procfs.Process) { p.Exe, p.ExeDeleted, p.Memfd = "/memfd:x", true, true }), want: []string{"process-memfd-exe high"}},
		{name: "runc", p: with(plain, func(p *procfs.Process) {
			p.Exe, p.ExeDeleted, p.Memfd = "/memfd:runc_cloned:/proc/self/exe", true, true
		}), want: []string{"process-memfd-exe low"}},
		{name: "argv of a kernel thread", p: with(plain, func(p *procfs.Process) { p.Cmdline = []string{"[kworker/0:1]"} }), want: []string{"process-fake-kernel-thread high"}},
		{name: "name of a kernel thread, cut", p: with(plain, func(p *procfs.Process) { p.Comm = "[kworker/u16:10" }), want: []string{"process-fake-kernel-thread high"}},
		{name: "name of a kernel thread without brackets", p: with(plain, func(p *procfs.Process) { p.Comm = "kworker/0:1" }), want: []string{"process-fake-kernel-thread high"}},
		{name: "a helper that the kernel has only just forked", p: with(plain, func(p *procfs.Process) { p.Comm, p.Exe, p.Cmdline = "kworker/u8:2", "", nil })},
		{name: "another title in brackets", p: with(plain, func(p *procfs.Process) { p.Cmdline = []string{"[app monitor]"} }), want: []string{"process-fake-kernel-thread medium"}},
		{name: "a title that begins in brackets", p: with(plain, func(p *procfs.Process) { p.Cmdline = []string{"[lxc monitor] /var/lib/lxc web"} })},
		{name: "the test command", p: with(plain, func(p *procfs.Process) { p.Comm, p.Exe, p.Cmdline = "[", "/usr/bin/[", []string{"[", "-f", "x"} })},
		{name: "a wiped command line", p: with(plain, func(p *procfs.Process) { p.Cmdline = nil }), want: []string{"process-fake-kernel-thread medium"}},
		{name: "a command line that was not read", p: with(plain, func(p *procfs.Process) { p.Cmdline, p.Partial = nil, "cmdline did not answer in time" })},
		{name: "borrowed name in a home", p: with(plain, func(p *procfs.Process) { p.Exe, p.Claims = "/home/u/x", "/usr/sbin/sshd" }), want: []string{"process-name-mismatch low"}},
		{name: "borrowed name in /tmp", p: with(plain, func(p *procfs.Process) { p.Exe, p.Claims = "/tmp/x", "/usr/sbin/sshd" }), want: []string{"process-name-mismatch medium", "process-exe-odd medium"}},
		{name: "works in /tmp", p: with(plain, func(p *procfs.Process) { p.Cwd = "/tmp" }), want: []string{"process-cwd-odd low"}},
		{name: "works in /dev/shm", p: with(plain, func(p *procfs.Process) { p.Cwd = "/dev/shm/x" }), want: []string{"process-cwd-odd medium"}},
		{name: "works in a hidden folder of the system", p: with(plain, func(p *procfs.Process) { p.Cwd = "/usr/lib/.x" }), want: []string{"process-cwd-odd medium"}},
		{name: "works in a home", p: with(plain, func(p *procfs.Process) { p.Cwd = "/home/u" })},
		{name: "of a version manager", p: with(plain, func(p *procfs.Process) { p.Exe = "/home/u/.cargo/bin/app" }), want: []string{"process-exe-odd low"}},
		{name: "jemalloc", p: with(plain, func(p *procfs.Process) {
			p.Environ = map[string]string{"LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"}
		}), want: []string{"process-preload low"}},
		{name: "preload from a home", p: with(plain, func(p *procfs.Process) { p.Environ = map[string]string{"LD_PRELOAD": "/home/u/a.so"} }), want: []string{"process-preload medium"}},
		{name: "preload from /dev/shm", p: with(plain, func(p *procfs.Process) { p.Environ = map[string]string{"LD_AUDIT": "libfoo.so:/dev/shm/a.so"} }), want: []string{"process-preload high"}},
		{name: "no history", p: with(plain, func(p *procfs.Process) { p.Environ = map[string]string{"HISTFILE": "/dev/null"} }), want: []string{"process-history-off low"}},
		{name: "a history", p: with(plain, func(p *procfs.Process) { p.Environ = map[string]string{"HISTFILE": "/root/.h"} })},
		{name: "hidden", p: with(plain, func(p *procfs.Process) { p.Hidden = "seen by tgkill" }), want: []string{"process-hidden-pid high"}},
		{name: "under a mount", p: with(plain, func(p *procfs.Process) { p.Hidden = "mount of tmpfs (tmpfs) over /proc/9" }), want: []string{"process-hidden-by-mount high"}},
		{name: "shell on a connection", p: shell, sockets: tcp, want: []string{"process-socket-shell high"}},
		{name: "shell on a socketpair", p: shell, want: []string{"process-socket-shell medium"}},
		{name: "script of node", p: with(shell, func(p *procfs.Process) { p.Cmdline = []string{"sh", "-c", "ls"} }), want: []string{"process-socket-shell low"}},
		{name: "shell of ssh", p: with(shell, func(p *procfs.Process) { p.PPID = 4 }), parent: procfs.Process{PID: 4, Comm: "sshd", Exe: "/usr/sbin/sshd", Cmdline: []string{"sshd"}}},
		{name: "python on a connection", p: with(shell, func(p *procfs.Process) { p.Exe = "/usr/bin/python3.11" }), sockets: tcp, want: []string{"process-socket-shell medium"}},
		{name: "service on a connection", p: with(shell, func(p *procfs.Process) { p.Exe = "/usr/bin/rsync" }), sockets: tcp},
		{name: "old library", p: with(plain, func(p *procfs.Process) {
			p.Mapped = []procfs.Mapping{{Path: "/usr/lib/libssl.so.3", Deleted: true}}
		}), want: []string{"process-deleted-library info"}},
		{name: "library that was in /tmp", p: with(plain, func(p *procfs.Process) { p.Mapped = []procfs.Mapping{{Path: "/tmp/a.so", Deleted: true}} }), want: []string{"process-library-odd medium", "process-deleted-library medium"}},
		{name: "library of Java", p: with(plain, func(p *procfs.Process) {
			p.Exe, p.Mapped = "/usr/lib/jvm/bin/java", []procfs.Mapping{{Path: "/tmp/jna1.so"}}
		}), want: []string{"process-library-odd low"}},
		{name: "code in a memory file", p: with(plain, func(p *procfs.Process) {
			p.Mapped = []procfs.Mapping{{Path: "/memfd:doublemapper", Deleted: true}}
		}), want: []string{"process-library-odd low"}},
		{name: "shared memory", p: with(plain, func(p *procfs.Process) {
			p.Mapped = []procfs.Mapping{{Path: "/SYSV00000000", Deleted: true}, {Path: "/dev/zero", Deleted: true}}
		})},
		{name: "traced", p: with(plain, func(p *procfs.Process) { p.Tracer = 77 }), want: []string{"process-traced medium"}},
	} {
		ps := []procfs.Process{kworker, tt.p}
		if tt.parent.PID != 0 {
			ps = append(ps, tt.parent)
		}
		got := Processes(ps, tt.sockets)
		if diff := cmp.Diff(tt.want, found(got)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
		for _, f := range got {
			if f.Row != 1 || f.Evidence["pid"] != "9" || !strings.Contains(f.Text, "pid 9") {
				t.Errorf("%s: row %d, %q, %q", tt.name, f.Row, f.Text, f.Evidence)
			}
		}
	}
}

func TestRenamedCopies(t *testing.T) {
	p := func(pid int, exe string, inode uint64) procfs.Process {
		return procfs.Process{PID: pid, Comm: "x", Exe: exe, Cmdline: []string{"x"}, ExeSHA256: "aa", ExeFile: procfs.FileID{Inode: inode}}
	}
	got := Processes([]procfs.Process{p(1, "/usr/sbin/sshd", 1), p(2, "/usr/sbin/sshd", 1), p(3, "/mnt/sshd", 2), p(4, "/opt/x/cached", 3), p(5, "/opt/x/cached", 3)}, nil)
	if want := []string{"process-same-exe-renamed low"}; !slices.Equal(found(got), want) {
		t.Fatalf("got %q, want %q", found(got), want)
	}
	if got[0].Row != 3 || got[0].Evidence["same_as"] != "/usr/sbin/sshd" {
		t.Errorf("got %+v", got[0])
	}
}

// After an upgrade half of a host maps the old library: one finding stands for all.
func TestDeletedLibraryIsOneFinding(t *testing.T) {
	var ps []procfs.Process
	for pid := 1; pid <= 50; pid++ {
		ps = append(ps, procfs.Process{PID: pid, Comm: "x", Cmdline: []string{"x"}, Mapped: []procfs.Mapping{{Path: "/usr/lib/libc.so.6", Deleted: true}}})
	}
	got := Processes(ps, nil)
	if len(got) != 1 || !strings.Contains(got[0].Text, "so do 49 others") {
		t.Errorf("got %q", found(got))
	}
}
