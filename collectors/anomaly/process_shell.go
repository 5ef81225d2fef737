package anomaly

import (
	"net/netip"
	"path"
	"strings"

	"bellwether/collectors/procfs"
)

// shells read commands from their input; the others do when they are asked to.
var (
	shells       = strings.Fields("sh bash dash ash zsh ksh ksh93 mksh lksh csh tcsh fish rbash")
	interpreters = strings.Fields("python perl ruby php lua node nc ncat netcat socat")
)

func isOneOf(names []string, p procfs.Process) bool {
	base := strings.TrimRight(path.Base(p.Exe), "0123456789.")
	for _, n := range names {
		if base == n || base == "busybox" && strings.TrimPrefix(p.Comm, "-") == n {
			return true
		}
	}
	return false
}

func (h processHost) shellOnSocket(row int, p procfs.Process) *Finding {
	inode, ok := procfs.SocketInode(p.Files.Std[0])
	if !ok {
		return nil
	}
	s, inet := h.sockets[inode]
	switch {
	case inet && isOneOf(shells, p):
		f := about(socketShell, row, p, "is a shell that takes its commands from "+connection(s), "local", s.Local, "remote", s.Remote)
		return f
	case inet && isOneOf(interpreters, p) && p.Files.Std[0] == p.Files.Std[1] && p.Files.Std[1] == p.Files.Std[2]:
		return about(socketShell, row, p, "has "+connection(s)+" for its input, output and errors", "local", s.Local, "remote", s.Remote).as(Medium)
	case inet || !isOneOf(shells, p) || h.ofSSH(p):
		return nil
	}
	f := about(socketShell, row, p, "is a shell that takes its commands from a socket within this host")
	if len(p.Cmdline) < 2 || p.Cmdline[1] == "-i" {
		return f.as(Medium)
	}
	return f.as(Low)
}

// connection describes a socket.
func connection(s procfs.Socket) string {
	text := "the " + s.Family + " socket " + s.Local
	if s.Remote != "" {
		text += " to " + s.Remote
	}
	if a, err := netip.ParseAddrPort(s.Remote); err == nil && !a.Addr().IsLoopback() {
		text += " (another host)"
	}
	return text
}

// ofSSH reports whether the parent is an SSH server where packages put it: it gives a command that was asked for without a terminal a
// socket for its input.
func (h processHost) ofSSH(p procfs.Process) bool {
	i, ok := h.byPID[p.PPID]
	if !ok {
		return false
	}
	exe := h.ps[i].Exe
	return procfs.SystemPlace(exe) && strings.HasPrefix(path.Base(exe), "sshd")
}
