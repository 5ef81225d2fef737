package evidence

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bellwether/agent/evidence/zipstream"

	"aead.dev/minisign"
	"filippo.io/age"
	"github.com/klauspost/compress/flate"
)

// A contentSum is what an entry of an archive was found to hold.
type contentSum struct {
	size int64
	sum  string
}

// An arrived archive is what was read of one: from its first byte to its last, or to where it was cut.
type arrived struct {
	*verifier
	prefix string // INCIDENT/CASE
	seen   map[string]contentSum
	folded map[string]string // names without case, so that no two fall together
	notes  []byte            // what the headers hold of the manifest
	signed *minisign.Reader  // has read SHA256SUMS
	whole  bool              // the signature was reached, and fits
}

// openArchive opens an archive, and decrypts it if that is what it needs.
func openArchive(ctx context.Context, name string, identities []age.Identity) (io.Reader, io.Closer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(contextReader{ctx, f})
	head, err := r.Peek(len(ageIntro))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, errors.Join(fmt.Errorf("reading %s: %w", name, err), f.Close())
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return r, f, nil
	case string(head) != ageIntro:
		return nil, nil, errors.Join(fmt.Errorf("%s is no archive of a case: it is neither a zip file nor encrypted with age", name), f.Close())
	case len(identities) == 0:
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, ErrNeedsKey), f.Close())
	}
	clear, err := age.Decrypt(r, identities...)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("decrypting %s: %w", name, decryptError(err)), f.Close())
	}
	return &decrypting{r: clear, under: r}, f, nil
}

const ageIntro = "age-encryption.org/v1\n"

// A decrypting reader tells a file that was cut from one that was changed: age says the same of both. What it gave out before is authentic
// either way.
type decrypting struct {
	r     io.Reader
	under *bufio.Reader
}

func (d *decrypting) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	if _, more := d.under.Peek(1); more == nil {
		return n, fmt.Errorf("the encrypted archive was changed: %w", err)
	}
	return n, fmt.Errorf("%w: the encrypted archive is cut, or its end was changed: %w", errUndecryptable, err)
}

// errUndecryptable ends what can be decrypted of an archive.
var errUndecryptable = errors.New("decryption ends")

// readArchive reads an archive and checks it as it comes. Nothing of it is written anywhere.
func readArchive(ctx context.Context, name string, opt VerifyOptions) (*arrived, error) {
	a := &arrived{verifier: newVerifier(opt), seen: map[string]contentSum{}, folded: map[string]string{}}
	a.check = a.fits
	r, f, err := openArchive(ctx, name, opt.Identities)
	if err != nil {
		return a, err
	}
	defer f.Close()
	z := zipstream.NewReader(r)
	err = a.entries(ctx, z)
	if isCut(err) {
		return a, a.cut(ctx, err)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return a, a.afterEnd(name)
}

// isCut reports whether an archive ends before its end.
func isCut(err error) bool {
	return errors.Is(err, zipstream.ErrCut) || errors.Is(err, errUndecryptable) && !errors.Is(err, zipstream.ErrFormat)
}

// afterEnd checks what can be said once all has been read.
func (a *arrived) afterEnd(file string) error {
	if !a.whole {
		return fmt.Errorf("%s is missing", SignatureFile)
	}
	for name := range a.seen {
		if _, known := a.names[name]; !known {
			return a.wasAdded(name)
		}
	}
	base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), SealedExt), ArchiveExt)
	return a.ownName(base)
}

// entries reads one entry after the other. It returns nil where the archive ends as it should.
func (a *arrived) entries(ctx context.Context, z *zipstream.Reader) error {
	for {
		e, err := z.Next()
		if errors.Is(err, io.EOF) && !isCut(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.note(e.Note); err != nil {
			return err
		}
		name, err := a.nameOf(e.Name)
		if err != nil {
			return err
		}
		if err := a.entry(ctx, name, e); err != nil {
			return err
		}
	}
}

// nameOf is the name in the case of an entry. It refuses what no run of ours writes: that is what leads out of the folder, into a
// device, or to the place of another file.
func (a *arrived) nameOf(entry string) (string, error) {
	parts := strings.Split(entry, "/")
	for _, p := range parts {
		if p == "" || SafeName(p) != p {
			return "", fmt.Errorf("the entry %q has a name that no case has", entry)
		}
	}
	if len(parts) < 3 {
		return "", fmt.Errorf("the entry %q is not in the folder of a case", entry)
	}
	prefix := path.Join(parts[:2]...)
	if a.prefix == "" {
		a.prefix = prefix
		a.verdict.Case = prefix
	}
	if prefix != a.prefix {
		return "", fmt.Errorf("the entry %q belongs to another case than %s", entry, a.prefix)
	}
	name := path.Join(parts[2:]...)
	if before, taken := a.folded[fold(name)]; taken {
		return "", fmt.Errorf("the entry %s stands twice, first as %s", name, before)
	}
	a.folded[fold(name)] = name
	return name, nil
}

// note adds what a header holds of the manifest.
func (a *arrived) note(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	r := flate.NewReader(bytes.NewReader(b))
	text, err := io.ReadAll(io.LimitReader(r, noteBytes+1))
	if err != nil || len(text) > noteBytes {
		return fmt.Errorf("%w: what a header says of the manifest was changed", zipstream.ErrFormat)
	}
	a.notes = append(a.notes, text...)
	return nil
}

// entry reads the content of one entry.
func (a *arrived) entry(ctx context.Context, name string, e *zipstream.Entry) error {
	switch {
	case a.whole:
		return fmt.Errorf("%s was added: it stands behind the last entry", name)
	case a.verdict.Seal != "" && name != SumsFile && name != SignatureFile:
		return fmt.Errorf("%s was added or moved: it stands behind the manifest", name)
	case name == ManifestFile:
		return a.manifestEntry(ctx, e)
	case name == SumsFile:
		return a.sumsEntry(e)
	case name == SignatureFile:
		return a.signatureEntry(e)
	case name == CaseFile:
		return a.caseEntry(e)
	}
	return a.item(name, e, io.Discard)
}

func (a *arrived) item(name string, e *zipstream.Entry, w io.Writer) error {
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, w), e)
	if err != nil {
		return err
	}
	if e.Dropped {
		delete(a.folded, fold(name))
		return nil
	}
	a.seen[name] = contentSum{n, hexSum(h)}
	return nil
}

func (a *arrived) caseEntry(e *zipstream.Entry) error {
	var b bytes.Buffer
	if err := a.item(CaseFile, e, &limited{&b, maxInfo}); err != nil {
		return err
	}
	return a.infoFrom(&b)
}

// A limited writer drops what is too much.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// manifestEntry checks all that was read before against the manifest.
func (a *arrived) manifestEntry(ctx context.Context, e *zipstream.Entry) error {
	same := &beginsWith{want: a.notes}
	if err := a.manifestFrom(ctx, io.TeeReader(e, same)); err != nil {
		return err
	}
	if same.differs {
		return errors.New("what the headers say of the manifest was changed: it differs from " + ManifestFile)
	}
	if a.verdict.Seal == "" {
		return errors.New("the manifest has no end line")
	}
	for name := range a.seen {
		if _, known := a.names[name]; !known {
			return a.wasAdded(name)
		}
	}
	return a.seal(a.opt.Seal)
}

// beginsWith compares what is written to it with what it should begin with.
type beginsWith struct {
	want    []byte
	differs bool
}

func (b *beginsWith) Write(p []byte) (int, error) {
	n := min(len(p), len(b.want))
	b.differs = b.differs || !bytes.Equal(p[:n], b.want[:n])
	b.want = b.want[n:]
	return len(p), nil
}

// fits holds what was read of an entry against its line.
func (a *arrived) fits(_ context.Context, l Line) error {
	got, arrived := a.seen[l.Name]
	switch {
	case !arrived:
		return fmt.Errorf("%s is missing", l.Name)
	case got.size != *l.Size:
		return fmt.Errorf("%s was changed: it has %d bytes, not %d", l.Name, got.size, *l.Size)
	case got.sum != l.SHA256:
		return fmt.Errorf("%s was changed: its SHA-256 is %s, not %s", l.Name, got.sum, l.SHA256)
	}
	return nil
}

func (a *arrived) sumsEntry(e *zipstream.Entry) error {
	if a.verdict.Seal == "" {
		return fmt.Errorf("%s stands before %s", SumsFile, ManifestFile)
	}
	a.signed = minisign.NewReader(e)
	return a.sumsFrom(a.signed)
}

func (a *arrived) signatureEntry(e *zipstream.Entry) error {
	if a.signed == nil {
		return fmt.Errorf("%s stands before %s", SignatureFile, SumsFile)
	}
	b, err := io.ReadAll(io.LimitReader(e, maxSignature))
	if err != nil {
		return err
	}
	if err := a.signature(a.signed, b); err != nil {
		return err
	}
	if path.Join(a.info.Incident, a.info.Case) != a.prefix {
		return fmt.Errorf("the entries stand in %s, and %s says that the case is %s/%s", a.prefix, CaseFile, a.info.Incident, a.info.Case)
	}
	a.whole = true
	return nil
}

// cut says what an archive without its end has. The headers hold the lines of the manifest, so what arrived is held against them.
func (a *arrived) cut(ctx context.Context, cause error) error {
	if a.verdict.Seal != "" {
		return fmt.Errorf("%w: %w; everything up to the manifest is there and unchanged: %d files, seal %s", ErrIncomplete, cause, a.verdict.Files, a.verdict.Seal)
	}
	prefix := a.verdict.Case
	a.reset()
	a.verdict.Case = prefix
	var missing []string
	a.check = func(ctx context.Context, l Line) error {
		if _, arrived := a.seen[l.Name]; !arrived {
			a.mu.Lock()
			defer a.mu.Unlock()
			missing = append(missing, l.Name)
			return nil
		}
		return a.fits(ctx, l)
	}
	if err := a.manifestFrom(ctx, bytes.NewReader(a.notes)); err != nil {
		return err
	}
	for _, name := range missing {
		a.verdict.Files--
		a.verdict.Bytes -= *a.names[name].Size
		delete(a.names, name)
	}
	var unproved []string
	for name := range a.seen {
		if _, known := a.names[name]; !known {
			unproved = append(unproved, name)
		}
	}
	msg := fmt.Sprintf("%d files up to line %d of the manifest are intact", a.verdict.Files, a.verdict.Lines)
	msg += listed("arrived whole, but their lines did not", unproved) + listed("did not arrive", missing)
	return fmt.Errorf("%w: %w: %s", ErrIncomplete, cause, msg)
}

// listed names the first of a list.
func listed(what string, names []string) string {
	const most = 10
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return fmt.Sprintf("; %s: %s%s", what, strings.Join(names, ", "), more)
}
