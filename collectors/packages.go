package collectors

import (
	"crypto/sha256"
	"hash"
	"io"
	"sync"

	"bellwether/collectors/pkgdb"
)

// packageIndex is what the package databases of the host say, read when it is first asked for.
type packageIndex struct {
	once  sync.Once
	index *pkgdb.Index
}

// packages returns the index of packaged files, which is empty where the host has no database that can be read.
func (e *Env) packages() *pkgdb.Index {
	e.packaged.once.Do(func() {
		e.packaged.index = e.readPackages()
		for _, p := range e.packaged.index.Problems {
			e.Log.Warn("package database", "problem", p)
		}
	})
	return e.packaged.index
}

func (e *Env) readPackages() *pkgdb.Index {
	root, err := openRoot(e.Root)
	if err != nil {
		return &pkgdb.Index{Problems: []string{plain(err)}}
	}
	defer root.close()
	host := &hostFiles{w: &walker{root: root, rootPath: e.Root, mounts: e.mounts}}
	defer host.close()
	return pkgdb.Read(host)
}

// maxConfigDigest bounds what is read of a file to compare it with its package, in bytes.
const maxConfigDigest = 8 << 20

// asPackaged reports whether a thing that was found is one of a package and is as the package brought it. ok is false if there is no package
// database to ask.
func (e *Env) asPackaged(x found) (is, ok bool) {
	index := e.packages()
	if index.Len() == 0 {
		return false, false
	}
	known, found := index.Lookup(x.path)
	if !found || known.Algorithm == pkgdb.None || !x.info.mode.IsRegular() {
		return found, true
	}
	sum := packageHash(packaged{known: true, File: known})
	if sum == nil {
		sum = sha256.New()
	}
	return x.in != nil && hashFile(x, sum) && index.Matches(x.path, known.Algorithm, sum.Sum(nil)), true
}

// hashFile reports whether the whole file went into the hash.
func hashFile(x found, sum hash.Hash) bool {
	f, _, err := x.in.openFile(x.name)
	if err != nil {
		return false
	}
	defer f.Close()
	n, err := io.Copy(sum, io.LimitReader(f, maxConfigDigest+1))
	return err == nil && n <= maxConfigDigest
}
