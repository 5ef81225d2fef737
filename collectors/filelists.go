package collectors

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/pkgdb"

	"github.com/bmatcuk/doublestar/v4"
)

// fileLists are the text files that a walk of everything writes, one for each question. They may be used by several goroutines.
type fileLists struct {
	lines *lineLists
	sink  Sink
	index *pkgdb.Index
	who   *owners
	since time.Time // what changed after it is recent

	body, executables, recent, setID, caps, marked, noOwner, writable, hidden, odd, elf, pipes, devices, notPackaged, unseen *lineList
	named                                                                                                                    []namedList

	mu       sync.Mutex
	findings findingCounts
	failed   error
	buffers  sync.Pool
}

// A namedList is one that the profile asks for by names.
type namedList struct {
	names globs
	since time.Time // zero: whatever its age
	keys  bool      // lists of ssh keys
	list  *lineList
}

func newFileLists(c *walkAll, sink Sink, index *pkgdb.Index, who *owners) *fileLists {
	lines := newLineLists(sink, c.step, "the walk of all local volumes")
	now := c.env.Now()
	l := &fileLists{lines: lines, sink: sink, index: index, who: who, since: now.Add(-c.step.NewerThan), findings: newFindingCounts()}
	l.buffers.New = func() any { b := make([]byte, 0, 1024); return &b }
	l.body = lines.addSure("state/walk/bodyfile.txt", "every file, for mactime")
	l.executables = lines.addSure("state/walk/executables.txt", "programs and libraries: SHA-256, size, time of modification, path, package")
	for _, d := range []struct {
		to          **lineList
		name, about string
	}{
		{&l.recent, "recent", "changed within " + c.step.NewerThan.String()},
		{&l.setID, "suid", "set-user-id and set-group-id files"},
		{&l.caps, "capabilities", "files with capabilities, as getcap prints them"},
		{&l.marked, "immutable", "files and directories marked immutable (i) or append-only (a)"},
		{&l.noOwner, "ownerless", "files whose owner or group is no account"},
		{&l.writable, "world-writable", "directories that everybody may write to, without the sticky bit"},
		{&l.hidden, "hidden-directories", "directories whose name begins with a dot"},
		{&l.odd, "odd-names", "names of dots, with blanks at an end, or with characters that can't be seen"},
		{&l.elf, "elf-odd", "programs in places for temporary files and devices, in hidden places, and under names of documents"},
		{&l.pipes, "pipes", "named pipes"},
		{&l.devices, "device-files", "regular files among the devices, and devices elsewhere"},
		{&l.notPackaged, "package-differs", "files that are not as their package brought them: digest, digest of the package, path, package"},
		{&l.unseen, "not-walked", "what the walk could not, or may not, look into"},
	} {
		*d.to = lines.add(path.Join("state/walk", d.name+".txt"), d.about)
	}
	for _, n := range c.step.Lists {
		one := namedList{names: newGlobs(n.Glob), keys: slices.ContainsFunc(n.Glob, isKeysName), list: lines.add(path.Join("state/walk", n.Name+".txt"), "names like "+strings.Join(n.Glob, ", "))}
		if n.NewerThan > 0 {
			one.since = now.Add(-n.NewerThan)
		}
		l.named = append(l.named, one)
	}
	return l
}

// isKeysName reports whether a glob asks for the files that sshd reads keys from, by their name in sshd_config(5).
func isKeysName(glob string) bool { return strings.HasPrefix(path.Base(glob), "authorized_keys") }

// keep writes an entry into every list that it belongs to. The error is the sink's, and ends the run.
func (l *fileLists) keep(e *entry) error {
	buf := l.buffers.Get().(*[]byte)
	defer l.buffers.Put(buf)
	l.body.line(appendBody((*buf)[:0], e.digests.md5, e.path, e.target, e.info))
	long := func() []byte { return appendLong((*buf)[:0], e.path, e.target, e.info) }
	f := l.facts(e)
	if e.info.newest().After(l.since) {
		l.recent.line(long())
	}
	l.rights(e, f, long)
	l.names(e, f, long)
	l.contents(e, f, (*buf)[:0], long)
	return l.err()
}

// facts are what the rules have to know of an entry.
func (l *fileLists) facts(e *entry) anomaly.File {
	k := e.packaged
	f := anomaly.File{
		Path: e.path, Mode: e.info.mode, UID: e.info.uid, GID: e.info.gid, Size: e.info.size, Change: e.info.ctime,
		Reachable: e.at.reachable, NoOwner: e.noOwner, ParentLost: e.at.lost, Capability: e.caps,
		Immutable: e.info.marks&immutable != 0, AppendOnly: e.info.marks&appendOnly != 0,
		ELF: e.magic == magicELF, Script: e.magic == magicScript, Database: l.index.Len() > 0, Packaged: k.known,
	}
	if k.known {
		f.Package, f.Config, f.Placed, f.Modes, f.SetID, f.Caps = k.Package.Name, k.Config, k.Package.Time, k.Modes, k.SetID, k.Caps
		f.Checked, f.Intact = e.digests.checked, e.digests.intact
	}
	f.Digest = e.digests.sha256
	return f
}

// rights are the lists about owners and modes.
func (l *fileLists) rights(e *entry, f anomaly.File, long func() []byte) {
	mode := e.info.mode
	if mode.IsRegular() && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		l.note(l.setID, l.setID.line(long()), f, anomaly.SetID)
	}
	if e.caps != "" {
		b := appendName(nil, e.path, 0)
		b = append(append(b, ' '), e.caps...)
		l.note(l.caps, l.caps.line(b), f, anomaly.Capability)
	}
	if e.info.marks&(immutable|appendOnly) != 0 {
		l.note(l.marked, l.marked.line(append(appendMarks(nil, e.info.marks), long()...)), f, anomaly.Immutable)
	}
	if e.noOwner != "" {
		n := l.noOwner.line(long())
		if !l.who.lent(e.info.uid, e.info.gid) {
			l.note(l.noOwner, n, f, anomaly.NoOwner)
		}
	}
	if mode.IsDir() && mode&0o002 != 0 && mode&fs.ModeSticky == 0 {
		l.note(l.writable, l.writable.line(long()), f, anomaly.WorldWritable)
	}
}

func appendMarks(b []byte, m marks) []byte {
	c := [3]byte{'-', '-', ' '}
	if m&immutable != 0 {
		c[0] = 'i'
	}
	if m&appendOnly != 0 {
		c[1] = 'a'
	}
	return append(b, c[:]...)
}

// names are the lists about names and kinds.
func (l *fileLists) names(e *entry, f anomaly.File, long func() []byte) {
	mode := e.info.mode
	if mode.IsDir() && e.name != "." && strings.HasPrefix(e.name, ".") {
		_, f.Packaged = l.index.Lookup(e.path)
		_, f.ParentPackaged = l.index.Lookup(path.Dir(e.path))
		l.note(l.hidden, l.hidden.line(long()), f, anomaly.HiddenDirectory)
	}
	if finding, ok := anomaly.OddName(f); ok && e.name != "." {
		l.add(l.odd, l.odd.line(long()), f.UID, finding)
	}
	if mode&fs.ModeNamedPipe != 0 {
		l.pipes.line(long())
	}
	if inDev := strings.HasPrefix(e.path, "/dev/"); inDev && mode.IsRegular() {
		l.note(l.devices, l.devices.line(long()), f, anomaly.DeviceFile)
	} else if mode&fs.ModeDevice != 0 && !inDev && e.info.rdev != 0 {
		l.devices.line(long())
	}
	for _, n := range l.named {
		if !n.names.match(e.name, e.path) || (!n.since.IsZero() && !e.info.newest().After(n.since)) {
			continue
		}
		at := n.list.line(long())
		if n.keys {
			if finding, ok := anomaly.KeysOdd(f, func(home string) bool { return l.who.homes[home] }); ok {
				l.add(n.list, at, f.UID, finding)
			}
		}
	}
}

// contents are the lists about what was read.
func (l *fileLists) contents(e *entry, f anomaly.File, b []byte, long func() []byte) {
	if e.isProgram() {
		l.executables.line(appendProgram(b, e))
	}
	if finding, ok := anomaly.ELFOdd(f); ok {
		l.add(l.elf, l.elf.line(long()), f.UID, finding)
	}
	if !e.digests.checked || e.digests.intact {
		return
	}
	f.Digest = e.packaged.Algorithm.String() + ":" + e.digests.wanted
	f.Wanted = e.packaged.Algorithm.String() + ":" + hex.EncodeToString(e.packaged.Digest)
	b = append(append(append(append(b, f.Digest...), ' '), f.Wanted...), ' ')
	b = append(append(appendName(b, e.path, 0), ' '), e.packaged.Package.Name...)
	l.note(l.notPackaged, l.notPackaged.line(b), f, anomaly.PackageDigest)
}

// appendProgram appends SHA-256 (or a dash and why), size, time of modification, path, and the package.
func appendProgram(b []byte, e *entry) []byte {
	sum := e.digests.sha256
	if sum == "" {
		sum = "-"
	}
	b = append(append(b, sum...), ' ')
	b = strconv.AppendInt(b, e.info.size, 10)
	b = append(b, ' ')
	b = e.info.mtime.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, ' ')
	b = appendName(b, e.path, 0)
	switch {
	case !e.packaged.known:
		b = append(b, " (no package)"...)
	case e.digests.intact:
		b = append(append(b, " "...), e.packaged.Package.Name...)
	case e.digests.checked:
		b = append(append(append(b, " "...), e.packaged.Package.Name...), " (differs)"...)
	default:
		b = append(append(append(b, " "...), e.packaged.Package.Name...), " (not compared)"...)
	}
	if e.digests.reason != "" {
		b = append(append(b, "; "...), e.digests.reason...)
	}
	return b
}

// notSeen notes what could not be looked at.
func (l *fileLists) notSeen(p, reason string) {
	b := appendName(nil, p, 0)
	l.unseen.line(append(append(b, ": "...), reason...))
}

// note keeps what a rule says of an entry that stands in a line of a list.
func (l *fileLists) note(list *lineList, line int64, f anomaly.File, rule func(anomaly.File) (anomaly.Finding, bool)) {
	if finding, ok := rule(f); ok {
		l.add(list, line, f.UID, finding)
	}
}

// add reports what a rule says of a file of an owner, whose line in a list that is.
func (l *fileLists) add(list *lineList, line int64, uid uint32, f anomaly.Finding) {
	to, ok := l.sink.(AnomalySink)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch n, kind := l.findings.count(f, uid); {
	case n > mostFindings || l.failed != nil:
		return
	case n == mostFindings:
		f.Text += fmt.Sprintf("; further findings of this rule and severity about files of %s are not reported, see the list %s", kind.of(), list.name)
	}
	l.failed = to.Anomaly(f, list.name, line)
}

func (l *fileLists) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	return l.lines.err()
}

// finish ends the lists.
func (l *fileLists) finish(reason string) error {
	if err := l.lines.finish(reason); err != nil {
		return err
	}
	return l.err()
}

// globs match names by globs without a slash, and paths by those with one. Those of the forms that nearly all have are quick.
type globs struct {
	prefixes, suffixes, names []string
	general, paths            []string
}

func newGlobs(patterns []string) (g globs) {
	for _, p := range patterns {
		rest, suffix := strings.CutPrefix(p, "*")
		start, prefix := strings.CutSuffix(p, "*")
		switch {
		case strings.Contains(p, "/"):
			g.paths = append(g.paths, p)
		case !strings.ContainsAny(p, `*?[]{}\`):
			g.names = append(g.names, p)
		case suffix && !strings.ContainsAny(rest, `*?[]{}\`):
			g.suffixes = append(g.suffixes, rest)
		case prefix && !strings.ContainsAny(start, `*?[]{}\`):
			g.prefixes = append(g.prefixes, start)
		default:
			g.general = append(g.general, p)
		}
	}
	return g
}

func (g globs) match(name, at string) bool {
	return slices.Contains(g.names, name) ||
		slices.ContainsFunc(g.prefixes, func(s string) bool { return strings.HasPrefix(name, s) }) ||
		slices.ContainsFunc(g.suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) ||
		slices.ContainsFunc(g.general, func(s string) bool { return doublestar.MatchUnvalidated(s, name) }) ||
		slices.ContainsFunc(g.paths, func(s string) bool { return doublestar.MatchUnvalidated(s, at) })
}
