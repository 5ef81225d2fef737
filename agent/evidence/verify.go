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
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// ErrIncomplete is what [Verify] says of a case without an end line. What is there has been checked.
var ErrIncomplete = errors.New("the case is incomplete")

// A Verdict is what was found of a case.
type Verdict struct {
	Seal   string // empty if there is no end line
	Lines  int64  // manifest lines, the end line included
	Files  int64  // whose hash was checked
	Bytes  int64  // of those
	Totals Totals // as the end line has them
}

// Verify checks the case in a folder: the manifest's chain, every file against its line, that no file is missing or was added, and
// SHA256SUMS. seal, if not empty, is what the manifest must be sealed with. The error names the first thing that is wrong; it
// wraps ErrIncomplete if the manifest has no end, and nothing else is wrong.
func Verify(ctx context.Context, folder, seal string) (Verdict, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return Verdict{}, fmt.Errorf("opening the case: %w", err)
	}
	defer root.Close()
	v := verifier{root: root, sums: map[string]string{}}
	if err := v.manifest(ctx); err != nil {
		return v.verdict, err
	}
	if err := v.seal(seal); err != nil {
		return v.verdict, err
	}
	if v.verdict.Seal == "" {
		return v.verdict, v.incomplete(ctx)
	}
	if err := v.sumsFile(); err != nil {
		return v.verdict, err
	}
	return v.verdict, v.added(ctx, func(name string) error {
		return fmt.Errorf("%s was added: it has no line in the manifest", name)
	})
}

type verifier struct {
	root    *os.Root
	verdict Verdict
	sums    map[string]string // what SHA256SUMS must hold

	mu       sync.Mutex
	firstBad error
	firstSeq int64
}

// manifest reads the chain and checks every file that it names.
func (v *verifier) manifest(ctx context.Context) error {
	f, err := v.open(ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no case: there is no %s", ManifestFile)
	}
	if err != nil {
		return fmt.Errorf("opening the manifest: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	chain := newChainReader(io.TeeReader(f, sum))
	err = v.lines(ctx, chain)
	if v.firstBad != nil {
		return v.firstBad
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		v.verdict.Lines = chain.seq
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", ManifestFile, err)
	}
	v.verdict.Seal, v.verdict.Lines = chain.prev, chain.seq
	v.sums[ManifestFile] = hexSum(sum)
	return nil
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
			if err := v.file(ctx, l); err != nil {
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
	if _, twice := v.sums[l.Name]; twice {
		return fmt.Errorf("line %d names %s, which a line before it names too", n, l.Name)
	}
	if l.Size == nil || len(l.SHA256) != 2*sha256.Size {
		return fmt.Errorf("line %d names %s without its size and hash", n, l.Name)
	}
	v.sums[l.Name] = l.SHA256
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
	st, err := v.root.Lstat(l.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing", l.Name)
	case err != nil:
		return fmt.Errorf("looking at %s: %w", l.Name, err)
	case !st.Mode().IsRegular():
		return fmt.Errorf("%s is no longer a regular file", l.Name)
	case st.Size() != *l.Size:
		return fmt.Errorf("%s was changed: it has %d bytes, not %d", l.Name, st.Size(), *l.Size)
	}
	f, err := v.open(l.Name)
	if err != nil {
		return fmt.Errorf("opening %s: %w", l.Name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return fmt.Errorf("reading %s: %w", l.Name, err)
	}
	if got := hexSum(h); got != l.SHA256 {
		return fmt.Errorf("%s was changed: its SHA-256 is %s, not %s", l.Name, got, l.SHA256)
	}
	return nil
}

func (v *verifier) seal(want string) error {
	switch {
	case want == "" || strings.EqualFold(want, v.verdict.Seal):
		return nil
	case v.verdict.Seal == "":
		return fmt.Errorf("%w: the manifest has no end line, so it has no seal", ErrIncomplete)
	}
	return fmt.Errorf("the seal is %s, not %s: this is not the manifest that the run sealed", v.verdict.Seal, strings.ToLower(want))
}

// incomplete says what a run that was cut off has left.
func (v *verifier) incomplete(ctx context.Context) error {
	var open []string
	err := v.added(ctx, func(name string) error {
		open = append(open, name)
		return nil
	})
	if err != nil {
		return err
	}
	books := []string{SumsFile, LogFile, FindingsFile, HitsFile}
	open = slices.DeleteFunc(open, func(s string) bool { return slices.Contains(books, s) })
	msg := fmt.Sprintf("the manifest has no end line; %d files up to line %d are intact", v.verdict.Files, v.verdict.Lines)
	if len(open) > 0 {
		msg += fmt.Sprintf("; without a line, so not finished: %s", strings.Join(open, ", "))
	}
	return fmt.Errorf("%w: %s", ErrIncomplete, msg)
}

// sumsFile holds SHA256SUMS against the manifest.
func (v *verifier) sumsFile() error {
	f, err := v.open(SumsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", SumsFile)
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", SumsFile, err)
	}
	defer f.Close()
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
		case string(hash) != want && string(name) == ManifestFile:
			return fmt.Errorf("%s was changed: its SHA-256 is %s, not %s as in %s", ManifestFile, want, hash, SumsFile)
		case string(hash) != want:
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
		case d.IsDir() || name == ManifestFile || (name == SumsFile && v.verdict.Seal != ""):
			return nil
		}
		if _, known := v.sums[name]; known {
			return nil
		}
		return report(name)
	})
}
