package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path"
	"time"

	"bellwether/agent/evidence"
	"bellwether/agent/host"
	"bellwether/collectors"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// A check is one thing that doctor has looked at.
type check struct {
	Name string `json:"name"`
	Bad  bool   `json:"bad"` // collect would not work
	Warn bool   `json:"warn,omitempty"`
	Says string `json:"says"`
	Hint string `json:"hint,omitempty"`
}

func newDoctorCommand(u *ui) *cobra.Command {
	var (
		to      toFlags
		minFree string
		asJSON  bool
	)
	c := command("doctor", func(c *cobra.Command, _ []string) error {
		checks, err := examine(c.Context(), u, &to, minFree)
		if err != nil {
			return err
		}
		if err := u.checks(checks, asJSON); err != nil {
			return err
		}
		for _, ch := range checks {
			if ch.Bad {
				return &exitError{code: exitFailed}
			}
		}
		return nil
	})
	to.add(c)
	c.Flags().StringVar(&minFree, "min-free", "5%", flagHelp["min-free"])
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}

// examine looks at all that a run depends on. The error is one of the command line.
func examine(ctx context.Context, u *ui, to *toFlags, minFree string) ([]check, error) {
	sel, err := (&selectionFlags{maxFile: "2GiB"}).resolve()
	if err != nil {
		return nil, err
	}
	checks := []check{checkPrivileges(sel.facts), checkClock(), checkTools(sel)}
	dest, err := to.open(ctx, u, minFree, slog.New(slog.DiscardHandler))
	if codeOf(err) == exitUsage {
		return nil, err
	}
	if err != nil {
		return append(checks, check{Name: "destination", Bad: true, Says: err.Error(), Hint: hintOf(err)}), nil
	}
	for _, d := range dest.each() {
		checks = append(checks, checkDestination(ctx, d, sel.facts.Hostname, minFree)...)
	}
	return checks, dest.close()
}

// checkDestination looks at one destination.
func checkDestination(ctx context.Context, d *destination, hostname, minFree string) []check {
	if d.single {
		return []check{{Name: "destination", Says: fmt.Sprintf("%s (%s) takes one object, and a write would use it up: not tried", d.name, d.using)}}
	}
	checks := []check{checkWrite(ctx, d, hostname)}
	if d.free != nil {
		checks = append(checks, checkSpace(d, minFree))
	}
	if offset, ok := d.clockOffset(); ok {
		checks = append(checks, checkOffset(offset))
	}
	return checks
}

func checkPrivileges(f host.Facts) check {
	if f.Privileged {
		return check{Name: "privileges", Says: "enough to read everything"}
	}
	return check{Name: "privileges", Warn: true, Says: "not enough: some files and sockets can't be read", Hint: hintPrivileges}
}

func checkClock() check {
	c := host.ReadClock()
	switch {
	case c == nil:
		return check{Name: "clock", Says: "the system doesn't say whether it is synchronised"}
	case !c.Synchronized:
		return check{Name: "clock", Warn: true, Says: "not synchronised; times in the case are this host's own"}
	}
	return check{Name: "clock", Says: fmt.Sprintf("synchronised, within %s", time.Duration(c.MaxErrorUS)*time.Microsecond)}
}

func checkOffset(offset time.Duration) check {
	says := fmt.Sprintf("the store's is %s ahead of this host's", offset.Round(time.Second))
	return check{Name: "store clock", Warn: offset.Abs() > 5*time.Minute, Says: says}
}

// checkTools says which tools of the default profile this host has not.
func checkTools(sel selection) check {
	var lacking []string
	seen := map[string]bool{}
	for _, s := range sel.plan.Steps {
		if len(s.Argv) == 0 || seen[s.Argv[0]] {
			continue
		}
		seen[s.Argv[0]] = true
		if !collectors.Installed(s.Argv[0]) {
			lacking = append(lacking, s.Argv[0])
		}
	}
	return check{Name: "tools", Says: fmt.Sprintf("%d of the profile's %d are installed%s", len(seen)-len(lacking), len(seen), lackingTools(lacking))}
}

func checkSpace(d *destination, minFree string) check {
	free, total, err := d.free()
	if err != nil {
		return check{Name: "space", Warn: true, Says: err.Error()}
	}
	return check{Name: "space", Says: fmt.Sprintf("%s free of %s; collect leaves %s", humanize.IBytes(free), humanize.IBytes(total), minFree)}
}

// checkWrite writes one small object for real. It stays there: a store that can only create can't delete either.
func checkWrite(ctx context.Context, d *destination, hostname string) check {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	key := path.Join("bellwether-doctor", evidence.CaseName(hostname, "", time.Now().UTC().Format("20060102T150405.000000000Z"))+".txt")
	if err := writeProbe(ctx, d, key); err != nil {
		return check{Name: "destination", Bad: true, Says: fmt.Sprintf("writing to %s (%s): %v", d.name, d.using, err), Hint: hintDestination}
	}
	return check{Name: "destination", Says: fmt.Sprintf("wrote %s (%s)", d.where(key), d.using)}
}

func writeProbe(ctx context.Context, d *destination, key string) error {
	o, err := d.store.Create(ctx, key, evidence.Meta{Size: int64(len(probeText))})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(o, probeText); err != nil {
		_ = o.Abort()
		return err
	}
	return o.Commit()
}
