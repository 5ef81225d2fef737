package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"bellwether/agent/evidence"
	"bellwether/uploader"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newOpenCommand(u *ui) *cobra.Command {
	var (
		f    proofFlags
		into string
	)
	c := withArgs(command("open ARCHIVE…", func(c *cobra.Command, args []string) error {
		opt, err := f.options()
		if err != nil {
			return err
		}
		if opt.Seal != "" && len(args) > 1 {
			return usageError("open them one by one, or without --seal", "--seal is that of one case, and %d are to be opened", len(args))
		}
		return openCases(c.Context(), u, args, into, opt)
	}), cobra.MinimumNArgs(1))
	f.add(c)
	c.Flags().StringVarP(&into, "into", "o", ".", flagHelp["into"])
	return c
}

// openCases opens every one that can be opened, some side by side. The exit code is the worst of them.
func openCases(ctx context.Context, u *ui, names []string, into string, opt evidence.VerifyOptions) error {
	floor, err := uploader.ParseFloor("1%")
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(into)
	if err != nil {
		return err
	}
	dir, err := uploader.NewDir(abs, uploader.DirOptions{MinFree: floor})
	if err != nil {
		return withHint(exitFailed, err, "choose another folder with -o DIR")
	}
	defer func() { _ = dir.Close() }() // every file has been committed
	root, err := os.OpenRoot(abs)
	if err != nil {
		return err
	}
	defer root.Close()
	place := openPlace{caseStore{dir}, root}
	folder := func(incident, host string) string { return folderOf(filepath.Base(abs), incident, host) }

	var (
		mu    sync.Mutex
		worst = exitOK
		all   errgroup.Group
	)
	all.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		all.Go(func() error {
			o, err := evidence.Open(ctx, filepath.Clean(name), opt, place, folder)
			mu.Lock()
			defer mu.Unlock()
			if err == nil || o.Written+o.There > 0 && errors.Is(err, evidence.ErrIncomplete) {
				u.opened(name, filepath.Join(into, filepath.FromSlash(o.Folder)), o)
			}
			if err != nil && ctx.Err() == nil {
				err = caseRefused(err)
				u.notOpened(name, err)
				worst = worse(worst, codeOf(err))
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if worst != exitOK {
		return &exitError{code: worst}
	}
	return nil
}

// worse is the code that says more: a case that could not be opened at all, then one that is not whole.
func worse(a, b int) int {
	if a == exitFailed || b == exitFailed {
		return exitFailed
	}
	return max(a, b)
}

// folderOf is where a case goes. Whoever names the folder of the incident means that folder.
func folderOf(base, incident, host string) string {
	incident = path.Clean(incident)
	if base == incident {
		return host
	}
	return path.Join(incident, host)
}

// An openPlace is a folder that cases are opened into.
type openPlace struct {
	caseStore
	root *os.Root
}

var _ evidence.Place = openPlace{}

// Read implements [evidence.Place]: it opens regular files alone.
func (p openPlace) Read(key string) (io.ReadCloser, error) {
	name := filepath.FromSlash(key)
	st, err := p.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	return p.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
