package pkgdb

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
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
	d := dpkg{root: root, x: x, divert: map[string]diversion{}, known: map[uint64]struct{}{}, lines: make([]byte, 0, 32<<10)}
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
	lines  []byte              // buffer of the readers
	known  map[uint64]struct{} // files of the package that is read which are in the index
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
	clear(d.known)
	for _, c := range s.conffiles {
		alg := MD5
		if c.digest == nil {
			alg = None
		}
		d.note([]byte(c.path), s.name, pkg, alg, c.digest, isConfig)
	}
	d.sums(base+".md5sums", s.name, pkg)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.x.problem(err.Error())
		}
		return
	}
	if err := eachLineIn(d.lines, limited(list), func(line []byte) {
		if len(line) > 0 && line[0] == '/' {
			d.note(line, s.name, pkg, None, nil, 0)
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
func (d dpkg) sums(name, pkgName string, pkg uint32) {
	f, _, err := open(d.root, name)
	if err != nil {
		return
	}
	defer f.Close()
	err = parseSums(d.lines, limited(f), func(p, digest []byte) { d.note(p, pkgName, pkg, MD5, digest, 0) })
	if err != nil {
		d.x.problem(fmt.Sprintf("package database %s: %v", name, err))
	}
}

// note puts a file into the index, once for each package.
func (d dpkg) note(p []byte, name string, pkg uint32, alg Algorithm, digest []byte, bits uint8) {
	key := maphash.Bytes(d.x.seed, p)
	if _, ok := d.known[key]; ok {
		return
	}
	d.known[key] = struct{}{}
	if v, ok := d.divert[string(p)]; ok && v.by != name {
		p = []byte(v.to)
	}
	d.x.add(p, pkg, alg, digest, bits)
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

// parseSums calls add for every line of a list as md5sum writes it; lines is a buffer. The paths become absolute; both are valid during the call only.
func parseSums(lines []byte, r io.Reader, add func(path, digest []byte)) error {
	bad := 0
	var digest [16]byte
	var buf []byte
	err := eachLineIn(lines, r, func(line []byte) {
		var ok bool
		if buf, ok = sumLine(buf[:0], line, &digest); !ok {
			bad++
			return
		}
		add(buf, digest[:])
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d lines are no digest and path", bad)
	}
	return err
}

// sumLine reads "digest  path", and appends the path. A backslash before the digest says that the path is escaped.
func sumLine(buf, line []byte, digest *[16]byte) ([]byte, bool) {
	line, escaped := bytes.CutPrefix(line, []byte(`\`))
	const at = 2 * len(digest)
	if len(line) < at+3 || line[at] != ' ' || (line[at+1] != ' ' && line[at+1] != '*') {
		return buf, false
	}
	if _, err := hex.Decode(digest[:], line[:at]); err != nil {
		return buf, false
	}
	p := line[at+2:]
	if !escaped && p[0] != '/' && p[0] != '.' && !bytes.Contains(p, []byte("//")) && !bytes.Contains(p, []byte("/.")) && p[len(p)-1] != '/' {
		return append(append(buf, '/'), p...), true // clean, as nearly all are
	}
	text := string(p)
	if escaped {
		text = strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(text)
	}
	return append(buf, path.Join("/", text)...), true
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
	return eachLineIn(make([]byte, 0, 8<<10), r, do)
}

// eachLineIn reads through a buffer, which may be used for the next file again.
func eachLineIn(buf []byte, r io.Reader, do func([]byte)) error {
	s := bufio.NewScanner(r)
	s.Buffer(buf[:0], maxLine)
	for s.Scan() {
		do(s.Bytes())
	}
	return s.Err()
}
