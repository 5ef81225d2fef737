package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"bellwether/agent/evidence"
	"bellwether/agent/ioc"

	"github.com/spf13/cobra"
)

// iocFlags are the flags that name lists of indicators and say how they are read; collect and scan share them.
type iocFlags struct {
	files     []string
	lenient   bool
	private   bool
	unflagged bool
	dashed    bool
	format    string
	typ       string
	columns   string
	maxHits   int
	sources   *sourceFlags // how lists in a bucket are reached
}

func (f *iocFlags) add(c *cobra.Command, maxHits int) {
	flags := c.Flags()
	flags.StringArrayVar(&f.files, "iocs", nil, flagHelp["iocs"])
	flags.BoolVar(&f.lenient, "lenient", false, flagHelp["lenient"])
	flags.BoolVar(&f.private, "private", false, flagHelp["private"])
	flags.BoolVar(&f.unflagged, "unflagged", false, flagHelp["unflagged"])
	flags.BoolVar(&f.dashed, "dashed", false, flagHelp["dashed"])
	flags.StringVar(&f.format, "iocs-format", "", flagHelp["iocs-format"])
	flags.StringVar(&f.typ, "iocs-type", "", flagHelp["iocs-type"])
	flags.StringVar(&f.columns, "iocs-columns", "", flagHelp["iocs-columns"])
	flags.IntVar(&f.maxHits, "max-hits", maxHits, flagHelp["max-hits"])
}

// load reads all lists; "-" is standard input. It returns nil if there are none.
func (f *iocFlags) load(ctx context.Context, u *ui) (*ioc.Set, error) {
	if len(f.files) == 0 {
		return nil, nil
	}
	opt, err := f.options(u)
	if err != nil {
		return nil, err
	}
	// Nearly all of what lists are read into stays, so collecting garbage meanwhile finds none. The limit of memory holds all the same.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var all []ioc.Indicator
	for _, name := range f.files {
		list, err := f.loadList(ctx, u, opt, name)
		if err != nil {
			return nil, withHint(exitUsage, err, hintIndicators)
		}
		if all == nil {
			all = list
			continue
		}
		all = append(all, list...)
	}
	set, err := ioc.NewSet(all, f.matching()...)
	if err != nil {
		return nil, withHint(exitUsage, fmt.Errorf("indicators: %w", err), hintIndicators)
	}
	if set.Len() == 0 {
		return nil, usageError(hintIndicators, "no indicator in %s", strings.Join(f.files, ", "))
	}
	return set, nil
}

// matching is what the flags say about how indicators are found.
func (f *iocFlags) matching() []ioc.Option {
	if f.dashed {
		return []ioc.Option{ioc.Dashed}
	}
	return nil
}

func (f *iocFlags) options(u *ui) (ioc.Options, error) {
	opt := ioc.Options{Private: f.private, Unflagged: f.unflagged, Format: ioc.Format(f.format), Type: ioc.Type(f.typ)}
	if f.lenient {
		opt.Warn = u.warning
	}
	if f.columns == "" {
		return opt, nil
	}
	var err error
	if opt.Columns, err = parseColumns(f.columns); err != nil {
		return opt, usageError("--iocs-columns value=ip,type=kind", "--iocs-columns: %w", err)
	}
	return opt, nil
}

// parseColumns reads value=NAME,type=NAME,comment=NAME,score=NAME, where NAME is a header's word or a number from 1.
func parseColumns(s string) (c ioc.Columns, err error) {
	to := map[string]*string{"value": &c.Value, "type": &c.Type, "comment": &c.Comment, "score": &c.Score}
	for part := range strings.SplitSeq(s, ",") {
		key, name, ok := strings.Cut(part, "=")
		field := to[strings.TrimSpace(key)]
		if !ok || field == nil || strings.TrimSpace(name) == "" {
			return c, fmt.Errorf("%q: want value=, type=, comment= or score= and the name or number of a column", part)
		}
		*field = strings.TrimSpace(name)
	}
	if c.Value == "" {
		return c, errors.New("the column of the values is not named")
	}
	return c, nil
}

func (f *iocFlags) loadList(ctx context.Context, u *ui, opt ioc.Options, name string) ([]ioc.Indicator, error) {
	if name == "-" {
		return opt.Read("stdin", u.in)
	}
	r, err := f.sources.openList(ctx, u, name)
	if err != nil {
		return nil, fmt.Errorf("opening the indicators: %w", err)
	}
	defer r.Close()
	return opt.Read(name, r)
}

// findingOf says in the words of a case where an indicator was found.
func findingOf(name string, h ioc.Hit) evidence.Finding {
	f := indicatorFinding(name, h.Indicator)
	f.Line, f.Offset, f.Text, f.Inside, f.Member = h.Line, h.Offset, string(h.Text), h.Inside, h.Member
	return f
}

func indicatorFinding(name string, i *ioc.Indicator) evidence.Finding {
	return evidence.Finding{
		Kind: evidence.IOC, Indicator: i.Value, Type: string(i.Type), Source: i.Sources, Comment: i.Comment, Score: i.Score, Severity: "high", Name: name,
	}
}

// errNoIndicators is what scan says without a list.
var errNoIndicators = errors.New("no indicators: give a list with --iocs")
