package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"bellwether/agent/ioc"
	"bellwether/collectors"
	"bellwether/uploader"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	iocs  iocFlags
	from  sourceFlags
	json  bool
	list  bool
	count bool
	stats bool
	color string
}

func newScanCommand(u *ui) *cobra.Command {
	var f scanFlags
	c := withArgs(command("scan PATH...", func(c *cobra.Command, args []string) error { return scan(c.Context(), u, f, args) }),
		cobra.MinimumNArgs(1))
	f.iocs.add(c, 0)
	f.from.add(c)
	flags := c.Flags()
	flags.BoolVar(&f.json, "json", false, flagHelp["json-hits"])
	flags.BoolVarP(&f.list, "files-with-matches", "l", false, flagHelp["list"])
	flags.BoolVarP(&f.count, "count", "c", false, flagHelp["count"])
	flags.BoolVar(&f.stats, "stats", false, flagHelp["stats"])
	flags.StringVar(&f.color, "color", "auto", flagHelp["color"])
	c.MarkFlagsMutuallyExclusive("json", "files-with-matches", "count")
	return c
}

// scan looks for indicators in files, several at once, and prints what it finds in the order of the files. Its exit code is grep's.
func scan(ctx context.Context, u *ui, f scanFlags, paths []string) error {
	if len(f.iocs.files) == 0 {
		return withHint(exitUsage, errNoIndicators, "bellwether scan --iocs indicators.txt /var/log")
	}
	if slices.Contains(f.iocs.files, "-") && slices.Contains(paths, "-") {
		return usageError("bellwether scan --iocs FILE -", "standard input can't be both the indicators and what is scanned")
	}
	paint, err := u.painter(f.color)
	if err != nil {
		return err
	}
	f.iocs.sources = &f.from
	set, err := f.iocs.load(ctx, u)
	if err != nil {
		return err
	}
	s := &scanner{ui: u, flags: f, set: set, paint: paint, queue: newTurns(u.out), tally: newScanTally(f.iocs.maxHits)}
	s.workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range paths {
		if err := s.path(ctx, p); err != nil {
			s.fail(p, err)
		}
	}
	err = s.workers.Wait()
	if f.stats {
		u.scanStats(s.tally, set)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, syscall.EPIPE): // head has seen enough
		return &exitError{code: exitUsage}
	case err != nil:
		return withHint(exitUsage, fmt.Errorf("writing the hits: %w", err), "")
	case s.failed.Load():
		return &exitError{code: exitUsage}
	case s.tally.all() == 0:
		return &exitError{code: exitFailed}
	}
	return nil
}

// A scanner scans many files.
type scanner struct {
	ui      *ui
	flags   scanFlags
	set     *ioc.Set
	paint   painter
	queue   *turns
	workers errgroup.Group
	tally   *scanTally
	failed  atomic.Bool
}

func (s *scanner) fail(path string, err error) {
	s.failed.Store(true)
	s.ui.warn(path, err)
}

// path scans a file, everything below a folder, or standard input.
func (s *scanner) path(ctx context.Context, path string) error {
	if path == "-" {
		s.add(ctx, "stdin", io.NopCloser(s.ui.in))
		return nil
	}
	if uploader.IsSourceURL(path) {
		return s.source(ctx, path)
	}
	if !isFolder(path) {
		f, err := openScanned(path)
		if err != nil {
			return err
		}
		s.add(ctx, path, f)
		return nil
	}
	return collectors.Files(ctx, path, func(file, reason string, failed bool, open func() (*os.File, error)) error {
		if open == nil {
			if failed {
				s.fail(file, errors.New(reason))
			}
			return nil
		}
		f, err := open()
		if err != nil {
			s.fail(file, err)
			return nil
		}
		s.add(ctx, file, f)
		return nil
	})
}

// source scans every object of a bucket or a container below a prefix.
func (s *scanner) source(ctx context.Context, url string) error {
	src, err := s.flags.from.open(ctx, s.ui, url)
	if err != nil {
		return err
	}
	return src.List(ctx, func(e uploader.Entry) error {
		s.addLater(ctx, src.Name(e.Key), func() (io.ReadCloser, error) { return src.Open(ctx, e.Key) })
		return nil
	})
}

// openScanned opens a file that the user names: links are followed, a named pipe is read as grep would.
func openScanned(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("no such file or directory")
	}
	return f, err
}

// add scans one stream, beside others.
func (s *scanner) add(ctx context.Context, name string, r io.ReadCloser) {
	s.addLater(ctx, name, func() (io.ReadCloser, error) { return r, nil })
}

// addLater opens a stream when its turn to be scanned has come.
func (s *scanner) addLater(ctx context.Context, name string, open func() (io.ReadCloser, error)) {
	out := s.queue.next()
	s.workers.Go(func() error {
		defer out.end()
		r, err := open()
		if err != nil {
			s.fail(name, err)
			return nil
		}
		defer r.Close()
		return s.file(ctx, name, r, out)
	})
}

// A fileScan is the scan of one stream.
type fileScan struct {
	s     *scanner
	name  string
	out   *turn
	place place // of the last hit
	lines int64 // with hits
	err   error // of writing
}

// A place is a line of a stream.
type place struct {
	line           int64
	member, inside string
}

func (s *scanner) file(ctx context.Context, name string, r io.Reader, out *turn) error {
	f := &fileScan{s: s, name: name, out: out, place: place{line: -1}}
	for _, i := range s.set.MatchName(name) {
		f.hit(ioc.Hit{Indicator: i, Text: []byte(name), Inside: "name"})
	}
	counted := &countingReader{r: r}
	if err := s.set.ScanReader(ctx, name, counted, f.hit); err != nil && ctx.Err() == nil {
		s.fail(name, err)
	}
	s.tally.file(counted.n)
	switch {
	case f.err != nil:
		return f.err
	case s.flags.count:
		_, f.err = fmt.Fprintf(out, "%s:%d\n", s.paint.name(name), f.lines)
	case s.flags.list && f.lines > 0:
		_, f.err = fmt.Fprintln(out, s.paint.name(name))
	}
	return f.err
}

// hit prints a hit: as text each line once, as JSON each indicator of it.
func (f *fileScan) hit(h ioc.Hit) {
	s := f.s
	listed := s.tally.add(h.Indicator)
	at := place{h.Line, h.Member, h.Inside}
	again := at == f.place
	f.place = at
	if !again {
		f.lines++
	}
	if f.err != nil || !listed || s.flags.list || s.flags.count {
		return
	}
	found := findingOf(f.name, h)
	switch {
	case s.flags.json:
		found.Time = time.Now().UTC()
		f.err = writeJSON(f.out, found)
	case !again:
		_, f.err = io.WriteString(f.out, s.paint.hit(found))
	}
}

// A countingReader counts what is read, and what is read twice once. It can seek if r can.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Seek(offset int64, whence int) (int64, error) {
	s, ok := c.r.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	at, err := s.Seek(offset, whence)
	if err == nil && whence == io.SeekStart {
		c.n = at
	}
	return at, err
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
