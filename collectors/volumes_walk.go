package collectors

import (
	"path"
	"slices"
	"strings"
)

// A walkRoot is a mounted file system as a walk of everything sees it: it is walked, or there is a reason why not.
type walkRoot struct {
	mount
	at     string // its path below the root that is read
	reason string
}

// imageTypes are file systems of read-only images. Nobody can have changed a file in one, and what is in it is a package's.
var imageTypes = set("squashfs", "erofs", "iso9660", "cramfs", "romfs", "udf")

// walkRoots returns the mounts at or below a root, the root first and the rest by their path. Of several mounts that show the same
// directory of a file system, or one inside the other, one is walked: the one that shows most.
func walkRoots(table mountTable, root string) []walkRoot {
	root = path.Clean(root)
	var out []walkRoot
	for p, m := range table {
		at, below := cutRoot(p, root)
		if below && at != "/" {
			out = append(out, walkRoot{mount: m, at: at, reason: m.notWalked()})
		}
	}
	slices.SortFunc(out, func(a, b walkRoot) int { return strings.Compare(a.at, b.at) })
	first := walkRoot{mount: table[root], at: "/"}
	if first.mount == (mount{}) {
		first.mount = mountOfPath(table, root)
		first.Root = path.Join(first.Root, strings.TrimPrefix(root, first.Path))
	}
	first.Path = root
	out = append([]walkRoot{first}, out...)
	for i := range out {
		out[i].setSame(out, i)
	}
	return out
}

// setSame says which other mount shows what this one shows.
func (r *walkRoot) setSame(all []walkRoot, i int) {
	if r.reason != "" || i == 0 || r.Device == "" {
		return
	}
	for j, o := range all {
		shows := o.Device == r.Device && (o.reason == "" || strings.HasPrefix(o.reason, sameAs))
		if j == i || !shows || !isWithin(r.Root, o.Root) {
			continue
		}
		if r.Root != o.Root || j < i {
			r.reason = sameAs + o.at
			return
		}
	}
}

const sameAs = "shows what is walked as a part of "

// notWalked says why a walk of everything leaves a mount alone, or returns "". The devices are walked: regular files among them are odd.
func (m mount) notWalked() string {
	switch {
	case m.Type == "devtmpfs":
		return ""
	case imageTypes[m.Type]:
		return "read-only image: " + m.Type
	case m.Type == "overlay":
		return "overlay of a container: its layers are walked where they lie"
	}
	return m.passOver()
}

// cutRoot returns a path as it is below a root, and whether it is.
func cutRoot(p, root string) (string, bool) {
	if !isWithin(p, root) {
		return "", false
	}
	return path.Join("/", strings.TrimPrefix(p, root)), true
}

// isWithin reports whether a clean path is a directory, or below it.
func isWithin(p, dir string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/")
}

// mountOfPath returns the mount that a path of this machine is on.
func mountOfPath(table mountTable, p string) mount {
	for ; ; p = path.Dir(p) {
		if m, ok := table[p]; ok || p == "/" || p == "." {
			return m
		}
	}
}
