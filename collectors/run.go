package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"sync"
	"time"

	"bellwether/profiles"

	"golang.org/x/sync/errgroup"
)

// An Env is what the collectors of one run share. Make it with [NewEnv].
type Env struct {
	// Root is the directory that files are read below: "/" for the running host, a mounted image otherwise.
	Root string
	// Now is the clock.
	Now func() time.Time
	// Log gets what an engineer wants to know; evidence never goes there.
	Log *slog.Logger
	// Parallel is how many commands of one group run side by side.
	Parallel int
	// Look is set for a run that only says what would be collected: the state of the host is not read.
	Look bool
	// MetadataEndpoint is the URL of the instance's metadata service; empty, as it is but for tests, means the link-local address.
	MetadataEndpoint string
	// OnStep, if set, is called when a step starts. It may be called by several goroutines at once.
	OnStep func(profiles.Step)

	mounts mountTable
	avoid  avoided
	seen   *seenFiles
	kin    *kin

	packaged packageIndex

	handedMu sync.Mutex
	handed   *handed // what the walk of everything does for file steps
}

// Avoid keeps the file collector out of a directory: the one that the case is written to. An empty path is none.
func (e *Env) Avoid(path string) {
	if path != "" {
		e.avoid = append(e.avoid, avoidPath(path))
	}
}

// NewEnv reads what the collectors need to know of the host's mounts.
func NewEnv(root string, log *slog.Logger) *Env {
	mounts, err := readMounts()
	if err != nil {
		log.Warn("mounts unknown: network file systems can't be told apart", "error", err)
	}
	return &Env{
		Root: root, Now: time.Now, Log: log, Parallel: 4,
		mounts: mounts, seen: newSeenFiles(), kin: newKin(), handed: &handed{},
	}
}

// A kind is one kind of collector.
type kind struct {
	make func(*Env, profiles.Step) Collector
	// state names the tables that it keeps, if it reads the state of the host: then a run that only looks does not call it.
	state []string
}

// kinds lists every kind of collector.
var kinds = map[string]kind{
	profiles.Command:   {make: newCommand},
	profiles.Journal:   {make: newJournal},
	profiles.File:      {make: newFile},
	profiles.Process:   {make: newProcesses, state: []string{"processes"}},
	profiles.Network:   {make: newNetwork, state: []string{"sockets", "interfaces", "routes", "neighbours"}},
	profiles.Kernel:    {make: newKernel, state: []string{"modules", "mounts", "swaps", "kernel", "kernel-hooks", "binfmt"}},
	profiles.Compare:   {make: newCompare, state: []string{"compare"}},
	profiles.Account:   {make: newAccount, state: accountTables},
	profiles.Tampering: {make: newTampering, state: tamperingTables},
	profiles.Schedule:  {make: newSchedule, state: scheduleTables},
	profiles.Container: {make: newContainer, state: containerTables},
	profiles.Session:   {make: newSession, state: sessionTables},
	profiles.Stat:      {make: newStat},
	profiles.Walk:      {make: newWalkAll, state: []string{"walk/bodyfile.txt", "walk/executables.txt", "walk/volumes"}},
	profiles.Volumes:   {make: newVolumes},
	profiles.Cloud:     {make: newCloud, state: []string{"cloud"}},
	profiles.Vendor:    {make: newVendor},
}

// Run carries out a plan in its order. Steps of one group run side by side, at most env.Parallel at once. When the context ends or
// the sink can keep nothing more, every step that was not carried out gets an item that says so, as far as the sink takes it. The
// error is nil if every step was carried out, and wraps the context's cause or the sink's error otherwise.
func Run(ctx context.Context, plan *profiles.Plan, env *Env, sink Sink) error {
	for _, l := range plan.LeftOut {
		if err := sink.Add(notCollected(l.Step, l.Reason), nil); err != nil {
			return err
		}
	}
	groups := handOver(plan, env).Groups()
	for i, group := range groups {
		done, err := runGroup(ctx, group, env, sink)
		if err == nil {
			continue
		}
		reason := "not reached: " + whyStopped(ctx, err)
		missed := group[done:]
		for _, g := range groups[i+1:] {
			missed = append(missed[:len(missed):len(missed)], g...)
		}
		for _, s := range missed {
			if addErr := sink.Add(notCollected(s, reason), nil); addErr != nil {
				break
			}
		}
		_ = env.handedOver().finish(ctx, sink, err) // of a walk that was not reached; the run's own error is the one to tell
		return err
	}
	return nil
}

// runGroup returns how many steps of the group it has started.
func runGroup(ctx context.Context, group []profiles.Step, env *Env, sink Sink) (started int, err error) {
	var g errgroup.Group
	g.SetLimit(max(1, env.Parallel))
	failed, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for _, step := range group {
		if failed.Err() != nil {
			break
		}
		started++
		g.Go(func() error {
			err := runStep(failed, step, env, sink)
			if err != nil {
				fail(err)
			}
			return err
		})
	}
	err = g.Wait()
	if err == nil && started < len(group) {
		err = context.Cause(ctx)
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return started, err
}

func runStep(ctx context.Context, step profiles.Step, env *Env, sink Sink) error {
	k, ok := kinds[step.Collector]
	if !ok {
		return sink.Add(notCollected(step, fmt.Sprintf("this bellwether has no collector %q", step.Collector)), nil)
	}
	if env.OnStep != nil {
		env.OnStep(step)
	}
	if env.Look && k.state != nil {
		return lookAtState(step, k, sink)
	}
	start := env.Now()
	err := k.make(env, step).Collect(ctx, sink)
	env.Log.Debug("step done", "step", step.Name, "collector", step.Collector, "ms", env.Now().Sub(start).Milliseconds())
	return err
}

// lookAtState says which tables a step would keep.
func lookAtState(step profiles.Step, k kind, sink Sink) error {
	for _, name := range k.state {
		file := name
		if path.Ext(file) == "" {
			file += ".jsonl"
		}
		item := &Item{Step: step.Name, Collector: step.Collector, Source: "the state of the host: " + name, Name: path.Join("state", file), SizeHint: -1}
		if err := sink.Add(item, func(io.Writer) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

func notCollected(step profiles.Step, reason string) *Item {
	return &Item{Step: step.Name, Collector: step.Collector, Source: sourceOf(step), Status: Skipped, Reason: reason}
}

// sourceOf says in a line what a step asks for.
func sourceOf(step profiles.Step) string {
	switch {
	case step.Shell != "":
		return step.Shell
	case len(step.Argv) > 0:
		return quote(step.Argv)
	case len(step.Path) == 1:
		return step.Path[0]
	case len(step.Path) > 1:
		return fmt.Sprintf("%s and %d more", step.Path[0], len(step.Path)-1)
	}
	return step.Name
}

// whyStopped puts the end of a run in a few words.
func whyStopped(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the run's deadline"
	}
	if errors.Is(err, context.Canceled) {
		return "the run was interrupted"
	}
	return err.Error()
}
