package collectors

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/logrotate"
	"bellwether/collectors/schedule"
	"bellwether/profiles"
)

// starts keeps what makes programs start by themselves: one table of all forms, a row for each thing that is started.
type starts struct {
	env  *Env
	step profiles.Step

	rows   []startRow
	limit  *startLimit
	cloaks []anomaly.Cloak
	seen   map[string]bool     // paths that a role before had
	links  map[string][]string // of units, by the name of the unit: what enables it
}

func newSchedule(env *Env, step profiles.Step) Collector {
	return &starts{env: env, step: step, limit: newStartLimit(), seen: map[string]bool{}, links: map[string][]string{}}
}

var scheduleTables = []string{"persistence"}

// defaultWindow is how long ago a change is a finding.
const defaultWindow = 14 * 24 * time.Hour

// startRow is a thing that starts by itself, or a file that may start some.
type startRow struct {
	Type       string     `json:"type"`
	Path       string     `json:"path"`
	Line       int        `json:"line,omitempty"`
	Command    string     `json:"command,omitempty"`
	User       string     `json:"user,omitempty"`
	When       string     `json:"when,omitempty"`
	WantedBy   []string   `json:"wanted_by,omitempty"`
	Enabled    []string   `json:"enabled_by,omitempty"` // the links that enable a unit
	Target     string     `json:"target,omitempty"`     // of a link
	Package    string     `json:"packaged,omitempty"`   // yes: it is a file of a package as installed; no; nothing where that is not known
	Mode       string     `json:"mode"`
	Owner      string     `json:"owner"`
	Size       int64      `json:"size"`
	ModTime    *time.Time `json:"mtime,omitempty"`
	ChangeTime *time.Time `json:"ctime,omitempty"`
	BirthTime  *time.Time `json:"btime,omitempty"`

	newest time.Time
	uid    uint32
	unit   string // its name, with that of the unit for what is dropped in beside one
	exec   bool   // the command is one of systemd
}

var startColumns = []column[startRow]{
	{"type", func(s startRow) string { return s.Type }},
	{"changed", func(s startRow) string { return readable(&s.newest) }},
	{"modified", func(s startRow) string { return readable(s.ModTime) }},
	{"packaged", func(s startRow) string { return s.Package }},
	{"user", func(s startRow) string { return s.User }},
	{"path", func(s startRow) string {
		if s.Line > 0 {
			return s.Path + ":" + strconv.Itoa(s.Line)
		}
		return s.Path
	}},
	{"when", func(s startRow) string { return s.When }},
	{"command", func(s startRow) string {
		if s.Target != "" {
			return "-> " + s.Target
		}
		return s.Command
	}},
	{"enabled by", func(s startRow) string { return strings.Join(s.Enabled, " ") }},
}

// Collect implements [Collector].
func (s *starts) Collect(ctx context.Context, sink Sink) error {
	r, err := newReader(s.env, s.step)
	if err != nil {
		return failedState(sink, s.step, err)
	}
	defer r.close()
	for _, role := range usersLast(s.step.Files) {
		if err := r.each(ctx, role.Name, func(x found) error {
			s.file(r, role.Name, x)
			return context.Cause(ctx)
		}); err != nil {
			return err
		}
	}
	for i := range s.rows {
		if links := s.links[s.rows[i].unit]; len(links) > 0 {
			s.rows[i].Enabled = links
		}
	}
	s.limit.say(r)
	t := table[startRow]{name: "persistence", source: s.source(), rows: s.rows, columns: startColumns, reason: r.reason(), cut: r.wasCut()}
	return t.keep(ctx, sink, s.step, s.findings())
}

func (s *starts) source() string {
	var names []string
	for _, r := range s.step.Files {
		names = append(names, r.Name)
	}
	return "files of " + strings.Join(names, ", ")
}

func (s *starts) findings() []anomaly.Finding {
	facts := make([]anomaly.Start, len(s.rows))
	for i, row := range s.rows {
		facts[i] = anomaly.Start{
			Type: row.Type, Path: row.Path, Line: row.Line, Command: row.Command, Unit: row.exec, Newest: row.newest, Known: row.Package == "yes", Foreign: row.Package == "no",
			Owner: row.uid,
		}
	}
	since := s.env.Now().Add(-orDefault(s.step.NewerThan, defaultWindow))
	return slices.Concat(anomaly.Commands(facts), anomaly.Changed(facts, since), anomaly.Cloaked(s.cloaks))
}

// row is what all rows of one file have in common.
func (s *starts) row(role string, x found) startRow {
	row := startRow{
		Type: role, Path: x.path, Mode: lsMode(x.info.mode), Owner: fmt.Sprintf("%d:%d", x.info.uid, x.info.gid), Size: x.info.size,
		ModTime: timeOf(x.info.mtime), ChangeTime: timeOf(x.info.ctime), BirthTime: timeOf(x.info.btime), newest: x.info.newest(), uid: x.info.uid,
	}
	if is, ok := s.env.asPackaged(x); ok {
		row.Package = "no"
		if is {
			row.Package = "yes"
		}
	}
	return row
}

// file makes the rows of one file.
func (s *starts) file(r *reader, role string, x found) {
	if s.seen[x.path] {
		return
	}
	s.seen[x.path] = true
	row := s.row(role, x)
	if x.info.mode&fs.ModeSymlink != 0 {
		s.link(r, role, row, x)
		return
	}
	if !x.info.mode.IsRegular() || unitRole(role) && !schedule.IsUnit(x.path) {
		return
	}
	kept := s.limit.take(role, x, s.parse(r, role, row, x))
	if n := len(s.cloaks); len(kept) == 0 && n > 0 && s.cloaks[n-1].Path == x.path {
		s.cloaks[n-1].Row = -1 // its file has no row
	}
	s.rows = append(s.rows, kept...)
}

// parse makes the rows of a file out of the one that they share. It is that one alone where the file says nothing that can be read.
func (s *starts) parse(r *reader, role string, row startRow, x found) []startRow {
	p := forms[role]
	if p == nil {
		return []startRow{row} // a program: that it is there is what it says
	}
	if unitRole(role) {
		row.unit = unitOf(x.path)
	}
	if text, ok := s.text(r, x); ok {
		if rows := p(row, path.Base(x.path), text); len(rows) > 0 {
			return rows
		}
	}
	return []startRow{row}
}

func unitRole(role string) bool { return role == "unit" || role == "user-unit" }

// unitOf is the name of a unit, for what is dropped in beside one that of the unit.
func unitOf(p string) string {
	if dir, ok := strings.CutSuffix(path.Base(path.Dir(p)), ".d"); ok && strings.HasSuffix(p, ".conf") {
		return dir
	}
	return path.Base(p)
}

// link makes the row of a symbolic link, and remembers what unit it enables.
func (s *starts) link(r *reader, role string, row startRow, x found) {
	target, err := x.in.readlink(x.name)
	if err != nil {
		r.note("%s: %s", x.path, plain(err))
	}
	row.Target = target
	kept := s.limit.take(role, x, []startRow{row})
	if len(kept) > 0 && unitRole(role) {
		kept[0].Type = "unit-link"
		for _, unit := range []string{path.Base(x.path), path.Base(target)} {
			if known := s.links[unit]; !slices.Contains(known, x.path) && len(known) < 100 {
				s.links[unit] = append(known, x.path)
			}
		}
	}
	s.rows = append(s.rows, kept...)
}

// text reads a file, and compares its views.
func (s *starts) text(r *reader, x found) (string, bool) {
	f, _, err := x.in.openFile(x.name)
	if err != nil {
		r.note("%s: %s", x.path, plain(err))
		return "", false
	}
	defer f.Close()
	if c := cloaked(f, x.path); c != nil {
		c.Row = len(s.rows)
		s.cloaks = append(s.cloaks, *c)
	}
	return r.begin(x.path, f)
}

// A form makes the rows of a file of one role out of the row that they share. It may return none.
type form func(row startRow, name, text string) []startRow

// forms are the formats of the files by their role. What has none is a program.
var forms = map[string]form{
	"crontab":      plainForm(func(_, text string) []schedule.Entry { return schedule.Crontab(text, true) }),
	"user-crontab": userCrontab,
	"anacrontab":   plainForm(func(_, text string) []schedule.Entry { return schedule.Anacrontab(text) }),
	"at-job":       plainForm(schedule.AtJob),
	"cron-script":  scriptForm,
	"boot-script":  scriptForm,
	"login-script": scriptForm,
	"user-script":  scriptForm,
	"motd":         scriptForm,
	"unit":         unitForm,
	"user-unit":    unitForm,
	"udev":         plainForm(func(_, text string) []schedule.Entry { return schedule.Udev(text) }),
	"pam":          plainForm(func(_, text string) []schedule.Entry { return schedule.PAM(text) }),
	"autostart":    plainForm(func(_, text string) []schedule.Entry { return schedule.Desktop(text) }),
	"dbus":         plainForm(func(_, text string) []schedule.Entry { return schedule.Desktop(text) }),
	"preload":      plainForm(func(_, text string) []schedule.Entry { return schedule.Lines(text) }),
	"loader":       plainForm(func(_, text string) []schedule.Entry { return schedule.Lines(text) }),
	"modules":      plainForm(modulesForm),
	"package-hook": plainForm(func(_, text string) []schedule.Entry { return schedule.PackageHooks(text) }),
	"logrotate":    plainForm(logrotateForm),
	"sudo":         plainForm(func(_, text string) []schedule.Entry { return schedule.Sudo(text) }),
}

func plainForm(parse func(name, text string) []schedule.Entry) form {
	return func(row startRow, name, text string) []startRow {
		var out []startRow
		for _, e := range parse(name, text) {
			out = append(out, row.with(e))
		}
		return out
	}
}

func (row startRow) with(e schedule.Entry) startRow {
	row.Line, row.Command, row.When = e.Line, e.Command, e.When
	if e.User != "" {
		row.User = e.User
	}
	return row
}

// userCrontab is called after its user.
func userCrontab(row startRow, name, text string) []startRow {
	if strings.HasPrefix(text, "#!/bin/sh\n# atrun ") {
		row.Type = "at-job" // Debian keeps them in a folder among the tables
		return plainForm(schedule.AtJob)(row, name, text)
	}
	row.User = name
	return plainForm(func(_, text string) []schedule.Entry { return schedule.Crontab(text, false) })(row, name, text)
}

// scriptForm makes a row of the script, and one of each odd line in it: the others are in the script itself, which is collected.
func scriptForm(row startRow, _, text string) []startRow {
	out := []startRow{row}
	for _, e := range schedule.Script(text) {
		if anomaly.OddCommand(e.Command) != "" {
			out = append(out, row.with(e))
		}
	}
	return out
}

func unitForm(row startRow, name, text string) []startRow {
	u := schedule.ParseUnit(name, text)
	row.User, row.WantedBy = u.User, u.WantedBy
	var out []startRow
	for _, e := range u.Execs {
		r := row.with(e)
		r.exec = true
		out = append(out, r)
	}
	for _, e := range slices.Concat(u.Triggers, u.Settings) {
		out = append(out, row.with(e))
	}
	return out
}

// modulesForm reads lists of modules, and what is run in the place of loading one.
func modulesForm(_, text string) []schedule.Entry {
	if entries := schedule.Modprobe(text); len(entries) > 0 {
		return entries
	}
	return schedule.Lines(text)
}

func logrotateForm(_, text string) []schedule.Entry {
	var out []schedule.Entry
	for _, rule := range logrotate.Parse(text) {
		for _, s := range rule.Scripts {
			out = append(out, schedule.Entry{Line: s.Line, Command: strings.ReplaceAll(s.Command, "\n", "; "), When: s.When, User: "root"})
		}
	}
	return out
}
