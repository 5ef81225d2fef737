package evidence

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"bellwether/agent/evidence/zipstream"

	"filippo.io/age"
	"github.com/klauspost/compress/flate"
)

// The endings of names.
const (
	ArchiveExt = ".zip"
	SealedExt  = ".age"
)

const (
	// archiveMemory is what all entries together hold in memory before the rest goes to the temporary file, in bytes.
	archiveMemory = 8 << 20
	// streamFrom is what an entry holds before it is written as it comes, if no other is.
	streamFrom = 128 << 10
	// archiveReserve is what the archive sets aside, so that the books can be written when the store is full.
	archiveReserve = 8 << 20
	// roomEvery is how many bytes are written between two looks at the room that is left.
	roomEvery = 4 << 20
	// noteBytes is what one note takes of the manifest, before it is deflated.
	noteBytes = 48 << 10
)

// ArchiveOptions are what an archive needs besides its store.
type ArchiveOptions struct {
	Scratch     func() (*os.File, error) // makes the file for what doesn't fit into memory; it is removed at the end
	ScratchRoom func(more int64) error   // ErrNoRoom if the file must not grow by so much; nil: it may
	Room        func(more int64) error   // the same for the store
}

// archive is a store inside one object of another: a zip file that is written from front to back.
//
// Several objects are open at once, and a zip file holds one behind the other. So one of them, the first that grows large, is written as it comes;
// the others are kept deflated, in bounded memory and then in a temporary file, until they are committed and no entry is being written. Nobody
// ever waits for another object: whoever feeds several at once (the walk) can't block himself.
type archive struct {
	opt     ArchiveOptions
	prefix  string // of the case
	name    string // of the object
	now     func() time.Time
	packers *packers
	scratch *scratch
	object  Object

	mu        sync.Mutex // guards what follows
	zip       *zipstream.Writer
	buffer    *bufio.Writer
	age       io.WriteCloser // nil if it is not encrypted
	out       *digest
	names     map[string]bool // of the entries at the top: those that no namer gives
	streaming *archived
	ready     []*archived // committed while another was streaming
	notes     []byte      // of the manifest, for the next header
	guarded   int64
}

// A digest hashes and counts what passes to the store.
type digest struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

func newDigest(w io.Writer) *digest { return &digest{w: w, hash: sha256.New()} }

func (d *digest) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.hash.Write(p[:n])
	d.size += int64(n)
	return n, err
}

// newArchive starts the archive of the case at prefix.
func newArchive(ctx context.Context, base Store, prefix string, to []age.Recipient, now func() time.Time, opt ArchiveOptions) (*archive, error) {
	a := &archive{
		opt: opt, prefix: prefix, name: prefix + ArchiveExt, now: now, packers: newPackers(), names: map[string]bool{},
		scratch: &scratch{open: opt.Scratch, room: opt.ScratchRoom, max: archiveMemory},
	}
	if len(to) > 0 {
		a.name += SealedExt
	}
	var err error
	if a.object, err = base.Create(ctx, a.name, Meta{Size: -1, Reserve: archiveReserve}); err != nil {
		return nil, err
	}
	a.out = newDigest(a.object)
	inner := io.Writer(a.out)
	if len(to) > 0 {
		if a.age, err = age.Encrypt(a.out, to...); err != nil {
			return nil, errors.Join(fmt.Errorf("encrypting the archive: %w", err), a.object.Abort())
		}
		inner = a.age
	}
	a.buffer = bufio.NewWriterSize(inner, 64<<10)
	a.zip = zipstream.NewWriter(a.buffer, &spool{s: a.scratch})
	return a, nil
}

// Create implements [Store].
func (a *archive) Create(_ context.Context, key string, meta Meta) (Object, error) {
	if path.Dir(key) == a.prefix && !a.claim(key) {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrExist)
	}
	if meta.ModTime.IsZero() {
		meta.ModTime = a.now()
	}
	if meta.Mode == 0 {
		meta.Mode = 0o600
	}
	e := &archived{a: a, name: key, meta: meta, spool: &spool{s: a.scratch}}
	e.pack = a.packers.begin(e.emit)
	return e, nil
}

// claim takes a name, and reports whether it was free.
func (a *archive) claim(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.names[key] {
		return false
	}
	a.names[key] = true
	return true
}

// note takes bytes of the manifest, which go into the next local headers: a cut archive can so be proved as far as it goes.
func (a *archive) note(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notes = append(a.notes, p...)
	return len(p), nil
}

// header takes the notes along.
func (a *archive) header(e *archived) zipstream.Header {
	h := zipstream.Header{Name: e.name, Mode: e.meta.Mode, ModTime: e.meta.ModTime}
	if len(a.notes) == 0 {
		return h
	}
	n := min(len(a.notes), noteBytes)
	var b bytes.Buffer
	if err := flate.StatelessDeflate(&b, a.notes[:n], true, nil); err != nil || b.Len() > zipstream.MaxNote {
		return h
	}
	h.Note = b.Bytes()
	a.notes = append(a.notes[:0], a.notes[n:]...)
	return h
}

// room looks now and then whether the store may take more. The books are exempt: room was set aside for them.
func (a *archive) room(e *archived) error {
	if e.meta.Reserve > 0 || a.opt.Room == nil || a.out.size+e.spool.size-a.guarded < roomEvery && a.guarded > 0 {
		return nil
	}
	if err := a.opt.Room(max(e.spool.size, roomEvery)); err != nil {
		return err
	}
	a.guarded = max(a.out.size, 1)
	return nil
}

// take writes deflated bytes of an entry, or keeps them.
func (a *archive) take(e *archived, p []byte) error {
	if a.streaming == e {
		if err := a.room(e); err != nil {
			return err
		}
		_, err := e.body().Write(p)
		return err
	}
	if _, err := e.spool.Write(p); err != nil {
		return err
	}
	if a.streaming != nil || e.meta.Reserve > 0 || e.spool.size < streamFrom {
		return nil
	}
	if err := a.room(e); err != nil {
		return err
	}
	if err := a.zip.Begin(a.header(e)); err != nil {
		return err
	}
	a.streaming = e
	_, err := e.spool.WriteTo(e.body())
	return err
}

// keep appends an entry that is whole.
func (a *archive) keep(e *archived) error {
	if err := a.room(e); err != nil {
		return err
	}
	method := zipstream.Deflate
	if e.pack.plain {
		method = zipstream.Store
	}
	return a.zip.Add(a.header(e), method, e.pack.crc.Sum32(), e.pack.size, e.spool.size, e.spool)
}

// end ends the entry that is being written, and appends those that have waited for it.
func (a *archive) end(e *archived, keep bool) error {
	a.streaming = nil
	if e.pack.plain {
		if err := (framed{a.zip}).end(); err != nil {
			return err
		}
	}
	if err := a.zip.End(e.pack.crc.Sum32(), e.pack.size, keep); err != nil {
		return err
	}
	return a.flushReady()
}

func (a *archive) flushReady() error {
	for len(a.ready) > 0 {
		e := a.ready[0]
		a.ready = a.ready[1:]
		if err := a.keep(e); err != nil {
			return err
		}
	}
	return nil
}

// close writes the end, and makes the archive permanent. After an error what there is of it is kept all the same.
func (a *archive) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.flushReady()
	if err == nil {
		err = a.zip.Close()
	}
	err = errors.Join(err, a.buffer.Flush())
	if a.age != nil {
		err = errors.Join(err, a.age.Close())
	}
	return errors.Join(err, a.object.Commit(), a.scratch.close())
}

func (a *archive) abort() error {
	return errors.Join(a.object.Abort(), a.scratch.close())
}

// archived is one entry.
type archived struct {
	a     *archive
	name  string
	meta  Meta
	pack  *packer
	spool *spool
	done  bool
}

// Write implements [Object].
func (e *archived) Write(p []byte) (int, error) {
	if e.done {
		return 0, fs.ErrClosed
	}
	return e.pack.Write(p)
}

func (e *archived) emit(p []byte) error {
	e.a.mu.Lock()
	defer e.a.mu.Unlock()
	return e.a.take(e, p)
}

// body is where the bytes of the entry go while it is being written.
func (e *archived) body() io.Writer {
	if e.pack.plain {
		return framed{e.a.zip}
	}
	return e.a.zip
}

// Commit implements [Object].
func (e *archived) Commit() error {
	if e.done {
		return fs.ErrClosed
	}
	if err := e.pack.finish(); err != nil {
		return errors.Join(err, e.Abort())
	}
	e.done = true
	e.a.mu.Lock()
	defer e.a.mu.Unlock()
	switch {
	case e.a.streaming == e:
		return e.a.end(e, true)
	case e.a.streaming == nil:
		return e.a.keep(e)
	}
	e.a.ready = append(e.a.ready, e)
	return nil
}

// Abort implements [Object]. An entry that has begun ends here, and stands in no directory.
func (e *archived) Abort() error {
	if e.done {
		return fs.ErrClosed
	}
	e.done = true
	e.pack.abandon()
	e.a.mu.Lock()
	defer e.a.mu.Unlock()
	e.spool.drop()
	if e.a.streaming != e {
		return nil
	}
	if !e.pack.plain {
		e.pack.plain = true // the last block is one without content
	}
	return e.a.end(e, false)
}
