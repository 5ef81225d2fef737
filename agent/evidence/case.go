package evidence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sync"
	"time"

	"bellwether/collectors"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"
)

// What the books of a case set aside, in bytes, so that they can be finished when the store is full: enough for the manifest of some
// thousand items.
const (
	manifestReserve  = 2 << 20
	sumsReserve      = 512 << 10
	signatureReserve = 4 << 10
	reportReserve    = 128 << 10
)

// Info is case.json: who, where, when. The parts that other packages know are theirs to shape.
type Info struct {
	Schema   int       `json:"schema"`
	Incident string    `json:"incident"`
	Case     string    `json:"case"`
	Started  time.Time `json:"started"` // UTC
	Host     any       `json:"host"`
	Clock    any       `json:"clock,omitempty"`
	Tool     any       `json:"tool"`
	Operator any       `json:"operator"`
	Profiles any       `json:"profiles"`
	Options  any       `json:"options"`
	Key      string    `json:"signing_key"` // public half of the key that signs SHA256SUMS
}

// Options are what a case needs besides its store.
type Options struct {
	Info     Info
	Name     func(start time.Time) string // names the case's folder, see [CaseName]
	Taps     []Tap
	Encrypt  []age.Recipient // nobody else can read the case; empty: it is not encrypted
	Archive  *ArchiveOptions // the case is one zip file; nil: an object for each item
	MaxBytes int64           // of all items together; 0 means no limit
	InFlight int             // items that are committed to the store side by side; at least 1
	OnLine   func(Line)      // called with every line of the manifest but the last, one at a time; may be nil
	// OnFinding is called with every finding, by several goroutines at once; may be nil.
	OnFinding func(Finding)
	Now       func() time.Time
	Wait      func(time.Duration) // sleeps; for a folder name that is taken
}

// A Case keeps the items of one run. It may be used by several goroutines at once.
type Case struct {
	ctx      context.Context
	base     Store    // that the caller gave
	store    Store    // in which the items are: base, or what archives or encrypts into it
	clear    Store    // for what is never encrypted but with an archive: SHA256SUMS and its signature
	archive  *archive // nil if there is none
	signer   *signer
	opt      Options
	prefix   string
	names    *namer
	budget   budget
	commits  errgroup.Group
	findings findings

	mu        sync.Mutex // guards what follows
	manifest  *book
	sums      *book
	signature *book
	log       *book
	chain     chain
	totals    Totals
	noRoom    bool
	refused   int   // items in a row that the store had no room for
	fatal     error // of the store: no item can be kept any more
	broken    error // of the books: not even a line can be kept
}

var _ collectors.AnomalySink = (*Case)(nil)

// New claims a folder for the case, which no other run has or gets, and writes case.json into it. The context governs everything that
// the case writes, until Close has returned.
func New(ctx context.Context, store Store, opt Options) (*Case, error) {
	key, err := newSigner()
	if err != nil {
		return nil, err
	}
	opt.Info.Key = key.key()
	c := &Case{ctx: ctx, base: store, store: store, clear: store, signer: key, opt: opt, names: newNamer(), budget: budget{max: opt.MaxBytes}}
	c.commits.SetLimit(max(1, opt.InFlight))
	if len(opt.Encrypt) > 0 {
		c.store = sealing{store, opt.Encrypt}
	}
	line, err := c.claim()
	if err != nil {
		return nil, err
	}
	if err := c.openBooks(); err != nil {
		return nil, errors.Join(err, c.abandon())
	}
	return c, c.record(line)
}

// abandon drops an archive in which nothing is.
func (c *Case) abandon() error {
	if c.archive == nil {
		return nil
	}
	return c.archive.abort()
}

// enter makes the archive, if there is to be one, that the case is kept in.
func (c *Case) enter() error {
	if c.opt.Archive == nil {
		return nil
	}
	a, err := newArchive(c.ctx, c.base, c.prefix, c.opt.Encrypt, c.opt.Now, *c.opt.Archive)
	if err != nil {
		return taken(err)
	}
	c.archive, c.store, c.clear = a, a, a
	return nil
}

func (c *Case) openBooks() error {
	for _, b := range []struct {
		name    string
		reserve int64
		to      **book
	}{
		{ManifestFile, manifestReserve, &c.manifest},
		{SumsFile, sumsReserve, &c.sums},
		{SignatureFile, signatureReserve, &c.signature},
		{LogFile, reportReserve, &c.log},
		{FindingsFile, reportReserve, &c.findings.jsonl},
		{HitsFile, reportReserve, &c.findings.hits},
	} {
		opened, err := c.openBook(b.name, b.reserve)
		if err != nil {
			return err
		}
		*b.to = opened
	}
	c.chain.w = c.manifest
	if c.archive != nil {
		c.chain.w = io.MultiWriter(c.manifest, writerFunc(c.archive.note))
	}
	return nil
}

// claim writes case.json under a folder name that is still free. The name holds the second of the start, so a taken name is free a
// second later.
func (c *Case) claim() (Line, error) {
	const tries = 30
	for range tries {
		start := c.opt.Now().UTC().Truncate(time.Second)
		name := c.opt.Name(start)
		c.prefix = path.Join(c.opt.Info.Incident, name)
		c.opt.Info.Case, c.opt.Info.Started = name, start
		b, err := encode(c.opt.Info)
		if err != nil {
			return Line{}, fmt.Errorf("encoding %s: %w", CaseFile, err)
		}
		b = append(b, '\n')
		line := c.ownLine(CaseFile, int64(len(b)), hashOf(b))
		if err = c.enter(); err == nil {
			line.SizeStored, line.SHA256Stored, err = c.put(CaseFile, b)
		}
		if err == nil {
			return line, nil
		}
		if !errors.Is(err, errTaken) {
			return Line{}, fmt.Errorf("starting the case %s: %w", c.prefix, err)
		}
		c.opt.Wait(time.Second)
	}
	return Line{}, fmt.Errorf("starting the case: the folder %s and those of the seconds before it exist already", c.prefix)
}

// put writes a file at once. It returns size and digest of what is stored, if that is something else.
func (c *Case) put(name string, b []byte) (size *int64, sum string, err error) {
	o, err := c.create(name, Meta{Size: int64(len(b))})
	if err != nil {
		return nil, "", err
	}
	if _, err := o.Write(b); err != nil {
		return nil, "", errors.Join(err, o.Abort())
	}
	if err := o.Commit(); err != nil {
		return nil, "", taken(err)
	}
	size, sum = storedOf(o)
	return size, sum, nil
}

func (c *Case) create(name string, meta Meta) (Object, error) { return c.createIn(c.store, name, meta) }

func (c *Case) createIn(store Store, name string, meta Meta) (Object, error) {
	o, err := store.Create(c.ctx, path.Join(c.prefix, name), meta)
	return o, taken(err)
}

// Name returns the case's place in its store: incident/folder.
func (c *Case) Name() string { return c.prefix }

// Log returns the writer of bellwether.log. It never fails: what can't be kept of the log is lost.
func (c *Case) Log() io.Writer { return quiet{c.log} }

// Add implements [collectors.Sink].
func (c *Case) Add(item *collectors.Item, write func(io.Writer) error) error {
	if write == nil || item.Name == "" {
		return c.record(lineOf(item)) // also when the store is full: the manifest has set room aside
	}
	if err := c.failure(); err != nil {
		return err
	}
	if !c.budget.fits(item.SizeHint) {
		return c.leaveOut(item, c.budget.reason())
	}
	name := c.names.assign(item.Name)
	object, err := c.create(name, Meta{ModTime: item.ModTime, Mode: item.Perm, Size: item.SizeHint})
	if err != nil {
		return c.storeFailed(item, err)
	}
	w := c.newItemWriter(name, object)
	writeErr := write(w)
	line := lineOf(item)
	line.Name, line.Scan = name, w.closeTaps()
	w.describe(&line, writeErr)
	if w.storeErr != nil {
		return errors.Join(c.storeFailed(item, w.storeErr), object.Abort())
	}
	if w.size == 0 && line.Status == collectors.Failed && !ran(item) {
		line.Name, line.Size, line.SHA256 = "", nil, ""
		return errors.Join(c.record(line), object.Abort())
	}
	return c.commit(item, object, line)
}

// ran reports whether a command was started: then even an empty output is a file.
func ran(item *collectors.Item) bool { return item.ExitCode != nil || item.Signal != "" }

// commit makes the item permanent, beside others if the store gains by that, and then gives it its line.
func (c *Case) commit(item *collectors.Item, object Object, line Line) error {
	finish := func() error {
		if err := object.Commit(); err != nil {
			return c.storeFailed(item, err)
		}
		line.SizeStored, line.SHA256Stored = storedOf(object)
		return c.record(line)
	}
	if c.opt.InFlight <= 1 {
		return finish()
	}
	c.commits.Go(func() error {
		if err := finish(); err != nil {
			c.fail(err)
		}
		return nil
	})
	return nil
}

// The beginnings of reasons that have nothing to do with the host.
const (
	NotKept    = "not kept: "            // the item was read, and the store has not taken it
	OverBudget = "over the run's budget" // the item was left out, or cut, at Options.MaxBytes
)

// storeFailed records an item that the store has not taken. It returns an error if the store can take nothing more.
func (c *Case) storeFailed(item *collectors.Item, err error) error {
	line := lineOf(item)
	line.Status, line.Reason = collectors.Failed, NotKept+err.Error()
	if errors.Is(err, ErrNoRoom) && c.lacksRoom() {
		return c.record(line)
	}
	err = fmt.Errorf("keeping %s: %w", item.Source, err)
	recordErr := c.record(line)
	c.fail(err)
	return errors.Join(err, recordErr)
}

// maxRefused is how many items in a row a store may have no room for: after that it is full, and the lines of further ones would only
// use up what the manifest has set aside.
const maxRefused = 100

// lacksRoom notes that the store had no room for an item, and reports whether others are worth a try.
func (c *Case) lacksRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noRoom = true
	c.refused++
	return c.refused < maxRefused
}

func (c *Case) leaveOut(item *collectors.Item, reason string) error {
	line := lineOf(item)
	line.Status, line.Reason = collectors.Skipped, reason
	return c.record(line)
}

// record appends an item's line to the manifest, and its hash to the sums.
func (c *Case) record(line Line) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	line.Time = c.opt.Now().UTC()
	if _, err := c.chain.append(line); err != nil {
		c.broken = err
		return err
	}
	c.totals.count(line)
	if c.opt.OnLine != nil {
		c.opt.OnLine(line)
	}
	if line.Name == "" {
		return nil
	}
	c.refused = 0
	return c.sum(line.Name, line.SHA256, line.SHA256Stored)
}

// sum appends a line that `sha256sum -c` reads: of what is stored.
func (c *Case) sum(name, content, stored string) error {
	if stored != "" {
		name, content = name+SealedExt, stored
	}
	if _, err := io.WriteString(io.MultiWriter(c.sums, c.signer), content+"  "+name+"\n"); err != nil {
		c.broken = fmt.Errorf("writing %s: %w", SumsFile, err)
		return c.broken
	}
	return nil
}

func (c *Case) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.broken, c.fatal)
}

func (c *Case) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fatal = cmp.Or(c.fatal, err)
}

// Wait returns when every item that was added so far has its line.
func (c *Case) Wait() { _ = c.commits.Wait() } // the goroutines return nil: their errors are in c.fatal

// A Summary is what a run has to show for itself.
type Summary struct {
	Case   string
	Seal   string
	Totals Totals
	Key    string // public half of the key that has signed SHA256SUMS
	Place  string // where the case is in its store: its folder, or the archive
	SHA256 string // of the archive, empty without one
	Size   int64  // of the archive
}

// Close ends the case: it waits for the items that are still under way, closes the books, and writes the end line. missing says what
// the run did not reach; together with what the store did not take it decides whether the case is complete. After an error there
// is no end line, or it did not reach the store.
func (c *Case) Close(missing ...string) (Summary, error) {
	c.Wait()
	missing = append(missing, c.notTaken()...)
	seal, err := c.closeBooks(missing)
	if c.archive != nil {
		err = errors.Join(err, c.archive.close())
	}
	if err != nil {
		return c.summary(""), err
	}
	return c.summary(seal), nil
}

func (c *Case) closeBooks(missing []string) (seal string, err error) {
	if err := c.closeReports(); err != nil {
		return "", err
	}
	return c.end(missing)
}

// notTaken says what the store did not take.
func (c *Case) notTaken() (missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.noRoom {
		missing = append(missing, "the store had no room for some items")
	}
	if c.fatal != nil {
		missing = append(missing, c.fatal.Error())
	}
	return missing
}

// closeReports commits the books that have a line in the manifest.
func (c *Case) closeReports() error {
	for _, b := range []*book{c.findings.hits, c.findings.jsonl, c.log} {
		if err := b.commit(); err != nil {
			return err
		}
		line := c.ownLine(b.name, b.size, b.sum())
		line.SizeStored, line.SHA256Stored = storedOf(b.object)
		if err := c.record(line); err != nil {
			return err
		}
	}
	return nil
}

func (c *Case) end(missing []string) (seal string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals.Findings = c.findings.n.Load()
	c.totals.Complete = len(missing) == 0
	c.totals.Missing = slices.Compact(missing)
	totals := c.totals
	if seal, err = c.chain.append(Line{Kind: kindEnd, Time: c.opt.Now().UTC(), Totals: &totals}); err != nil {
		return "", err
	}
	if err := c.manifest.commit(); err != nil {
		return "", err
	}
	_, stored := storedOf(c.manifest.object)
	if err := c.sum(ManifestFile, c.manifest.sum(), stored); err != nil {
		return "", err
	}
	if err := c.sums.commit(); err != nil {
		return "", err
	}
	if _, err := c.signature.Write(c.signer.sign(comment(c.prefix, seal, totals.Complete))); err != nil {
		return "", fmt.Errorf("writing %s: %w", SignatureFile, err)
	}
	return seal, c.signature.commit()
}

func (c *Case) summary(seal string) Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Summary{Case: c.prefix, Seal: seal, Totals: c.totals, Key: c.signer.key(), Place: c.prefix}
	if c.archive != nil {
		s.Place, s.SHA256, s.Size = c.archive.name, hexSum(c.archive.out.hash), c.archive.out.size
	}
	return s
}

// ownLine is the manifest line of one of the case's own files.
func (c *Case) ownLine(name string, size int64, sum string) Line {
	status := collectors.OK
	if size == 0 {
		status = collectors.Empty
	}
	return Line{Kind: kindItem, Collector: "bellwether", Name: name, Source: "bellwether", Status: status, Size: &size, SHA256: sum}
}

// hexSum is the digest of what a hash has seen.
func hexSum(h interface{ Sum([]byte) []byte }) string {
	return hex.EncodeToString(h.Sum(make([]byte, 0, sha256.Size)))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
