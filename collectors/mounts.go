package collectors

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// A mount is one mounted file system.
type mount struct {
	Path   string // where it is mounted
	Type   string // ext4, nfs4, fuse.sshfs …
	Source string // a device, or server:/export
	Device string // the number of the device, as 254:1
	Root   string // what of the file system is mounted there: / is all of it
	ID     string // of the mount, as fdinfo has it
}

// A mountTable finds mounts by their path.
type mountTable map[string]mount

// maxMounts bounds what is read of a mount table. A host with more has been flooded with mounts.
const maxMounts = 100_000

// parseMountinfo reads /proc/PID/mountinfo, see proc_pid_mountinfo(5). Lines that it can't read are passed over. The last of several
// mounts on one path wins, since it hides the others.
func parseMountinfo(r io.Reader) (mountTable, error) {
	table := mountTable{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		if !ok {
			continue
		}
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 2 {
			continue
		}
		p := path.Clean(unescapeOctal(left[4]))
		table[p] = mount{Path: p, Type: right[0], Source: unescapeOctal(right[1]), Device: left[2], Root: unescapeOctal(left[3]), ID: left[0]}
		if len(table) > maxMounts {
			return table, fmt.Errorf("more than %d mounts", maxMounts)
		}
	}
	return table, lines.Err()
}

// unescapeOctal undoes the kernel's \040 for a blank, \011, \012 and \134.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && isOctal(s[i+1]) && isOctal(s[i+2]) && isOctal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

// passOver says why a mounted file system is not walked into, or returns "".
func (m mount) passOver() string {
	switch {
	case networkTypes[m.Type]:
		return fmt.Sprintf("network file system: %s from %s", m.Type, m.Source)
	case pseudoTypes[m.Type]:
		return "pseudo file system: " + m.Type
	case m.Type == "fuse" || strings.HasPrefix(m.Type, "fuse."):
		return fmt.Sprintf("file system of a user process: %s from %s", m.Type, m.Source)
	}
	return ""
}

// networkTypes can hang for as long as their server is away.
var networkTypes = set(
	"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "coda", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "orangefs",
	"pvfs2", "davfs", "gfs2", "ocfs2", "panfs",
)

// pseudoTypes hold no files but the kernel's answers, some of which block or act when they are read.
var pseudoTypes = set(
	"proc", "sysfs", "cgroup", "cgroup2", "cpuset", "devpts", "devtmpfs", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs",
	"mqueue", "hugetlbfs", "rpc_pipefs", "nfsd", "autofs", "binfmt_misc", "fusectl", "efivarfs", "nsfs", "selinuxfs", "smackfs",
	"resctrl", "functionfs",
)

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
