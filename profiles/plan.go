package profiles

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxAccounts bounds for how many accounts one step is carried out: the host's list of accounts is the host's word.
const maxAccounts = 5000

// NewPlan makes the plan for a host: the steps that are for its system, in the order of the profiles, with the variables
// replaced, the limits of the options set, and each output named. A step that two profiles bring is done once. What the
// plan leaves out is in LeftOut; a plan may have no steps at all. The same arguments give the same plan.
func NewPlan(profiles []*Profile, host Host, opt Options) (*Plan, error) {
	if len(profiles) == 0 {
		return nil, errors.New("planning: no profile")
	}
	if host.OS == "" {
		return nil, errors.New("planning: the host's system is not known")
	}
	b := planner{host: host, opt: opt, vars: map[string]string{}, names: map[string]string{}}
	for name, value := range host.Vars {
		b.vars[strings.ToLower(name)] = value
	}
	b.accounts = accounts(host, b.vars)
	steps, err := b.gather(profiles)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		b.add(s)
	}
	nameOutputs(b.plan.Steps)
	return &b.plan, nil
}

// Groups returns the steps in their order, in groups of which each begins when the one before it has ended. Neighbouring
// commands of one area are a group and may run side by side; every other step is a group of its own.
func (p *Plan) Groups() [][]Step {
	var groups [][]Step
	for _, s := range p.Steps {
		if last := len(groups) - 1; last >= 0 && s.Collector == Command &&
			groups[last][0].Collector == Command && groups[last][0].Area == s.Area {
			groups[last] = append(groups[last], s)
			continue
		}
		groups = append(groups, []Step{s})
	}
	return groups
}

type planner struct {
	host     Host
	opt      Options
	vars     map[string]string // of the host, names in lower case
	accounts []account
	names    map[string]string // the profile of each step's name; "" for a name that a step was given here
	plan     Plan
}

// gather returns the steps of the profiles, each once, and notes the documents that they come from.
func (b *planner) gather(profiles []*Profile) ([]Step, error) {
	var steps []Step
	for _, p := range profiles {
		for _, src := range p.Sources {
			if !slices.Contains(b.plan.Profiles, src) {
				b.plan.Profiles = append(b.plan.Profiles, src)
			}
		}
		for _, s := range p.Steps {
			switch first, taken := b.names[s.Name]; {
			case !taken:
				b.names[s.Name] = s.Profile
				steps = append(steps, s)
			case first != s.Profile:
				return nil, fmt.Errorf("planning: step %q is in the profiles %s and %s", s.Name, first, s.Profile)
			}
		}
	}
	return steps, nil
}

func (b *planner) leaveOut(s Step, format string, args ...any) {
	b.plan.LeftOut = append(b.plan.LeftOut, LeftOut{Step: s, Reason: fmt.Sprintf(format, args...)})
}

// add puts a step into the plan, once or once for each account, or says why it is left out.
func (b *planner) add(s Step) {
	if len(s.OS) > 0 && !slices.Contains(s.OS, b.host.OS) {
		b.leaveOut(s, "for %s only", strings.Join(s.OS, " and "))
		return
	}
	if b.opt.NoCommands && slices.Contains(runsCommands, s.Collector) {
		b.leaveOut(s, "no commands are run")
		return
	}
	if b.opt.Image && slices.Contains(readsLive, s.Collector) {
		b.leaveOut(s, "an image has no live state")
		return
	}
	b.narrow(&s)
	if more := len(b.host.Users) - len(b.accounts); more > 0 && slices.ContainsFunc(variablesIn(slices.Concat(s.Argv, s.allGlobs(), s.logGlobs())...), isEach) {
		b.leaveOut(s, "%d of %d accounts: one step takes %d at most", more, len(b.host.Users), maxAccounts)
	}
	switch s.Collector {
	case Command:
		b.addCommand(s)
	case File, Stat:
		b.addFiles(s)
	case Account, Session, Tampering, Schedule, Container:
		b.addRoles(s)
	case Walk:
		b.addWalk(s)
	case Volumes, Vendor:
		b.addLogs(s)
	default:
		b.plan.Steps = append(b.plan.Steps, s)
	}
}

// narrow sets the limits of the options where they are stricter than the step's own.
func (b *planner) narrow(s *Step) {
	if s.Collector == Schedule && b.opt.Since > 0 {
		s.NewerThan = b.opt.Since // a window for findings, not a limit of what is read
		return
	}
	if s.Collector != Command && !s.IgnoreDateRange {
		s.NewerThan = stricter(s.NewerThan, b.opt.Since)
	}
	if CopiesFiles(s.Collector) || s.Collector == Walk {
		s.MaxFileSize = stricter(s.MaxFileSize, b.opt.MaxFileSize)
	}
}

// stricter returns the smaller of two limits, of which 0 means none.
func stricter[T int64 | time.Duration](a, b T) T {
	if a <= 0 || b > 0 && b < a {
		return max(b, 0)
	}
	return a
}

func (b *planner) addCommand(s Step) {
	uses := variablesIn(s.Argv...)
	if s.Shell != "" || !slices.ContainsFunc(uses, isEach) {
		argv, missing := expandAll(s.Argv, b.vars, verbatim)
		if missing != "" {
			b.leaveOut(s, "this host has no %%%s%%", missing)
			return
		}
		s.Argv = argv
		b.plan.Steps = append(b.plan.Steps, s)
		return
	}
	planned := 0
	done := map[string]bool{}
	for _, a := range b.accounts {
		if slices.Contains(uses, varUser) && !a.nameFits {
			b.leaveOut(s, "account %q: its name can't be an argument", a.Name)
			continue
		}
		argv, missing := expandAll(s.Argv, a.vars, verbatim)
		if missing == varUserHome {
			b.leaveOut(s, "account %q has no home of its own", a.Name)
			continue
		}
		if missing != "" {
			b.leaveOut(s, "this host has no %%%s%%", missing)
			return
		}
		if line := strings.Join(argv, "\x00"); !done[line] {
			done[line] = true
			one := s
			one.Argv = argv
			one.Name = b.nameFor(s.Name, a.Name)
			b.plan.Steps = append(b.plan.Steps, one)
		}
		planned++
	}
	if planned == 0 && len(b.host.Users) == 0 {
		b.leaveOut(s, "this host has no accounts")
	}
}

// addFiles puts the values of the variables into the globs: one glob for each account where it is an account's.
func (b *planner) addFiles(s Step) {
	wanted := s.Path
	s.Path = b.expandGlobs(wanted)
	if len(s.Path) == 0 {
		s.Path = wanted
		b.leaveOut(s, "this host has no %%%s%%", strings.Join(variablesIn(wanted...), "% or %"))
		return
	}
	s.Exclude = b.expandGlobs(s.Exclude)
	b.plan.Steps = append(b.plan.Steps, s)
}

// addWalk puts the values of the variables into the globs of a walk.
func (b *planner) addWalk(s Step) {
	s.Exclude = b.expandGlobs(s.Exclude)
	s.Lists = slices.Clone(s.Lists)
	for i := range s.Lists {
		s.Lists[i].Glob = b.expandGlobs(s.Lists[i].Glob)
	}
	b.plan.Steps = append(b.plan.Steps, s)
}

func (b *planner) expandGlobs(globs []string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(glob string, values map[string]string) {
		expanded, missing := expand(glob, values, escapeGlobOf(b.host.OS))
		same := expanded
		if b.host.OS == "windows" {
			same = strings.ToLower(expanded)
		}
		if missing == "" && !seen[same] {
			seen[same] = true
			out = append(out, expanded)
		}
	}
	for _, glob := range globs {
		uses := variablesIn(glob)
		if !slices.ContainsFunc(uses, isEach) {
			add(glob, b.vars)
			continue
		}
		for _, a := range b.accounts {
			if a.nameFits || !slices.Contains(uses, varUser) {
				add(glob, a.vars)
			}
		}
	}
	return out
}

func isEach(name string) bool {
	v, _ := lookupVariable(name)
	return v.each
}

// An account is one of the host's with the values that variables have for it.
type account struct {
	User
	nameFits bool // its name may become an argument, or a part of a path
	vars     map[string]string
}

// accounts returns the accounts that steps are carried out for.
func accounts(host Host, vars map[string]string) []account {
	users := host.Users[:min(len(host.Users), maxAccounts)]
	out := make([]account, 0, len(users))
	for _, u := range users {
		a := account{User: u, nameFits: validUserName(host.OS, u.Name), vars: maps.Clone(vars)}
		a.vars[varUser] = u.Name
		delete(a.vars, varUserHome)
		if home, ok := usableHome(host.OS, u.Home); ok {
			a.vars[varUserHome] = home
		}
		out = append(out, a)
	}
	return out
}

// nameFor returns a step's name for one account, unlike that of any other step.
func (b *planner) nameFor(step, user string) string {
	name := step
	if user := strings.ToLower(strings.Join(strings.FieldsFunc(user, notNameChar), "-")); user != "" {
		name += "-" + user
	}
	for n, try := 2, name; ; n++ {
		if _, taken := b.names[try]; !taken {
			b.names[try] = ""
			return try
		}
		try = fmt.Sprintf("%s-%d", name, n)
	}
}

func notNameChar(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

func expandAll(texts []string, values map[string]string, escape func(string) string) (expanded []string, missing string) {
	for _, text := range texts {
		one, missing := expand(text, values, escape)
		if missing != "" {
			return nil, missing
		}
		expanded = append(expanded, one)
	}
	return expanded, ""
}
