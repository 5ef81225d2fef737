package collectors

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/pkgdb"
)

// hostFiles reads single files below the root by the rules of the walk: links of root's and ours are followed in directories, and the
// directory that was used last stays open, for the thousand files of a package database.
type hostFiles struct {
	w  *walker
	at string
	d  *dir
}

var _ pkgdb.Root = (*hostFiles)(nil)

// Open implements [pkgdb.Root].
func (h *hostFiles) Open(name string) (*os.File, time.Time, error) {
	if err := h.enter(path.Dir(path.Join("/", name))); err != nil {
		return nil, time.Time{}, err
	}
	f, st, err := h.d.openFile(path.Base(name))
	if err != nil {
		return nil, time.Time{}, err
	}
	t := st.mtime
	if st.ctime.After(t) {
		t = st.ctime
	}
	return f, t, nil
}

// Readlink implements [pkgdb.Root].
func (h *hostFiles) Readlink(name string) (string, error) {
	if err := h.enter(path.Dir(path.Join("/", name))); err != nil {
		return "", err
	}
	return h.d.readlink(path.Base(name))
}

func (h *hostFiles) enter(dir string) error {
	if h.d != nil && h.at == dir {
		return nil
	}
	d, _, stop := h.w.descend(dir)
	if stop != nil && stop.absent {
		return fs.ErrNotExist
	}
	if stop != nil {
		return fmt.Errorf("%s: %s", stop.path, stop.reason)
	}
	h.close()
	h.at, h.d = dir, d
	return nil
}

func (h *hostFiles) close() {
	if h.d != nil {
		h.d.close()
		h.d = nil
	}
}

// owners are the ids and homes that a host knows of.
type owners struct {
	users, groups    map[uint32]bool // nil where the list can't be read: then nobody is missing
	subUIDs, subGIDs []idRange
	homes            map[string]bool
	cachedUID        uint32 // the ids that were looked up last, and the answer
	cachedGID        uint32
	cached           string
	haveCached       bool
}

// An idRange is what /etc/subuid lends an account for its containers.
type idRange struct{ from, n uint32 }

// Ids that systemd gives to services and containers as they start, see https://systemd.io/UIDS-GIDS.
const (
	dynamicFirst, dynamicLast     = 61184, 65519
	containerFirst, containerLast = 524288, 1879048191
)

// maxOwnersFile bounds what is read of a list of accounts, in bytes.
const maxOwnersFile = 32 << 20

func readOwners(h *hostFiles) *owners {
	a := &owners{homes: map[string]bool{}}
	a.users = readIDs(h, "etc/passwd", func(fields []string) {
		if len(fields) > 5 && path.IsAbs(fields[5]) {
			a.homes[path.Clean(fields[5])] = true
		}
	})
	a.groups = readIDs(h, "etc/group", nil)
	a.subUIDs, a.subGIDs = readRanges(h, "etc/subuid"), readRanges(h, "etc/subgid")
	return a
}

// readIDs reads the third field of each line. It returns nil if the file can't be read.
func readIDs(h *hostFiles, name string, each func([]string)) map[uint32]bool {
	f, _, err := h.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	ids := map[uint32]bool{}
	eachColonLine(f, func(fields []string) {
		if len(fields) < 3 {
			return
		}
		if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			ids[uint32(n)] = true
		}
		if each != nil {
			each(fields)
		}
	})
	return ids
}

func readRanges(h *hostFiles, name string) (ranges []idRange) {
	f, _, err := h.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	eachColonLine(f, func(fields []string) {
		if len(fields) != 3 || len(ranges) >= 10_000 {
			return
		}
		from, err1 := strconv.ParseUint(fields[1], 10, 32)
		n, err2 := strconv.ParseUint(fields[2], 10, 32)
		if err1 == nil && err2 == nil {
			ranges = append(ranges, idRange{uint32(from), uint32(n)})
		}
	})
	return ranges
}

// eachColonLine calls do with the fields of every line; the fields are not to be kept.
func eachColonLine(r io.Reader, do func([]string)) {
	s := bufio.NewScanner(io.LimitReader(r, maxOwnersFile))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		do(strings.Split(s.Text(), ":"))
	}
}

// missing says which owner is no account of this host, or returns "".
func (a *owners) missing(uid, gid uint32) string {
	if a.haveCached && uid == a.cachedUID && gid == a.cachedGID {
		return a.cached
	}
	a.haveCached, a.cachedUID, a.cachedGID, a.cached = true, uid, gid, ""
	switch {
	case a.users != nil && !a.users[uid]:
		a.cached = fmt.Sprintf("no account has the uid %d", uid)
	case a.groups != nil && !a.groups[gid]:
		a.cached = fmt.Sprintf("no group has the gid %d", gid)
	}
	return a.cached
}

// lent reports whether an owner without an account is one of a container or of a service of systemd's.
func (a *owners) lent(uid, gid uint32) bool {
	user := a.users == nil || a.users[uid] || isLent(uid, a.subUIDs)
	group := a.groups == nil || a.groups[gid] || isLent(gid, a.subGIDs)
	return user && group
}

func isLent(id uint32, ranges []idRange) bool {
	if id >= dynamicFirst && id <= dynamicLast || id >= containerFirst && id <= containerLast {
		return true
	}
	for _, r := range ranges {
		if id >= r.from && id-r.from < r.n {
			return true
		}
	}
	return false
}
