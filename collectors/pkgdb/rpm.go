package pkgdb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// rpmPlaces are the folders where rpm keeps its database.
var rpmPlaces = []string{"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"}

// rpmFormats are the files that rpm's database can be in, and what reads their headers.
var rpmFormats = []struct {
	name string
	read func(f *os.File, size int64, root Root, name string, blob func([]byte) error) error
}{
	{"rpmdb.sqlite", readSQLite}, // rpm 4.16 and later
	{"Packages.db", readNDB},     // SUSE
	{"Packages", readBDB},        // RHEL 8, Amazon Linux 2 and older
}

// maxHeader bounds the header of one package, in bytes. The largest, of packages with 100,000 files, have some 20 MB; rpm's own limit is 256 MiB.
const maxHeader = 32 << 20

// readRPM reads the first of rpm's databases that there is.
func readRPM(root Root, x *Index) error {
	for _, place := range rpmPlaces {
		for _, format := range rpmFormats {
			name := path.Join(place, format.name)
			f, _, err := open(root, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			defer f.Close()
			st, err := f.Stat()
			if err != nil {
				return fmt.Errorf("package database %s: %w", name, err)
			}
			bad := 0
			err = format.read(f, min(st.Size(), maxFileSize), root, name, func(blob []byte) error {
				if err := addHeader(blob, x); err != nil {
					bad++
				}
				return nil
			})
			if bad > 0 {
				x.problem(fmt.Sprintf("package database %s: %d packages can't be read", name, bad))
			}
			if err != nil {
				return fmt.Errorf("package database %s: %w", name, err)
			}
			return nil
		}
	}
	return nil
}

// addHeader notes the files of one package. When it was installed is left open: an image that was copied has files that are younger, and
// the database itself changes with every transaction. Headers have the rights of the files instead.
func addHeader(blob []byte, x *Index) error {
	h, err := parseHeader(blob)
	if err != nil {
		return err
	}
	name := h.text(tagName)
	if name == "" || name == "gpg-pubkey" {
		return nil
	}
	version := h.text(tagVersion) + "-" + h.text(tagRelease)
	pkg, ok := x.addPackage(Package{Name: name, Version: version, System: "rpm"})
	if !ok {
		return errors.New("too many packages")
	}
	dirs, bases := h.texts(tagDirNames), h.texts(tagBaseNames)
	index, modes, flags := h.numbers(tagDirIndexes), h.numbers(tagFileModes), h.numbers(tagFileFlags)
	digests, caps := h.texts(tagFileDigests), h.texts(tagFileCaps)
	alg := digestOf(h.numbers(tagFileDigestAlgo))
	for i, base := range bases {
		if i >= len(index) || int(index[i]) >= len(dirs) {
			return errors.New("a file has no directory")
		}
		var f rpmFile
		if i < len(modes) {
			f.mode, f.hasMode = modes[i], true
		}
		if i < len(flags) {
			f.flags = flags[i]
		}
		f.caps = i < len(caps) && len(caps[i]) > 0
		if f.flags&fileGhost != 0 {
			continue // not installed, and so without a digest
		}
		one, digest := None, []byte(nil)
		if i < len(digests) {
			one, digest = f.digest(alg, digests[i])
		}
		x.add([]byte(path.Join("/", string(dirs[index[i]]), string(base))), pkg, one, digest, f.bits())
	}
	return nil
}

// rpmFile is what a header says of a file besides its path.
type rpmFile struct {
	mode, flags uint32
	hasMode     bool
	caps        bool
}

// Flags and modes of files in headers, see rpmfileAttrs in rpm's sources and inode(7).
const (
	fileConfig = 1 << 0
	fileGhost  = 1 << 6
	setIDMode  = 0o6000
	typeMode   = 0o170000
	fileMode   = 0o100000
)

// digest reads the digest of a regular file.
func (f rpmFile) digest(alg Algorithm, text []byte) (Algorithm, []byte) {
	if f.hasMode && f.mode&typeMode != fileMode || len(text) != 2*alg.Size() || alg == None {
		return None, nil
	}
	digest := make([]byte, alg.Size())
	if _, err := hex.Decode(digest, text); err != nil {
		return None, nil
	}
	return alg, digest
}

func (f rpmFile) bits() (bits uint8) {
	if f.flags&fileConfig != 0 {
		bits |= isConfig
	}
	if f.hasMode {
		bits |= hasModes
	}
	if f.mode&setIDMode != 0 {
		bits |= isSetID
	}
	if f.caps {
		bits |= hasCaps
	}
	return bits
}

// digestOf names the algorithm that a header gives as a number of OpenPGP, RFC 4880 section 9.4; none means MD5.
func digestOf(number []uint32) Algorithm {
	if len(number) == 0 {
		return MD5
	}
	switch number[0] {
	case 1:
		return MD5
	case 2:
		return SHA1
	case 8:
		return SHA256
	case 9:
		return SHA384
	case 10:
		return SHA512
	case 11:
		return SHA224
	}
	return None
}
