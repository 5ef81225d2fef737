package main

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"bellwether/agent/evidence"
	"bellwether/agent/host"
	"bellwether/collectors"
	"bellwether/profiles"

	"github.com/spf13/cobra"
)

// selectionFlags are the flags that say what to collect; collect and plan share them.
type selectionFlags struct {
	profiles   []string
	since      string
	maxFile    string
	root       string
	noCommands bool
}

func (f *selectionFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&f.profiles, "profile", nil, flagHelp["profile"])
	flags.StringVar(&f.since, "since", "", flagHelp["since"])
	flags.StringVar(&f.maxFile, "max-file", "2GiB", flagHelp["max-file"])
	flags.StringVar(&f.root, "root", "", flagHelp["root"])
	flags.BoolVar(&f.noCommands, "no-commands", false, flagHelp["no-commands"])
}

// A selection is what will be collected from which host.
type selection struct {
	plan       *profiles.Plan
	facts      host.Facts
	root       string // "/" for the running host
	noCommands bool
}

// resolve reads the profiles and makes the plan for the host.
func (f *selectionFlags) resolve() (selection, error) {
	s := selection{root: "/", noCommands: f.noCommands || f.root != ""}
	if f.root != "" {
		abs, err := filepath.Abs(f.root)
		if err != nil {
			return s, usageError("--root /mnt/image", "--root: %w", err)
		}
		if !isFolder(abs) {
			return s, usageError("--root /mnt/image", "--root %s: no such directory", f.root)
		}
		s.root = abs
	}
	opt, err := f.options(s.noCommands)
	if err != nil {
		return s, err
	}
	names := f.profiles
	if len(names) == 0 {
		names = []string{profiles.Default(runtime.GOOS)}
	}
	loaded, err := profiles.Load(names)
	if err != nil {
		return s, withHint(exitUsage, err, hintProfiles)
	}
	s.facts = host.Read(s.root)
	if s.plan, err = profiles.NewPlan(loaded, planHost(s.root), opt); err != nil {
		return s, withHint(exitUsage, err, hintProfiles)
	}
	if len(s.plan.Steps) == 0 {
		return s, withHint(exitUsage, errors.New("nothing to do: the profile has no step for this host"), hintProfiles)
	}
	return s, nil
}

func (f *selectionFlags) options(noCommands bool) (opt profiles.Options, err error) {
	opt.NoCommands, opt.Image = noCommands, f.root != ""
	if f.since != "" {
		if opt.Since, err = profiles.ParseAge(f.since); err != nil {
			return opt, usageError("--since 14d", "--since: %w", err)
		}
	}
	if opt.MaxFileSize, err = profiles.ParseSize(f.maxFile); err != nil {
		return opt, usageError("--max-file 2GiB", "--max-file: %w", err)
	}
	return opt, nil
}

// planHost is what the planner has to know of the host.
func planHost(root string) profiles.Host {
	h := profiles.Host{OS: runtime.GOOS}
	for _, u := range host.Users(root) {
		h.Users = append(h.Users, profiles.User{Name: u.Name, Home: u.Home})
	}
	return h
}

// caseName names the case's folder after the host.
func (s selection) caseName(start time.Time) string {
	instance := ""
	if s.facts.Cloud != nil {
		instance = s.facts.Cloud.InstanceID
	}
	return evidence.CaseName(s.facts.Hostname, instance, start.Format("20060102T150405Z"))
}

func newPlanCommand(u *ui) *cobra.Command {
	var (
		f      selectionFlags
		asJSON bool
	)
	c := command("plan", func(c *cobra.Command, _ []string) error {
		sel, err := f.resolve()
		if err != nil {
			return err
		}
		look := newLook()
		env := collectors.NewEnv(sel.root, slog.New(slog.DiscardHandler))
		env.Look = true
		if err := collectors.Run(c.Context(), sel.plan, env, look); err != nil {
			return err
		}
		return u.plan(sel, look.steps(sel.plan), asJSON)
	})
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}

// A look is a sink that only looks: it never calls write, so no command runs and no content is read.
type look struct {
	mu    sync.Mutex
	items map[string][]plannedItem // by step
	seen  map[[2]string]bool       // step and source: nothing is kept, so the collector can't know that it was here before
}

// A plannedItem is what collect would do about one item.
type plannedItem struct {
	Source string `json:"source"`
	Name   string `json:"name,omitempty"`
	Size   int64  `json:"size,omitempty"` // bytes, of a file
	Skip   string `json:"skip,omitempty"` // why it would be left alone
}

// A plannedStep is what collect would do about one step.
type plannedStep struct {
	Step      string        `json:"step"`
	Profile   string        `json:"profile"`
	Collector string        `json:"collector"`
	Area      string        `json:"area,omitempty"`
	UseCase   []string      `json:"use_case,omitempty"`
	Attack    []string      `json:"attack,omitempty"`
	Shell     bool          `json:"shell,omitempty"`
	Files     int           `json:"files,omitempty"`
	Bytes     int64         `json:"bytes,omitempty"`
	Items     []plannedItem `json:"items"`
}

var _ collectors.Sink = (*look)(nil)

func newLook() *look { return &look{items: map[string][]plannedItem{}, seen: map[[2]string]bool{}} }

// Add implements [collectors.Sink].
func (l *look) Add(item *collectors.Item, write func(io.Writer) error) error {
	p := plannedItem{Source: evidence.Printable(item.Source), Name: item.Name, Size: item.SourceSize}
	if write == nil {
		p.Skip, p.Name = item.Reason, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{item.Step, item.Source}
	if l.seen[key] {
		return nil
	}
	l.seen[key] = true
	l.items[item.Step] = append(l.items[item.Step], p)
	return nil
}

// steps returns what was seen in the plan's order, what it leaves out at the end.
func (l *look) steps(plan *profiles.Plan) []plannedStep {
	var out []plannedStep
	take := func(s profiles.Step) {
		items, ok := l.items[s.Name]
		if !ok {
			return
		}
		delete(l.items, s.Name)
		p := plannedStep{
			Step: s.Name, Profile: s.Profile, Collector: s.Collector, Area: s.Area, UseCase: s.UseCase, Attack: s.Attack,
			Shell: s.Shell != "", Items: items,
		}
		for _, i := range items {
			if i.Skip == "" && strings.HasPrefix(i.Name, "files/") {
				p.Files++
				p.Bytes += i.Size
			}
		}
		out = append(out, p)
	}
	for _, s := range plan.Steps {
		take(s)
	}
	for _, s := range plan.LeftOut {
		take(s.Step)
	}
	for _, name := range slices.Sorted(maps.Keys(l.items)) {
		take(profiles.Step{Name: name})
	}
	return out
}
