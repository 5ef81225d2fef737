package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"bellwether/imds"
	"bellwether/uploader"

	"github.com/spf13/cobra"
)

// maxDestinations is how many destinations a run may have: each part of evidence is sent to all of them side by side.
const maxDestinations = 8

// azureFlags are the flags that say how to reach Azure Blob Storage; what writes and what reads share them.
type azureFlags struct {
	sas      string // a file with a SAS token
	key      string // a file with the key of the account; only of what writes
	endpoint string
}

func (f *azureFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.sas, "azure-sas", "", flagHelp["azure-sas"])
	c.Flags().StringVar(&f.endpoint, "azure-endpoint", "", flagHelp["azure-endpoint"])
}

// options chooses the credentials, least power first: a SAS token of a file or of the environment, the account key if one is given, or
// else the managed identity.
func (f *azureFlags) options(u *ui) uploader.AzureOptions {
	opt := uploader.AzureOptions{Endpoint: f.endpoint}
	switch {
	case f.sas != "":
		opt.Credentials = uploader.SASFileCredentials(f.sas)
	case u.getenv("AZURE_STORAGE_SAS_TOKEN") != "":
		opt.Credentials = uploader.SASEnvCredentials(u.getenv)
	case f.key == "":
		opt.Credentials = uploader.ManagedIdentityCredentials(imds.New(""), "")
	}
	return opt
}

// openOne opens one destination.
func (f *toFlags) openOne(ctx context.Context, u *ui, to, minFree string, log *slog.Logger) (*destination, error) {
	d, err := f.openKind(ctx, u, to, minFree, log)
	if err == nil {
		log.Info("destination", "to", d.name, "credentials", d.using)
	}
	return d, err
}

func (f *toFlags) openKind(ctx context.Context, u *ui, to, minFree string, log *slog.Logger) (*destination, error) {
	if name, ok := strings.CutPrefix(to, "@"); ok {
		return f.openTicket(ctx, u, name, minFree, log)
	}
	scheme, _, isURL := strings.Cut(to, "://")
	switch {
	case to == "":
		return nil, usageError("--to DIR or --to s3://bucket/prefix", "--to is empty")
	case !isURL:
		return openDir(to, minFree)
	case scheme == "s3":
		return f.openS3(ctx, u, to, log)
	case scheme == "azblob":
		return f.openAzure(ctx, u, to, minFree, log)
	case scheme == "https" || scheme == "http":
		return nil, usageError(hintSecret, "--to: a URL that is signed is a secret, which the list of processes would show to others")
	}
	return nil, usageError("--to DIR, s3://bucket/prefix, azblob://account/container/prefix or @FILE", "--to: no store for %.40s://", scheme)
}

func (f *toFlags) openAzure(ctx context.Context, u *ui, to, minFree string, log *slog.Logger) (*destination, error) {
	url, err := uploader.ParseAzureStoreURL(to)
	if err != nil {
		return nil, usageError("--to azblob://account/container/prefix --azure-sas FILE", "--to: %w", err)
	}
	opt := f.azure.options(u)
	opt.URL = url
	if opt.Credentials == nil {
		opt.Credentials = uploader.AccountKeyCredentials(f.azure.key, url)
	}
	return newAzure(ctx, opt, minFree, log)
}

func newAzure(ctx context.Context, opt uploader.AzureOptions, minFree string, log *slog.Logger) (*destination, error) {
	scratch, err := scratchOf(minFree)
	if err != nil {
		return nil, err
	}
	opt.Scratch, opt.Logger = scratch, log
	store, err := uploader.NewAzure(ctx, opt)
	if err != nil {
		return nil, withHint(exitFailed, err, hintAzure)
	}
	return &destination{
		store: caseStore{store}, name: store.String(), using: store.Describe(), parallel: store.Parallel(), offset: store.ClockOffset,
		finish: func() error { return nil },
	}, nil
}

// scratchOf is where objects are kept that a store takes whole only, in the system's folder for temporary files.
func scratchOf(minFree string) (uploader.Scratch, error) {
	floor, err := uploader.ParseFloor(minFree)
	if err != nil {
		return uploader.Scratch{}, usageError("--min-free 5%", "--min-free: %w", err)
	}
	return uploader.Scratch{MinFree: floor}, nil
}

// openTicket opens what a file, or standard input (-), leads to: a URL of any kind, or the form of a POST policy.
func (f *toFlags) openTicket(ctx context.Context, u *ui, name, minFree string, log *slog.Logger) (*destination, error) {
	text, err := readTicket(u, name)
	if err != nil {
		return nil, withHint(exitFailed, err, hintTicket)
	}
	line := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(line, "s3://"):
		return f.openS3(ctx, u, line, log)
	case strings.HasPrefix(line, "azblob://"):
		return f.openAzure(ctx, u, line, minFree, log)
	case uploader.IsContainerSAS(line):
		url, endpoint, err := uploader.ParseContainerSAS(line)
		if err != nil {
			return nil, withHint(exitFailed, fmt.Errorf("reading %s: %w", name, err), hintTicket)
		}
		opt := uploader.AzureOptions{URL: url, Endpoint: endpoint, Credentials: uploader.SASFileCredentials(name)}
		if name == "-" {
			opt.Credentials = uploader.SASTextCredentials("standard input", line)
		}
		return newAzure(ctx, opt, minFree, log)
	}
	source := uploader.TicketFile(name)
	if name == "-" {
		source = uploader.TicketText("standard input", text)
	}
	return openPresigned(source, minFree, log)
}

func readTicket(u *ui, name string) (string, error) {
	if name == "-" {
		return uploader.ReadSecretFrom(u.in)
	}
	return uploader.ReadSecret(name)
}

func openPresigned(source *uploader.TicketSource, minFree string, log *slog.Logger) (*destination, error) {
	scratch, err := scratchOf(minFree)
	if err != nil {
		return nil, err
	}
	store, err := uploader.NewPresigned(uploader.PresignedOptions{Ticket: source, Scratch: scratch, Limits: uploader.Limits{Logger: log}})
	if err != nil {
		return nil, withHint(exitFailed, err, hintTicket)
	}
	return &destination{
		store: caseStore{store}, name: store.String(), using: store.Describe(), parallel: store.Parallel(), offset: store.ClockOffset,
		finish: func() error { return nil }, single: store.Single(),
	}, nil
}

// openSeveral opens all destinations as one, in which every object goes to each.
func (f *toFlags) openSeveral(ctx context.Context, u *ui, minFree string, log *slog.Logger) (*destination, error) {
	if len(f.to) > maxDestinations {
		return nil, usageError("run collect once more for the others", "--to is given %d times; %d destinations are the most", len(f.to), maxDestinations)
	}
	all := &destination{}
	var legs []uploader.Leg
	for _, to := range f.to {
		d, err := f.openOne(ctx, u, to, minFree, log)
		if err != nil {
			return nil, errors.Join(err, all.closeLegs())
		}
		all.legs = append(all.legs, d)
		all.single = all.single || d.single
		legs = append(legs, uploader.Leg{Name: d.name, Store: d.store.(caseStore).s})
	}
	fan := uploader.NewFan(uploader.Limits{Logger: log}, legs...)
	all.store, all.parallel, all.finish = caseStore{fan}, fan.Parallel(), all.closeLegs
	all.name = all.joined(func(d *destination) string { return d.name })
	all.using = all.joined(func(d *destination) string { return d.using })
	all.offset = all.legs[0].offset
	for _, d := range all.legs {
		if d.folder == "" {
			all.offset = d.offset // that of a store that answers
		}
	}
	all.losses = func() []string { return lossesOf(fan) }
	return all, nil
}

func (d *destination) closeLegs() error {
	var errs []error
	for _, leg := range d.legs {
		errs = append(errs, leg.close())
	}
	return errors.Join(errs...)
}

// joined is what all destinations have to say of themselves.
func (d *destination) joined(say func(*destination) string) string {
	var all []string
	for _, leg := range d.legs {
		all = append(all, say(leg))
	}
	return strings.Join(all, ", ")
}

func (d *destination) whereAll(name string) string {
	return d.joined(func(leg *destination) string { return leg.where(name) })
}

// each is every destination for itself.
func (d *destination) each() []*destination {
	if d.legs == nil {
		return []*destination{d}
	}
	return d.legs
}

// lost says which of several destinations lacks what, and is empty if none does.
func (d *destination) lost() []string {
	if d.losses == nil {
		return nil
	}
	return d.losses()
}

func lossesOf(fan *uploader.Fan) (all []string) {
	for _, l := range fan.Losses() {
		all = append(all, fmt.Sprintf("%s has not taken %d objects, the first because of: %v", l.Name, l.Objects, l.First))
	}
	return all
}
