package collectors

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"bellwether/profiles"
)

// A reader reads the files of one step by what they are to it. It remembers what could not be read, for the tables to say.
type reader struct {
	env     *Env
	step    profiles.Step
	root    *dir
	trouble []string
	cuts    []string // what limits have left out
}

// newReader opens the root that a step reads below. The caller closes it.
func newReader(env *Env, step profiles.Step) (*reader, error) {
	root, err := openRoot(env.Root)
	if err != nil {
		return nil, err
	}
	return &reader{env: env, step: step, root: root}, nil
}

func (r *reader) close() { r.root.close() }

// maxRoleFiles bounds how many files of one role a step looks at.
const maxRoleFiles = 200_000

// maxHardLinks is under how many of its names a file is looked at: it may be meant for more than one account, and a thousand names of one big
// file are no work for a thousand.
const maxHardLinks = 4

// each visits the files of a role, each path once: regular files, and links as links. What can't be looked at is noted.
func (r *reader) each(ctx context.Context, role string, visit func(found) error) error {
	seen := map[string]bool{}
	names := map[fileID]int{}
	defer func() {
		if len(seen) == 0 && len(r.step.In(role)) <= few {
			r.note("there is no %s", strings.Join(r.step.In(role), " or "))
		}
	}()
	for _, pattern := range r.step.In(role) {
		w := walker{root: r.root, rootPath: r.env.Root, mounts: r.env.mounts, avoid: r.env.avoid, exclude: r.step.Exclude, visit: func(x found) error {
			switch {
			case x.absent || seen[x.path] || x.reason == emptyDirectory:
				return nil
			case x.reason != "":
				r.note("%s: %s", x.path, x.reason)
				return nil
			case len(seen) >= maxRoleFiles:
				r.cut("more than %d files for %s: %s and others are left out", maxRoleFiles, role, x.path)
				return nil
			}
			seen[x.path] = true
			if x.info.links > 1 && x.info.mode.IsRegular() {
				id := fileID{x.info.dev, x.info.ino}
				names[id]++
				if names[id] == maxHardLinks+1 {
					r.cut("%s and further hard links to the same file: not looked at, as it was under %d other names", x.path, maxHardLinks)
				}
				if names[id] > maxHardLinks {
					return nil
				}
			}
			return visit(x)
		}}
		if err := w.walk(ctx, pattern); err != nil {
			return err
		}
	}
	return nil
}

// few is how many globs a role may have for it to be worth a word that none of them matches. One that is looked for in many places is
// most often nowhere.
const few = 2

// maxTrouble bounds what a table says of what could not be read.
const maxTrouble = 8

// note remembers what a reader of the table should know.
func (r *reader) note(format string, args ...any) {
	r.trouble = noted(r.trouble, fmt.Sprintf(format, args...))
}

// cut remembers what a limit has left out. Files that can't be read never push it out of the reason.
func (r *reader) cut(format string, args ...any) {
	r.cuts = noted(r.cuts, fmt.Sprintf(format, args...))
}

// wasCut reports whether a limit has left something out.
func (r *reader) wasCut() bool { return len(r.cuts) > 0 }

func noted(notes []string, text string) []string {
	if slices.Contains(notes, text) || len(notes) > maxTrouble {
		return notes
	}
	return append(notes, text)
}

// reason is what was noted, in one line: first what limits have left out.
func (r *reader) reason() string {
	var all []string
	for _, notes := range [][]string{r.cuts, r.trouble} {
		if len(notes) > maxTrouble {
			notes = append(slices.Clone(notes[:maxTrouble]), "and more")
		}
		all = append(all, notes...)
	}
	return strings.Join(all, "; ")
}

// maxConfig bounds what is read of one file of accounts, rules or settings, in bytes.
const maxConfig = 4 << 20

// text reads a small file. What can't be read, and that a file was cut, is noted.
func (r *reader) text(x found) (string, bool) {
	if !x.info.mode.IsRegular() {
		return "", false
	}
	f, _, err := x.in.openFile(x.name)
	if err != nil {
		r.note("%s: %s", x.path, plain(err))
		return "", false
	}
	defer f.Close()
	return r.begin(x.path, f)
}

// begin reads a file that was opened as far as is looked at, and notes what could not be read, and that it was cut.
func (r *reader) begin(path string, f *os.File) (string, bool) {
	b, cut, err := readBeginning(f, maxConfig)
	if err != nil {
		r.note("%s: %s", path, plain(err))
	}
	if cut {
		r.cut("%s: only the first %d bytes were looked at", path, maxConfig)
	}
	return string(b), err == nil || len(b) > 0
}

// readBeginning reads at most so many bytes, and says whether there are more.
func readBeginning(r io.Reader, most int64) (b []byte, cut bool, err error) {
	b, err = io.ReadAll(io.LimitReader(r, most+1))
	if int64(len(b)) > most {
		return b[:most], true, err
	}
	return b, false, err
}

// texts reads every file of a role.
func (r *reader) texts(ctx context.Context, role string, each func(path, text string) error) error {
	return r.each(ctx, role, func(x found) error {
		if x.info.mode&fs.ModeSymlink != 0 {
			return nil
		}
		text, ok := r.text(x)
		if !ok {
			return nil
		}
		return each(x.path, text)
	})
}

// failedState is the item of a step whose root can't be read.
func failedState(sink Sink, step profiles.Step, err error) error {
	return sink.Add(&Item{Step: step.Name, Collector: step.Collector, Source: sourceOf(step), Status: Failed, Reason: plain(err)}, nil)
}
