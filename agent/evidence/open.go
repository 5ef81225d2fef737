package evidence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"bellwether/agent/evidence/zipstream"

	"filippo.io/age"
)

// A Place is where cases are opened into: a store in which one can look.
type Place interface {
	Store
	// Read opens what is there under a key already; fs.ErrNotExist if nothing is.
	Read(key string) (io.ReadCloser, error)
}

// An Opened case is what [Open] has done.
type Opened struct {
	Verdict
	Folder  string // in the place: INCIDENT/CASE
	Written int    // files
	There   int    // files that were there before, with the same content
}

// ErrDiffers is a case that is there already, with other content.
var ErrDiffers = errors.New("there already, and different")

// Open checks the archive of a case, or the folder of an encrypted one, decrypts it and unpacks it into a place, under the folder that folder
// makes of INCIDENT/CASE. It writes nothing before all has been checked, and never over what is there: a file that is there must be the same. Of an
// archive that was cut it unpacks what has arrived whole, and the error wraps ErrIncomplete.
func Open(ctx context.Context, name string, opt VerifyOptions, into Place, folder func(incident, host string) string) (Opened, error) {
	st, err := os.Stat(name)
	if err != nil {
		return Opened{}, fmt.Errorf("opening the case: %w", err)
	}
	if st.IsDir() {
		return openFolder(ctx, name, opt, into, folder)
	}
	a, err := readArchive(ctx, name, opt)
	incomplete := err
	if err != nil && !errors.Is(err, ErrIncomplete) {
		return Opened{Verdict: a.verdict}, err
	}
	if a.prefix == "" {
		return Opened{Verdict: a.verdict}, incomplete
	}
	u := &unpacking{ctx: ctx, into: into, opened: Opened{Verdict: a.verdict, Folder: folder(path.Split(a.prefix))}}
	if err := u.archive(name, a); err != nil {
		return u.opened, err
	}
	return u.opened, incomplete
}

type unpacking struct {
	ctx    context.Context
	into   Place
	opened Opened
}

// archive reads the archive for the second time, and writes what the first time has proved. It may have been changed between the two, so
// every file is held against what was read then, and its size is bounded by that.
func (u *unpacking) archive(name string, a *arrived) error {
	r, f, err := openArchive(u.ctx, name, a.opt.Identities)
	if err != nil {
		return err
	}
	defer f.Close()
	again := &arrived{verifier: newVerifier(a.opt), folded: map[string]string{}}
	for z := zipstream.NewReader(r); ; {
		e, err := z.Next()
		if errors.Is(err, io.EOF) || isCut(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		rel, err := again.nameOf(e.Name)
		if err != nil {
			return err
		}
		err = u.entry(rel, e, a)
		if isCut(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (u *unpacking) entry(rel string, e *zipstream.Entry, a *arrived) error {
	want, known := a.seen[rel]
	if !known && !isBookWithoutLine(rel) {
		return nil // it was dropped by the run, or did not arrive
	}
	meta := Meta{ModTime: e.ModTime, Mode: e.Mode, Size: want.size}
	if l, ok := a.names[rel]; ok && l.MTime != nil {
		meta.ModTime = *l.MTime // to the nanosecond
	}
	if !known {
		return u.file(rel, e, meta, nil)
	}
	return u.file(rel, e, meta, &want)
}

// isBookWithoutLine reports the files that prove others and have no line themselves.
func isBookWithoutLine(name string) bool {
	return name == ManifestFile || name == SumsFile || name == SignatureFile
}

// file writes one file, or compares it with the one that is there. want is what it must hold, nil where that was checked otherwise.
func (u *unpacking) file(rel string, r io.Reader, meta Meta, want *contentSum) error {
	key := path.Join(u.opened.Folder, rel)
	o, err := u.into.Create(u.ctx, key, meta)
	if errors.Is(err, fs.ErrExist) {
		return u.compare(key, r)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", key, err)
	}
	h := sha256.New()
	if want != nil {
		r = io.LimitReader(r, want.size+1)
	}
	n, err := io.Copy(io.MultiWriter(o, h), r)
	if err == nil && want != nil && (n != want.size || hexSum(h) != want.sum) {
		err = errors.New("it was changed while it was read")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", key, err), o.Abort())
	}
	if err := o.Commit(); err != nil {
		return fmt.Errorf("writing %s: %w", key, err)
	}
	u.opened.Written++
	return nil
}

// compare reads both files to their ends.
func (u *unpacking) compare(key string, r io.Reader) error {
	f, err := u.into.Read(key)
	if err != nil {
		return fmt.Errorf("%s is %w: %w", key, ErrDiffers, err)
	}
	defer f.Close()
	there, here := sha256.New(), sha256.New()
	n, err := io.Copy(there, f)
	if err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	m, err := io.Copy(here, io.LimitReader(r, n+1))
	if err != nil {
		return err
	}
	if n != m || hexSum(there) != hexSum(here) {
		return fmt.Errorf("%s is %w; nothing was written over it", key, ErrDiffers)
	}
	u.opened.There++
	return nil
}

// openFolder decrypts a case whose objects were brought here one by one.
func openFolder(ctx context.Context, name string, opt VerifyOptions, into Place, folder func(incident, host string) string) (Opened, error) {
	if len(opt.Identities) == 0 {
		return Opened{}, fmt.Errorf("%s: %w", name, ErrNeedsKey)
	}
	v, err := verifyFolder(ctx, name, opt)
	incomplete := err
	if err != nil && !errors.Is(err, ErrIncomplete) {
		return Opened{Verdict: v.verdict}, err
	}
	if !v.sealed {
		return Opened{Verdict: v.verdict}, fmt.Errorf("%s is a case already: there is nothing to open", name)
	}
	if SafeName(v.info.Incident) != v.info.Incident || SafeName(v.info.Case) != v.info.Case || v.info.Case == "" {
		return Opened{Verdict: v.verdict}, fmt.Errorf("%s names the case %q/%q: no run of ours does", CaseFile, v.info.Incident, v.info.Case)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return Opened{Verdict: v.verdict}, err
	}
	defer root.Close()
	v.root = root
	u := &unpacking{ctx: ctx, into: into, opened: Opened{Verdict: v.verdict, Folder: folder(v.info.Incident, v.info.Case)}}
	for rel, l := range v.names {
		if err := u.sealed(v, rel, l); err != nil {
			return u.opened, err
		}
	}
	if incomplete != nil {
		return u.opened, errors.Join(incomplete, u.sealedManifest(v))
	}
	return u.opened, errors.Join(u.sealedManifest(v), u.clear(v, SumsFile), u.clear(v, SignatureFile))
}

func (u *unpacking) sealed(v *verifier, rel string, l Line) error {
	for _, p := range strings.Split(rel, "/") {
		if SafeName(p) != p {
			return fmt.Errorf("line %d names %q, which no case has", l.Seq, rel)
		}
	}
	f, err := v.open(rel + SealedExt)
	if err != nil {
		return fmt.Errorf("opening %s: %w", rel, err)
	}
	defer f.Close()
	r, err := age.Decrypt(contextReader{u.ctx, f}, v.opt.Identities...)
	if err != nil {
		return fmt.Errorf("decrypting %s: %w", rel, err)
	}
	meta := Meta{Size: *l.Size}
	if l.MTime != nil {
		meta.ModTime = *l.MTime
	}
	return u.file(rel, r, meta, &contentSum{*l.Size, l.SHA256})
}

// sealedManifest unpacks the manifest, as far as it goes.
func (u *unpacking) sealedManifest(v *verifier) error {
	f, err := v.openBook(ManifestFile)
	if err != nil {
		return err
	}
	defer f.Close()
	r := f.content
	if v.verdict.Seal == "" {
		r = untilError{r}
	}
	return u.file(ManifestFile, r, Meta{Size: -1}, nil)
}

// untilError ends where nothing more can be decrypted.
type untilError struct{ r io.Reader }

func (u untilError) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func (u *unpacking) clear(v *verifier, name string) error {
	f, err := v.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return u.file(name, f, Meta{Size: -1}, nil)
}
