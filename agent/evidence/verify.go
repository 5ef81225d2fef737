package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"aead.dev/minisign"
	"filippo.io/age"
	"golang.org/x/sync/errgroup"
)

// ErrIncomplete is what [Verify] says of a case without an end line. What is there has been checked.
var ErrIncomplete = errors.New("the case is incomplete")

// ErrTruncated is what [Verify] says besides of an incomplete case that was once complete.
var ErrTruncated = errors.New("its end was cut off later")

// A Verdict is what was found of a case.
type Verdict struct {
	Seal   string // empty if there is no end line
	Lines  int64  // manifest lines, the end line included
	Files  int64  // whose hash was checked
	Bytes  int64  // of those
	Totals Totals // as the end line has them
	Case   string // INCIDENT/CASE as the case itself says, empty if that can't be read
	Key    string // that has signed SHA256SUMS
	Stored bool   // only what is stored was checked: there was no private key
}

// VerifyOptions are what a case is held against besides itself.
type VerifyOptions struct {
	Seal       string         // that the run printed, if not empty
	Key        string         // that the run printed, public half; if empty the one that the case names is taken
	Identities []age.Identity // private keys, for a case that is encrypted
}

// Verify checks the case in a folder, or the archive of one: the manifest's chain, every file against its line, that no file is missing or
// was added, SHA256SUMS and its signature. The error names the first thing that is wrong; it wraps ErrIncomplete if the manifest has no
// end, or the archive was cut, and nothing else is wrong.
func Verify(ctx context.Context, name string, opt VerifyOptions) (Verdict, error) {
	st, err := os.Stat(name)
	if err != nil {
		return Verdict{}, fmt.Errorf("opening the case: %w", err)
	}
	if !st.IsDir() {
		a, err := readArchive(ctx, name, opt)
		return a.verdict, err
	}
	v, err := verifyFolder(ctx, name, opt)
	return v.verdict, err
}

func verifyFolder(ctx context.Context, folder string, opt VerifyOptions) (*verifier, error) {
	v := newVerifier(opt)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return v, fmt.Errorf("opening the case: %w", err)
	}
	defer root.Close()
	v.root = root
	if err := v.look(); err != nil {
		return v, err
	}
	if v.sealed && len(opt.Identities) == 0 {
		return v, v.withoutKey(ctx)
	}
	if err := v.manifest(ctx); err != nil {
		return v, err
	}
	v.verdict.Case = path.Join(v.info.Incident, v.info.Case)
	if v.verdict.Seal == "" {
		return v, v.incomplete(ctx)
	}
	if err := v.seal(opt.Seal); err != nil {
		return v, err
	}
	if err := v.ownName(filepath.Base(folder)); err != nil {
		return v, err
	}
	if err := v.sumsAndSignature(); err != nil {
		return v, err
	}
	return v, v.added(ctx, v.wasAdded)
}

func (v *verifier) wasAdded(name string) error {
	return fmt.Errorf("%s was added: it has no line in the manifest", name)
}

type verifier struct {
	opt     VerifyOptions
	root    *os.Root // of a folder
	sealed  bool     // the folder holds NAME.age for each NAME
	verdict Verdict
	sums    map[string]string                 // what SHA256SUMS must hold; without a value what can't be known
	names   map[string]Line                   // by name, with what is needed of them
	info    Info                              // what case.json says, as far as it was read
	check   func(context.Context, Line) error // holds a file against its line

	mu       sync.Mutex
	firstBad error
	firstSeq int64
}

func newVerifier(opt VerifyOptions) *verifier {
	v := &verifier{opt: opt}
	v.check = v.file
	v.reset()
	return v
}

// reset forgets what was read.
func (v *verifier) reset() {
	v.verdict, v.sums, v.names, v.firstBad = Verdict{}, map[string]string{}, map[string]Line{}, nil
}

// look finds out in which form the folder holds its case.
func (v *verifier) look() error {
	for _, name := range []string{ManifestFile, ManifestFile + SealedExt} {
		switch _, err := v.root.Lstat(name); {
		case err == nil:
			v.sealed = name != ManifestFile
			return nil
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("opening the manifest: %w", err)
		}
	}
	return fmt.Errorf("no case: there is no %s", ManifestFile)
}

// manifest reads the chain and checks every file that it names.
func (v *verifier) manifest(ctx context.Context) error {
	f, err := v.openBook(ManifestFile)
	if err != nil {
		return fmt.Errorf("opening the manifest: %w", err)
	}
	defer f.Close()
	if err := v.manifestFrom(ctx, f.content); err != nil {
		return err
	}
	if !v.sealed || v.verdict.Seal == "" {
		return nil
	}
	stored, err := f.storedSum()
	if err != nil {
		return fmt.Errorf("reading the manifest: %w", err)
	}
	v.sums[ManifestFile+SealedExt] = stored
	return nil
}

func (v *verifier) manifestFrom(ctx context.Context, r io.Reader) error {
	sum := sha256.New()
	chain := newChainReader(io.TeeReader(r, sum))
	err := v.lines(ctx, chain)
	if v.sealed && isUndecryptable(err) {
		err = io.ErrUnexpectedEOF // a run that was cut off leaves half a piece
	}
	if v.firstBad != nil {
		return v.firstBad
	}
	if infoErr := v.readInfo(); infoErr != nil {
		return infoErr
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		v.verdict.Lines = chain.seq
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", ManifestFile, err)
	}
	v.verdict.Seal, v.verdict.Lines = chain.prev, chain.seq
	if v.encrypted() {
		v.sums[ManifestFile+SealedExt] = "" // of bytes that a folder which was opened hasn't any more
	} else {
		v.sums[ManifestFile] = hexSum(sum)
	}
	return nil
}

// encrypted reports whether the run has encrypted each object, as the lines say.
func (v *verifier) encrypted() bool {
	return v.names[CaseFile].SHA256Stored != ""
}

// lines reads the chain to its end, while the files that it names are checked.
func (v *verifier) lines(ctx context.Context, chain *chainReader) error {
	var files errgroup.Group
	defer func() { _ = files.Wait() }() // what they find is in v.firstBad
	files.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l, err := chain.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if l.Totals != nil {
			v.verdict.Totals = *l.Totals
		}
		if l.Name == "" {
			continue
		}
		if err := v.name(chain.seq, l); err != nil {
			return err
		}
		v.verdict.Files++
		v.verdict.Bytes += *l.Size
		files.Go(func() error {
			if err := v.check(ctx, l); err != nil {
				v.bad(l.Seq, err)
			}
			return nil
		})
	}
}

// bad remembers what is wrong with the file of the lowest line.
func (v *verifier) bad(seq int64, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.firstBad == nil || seq < v.firstSeq {
		v.firstBad, v.firstSeq = err, seq
	}
}

// name refuses what no run of ours writes, before anything is opened by that name.
func (v *verifier) name(n int64, l Line) error {
	if !filepath.IsLocal(l.Name) || path.Clean(l.Name) != l.Name || strings.Contains(l.Name, `\`) {
		return fmt.Errorf("line %d names a file outside the case: %q", n, l.Name)
	}
	if _, twice := v.names[l.Name]; twice {
		return fmt.Errorf("line %d names %s, which a line before it names too", n, l.Name)
	}
	if l.Size == nil || *l.Size < 0 || len(l.SHA256) != 2*sha256.Size {
		return fmt.Errorf("line %d names %s without its size and hash", n, l.Name)
	}
	if v.sealed && (l.SizeStored == nil || len(l.SHA256Stored) != 2*sha256.Size) {
		return fmt.Errorf("line %d names %s without size and hash of what is stored", n, l.Name)
	}
	v.names[l.Name] = Line{Seq: l.Seq, Name: l.Name, Size: l.Size, SHA256: l.SHA256, SHA256Stored: l.SHA256Stored, MTime: l.MTime, Mode: l.Mode}
	if l.SHA256Stored != "" {
		v.sums[l.Name+SealedExt] = l.SHA256Stored
	} else {
		v.sums[l.Name] = l.SHA256
	}
	return nil
}

// open opens a regular file of the case, and nothing else: no link, and nothing that could make the reader wait.
func (v *verifier) open(name string) (*os.File, error) {
	st, err := v.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := v.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(errors.New("it is no regular file"), err)
	}
	return f, nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// file checks one file against its line.
func (v *verifier) file(ctx context.Context, l Line) error {
	name, size, sum := l.Name, *l.Size, l.SHA256
	if v.sealed {
		name, size, sum = name+SealedExt, *l.SizeStored, l.SHA256Stored
	}
	st, err := v.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing", name)
	case err != nil:
		return fmt.Errorf("looking at %s: %w", name, err)
	case !st.Mode().IsRegular():
		return fmt.Errorf("%s is no longer a regular file", name)
	case st.Size() != size:
		return fmt.Errorf("%s was changed: it has %d bytes, not %d", name, st.Size(), size)
	}
	f, err := v.open(name)
	if err != nil {
		return fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if got := hexSum(h); got != sum {
		return fmt.Errorf("%s was changed: its SHA-256 is %s, not %s", name, got, sum)
	}
	if !v.sealed {
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return v.decrypted(ctx, f, l)
}

// decrypted checks the content of a file that is stored encrypted.
func (v *verifier) decrypted(ctx context.Context, f io.Reader, l Line) error {
	r, err := age.Decrypt(contextReader{ctx, f}, v.opt.Identities...)
	if err != nil {
		return fmt.Errorf("decrypting %s: %w", l.Name, err)
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, *l.Size+1))
	if err != nil {
		return fmt.Errorf("decrypting %s: %w", l.Name, err)
	}
	if got := hexSum(h); n != *l.Size || got != l.SHA256 {
		return fmt.Errorf("%s holds something else than its line says: its SHA-256 is %s, not %s", l.Name, got, l.SHA256)
	}
	return nil
}

func (v *verifier) seal(want string) error {
	if want == "" || strings.EqualFold(want, v.verdict.Seal) {
		return nil
	}
	return fmt.Errorf("the seal is %s, not %s: this is not the manifest that the run sealed", v.verdict.Seal, strings.ToLower(want))
}

// incomplete says what a run that was cut off has left. A run that has signed its case was not cut off.
func (v *verifier) incomplete(ctx context.Context) error {
	var open []string
	err := v.added(ctx, func(name string) error {
		open = append(open, name)
		return nil
	})
	if err != nil {
		return err
	}
	books := []string{SumsFile, SignatureFile, LogFile, FindingsFile, HitsFile}
	open = slices.DeleteFunc(open, func(s string) bool { return slices.Contains(books, strings.TrimSuffix(s, SealedExt)) })
	msg := fmt.Sprintf("the manifest has no end line; %d files up to line %d are intact", v.verdict.Files, v.verdict.Lines)
	if len(open) > 0 {
		msg += fmt.Sprintf("; without a line, so not finished: %s", strings.Join(open, ", "))
	}
	if st, err := v.root.Lstat(SignatureFile); err == nil && st.Size() > 0 {
		return fmt.Errorf("%w: %s; %w: the run has signed the case, so it had written the end line", ErrIncomplete, msg, ErrTruncated)
	}
	return fmt.Errorf("%w: %s", ErrIncomplete, msg)
}

// ownName refuses a case under the name of another one: what a replay of another host's would look like. A name that isn't one of a case
// tells nothing.
func (v *verifier) ownName(folder string) error {
	if !caseName.MatchString(folder) || v.info.Case == "" || folder == v.info.Case {
		return nil
	}
	return fmt.Errorf("this is another case: it is named %s, and %s says that it is %s", folder, CaseFile, v.info.Case)
}

var caseName = regexp.MustCompile(`_\d{8}T\d{6}Z$`)

// sumsAndSignature checks SHA256SUMS, and its signature with the key that the caller, or else case.json, names.
func (v *verifier) sumsAndSignature() error {
	f, err := v.open(SumsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", SumsFile)
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", SumsFile, err)
	}
	defer f.Close()
	signed := minisign.NewReader(f)
	if err := v.sumsFrom(signed); err != nil {
		return err
	}
	b, err := v.readSmall(SignatureFile, maxSignature)
	if errors.Is(err, fs.ErrNotExist) && v.info.Key == "" && v.opt.Key == "" {
		return nil // a run of before there were signatures; its case.json, which the manifest holds, names no key
	}
	if err != nil {
		return err
	}
	return v.signature(signed, b)
}

// missingFile is the error of a file that the case must have and has not.
type missingFile struct{ name string }

func (e missingFile) Error() string { return e.name + " is missing" }

func (e missingFile) Is(target error) bool { return target == fs.ErrNotExist }

// readSmall reads a file of the case that must be there.
func (v *verifier) readSmall(name string, most int64) ([]byte, error) {
	f, err := v.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingFile{name}
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// signature checks the signature of SHA256SUMS, which was read through signed, and that it is about this case.
func (v *verifier) signature(signed *minisign.Reader, b []byte) error {
	claim, err := checkSignature(signed, b, firstKey(v.opt.Key, v.info.Key))
	if err != nil {
		return err
	}
	v.verdict.Key = claim.Key
	switch {
	case v.opt.Key != "" && v.info.Key != "" && v.opt.Key != v.info.Key:
		return fmt.Errorf("%s names the key %s, not %s: this is the case of another run", CaseFile, v.info.Key, v.opt.Key)
	case claim.Seal != v.verdict.Seal:
		return fmt.Errorf("the signature is for the seal %s, not %s: it belongs to another manifest", claim.Seal, v.verdict.Seal)
	case v.info.Case != "" && claim.Case != path.Join(v.info.Incident, v.info.Case):
		return fmt.Errorf("the signature is for the case %s, not %s", claim.Case, path.Join(v.info.Incident, v.info.Case))
	}
	return nil
}

func firstKey(keys ...string) string {
	for _, k := range keys {
		if k != "" {
			return k
		}
	}
	return ""
}

// sumsFrom holds SHA256SUMS against the manifest.
func (v *verifier) sumsFrom(f io.Reader) error {
	lines := newLineReader(f, maxLine)
	seen := map[string]bool{}
	for n := 1; ; n++ {
		b, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", SumsFile, n, err)
		}
		hash, name, ok := bytes.Cut(b, []byte("  "))
		want, known := v.sums[string(name)]
		switch {
		case !ok || !known || seen[string(name)]:
			return fmt.Errorf("%s: line %d was added or changed: %q", SumsFile, n, b)
		case want == "" || string(hash) == want:
		case strings.TrimSuffix(string(name), SealedExt) == ManifestFile:
			return fmt.Errorf("%s was changed: its SHA-256 is %s, not %s as in %s", name, want, hash, SumsFile)
		default:
			return fmt.Errorf("%s: line %d was changed: the manifest has %s for %s", SumsFile, n, want, name)
		}
		seen[string(name)] = true
	}
	for name := range v.sums {
		if !seen[name] {
			return fmt.Errorf("%s: the line of %s was removed", SumsFile, name)
		}
	}
	return nil
}

// added calls report for every file that the manifest doesn't name.
func (v *verifier) added(ctx context.Context, report func(name string) error) error {
	return fs.WalkDir(v.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("looking for added files: %w", err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case d.IsDir() || v.isOwn(name):
			return nil
		}
		return report(name)
	})
}

// isOwn reports whether a file belongs to the case.
func (v *verifier) isOwn(name string) bool {
	if name == SumsFile || name == SignatureFile {
		return v.verdict.Seal != ""
	}
	plain := name
	if v.sealed {
		var ok bool
		if plain, ok = strings.CutSuffix(name, SealedExt); !ok {
			return false
		}
	}
	_, known := v.names[plain]
	return known || plain == ManifestFile
}
