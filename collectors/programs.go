package collectors

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // the digests of dpkg
	"crypto/sha1" //nolint:gosec // the digests of apk
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"bellwether/collectors/pkgdb"
	"bellwether/profiles"
)

// fileMagic is what the first bytes of a file say.
type fileMagic uint8

const (
	noMagic fileMagic = iota
	magicELF
	magicScript // #!
)

// magicOf looks at the first bytes of a file.
func magicOf(b []byte) fileMagic {
	switch {
	case bytes.HasPrefix(b, []byte("\x7fELF")):
		return magicELF
	case bytes.HasPrefix(b, []byte("#!")):
		return magicScript
	}
	return noMagic
}

// digests are what one read of a file gave.
type digests struct {
	sha256  string // hex; empty if the file was not read to its end
	wanted  string // by the package's algorithm, hex
	reason  string // why there is none
	checked bool
	intact  bool
	md5     string
}

// packaged is what the package databases say of a file.
type packaged struct {
	pkgdb.File
	known bool
}

// programs looks into files that may be programs: first bytes, SHA-256 and the digest of the package in one read. The walk opens the
// files, the readers read them side by side with it.
type programs struct {
	env   *Env
	step  profiles.Step
	index *pkgdb.Index
	keep  func(*entry) error

	jobs    chan job
	readers sync.WaitGroup
	ctx     context.Context //nolint:containedctx // of start: the readers end with wait
	mu      sync.Mutex
	failed  error
	once    map[fileID]digests // of files with several names
}

type job struct {
	e *entry
	f *os.File
}

// maxLinked bounds how many files with several names are remembered.
const maxLinked = 50_000

func newPrograms(env *Env, step profiles.Step, index *pkgdb.Index, keep func(*entry) error) *programs {
	return &programs{env: env, step: step, index: index, keep: keep, once: map[fileID]digests{}}
}

func (p *programs) packaged(path string) packaged {
	f, ok := p.index.Lookup(path)
	return packaged{f, ok}
}

// settledAfter is how long after a package came its files may still be changed by its own scripts.
const settledAfter = time.Hour

// wants reports whether a file is to be looked into: what may be run or loaded, and what no package vouches for.
func (p *programs) wants(e *entry) bool {
	st := e.info
	switch {
	case st.mode.Perm()&0o111 != 0:
		return st.size > 0 || e.packaged.known
	case isLibraryName(e.name):
		return true
	case !e.packaged.known:
		return st.size >= smallestELF
	case p.step.Verify == profiles.VerifyAll && e.packaged.Algorithm != pkgdb.None:
		return true
	}
	placed := e.packaged.Package.Time
	return !placed.IsZero() && st.ctime.After(placed.Add(settledAfter))
}

// smallestELF is the size of a header of ELF, in bytes.
const smallestELF = 52

// isLibraryName reports whether a name is one that is loaded without a right to be executed: libraries and kernel modules.
func isLibraryName(name string) bool {
	for _, part := range []string{".so", ".ko"} {
		if i := strings.LastIndex(name, part); i >= 0 && (len(name) == i+3 || name[i+3] == '.') {
			return true
		}
	}
	return false
}

// start starts the readers. They end with wait.
func (p *programs) start(ctx context.Context) {
	p.ctx, p.jobs = ctx, make(chan job, 4)
	for range max(1, runtime.GOMAXPROCS(0)) {
		p.readers.Go(func() {
			buf := make([]byte, bufferSize)
			for j := range p.jobs {
				p.read(j, buf)
			}
		})
	}
}

func (p *programs) wait() {
	close(p.jobs)
	p.readers.Wait()
}

// open opens a file that is wanted, and hands it with a copy of its entry to a reader. The error is the sink's.
func (p *programs) open(e *entry) error {
	if err := p.error(); err != nil {
		return err
	}
	f, st, err := e.in.openFile(e.name)
	if err != nil {
		e.digests.reason = plain(err)
		return p.keep(e)
	}
	st.marks |= e.info.marks
	one := *e
	one.info, one.caps = st, e.at.volume.capability(f)
	p.jobs <- job{&one, f}
	return nil
}

func (p *programs) error() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// read looks into a file and keeps what it found.
func (p *programs) read(j job, buf []byte) {
	defer j.f.Close()
	e := j.e
	c := newCacheUse(j.f, e.info.size)
	defer c.giveBack()
	n, err := j.f.ReadAt(buf[:min(int64(len(buf)), firstRead)], 0)
	if err != nil && n == 0 && e.info.size > 0 {
		e.digests.reason = plain(err)
	}
	e.magic = magicOf(buf[:n])
	if p.digestWanted(e) {
		p.digest(e, c, buf, n)
	}
	if err := p.keep(e); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failed = err
	}
}

// firstRead is how much of a file is read to see what it is, in bytes: a page.
const firstRead = 4096

// isProgram reports whether a file is a program or library.
func (e *entry) isProgram() bool {
	return e.magic == magicELF || e.magic == magicScript && e.info.mode.Perm()&0o111 != 0
}

// digestWanted reports whether a file is to be read to its end.
func (p *programs) digestWanted(e *entry) bool {
	if e.isProgram() {
		return true
	}
	if !e.packaged.known || e.packaged.Algorithm == pkgdb.None {
		return false
	}
	return p.step.Verify == profiles.VerifyAll || e.info.mode.Perm()&0o111 != 0 || isLibraryName(e.name)
}

// digest reads a file to its end, or takes what was found under another of its names.
func (p *programs) digest(e *entry, c *cacheUse, buf []byte, have int) {
	id := fileID{e.info.dev, e.info.ino}
	if e.info.links > 1 {
		p.mu.Lock()
		d, ok := p.once[id]
		p.mu.Unlock()
		if ok && (!e.packaged.known || e.packaged.Algorithm == pkgdb.MD5 && d.md5 != "") {
			e.digests = d
			p.compare(e, d.md5)
			return
		}
	}
	if e.info.size > p.step.MaxFileSize {
		e.digests.reason = fmt.Sprintf("larger than the limit of %d bytes", p.step.MaxFileSize)
		return
	}
	sum, other := sha256.New(), packageHash(e.packaged)
	c.readOn()
	read, err := p.readAll(c.f, e.info.size, buf, have, sum, other)
	if err != nil {
		e.digests.reason = fmt.Sprintf("read %d of %d bytes: %s", read, e.info.size, plain(err))
		return
	}
	e.digests.sha256 = hex.EncodeToString(sum.Sum(nil))
	got := e.digests.sha256
	if other != nil {
		got = hex.EncodeToString(other.Sum(nil))
	}
	p.compare(e, got)
	if e.packaged.known && e.packaged.Algorithm == pkgdb.MD5 {
		e.digests.md5 = got
	}
	if e.info.links > 1 {
		p.mu.Lock()
		if len(p.once) < maxLinked {
			p.once[id] = e.digests
		}
		p.mu.Unlock()
	}
}

// readAll hands a file to the hashes. The first bytes stand in buf already.
func (p *programs) readAll(f *os.File, size int64, buf []byte, have int, sum, other hash.Hash) (int64, error) {
	at := int64(0)
	for n := have; ; {
		sum.Write(buf[:n])
		if other != nil {
			other.Write(buf[:n])
		}
		if at += int64(n); at >= size {
			return at, nil
		}
		if p.ctx.Err() != nil {
			return at, context.Cause(p.ctx)
		}
		var err error
		n, err = f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if n == 0 && err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return at, err
		}
	}
}

// packageHash makes the hash that a package's digest was made with, or nil where SHA-256 is enough.
func packageHash(k packaged) hash.Hash {
	if !k.known {
		return nil
	}
	switch k.Algorithm {
	case pkgdb.MD5:
		return md5.New() //nolint:gosec // what dpkg has
	case pkgdb.SHA1:
		return sha1.New() //nolint:gosec // what apk has
	case pkgdb.SHA224:
		return sha256.New224()
	case pkgdb.SHA384:
		return sha512.New384()
	case pkgdb.SHA512:
		return sha512.New()
	}
	return nil
}

// compare holds a digest against the package's. A config file is compared, too: the rule passes it over.
func (p *programs) compare(e *entry, got string) {
	if !e.packaged.known || e.packaged.Algorithm == pkgdb.None || got == "" {
		return
	}
	raw, err := hex.DecodeString(got)
	if err != nil {
		return
	}
	e.digests.checked = true
	e.digests.intact = p.index.Matches(e.path, e.packaged.Algorithm, raw)
	e.digests.wanted = got
}
