package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"bellwether/agent/evidence"
	"bellwether/imds"
	"bellwether/uploader"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// toFlags are the flags that say where a case goes; collect and doctor share them.
type toFlags struct {
	to    []string
	s3    s3Flags
	azure azureFlags
}

func (f *toFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.to, "to", nil, flagHelp["to"])
	f.s3.add(c)
	f.azure.add(c)
	c.Flags().StringVar(&f.azure.key, "azure-key", "", flagHelp["azure-key"])
}

// A destination is an open store, and what people want to know of it.
type destination struct {
	store    evidence.Store
	name     string // as the user gave it
	using    string // the credentials, without them
	folder   string // the local directory, empty for another kind of store
	parallel int
	offset   func() (time.Duration, bool)
	free     func() (free, total uint64, err error) // nil where nobody can say
	room     func(more int64) error                 // evidence.ErrNoRoom if so many bytes don't fit; nil where nobody can say
	finish   func() error
	single   bool            // it takes one object only
	legs     []*destination  // of which it consists; nil for one
	losses   func() []string // what each of those has not taken, for people
}

// open opens the destinations as one; without --to it is the current directory.
func (f *toFlags) open(ctx context.Context, u *ui, minFree string, log *slog.Logger) (*destination, error) {
	switch len(f.to) {
	case 0:
		return f.openOne(ctx, u, ".", minFree, log)
	case 1:
		return f.openOne(ctx, u, f.to[0], minFree, log)
	}
	return f.openSeveral(ctx, u, minFree, log)
}

func openDir(to, minFree string) (*destination, error) {
	floor, err := uploader.ParseFloor(minFree)
	if err != nil {
		return nil, usageError("--min-free 5%", "--min-free: %w", err)
	}
	abs, err := filepath.Abs(to)
	if err != nil {
		return nil, usageError("--to DIR", "--to: %w", err)
	}
	store, err := uploader.NewDir(abs, uploader.DirOptions{MinFree: floor})
	if err != nil {
		return nil, withHint(exitFailed, err, hintDestination)
	}
	if free, total, err := store.Free(); err == nil && free < floor.Bytes(total) {
		return nil, withHint(exitFailed, fmt.Errorf("%s has %s free, less than --min-free %s (%s)",
			abs, humanize.IBytes(free), floor, humanize.IBytes(floor.Bytes(total))), hintFloor)
	}
	return &destination{
		store: caseStore{store}, name: to, using: "directory", folder: abs, parallel: 1, free: store.Free,
		offset: func() (time.Duration, bool) { return 0, false },
		room:   func(more int64) error { return roomIn(store, floor, more) },
		finish: func() error { return errors.Join(store.Sync(), store.Close()) },
	}, nil
}

func (f *toFlags) openS3(ctx context.Context, u *ui, to string, log *slog.Logger) (*destination, error) {
	url, err := uploader.ParseS3URL(to)
	if err != nil {
		return nil, usageError("--to s3://bucket/prefix", "--to: %w", err)
	}
	opt := f.s3.options(u)
	opt.URL, opt.Logger = url, log
	store, err := uploader.NewS3(ctx, opt)
	if err != nil {
		return nil, withHint(exitFailed, err, hintS3)
	}
	return &destination{
		store: caseStore{store}, name: to, using: store.Describe(), parallel: store.Parallel(), offset: store.ClockOffset,
		finish: func() error { return nil },
	}, nil
}

func (d *destination) close() error { return d.finish() }

// where is the place of a case for people.
func (d *destination) where(name string) string {
	if d.legs != nil {
		return d.whereAll(name)
	}
	if d.folder != "" {
		return filepath.Join(d.folder, filepath.FromSlash(name))
	}
	return strings.TrimSuffix(d.name, "/") + "/" + name
}

// incident is the local directory of an incident's cases, or "".
func (d *destination) incident(name string) string {
	if d.folder == "" {
		return ""
	}
	return filepath.Join(d.folder, name)
}

// clockOffset is how far the store's clock is ahead of this host's.
func (d *destination) clockOffset() (time.Duration, bool) { return d.offset() }

// A caseStore shows a store to a case: the one that writes evidence and the one that moves it know nothing of each other.
type caseStore struct{ s uploader.Store }

var _ evidence.Store = caseStore{}

// Create implements [evidence.Store].
func (c caseStore) Create(ctx context.Context, key string, meta evidence.Meta) (evidence.Object, error) {
	o, err := c.s.Create(ctx, key, uploader.Meta(meta))
	if err != nil {
		return nil, caseError(err)
	}
	return caseObject{o}, nil
}

type caseObject struct{ uploader.Object }

func (o caseObject) Write(p []byte) (int, error) {
	n, err := o.Object.Write(p)
	return n, caseError(err)
}

func (o caseObject) Commit() error { return caseError(o.Object.Commit()) }

// caseError tells the case whether the store can take nothing more, or only not this item.
func caseError(err error) error {
	if errors.Is(err, uploader.ErrFloor) || errors.Is(err, uploader.ErrFull) ||
		errors.Is(err, uploader.ErrTooLarge) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", evidence.ErrNoRoom, err)
	}
	return err
}

// s3Flags are the flags that say how to reach S3; what writes and what reads share them.
type s3Flags struct {
	region   string
	endpoint string
	file     string // with credentials
	profile  string // in that file
}

func (f *s3Flags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.region, "s3-region", "", flagHelp["s3-region"])
	flags.StringVar(&f.endpoint, "s3-endpoint", "", flagHelp["s3-endpoint"])
	flags.StringVar(&f.file, "s3-credentials", "", flagHelp["s3-credentials"])
	flags.StringVar(&f.profile, "s3-profile", "", flagHelp["s3-profile"])
}

// options chooses the credentials: those of a file, of the environment, or of the instance's role. The environment may name an endpoint
// only beside its own credentials.
func (f *s3Flags) options(u *ui) uploader.S3Options {
	service := imds.New("")
	opt := uploader.S3Options{Endpoint: f.endpoint, Getenv: u.getenv, IMDS: service}
	switch {
	case f.file == "-":
		opt.Credentials = uploader.ReaderCredentials("standard input", u.in, f.profile)
	case f.file != "":
		opt.Credentials = uploader.FileCredentials(f.file, f.profile)
	case u.getenv("AWS_ACCESS_KEY_ID") != "":
		opt.Credentials = uploader.EnvCredentials(u.getenv)
		opt.Endpoint = firstOf(f.endpoint, u.getenv("AWS_ENDPOINT_URL_S3"), u.getenv("AWS_ENDPOINT_URL"))
	default:
		opt.Credentials = uploader.InstanceCredentials(service)
	}
	opt.Region = firstOf(f.region, u.getenv("AWS_REGION"), u.getenv("AWS_DEFAULT_REGION"))
	if opt.Region == "" && opt.Endpoint != "" {
		opt.Region = "us-east-1" // what stores that aren't AWS take where they have no regions
	}
	return opt
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
