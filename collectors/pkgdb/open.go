package pkgdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// A Root is the directory that databases are read below.
type Root interface {
	// Open opens a regular file by its path below the root, and nothing else. changed is the later of the times when it was modified and
	// when it was put where it is: a copied image has old files that are new in their place. The error wraps fs.ErrNotExist where
	// there is none.
	Open(name string) (f *os.File, changed time.Time, err error)
	// Readlink returns where a symbolic link leads to.
	Readlink(name string) (string, error)
}

// maxFileSize bounds one file of a database, in bytes.
const maxFileSize = 512 << 20

// Read reads every database that there is below the root. A host without one gives an empty index.
func Read(root Root) *Index {
	x := newIndex()
	x.aliases = readAliases(root)
	for _, read := range []func(Root, *Index) error{readDpkg, readRPM, readAPK} {
		if err := read(root, x); err != nil && !errors.Is(err, fs.ErrNotExist) {
			x.problem(err.Error())
		}
	}
	x.finish()
	return x
}

// open opens a file of a database.
func open(root Root, name string) (*os.File, time.Time, error) {
	f, changed, err := root.Open(name)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("package database %s: %w", name, err)
	}
	return f, changed, nil
}

// limited reads no more than a database may have.
func limited(f io.Reader) io.Reader { return io.LimitReader(f, maxFileSize) }

// An alias is a directory that is a link on this host, as /bin is where /usr was merged: packages may name what is in it either way.
type alias struct{ from, to []byte } // absolute, with a slash at the end

// readAliases looks for the directories of the merged /usr that are links, and leads to their real place.
func readAliases(root Root) []alias {
	var out []alias
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32", "usr/sbin", "usr/lib64"} {
		target, err := root.Readlink(name)
		if err != nil {
			continue
		}
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(name), target)
		}
		out = append(out, alias{[]byte("/" + name + "/"), []byte(path.Clean(target) + "/")})
	}
	return out
}

// real is where a path of a package is on this host. It is valid until the next call.
func (x *Index) real(p []byte) []byte {
	for range 2 { // /sbin may lead to /usr/sbin, and that to /usr/bin
		for _, a := range x.aliases {
			if rest, ok := bytes.CutPrefix(p, a.from); ok {
				rest = append([]byte(nil), rest...) // it may lie in scratch
				x.scratch = append(append(x.scratch[:0], a.to...), rest...)
				p = x.scratch
				break
			}
		}
	}
	return p
}
