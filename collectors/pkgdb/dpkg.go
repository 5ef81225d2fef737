package pkgdb

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Where dpkg keeps what it knows, see dpkg(1) and deb-md5sums(5).
const (
	dpkgStatus     = "var/lib/dpkg/status"
	dpkgDiversions = "var/lib/dpkg/diversions"
	dpkgInfo       = "var/lib/dpkg/info"
)

// maxLine bounds a line of a text database, in bytes.
const maxLine = 64 << 10

// readDpkg reads the database of dpkg.
func readDpkg(root Root, x *Index) error {
	f, _, err := open(root, dpkgStatus)
	if err != nil {
		return err
	}
	defer f.Close()
	d := dpkg{root: root, x: x, divert: map[string]diversion{}}
	if g, _, err := open(root, dpkgDiversions); err == nil {
		d.divert = parseDiversions(limited(g))
		g.Close()
	}
	if err := parseStatus(limited(f), d.add); err != nil {
		return fmt.Errorf("package database %s: %w", dpkgStatus, err)
	}
	return nil
}

type dpkg struct {
	root   Root
	x      *Index
	divert map[string]diversion
}

// A stanza is a package as dpkg's status file has it.
type stanza struct {
	name, version, arch string
	installed           bool // its files are there
	same                bool // several architectures may be installed side by side
	conffiles           []conffile
}

// A conffile is a setting with the digest that the package gave it.
type conffile struct {
	path   string
	digest []byte // nil where dpkg knows none
}

// add notes the files of a package: those with digests, settings, and the others.
func (d dpkg) add(s stanza) {
	if !s.installed || strings.ContainsAny(s.name, "/\x00") {
		return
	}
	base, list, changed, err := d.list(s)
	if err == nil {
		defer list.Close()
	}
	p := Package{Name: s.name, Version: s.version, System: "dpkg", Time: changed}
	pkg, ok := d.x.addPackage(p)
	if !ok {
		return
	}
	known := map[string]bool{}
	for _, c := range s.conffiles {
		known[c.path] = true
		alg := MD5
		if c.digest == nil {
			alg = None
		}
		d.x.add(d.place(c.path, s.name), pkg, alg, c.digest, isConfig)
	}
	d.sums(base+".md5sums", s.name, pkg, known)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.x.problem(err.Error())
		}
		return
	}
	if err := eachLine(limited(list), func(line []byte) {
		if p := string(line); strings.HasPrefix(p, "/") && !known[p] {
			d.x.add(d.place(p, s.name), pkg, None, nil, 0)
		}
	}); err != nil {
		d.x.problem(fmt.Sprintf("package database %s.list: %v", base, err))
	}
}

// list opens the list of a package's files. base is its path without the ending.
func (d dpkg) list(s stanza) (base string, f *os.File, changed time.Time, err error) {
	base = path.Join(dpkgInfo, s.name)
	if s.same && s.arch != "" && !strings.ContainsAny(s.arch, "/\x00") {
		with := base + ":" + s.arch
		if f, changed, err = open(d.root, with+".list"); err == nil {
			return with, f, changed, nil
		}
	}
	f, changed, err = open(d.root, base+".list")
	return base, f, changed, err
}

// sums notes the files with digests. A package need not have any.
func (d dpkg) sums(name, pkgName string, pkg uint32, known map[string]bool) {
	f, _, err := open(d.root, name)
	if err != nil {
		return
	}
	defer f.Close()
	err = parseSums(limited(f), func(p string, digest []byte) {
		known[p] = true
		d.x.add(d.place(p, pkgName), pkg, MD5, digest, 0)
	})
	if err != nil {
		d.x.problem(fmt.Sprintf("package database %s: %v", name, err))
	}
}

// place is where a file of a package is after diversions.
func (d dpkg) place(p, pkg string) string {
	if v, ok := d.divert[p]; ok && v.by != pkg {
		return v.to
	}
	return p
}

// parseStatus calls add for every package of dpkg's status file.
func parseStatus(r io.Reader, add func(stanza)) error {
	var s stanza
	field := ""
	err := eachLine(r, func(line []byte) {
		switch {
		case len(line) == 0:
			if s.name != "" {
				add(s)
			}
			s, field = stanza{}, ""
		case line[0] == ' ' || line[0] == '\t':
			if field == "Conffiles" {
				s.conffile(string(line))
			}
		default:
			name, value, _ := bytes.Cut(line, []byte(":"))
			field = string(name)
			s.set(field, string(bytes.TrimSpace(value)))
		}
	})
	if s.name != "" {
		add(s)
	}
	return err
}

func (s *stanza) set(field, value string) {
	switch field {
	case "Package":
		s.name = value
	case "Version":
		s.version = value
	case "Architecture":
		s.arch = value
	case "Multi-Arch":
		s.same = value == "same"
	case "Status":
		words := strings.Fields(value)
		s.installed = len(words) == 3 && words[2] != "not-installed" && words[2] != "config-files"
	}
}

// conffile reads " /etc/name digest [obsolete]".
func (s *stanza) conffile(line string) {
	const most = 10_000
	words := strings.Fields(line)
	if len(words) < 2 || !strings.HasPrefix(words[0], "/") || len(s.conffiles) >= most {
		return
	}
	digest, err := hex.DecodeString(words[1])
	if err != nil || len(digest) != MD5.Size() {
		digest = nil // newconffile: none yet
	}
	s.conffiles = append(s.conffiles, conffile{words[0], digest})
}

// parseSums calls add for every line of a list as md5sum writes it. The paths become absolute.
func parseSums(r io.Reader, add func(path string, digest []byte)) error {
	bad := 0
	var digest [16]byte
	err := eachLine(r, func(line []byte) {
		p, ok := sumLine(line, &digest)
		if !ok {
			bad++
			return
		}
		add(p, digest[:])
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d lines are no digest and path", bad)
	}
	return err
}

// sumLine reads "digest  path". A backslash before the digest says that the path is escaped.
func sumLine(line []byte, digest *[16]byte) (string, bool) {
	line, escaped := bytes.CutPrefix(line, []byte(`\`))
	const at = 2 * len(digest)
	if len(line) < at+3 || line[at] != ' ' || (line[at+1] != ' ' && line[at+1] != '*') {
		return "", false
	}
	if _, err := hex.Decode(digest[:], line[:at]); err != nil {
		return "", false
	}
	p := string(line[at+2:])
	if escaped {
		p = strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(p)
	}
	return path.Join("/", p), true
}

// A diversion says that a file of other packages is put elsewhere.
type diversion struct{ to, by string }

// parseDiversions reads dpkg's list: the path, where it goes instead, and the package that wants that, a line each.
func parseDiversions(r io.Reader) map[string]diversion {
	const most = 100_000
	out := map[string]diversion{}
	var lines [3]string
	n := 0
	_ = eachLine(r, func(line []byte) {
		lines[n%3] = string(line)
		if n++; n%3 == 0 && len(out) < most && path.IsAbs(lines[0]) && path.IsAbs(lines[1]) {
			out[lines[0]] = diversion{lines[1], lines[2]}
		}
	})
	return out
}

// eachLine calls do for every line, without its newline; the bytes are valid during the call only.
func eachLine(r io.Reader, do func([]byte)) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 8<<10), maxLine)
	for s.Scan() {
		do(s.Bytes())
	}
	return s.Err()
}
