// Package pkgdb reads which file of a host belongs to which package, and which digest it should have, from the databases of dpkg, rpm
// and apk themselves: no program of the host is asked.
//
// The rules that every file keeps: a database is the host's word, so whatever stands in it, reading ends, in bounded memory, without a
// panic. What can't be read of it is counted and told, and the rest is used. Reading is below a root, so that an image can be asked too.
package pkgdb

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"time"
)

// An Algorithm is how a digest was made.
type Algorithm uint8

// The digests that packages have of their files.
const (
	None Algorithm = iota // the package has the file, and no digest of it
	MD5
	SHA1
	SHA256
	SHA384
	SHA512
	SHA224
)

// sizes are the lengths of digests in bytes.
var sizes = [...]int{MD5: 16, SHA1: 20, SHA256: 32, SHA384: 48, SHA512: 64, SHA224: 28}

// Size is the length of a digest in bytes.
func (a Algorithm) Size() int { return sizes[a] }

// String is the name as coreutils has it, without "sum".
func (a Algorithm) String() string {
	return [...]string{None: "none", MD5: "md5", SHA1: "sha1", SHA256: "sha256", SHA384: "sha384", SHA512: "sha512", SHA224: "sha224"}[a]
}

// A Package is an installed package.
type Package struct {
	Name    string
	Version string
	System  string    // dpkg, rpm, apk
	Time    time.Time // when it was installed, or its files copied to where they are, whichever is later; zero if not known
}

// A File is what the databases say of a path.
type File struct {
	Package   Package
	Algorithm Algorithm
	Digest    []byte // of Algorithm.Size() bytes; must not be changed
	Config    bool   // meant to be changed by the administrator
	Modes     bool   // the package says which rights the file has: dpkg does not
	SetID     bool   // it says set-user-id or set-group-id
	Caps      bool   // it says that the file has capabilities
}

// Limits of what is kept. A host with more has databases that were made to harm.
const (
	maxFiles    = 4_000_000
	maxPackages = 100_000
)

// An Index finds files by their path. A path is kept as a hash of 64 bits with a seed of its own, so that 150,000 files take some
// 6 MB, and nobody can make a path that is taken for another.
type Index struct {
	seed     maphash.Seed
	records  []record // by key; of equal keys, the one with a digest is first
	digests  []byte
	packages []Package
	aliases  []alias
	scratch  []byte // of real
	// Problems are what could not be read of the databases, in words for people; each names its file.
	Problems []string
}

// A record is a file. Its digest begins at at, and is that of the algorithm.
type record struct {
	key  uint64
	at   uint32
	pkg  uint32 // number of the package; its top bits are free
	alg  Algorithm
	bits uint8
}

// What a record says besides.
const (
	isConfig = 1 << iota
	hasModes
	isSetID
	hasCaps
)

func newIndex() *Index { return &Index{seed: maphash.MakeSeed()} }

// Len is how many files are known.
func (x *Index) Len() int { return len(x.records) }

// Packages is how many packages are known.
func (x *Index) Packages() int { return len(x.packages) }

// Lookup returns what is known of a path, which is absolute and has no symbolic link in it. ok is false if no package has it.
func (x *Index) Lookup(path string) (f File, ok bool) {
	key := maphash.String(x.seed, path)
	i, ok := slices.BinarySearchFunc(x.records, key, func(r record, k uint64) int { return cmp.Compare(r.key, k) })
	if !ok {
		return File{}, false
	}
	return x.file(x.records[i]), true
}

// Matches reports whether one of the packages that have the path gives it this digest. Several may: those of two architectures share
// files.
func (x *Index) Matches(path string, alg Algorithm, digest []byte) bool {
	key := maphash.String(x.seed, path)
	i, _ := slices.BinarySearchFunc(x.records, key, func(r record, k uint64) int { return cmp.Compare(r.key, k) })
	for ; i < len(x.records) && x.records[i].key == key; i++ {
		if r := x.records[i]; r.alg == alg && bytes.Equal(x.digest(r), digest) {
			return true
		}
	}
	return false
}

func (x *Index) file(r record) File {
	return File{
		Package: x.packages[r.pkg], Algorithm: r.alg, Digest: x.digest(r),
		Config: r.bits&isConfig != 0, Modes: r.bits&hasModes != 0, SetID: r.bits&isSetID != 0, Caps: r.bits&hasCaps != 0,
	}
}

func (x *Index) digest(r record) []byte { return x.digests[r.at : int(r.at)+r.alg.Size()] }

// addPackage returns the number of a package, and false if there are too many.
func (x *Index) addPackage(p Package) (uint32, bool) {
	if len(x.packages) >= maxPackages {
		return 0, false
	}
	x.packages = append(x.packages, p)
	return uint32(len(x.packages) - 1), true
}

// add notes a file of a package by its clean absolute path. The digest has the length of the algorithm.
func (x *Index) add(path []byte, pkg uint32, alg Algorithm, digest []byte, bits uint8) {
	if len(x.records) >= maxFiles || len(path) == 0 {
		return
	}
	if alg == None {
		digest = nil
	}
	x.records = append(x.records, record{maphash.Bytes(x.seed, x.real(path)), uint32(len(x.digests)), pkg, alg, bits})
	x.digests = append(x.digests, digest...)
}

// finish makes the index ready to be asked.
func (x *Index) finish() {
	slices.SortFunc(x.records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(b.alg, a.alg), cmp.Compare(a.pkg, b.pkg))
	})
	x.records = slices.Clip(x.records)
	x.digests = slices.Clip(x.digests)
}

func (x *Index) problem(text string) {
	const most = 20
	if len(x.Problems) < most {
		x.Problems = append(x.Problems, text)
	}
}
