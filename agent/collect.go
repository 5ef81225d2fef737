package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/user"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/agent/evidence"
	"bellwether/agent/host"
	"bellwether/collectors"
	"bellwether/profiles"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// closingTime is what a case has for its last bytes after the run has ended, whatever ended it.
const closingTime = 2 * time.Minute

// collectFlags are the flags of collect.
type collectFlags struct {
	selection selectionFlags
	to        toFlags
	keep      keepFlags
	incident  string
	iocs      iocFlags
	maxBytes  string
	minFree   string
	deadline  time.Duration
	cpu       string
	wait      time.Duration
	json      bool
	quiet     bool
	failOn    bool
}

func newCollectCommand(u *ui) *cobra.Command {
	var f collectFlags
	c := command("collect", func(c *cobra.Command, _ []string) error { return collect(c.Context(), u, f) })
	f.selection.add(c)
	f.to.add(c)
	f.keep.add(c)
	f.iocs.add(c, 1000)
	flags := c.Flags()
	flags.StringVar(&f.incident, "incident", "triage", flagHelp["incident"])
	flags.StringVar(&f.maxBytes, "max-bytes", "20GiB", flagHelp["max-bytes"])
	flags.StringVar(&f.minFree, "min-free", "5%", flagHelp["min-free"])
	flags.DurationVar(&f.deadline, "deadline", 30*time.Minute, flagHelp["deadline"])
	flags.StringVar(&f.cpu, "cpu", "50%", flagHelp["cpu"])
	flags.DurationVar(&f.wait, "wait", 0, flagHelp["wait"])
	flags.BoolVar(&f.json, "json", false, flagHelp["json"])
	flags.BoolVar(&f.quiet, "quiet", false, flagHelp["quiet"])
	flags.BoolVar(&f.failOn, "fail-on-findings", false, flagHelp["fail-on-findings"])
	return c
}

// collect is one run: what was asked for is understood before anything is read or written, then the plan's items go into a case.
func collect(ctx context.Context, u *ui, f collectFlags) error {
	if !incidentName.MatchString(f.incident) {
		return usageError("--incident IR-2026-014", "incident %q: want letters, digits, dot, dash and underscore, at most 64", f.incident)
	}
	if evidence.SafeName(f.incident) != f.incident {
		return usageError("--incident IR-2026-014", "incident %q: Windows can't have a folder of that name", f.incident)
	}
	if f.deadline <= 0 {
		return usageError("--deadline 30m", "--deadline %s: want a time above 0", f.deadline)
	}
	maxBytes, err := profiles.ParseSize(f.maxBytes)
	if err != nil {
		return usageError("--max-bytes 20GiB", "--max-bytes: %w", err)
	}
	if err := limitCPU(f.cpu); err != nil {
		return err
	}
	limitMemory()
	sel, err := f.selection.resolve()
	if err != nil {
		return err
	}
	recipients, err := f.keep.recipients()
	if err != nil {
		return err
	}
	f.iocs.sources = &sourceFlags{s3: f.to.s3, azure: f.to.azure}
	set, err := f.iocs.load(ctx, u)
	if err != nil {
		return err
	}
	logs := &lateWriter{}
	log := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dest, err := f.to.open(ctx, u, f.minFree, log)
	if err != nil {
		return err
	}
	if dest.single && !f.keep.archive {
		return errors.Join(usageError(hintPresign, "--to: a presigned URL takes one object, and a case has many: keep it as an archive"), dest.close())
	}
	unlock, err := f.lock(ctx, u, sel.root, log)
	if err != nil {
		return errors.Join(err, dest.close())
	}
	defer unlock()
	r := &runner{
		ui: u, flags: f, sel: sel, dest: dest, log: log, logs: logs, maxBytes: maxBytes, tally: newTally(), recipients: recipients,
		progress: newProgress(u, f.quiet || f.json, len(sel.plan.Steps)),
	}
	if set != nil {
		r.hunt = newHunt(set, f.iocs.maxHits, r.find)
	}
	defer r.progress.stop()
	return errors.Join(r.run(ctx), dest.close())
}

// lock makes this the only run on the host. Images may be read side by side.
func (f *collectFlags) lock(ctx context.Context, u *ui, root string, log *slog.Logger) (unlock func(), err error) {
	if root != "/" {
		return func() {}, nil
	}
	says := "incident " + f.incident + ", since " + time.Now().UTC().Format(time.RFC3339)
	for until := time.Now().Add(f.wait); ; {
		unlock, err = host.LockRun(says)
		var busy *host.Busy
		switch {
		case err == nil:
			return unlock, nil
		case !errors.As(err, &busy):
			u.warning(fmt.Errorf("other runs are not kept away: %w", err))
			log.Warn("not locked", "error", err)
			return func() {}, nil
		case !time.Now().Before(until):
			return nil, withHint(exitFailed, err, hintBusy)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(time.Second, time.Until(until))):
		}
	}
}

// A runner holds what one run needs.
type runner struct {
	ui         *ui
	flags      collectFlags
	sel        selection
	hunt       *hunt // nil if there are no indicators
	dest       *destination
	log        *slog.Logger
	logs       *lateWriter
	maxBytes   int64
	recipients []age.Recipient // that the case is encrypted to
	tally      *tally
	progress   *progress
	c          *evidence.Case
}

func (r *runner) run(ctx context.Context) error {
	start := time.Now()
	if err := host.LowerPriority(); err != nil {
		r.log.Warn("priority not lowered", "error", err)
	}
	limited, cancel := context.WithTimeout(ctx, r.flags.deadline)
	defer cancel()
	// The case is closed also after the run was ended, but doesn't take for ever.
	closing, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer giveUp(nil)
	stop := context.AfterFunc(limited, func() {
		time.AfterFunc(closingTime, func() { giveUp(errors.New("the store did not take the case in time")) })
	})
	defer stop()

	opened := make(chan struct{})
	stopOpening := context.AfterFunc(ctx, func() {
		select {
		case <-opened:
		default:
			giveUp(errInterrupted) // there is nothing to close yet
		}
	})
	err := r.open(closing)
	close(opened)
	stopOpening()
	if err != nil {
		return err
	}
	env := collectors.NewEnv(r.sel.root, r.log)
	for _, d := range r.dest.each() {
		env.Avoid(d.incident(r.flags.incident))
	}
	env.OnStep = r.progress.step
	runErr := r.collect(limited, env)
	r.progress.stop()
	r.log.Info("run ended", "error", runErr)
	r.c.Wait()
	if r.hunt != nil {
		r.hunt.end()
	}
	lost := r.dest.lost()
	summary, closeErr := r.c.Close(append(missing(limited, runErr), lost...)...)
	r.addLosses(&summary, lost)
	return r.report(ctx, summary, closeErr, time.Since(start))
}

// collect carries out the plan, and sees to it that the host leaves it some processor time.
func (r *runner) collect(ctx context.Context, env *collectors.Env) error {
	watched, stop := context.WithCancel(ctx)
	var watch errgroup.Group
	watch.Go(func() error {
		host.AvoidStarving(watched, r.log)
		return nil
	})
	err := collectors.Run(ctx, r.sel.plan, env, r.c)
	stop()
	return errors.Join(err, watch.Wait())
}

// onLine sees every line of the manifest.
func (r *runner) onLine(l evidence.Line) {
	r.tally.add(l)
	r.progress.line(l)
	if r.hunt != nil {
		r.hunt.line(l)
	}
}

// find keeps a finding.
func (r *runner) find(f evidence.Finding) {
	if err := r.c.Find(f); err != nil {
		r.log.Error("finding lost", "name", f.Name, "error", err)
	}
}

// open claims the case.
func (r *runner) open(ctx context.Context) (err error) {
	opt := evidence.Options{
		Info:     r.info(),
		Name:     func(start time.Time) string { return r.sel.caseName(start) },
		MaxBytes: r.maxBytes,
		InFlight: r.dest.parallel,
		Now:      time.Now,
		Wait:     time.Sleep,
		OnLine:   r.onLine, OnFinding: r.tally.find,
		Encrypt: r.recipients, Archive: r.flags.keep.options(r.dest, r.flags.minFree),
	}
	if r.hunt != nil {
		opt.Taps = r.hunt.taps()
	}
	if r.c, err = evidence.New(ctx, r.dest.store, opt); err != nil {
		return withHint(exitFailed, err, hintDestination)
	}
	r.logs.use(r.c.Log())
	r.log.Info("case opened", "case", r.c.Name(), "tool", version, "steps", len(r.sel.plan.Steps))
	return nil
}

func (r *runner) info() evidence.Info {
	return evidence.Info{
		Schema: 1, Incident: r.flags.incident, Host: r.sel.facts, Clock: host.ReadClock(), Tool: thisTool(), Operator: thisOperator(r.ui.getenv),
		Profiles: r.sel.plan.Profiles, Options: r.options(),
	}
}

// options are what the run was asked to do, as case.json keeps it. No credential is among them.
func (r *runner) options() map[string]any {
	indicators := 0
	if r.hunt != nil {
		indicators = r.hunt.set.Len()
	}
	return map[string]any{
		"to": r.dest.name, "root": r.sel.root, "since": r.flags.selection.since, "max_bytes": r.flags.maxBytes,
		"max_file": r.flags.selection.maxFile, "min_free": r.flags.minFree, "deadline": r.flags.deadline.String(), "cpu": r.flags.cpu,
		"no_commands": r.sel.noCommands, "iocs": r.flags.iocs.files, "indicators": indicators, "dashed": r.flags.iocs.dashed,
		"archive": r.flags.keep.archive, "encrypt_to": r.flags.keep.encryptTo,
	}
}

// addLosses has the summary tell also what a destination has not taken of the books, which were closed after their last line. told is what
// they do say.
func (r *runner) addLosses(s *evidence.Summary, told []string) {
	lost := r.dest.lost()
	if len(lost) == 0 {
		return
	}
	s.Totals.Complete = false
	others := slices.DeleteFunc(slices.Clone(s.Totals.Missing), func(m string) bool { return slices.Contains(told, m) })
	s.Totals.Missing = slices.Concat(others, lost)
}

// report prints the summary and turns the run's outcome into its exit code.
func (r *runner) report(ctx context.Context, s evidence.Summary, closeErr error, took time.Duration) error {
	code := exitOK
	switch {
	case ctx.Err() != nil:
		code = exitInterrupted
	case closeErr != nil || !s.Totals.Complete:
		code = exitIncomplete
	case r.flags.failOn && s.Totals.Findings > 0:
		code = exitFindings
	}
	res := result{Summary: s, Exit: code, Err: closeErr, Took: took, Where: r.dest.where(firstOf(s.Place, s.Case)), Tally: r.tally, Privileged: r.sel.facts.Privileged,
		MaxBytes: r.flags.maxBytes}
	if offset, ok := r.dest.clockOffset(); ok {
		res.ClockOffset = offset
	}
	if err := r.ui.summary(res, r.flags.json); err != nil {
		return err
	}
	if code != exitOK {
		return &exitError{code: code, err: closeErr}
	}
	return nil
}

// missing says what kept the run from its end, if anything did.
func missing(ctx context.Context, err error) []string {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errInterrupted):
		return []string{"interrupted"}
	case ctx.Err() != nil:
		return []string{"the run's deadline was reached"}
	}
	return []string{err.Error()}
}

var incidentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// limitCPU keeps the Go runtime to a share of the processors.
func limitCPU(share string) error {
	number, ok := strings.CutSuffix(share, "%")
	percent, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(percent > 0 && percent <= 100) {
		return usageError("--cpu 50%", "--cpu %q: want a percentage above 0%% and up to 100%%", share)
	}
	runtime.GOMAXPROCS(max(1, int(math.Floor(float64(runtime.NumCPU())*percent/100))))
	return nil
}

// softMemory is what the Go runtime keeps its memory to, in bytes, by collecting garbage more often where it must: the target is 64 MiB
// resident, the program's own pages included.
const softMemory = 52 << 20

// limitMemory sets the limit unless the environment has set one (GOMEMLIMIT).
func limitMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(softMemory)
	}
}

// An operator is the part of case.json that says who ran the tool. Session ids tie it to the log of the cloud's control plane.
type operator struct {
	User     string `json:"user,omitempty"`
	UID      string `json:"uid,omitempty"`
	SudoUser string `json:"sudo_user,omitempty"`
	SSM      string `json:"ssm_command_id,omitempty"`
	PID      int    `json:"pid"`
}

func thisOperator(getenv func(string) string) operator {
	o := operator{PID: os.Getpid(), SudoUser: getenv("SUDO_USER"), SSM: getenv("SSM_COMMAND_ID")}
	if u, err := user.Current(); err == nil {
		o.User, o.UID = u.Username, u.Uid
	}
	return o
}
