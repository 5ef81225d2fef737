package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

const (
	// maxWalkDepth bounds how deep a walk goes below the first wildcard. Nothing but a trap is deeper.
	maxWalkDepth = 100
	// nameBatch is how many names of a directory are held at once.
	nameBatch = 1024
	// maxLinks is how many links may stand in the fixed part of a pattern, as in Linux's own path walk.
	maxLinks = 40
)

// emptyDirectory is why a directory itself is visited.
const emptyDirectory = "empty directory"

// found is one thing that a walk came upon.
type found struct {
	path   string // as the host names it, byte for byte, below the root that is read
	info   info
	in     *dir // the directory that holds it; valid during the visit only
	name   string
	reason string // why it is passed over, or what kept it from being looked at; empty for a thing that matches
	failed bool   // the reason is an error
	absent bool   // the reason is that there is no such thing
	target string // of a link that ended the way to a pattern's base
}

// A walker finds what a pattern matches.
type walker struct {
	root     *dir
	rootPath string     // where root is on this machine: mounts are known by their path on the machine
	mounts   mountTable // never walked into where passOver has a reason
	avoid    avoided    // the case's own directories
	exclude  []string   // globs
	maxDepth int
	visit    func(found) error
	count    func() error // called for each name before it is looked at, whether it matches or not; its error ends the walk; may be nil
}

// walk visits everything that the pattern matches, in the order of the names (of a directory with more than nameBatch names, batch by
// batch, so that a directory of millions needs no memory). It returns an error only if visit does or the context
// ends: what can't be read is visited with its reason.
func (w *walker) walk(ctx context.Context, pattern string) error {
	base, rest := doublestar.SplitPattern(pattern)
	d, real, stop := w.descend(base)
	if stop != nil && stop.absent {
		return nil
	}
	if stop != nil {
		return w.visit(*stop)
	}
	defer d.close()
	if reason := w.mountOf(real).passOver(); reason != "" && real != "/" {
		return w.visit(found{path: real, reason: reason})
	}
	return w.dir(ctx, d, real, &glob{rest: rest, segments: segments(rest)}, "", 0)
}

// descend opens the fixed part of a pattern. Links in it are followed below the root, if root or we ourselves made them: a link of
// another user could lead a run to what nobody asked for. It returns the path without links, or what ends the way.
func (w *walker) descend(base string) (d *dir, real string, stop *found) {
	d, err := w.root.again()
	if err != nil {
		return nil, "", failure("/", err)
	}
	var at []string // the way so far, no link in it
	links := 0
	for names := split(base); len(names) > 0; {
		name := names[0]
		here := "/" + strings.Join(append(slices.Clone(at), name), "/")
		var st info
		if st, stop = w.look(d, name, here); stop != nil {
			d.close()
			return nil, "", stop
		}
		if st.mode&fs.ModeSymlink == 0 {
			next, err := d.openDir(name)
			d.close()
			if err != nil {
				return nil, "", failure(here, err)
			}
			d, at, names = next, append(at, name), names[1:]
			continue
		}
		target, err := d.readlink(name)
		d.close()
		if links++; err != nil || links > maxLinks || !st.trusted() {
			return nil, "", &found{path: here, info: st, target: target, reason: linkReason(links)}
		}
		names, at = append(resolve(at, target), names[1:]...), nil
		if d, err = w.root.again(); err != nil {
			return nil, "", failure("/", err)
		}
	}
	return d, "/" + strings.Join(at, "/"), nil
}

// look is a stat that doesn't touch a file system that may never answer, or that mounts another when it is touched. Other pseudo file
// systems are gone through: /dev/shm is below one.
func (w *walker) look(d *dir, name, here string) (info, *found) {
	if m, ok := w.mounts[w.onMachine(here)]; ok && m.mayHang() {
		return info{}, &found{path: here, reason: m.passOver()}
	}
	st, err := d.stat(name)
	if err != nil {
		return info{}, failure(here, err)
	}
	return st, nil
}

// resolve returns the path that a link in the directory at leads to. An absolute target begins at the root that is read, and no
// target leads above it.
func resolve(at []string, target string) []string {
	target = filepath.ToSlash(target)
	if path.IsAbs(target) {
		at = nil
	}
	to := slices.Clone(at)
	for _, n := range strings.Split(target, "/") {
		switch n {
		case "", ".":
		case "..":
			to = to[:max(0, len(to)-1)]
		default:
			to = append(to, n)
		}
	}
	return to
}

func linkReason(links int) string {
	if links > maxLinks {
		return "too many symbolic links"
	}
	return "symbolic link of another user, not followed"
}

// dir visits what matches below d. rel is the path from the pattern's base to d.
func (w *walker) dir(ctx context.Context, d *dir, at string, g *glob, rel string, depth int) error {
	if name, ok := g.literal(rel); ok {
		return w.entry(ctx, d, name, at, g, rel, depth)
	}
	empty := true
	for {
		names, err := d.names(nameBatch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && len(names) == 0 {
			return w.visit(*failure(at, err))
		}
		slices.Sort(names)
		for _, name := range names {
			empty = false
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := w.entry(ctx, d, name, at, g, rel, depth); err != nil {
				return err
			}
		}
	}
	if !empty || !g.wantsAll(rel) {
		return nil
	}
	st, err := d.self()
	if err != nil {
		return w.visit(*failure(at, err))
	}
	return w.visit(found{path: at, info: st, reason: emptyDirectory})
}

// entry visits one name of the directory d, which is at the path at, or rel as the pattern sees it.
func (w *walker) entry(ctx context.Context, d *dir, name, at string, g *glob, rel string, depth int) error {
	if w.count != nil {
		if err := w.count(); err != nil {
			return err
		}
	}
	at, rel = path.Join(at, name), path.Join(rel, name)
	matches, below := g.match(rel), g.below(rel)
	if (!matches && !below) || w.excluded(name, at) {
		return nil
	}
	if m, ok := w.mounts[w.onMachine(at)]; ok && m.passOver() != "" {
		return w.visit(found{path: at, reason: m.passOver()})
	}
	st, err := d.stat(name)
	if err != nil {
		if _, asked := g.literal(path.Dir(rel)); asked && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return w.visit(*failure(at, err))
	}
	if !st.mode.IsDir() {
		if !matches {
			return nil
		}
		return w.visit(found{path: at, info: st, in: d, name: name})
	}
	if w.avoid.is(w.onMachine(at), st) {
		return w.visit(found{path: at, info: st, reason: "where cases are written to"})
	}
	if depth+1 > w.depthLimit() {
		return w.visit(found{path: at, info: st, reason: fmt.Sprintf("more than %d directories deep", w.depthLimit())})
	}
	child, err := d.openDir(name)
	if err != nil {
		f := failure(at, err)
		f.info = st
		return w.visit(*f)
	}
	defer child.close()
	if matches {
		g = everything
	}
	return w.dir(ctx, child, at, g, rel, depth+1)
}

func (w *walker) depthLimit() int {
	if w.maxDepth > 0 {
		return min(w.maxDepth, maxWalkDepth)
	}
	return maxWalkDepth
}

// avoided are directories that no walk goes into, whatever name leads to them.
type avoided []avoidedDir

type avoidedDir struct {
	path string // absolute
	id   fileID // zero where the system gives files no number
}

func avoidPath(path string) avoidedDir {
	a := avoidedDir{path: filepath.ToSlash(path)}
	if d, err := openRoot(path); err == nil {
		defer d.close()
		if st, err := d.self(); err == nil {
			a.id = fileID{st.dev, st.ino}
		}
	}
	return a
}

func (a avoided) is(path string, st info) bool {
	return slices.ContainsFunc(a, func(d avoidedDir) bool { return d.is(path, st) })
}

func (a avoidedDir) is(path string, st info) bool {
	if a.id != (fileID{}) {
		return a.id == fileID{st.dev, st.ino}
	}
	return strings.EqualFold(a.path, path)
}

// excluded matches globs without a slash against the name, and those with one against the whole path.
func (w *walker) excluded(name, at string) bool {
	return matchesAny(w.exclude, name, at)
}

// matchesAny compares a file with globs: those without a slash with its name, those with one with its whole path.
func matchesAny(globs []string, name, at string) bool {
	return slices.ContainsFunc(globs, func(pattern string) bool {
		if strings.Contains(pattern, "/") {
			return doublestar.MatchUnvalidated(pattern, at)
		}
		return doublestar.MatchUnvalidated(pattern, name)
	})
}

// onMachine says where a path below the root is on this machine.
func (w *walker) onMachine(at string) string { return path.Join(filepath.ToSlash(w.rootPath), at) }

// mountOf returns the mount that a path is on.
func (w *walker) mountOf(at string) mount {
	for p := w.onMachine(at); ; p = path.Dir(p) {
		if m, ok := w.mounts[p]; ok || p == "/" || p == "." {
			return m
		}
	}
}

func failure(at string, err error) *found {
	if errors.Is(err, fs.ErrNotExist) {
		return &found{path: at, reason: "was gone when it was looked at", absent: true}
	}
	return &found{path: at, reason: plain(err), failed: true}
}

// plain is an error without the path that the item names already.
func plain(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// A glob is the part of a pattern from the first wildcard on.
type glob struct {
	rest     string
	segments []string // nil where a brace spans a slash: then every directory may hold a match
	all      bool
}

// everything matches all that is below a directory.
var everything = &glob{all: true}

func (g *glob) match(rel string) bool { return g.all || doublestar.MatchUnvalidated(g.rest, rel) }

// literal returns the one name in the directory rel that can match, if the pattern has no wildcard there.
func (g *glob) literal(rel string) (string, bool) {
	if g.all || g.segments == nil {
		return "", false
	}
	depth := 0
	if rel != "" && rel != "." {
		depth = strings.Count(rel, "/") + 1
	}
	if depth >= len(g.segments) || slices.Contains(g.segments[:depth], "**") {
		return "", false
	}
	s := g.segments[depth]
	if strings.ContainsAny(s, `*?[{`) && !strings.Contains(s, `\`) {
		return "", false
	}
	if strings.Contains(s, `\`) {
		base, rest := doublestar.SplitPattern(s + "/x")
		return base, rest == "x"
	}
	return s, true
}

// wantsAll reports whether everything below the directory rel matches, so that it is worth a line that there is nothing.
func (g *glob) wantsAll(rel string) bool { return g.all || (g.rest == "**" && rel == "") }

// below reports whether something below the directory rel can match.
func (g *glob) below(rel string) bool {
	if g.all || g.segments == nil {
		return true
	}
	names := strings.Split(rel, "/")
	for i, s := range g.segments {
		if s == "**" || i == len(names) {
			return true
		}
		if !doublestar.MatchUnvalidated(s, names[i]) {
			return false
		}
	}
	return false
}

// segments cuts a pattern at its slashes, or returns nil if one stands inside braces.
func segments(pattern string) []string {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			depth--
		case '/':
			if depth > 0 {
				return nil
			}
		}
	}
	return strings.Split(pattern, "/")
}
