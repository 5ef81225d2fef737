package pkgdb

import (
	"encoding/base64"
	"fmt"
	"io"
	"path"
	"strings"
)

// apkInstalled is where apk keeps what it knows. Alpine 3.22 and later have it below usr.
var apkInstalled = []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"}

// readAPK reads the database of apk.
func readAPK(root Root, x *Index) error {
	var err error
	for _, name := range apkInstalled {
		f, changed, openErr := open(root, name)
		if openErr != nil {
			err = openErr
			continue
		}
		defer f.Close()
		if err := parseAPK(limited(f), x, Package{System: "apk", Time: changed}); err != nil {
			return fmt.Errorf("package database %s: %w", name, err)
		}
		return nil
	}
	return err
}

// parseAPK reads apk's database: a letter, a colon and a value a line. P and V name the package, F a directory, R a file in it, Z its
// SHA-1. See apk-package(5).
func parseAPK(r io.Reader, x *Index, like Package) error {
	p := like
	var pkg uint32
	known := false // pkg has its number
	dir, name := "", ""
	flush := func(digest []byte) {
		if name == "" || !known {
			return
		}
		alg := SHA1
		if digest == nil {
			alg = None
		}
		x.add([]byte(path.Join("/", dir, name)), pkg, alg, digest, 0)
		name = ""
	}
	err := eachLine(r, func(line []byte) {
		if len(line) < 2 || line[1] != ':' {
			flush(nil)
			p, known, dir = like, false, ""
			return
		}
		value := string(line[2:])
		switch line[0] {
		case 'P':
			p.Name = value
		case 'V':
			p.Version = value
		case 'F':
			flush(nil)
			dir = value
			if !known && p.Name != "" {
				pkg, known = x.addPackage(p)
			}
			if known {
				x.add([]byte(path.Join("/", dir)), pkg, None, nil, 0)
			}
		case 'R':
			flush(nil)
			name = value
		case 'Z':
			flush(apkDigest(value))
		}
	})
	flush(nil)
	return err
}

// apkDigest reads Q1 and a SHA-1 in base64, or returns nil.
func apkDigest(s string) []byte {
	text, ok := strings.CutPrefix(s, "Q1")
	if !ok {
		return nil
	}
	d, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(d) != SHA1.Size() {
		return nil
	}
	return d
}
