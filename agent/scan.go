package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"bellwether/agent/evidence"
	"bellwether/agent/ioc"
	"bellwether/collectors"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	iocs  []string
	json  bool
	list  bool
	count bool
}

func newScanCommand(u *ui) *cobra.Command {
	var f scanFlags
	c := withArgs(command("scan PATH...", func(c *cobra.Command, args []string) error { return scan(c.Context(), u, f, args) }),
		cobra.MinimumNArgs(1))
	flags := c.Flags()
	flags.StringArrayVar(&f.iocs, "iocs", nil, flagHelp["iocs"])
	flags.BoolVar(&f.json, "json", false, flagHelp["json-hits"])
	flags.BoolVarP(&f.list, "files-with-matches", "l", false, flagHelp["list"])
	flags.BoolVarP(&f.count, "count", "c", false, flagHelp["count"])
	c.MarkFlagsMutuallyExclusive("json", "files-with-matches", "count")
	return c
}

// scan looks for indicators in files, several at once, and prints what it finds in the order of the files. Its exit code is grep's.
func scan(ctx context.Context, u *ui, f scanFlags, paths []string) error {
	if len(f.iocs) == 0 {
		return usageError("bellwether scan --iocs indicators.txt /var/log", "no indicators: give a list with --iocs")
	}
	set, err := loadIndicators(f.iocs, u.in)
	if err != nil {
		return err
	}
	s := &scanner{ui: u, flags: f, set: set, queue: newTurns(u.out)}
	s.workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range paths {
		if err := s.path(ctx, p); err != nil {
			s.fail(p, err)
		}
	}
	err = s.workers.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return withHint(exitUsage, fmt.Errorf("writing the hits: %w", err), "")
	case s.failed.Load():
		return &exitError{code: exitUsage}
	case s.hits.Load() == 0:
		return &exitError{code: exitFailed}
	}
	return nil
}

// A scanner scans many files.
type scanner struct {
	ui      *ui
	flags   scanFlags
	set     *ioc.Set
	queue   *turns
	workers errgroup.Group
	hits    atomic.Int64
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
	out := s.queue.next()
	s.workers.Go(func() error {
		defer r.Close()
		defer out.end()
		return s.file(ctx, name, r, out)
	})
}

func (s *scanner) file(ctx context.Context, name string, r io.Reader, out *turn) error {
	lines, last := int64(0), int64(-1)
	var writeErr error
	err := s.set.ScanReader(ctx, name, r, func(h ioc.Hit) {
		s.hits.Add(1)
		again := h.Line == last
		last = h.Line
		if !again {
			lines++
		}
		if writeErr == nil && !s.flags.list && !s.flags.count {
			writeErr = s.hit(out, name, h, again)
		}
	})
	if err != nil && ctx.Err() == nil {
		s.fail(name, err)
	}
	switch {
	case writeErr != nil:
		return writeErr
	case s.flags.count:
		_, writeErr = fmt.Fprintf(out, "%s:%d\n", name, lines)
	case s.flags.list && lines > 0:
		_, writeErr = fmt.Fprintln(out, name)
	}
	return writeErr
}

// hit prints a hit: in text each line once, as JSON each indicator of it.
func (s *scanner) hit(out io.Writer, name string, h ioc.Hit, again bool) error {
	if s.flags.json {
		return writeJSON(out, findingOf(name, h))
	}
	if again {
		return nil
	}
	_, err := io.WriteString(out, evidence.HitLine(name, h.Line, string(h.Text)))
	return err
}
