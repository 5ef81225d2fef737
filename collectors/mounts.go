package collectors

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

// A mount is one mounted file system.
type mount struct {
	Path   string // where it is mounted
	Type   string // ext4, nfs4, fuse.sshfs …
	Source string // a device, or server:/export
	Device string // the kernel's number of the file system, major:minor
	Root   string // the directory of the file system that is mounted: "/" but for bind mounts and subvolumes
	ID     string // of the mount, as fdinfo has it
}

// A mountTable finds mounts by their path.
type mountTable map[string]mount

// newMountTable makes the table of mounts. The last of several mounts on one path wins, since it hides the others.
func newMountTable(mounts []procfs.Mount) (mountTable, error) {
	table := mountTable{}
	for _, m := range mounts {
		table[m.Path] = mount{Path: m.Path, Type: m.Type, Source: m.Source, Device: m.Device, Root: path.Clean(m.Root), ID: strconv.Itoa(m.ID)}
	}
	if len(mounts) >= procfs.MaxMounts {
		return table, fmt.Errorf("%d mounts or more", procfs.MaxMounts)
	}
	return table, nil
}

// passOver says why a mounted file system is not walked into, or returns "".
func (m mount) passOver() string {
	switch {
	case networkTypes[m.Type]:
		return fmt.Sprintf("network file system: %s from %s", m.Type, m.Source)
	case pseudoTypes[m.Type]:
		return "pseudo file system: " + m.Type
	case m.isFUSE():
		return fmt.Sprintf("file system of a user process: %s from %s", m.Type, m.Source)
	}
	return ""
}

// mayHang reports whether a look at what is mounted can wait for a server or a user's process, or has the automounter mount something.
func (m mount) mayHang() bool { return networkTypes[m.Type] || m.isFUSE() || m.Type == "autofs" }

// isFUSE reports whether a process of a user answers for the file system. Not fuseblk, which root mounts from a device: NTFS volumes are walked.
func (m mount) isFUSE() bool {
	return m.Type == "fuse" || strings.HasPrefix(m.Type, "fuse.")
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
