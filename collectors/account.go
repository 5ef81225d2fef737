package collectors

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/accounts"
	"bellwether/collectors/anomaly"
	"bellwether/profiles"
)

// account keeps who may use the host: accounts with the state of their passwords, groups, rules of sudo, ssh keys and histories. Digests
// of passwords are read to tell that state, and not kept.
type account struct {
	env  *Env
	step profiles.Step
}

func newAccount(env *Env, step profiles.Step) Collector { return &account{env, step} }

var accountTables = []string{"accounts", "groups", "sudoers", "authorized-keys", "histories"}

// Collect implements [Collector].
func (a *account) Collect(ctx context.Context, sink Sink) error {
	known, err := a.accounts(ctx, sink)
	if err != nil {
		return err
	}
	for _, t := range []func(context.Context, Sink, []accountRow) error{a.groups, a.sudoers, a.keys, a.histories} {
		if err := t(ctx, sink, known); err != nil {
			return err
		}
	}
	return nil
}

// reading opens the root for one table.
func (a *account) reading(sink Sink, role string, read func(*reader) error) error {
	if a.step.In(role) == nil {
		return nil
	}
	r, err := newReader(a.env, a.step)
	if err != nil {
		return failedState(sink, a.step, err)
	}
	defer r.close()
	return read(r)
}

func (a *account) source(role string) string { return strings.Join(a.step.In(role), " ") }

// accountRow is an account with what shadow says of it.
type accountRow struct {
	Name      string     `json:"name"`
	UID       uint32     `json:"uid"`
	GID       uint32     `json:"gid"`
	Gecos     string     `json:"gecos,omitempty"`
	Home      string     `json:"home"`
	Shell     string     `json:"shell"`
	Password  string     `json:"password"` // none, set, locked, or unknown where shadow can't be read
	Algorithm string     `json:"algorithm,omitempty"`
	Changed   *time.Time `json:"password_changed,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
	MaxAge    int        `json:"max_age_days,omitempty"`
	File      string     `json:"file"`
	Line      int        `json:"line"`

	account accounts.Account
}

var accountColumns = []column[accountRow]{
	{"name", func(a accountRow) string { return a.Name }},
	{"uid", func(a accountRow) string { return strconv.FormatUint(uint64(a.UID), 10) }},
	{"gid", func(a accountRow) string { return strconv.FormatUint(uint64(a.GID), 10) }},
	{"password", func(a accountRow) string { return strings.TrimSpace(a.Password + " " + a.Algorithm) }},
	{"changed", func(a accountRow) string { return date(a.Changed) }},
	{"expires", func(a accountRow) string { return date(a.Expires) }},
	{"shell", func(a accountRow) string { return a.Shell }},
	{"home", func(a accountRow) string { return a.Home }},
	{"gecos", func(a accountRow) string { return a.Gecos }},
}

func date(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

// accounts keeps the table of accounts and returns it.
func (a *account) accounts(ctx context.Context, sink Sink) (rows []accountRow, err error) {
	err = a.reading(sink, "passwd", func(r *reader) error {
		shadows, err := a.shadows(ctx, r)
		if err != nil {
			return err
		}
		err = r.texts(ctx, "passwd", func(path, text string) error {
			found, bad := accounts.ParsePasswd(text)
			if bad > 0 {
				r.note("%s: %d lines are no accounts", path, bad)
			}
			for _, f := range found {
				rows = append(rows, newAccountRow(path, f, shadows))
			}
			return nil
		})
		if err != nil {
			return err
		}
		facts := make([]accounts.Account, len(rows))
		for i, row := range rows {
			facts[i] = row.account
		}
		t := table[accountRow]{name: "accounts", source: a.source("passwd"), rows: rows, columns: accountColumns, reason: r.reason(), cut: r.wasCut()}
		return t.keep(ctx, sink, a.step, anomaly.Accounts(facts))
	})
	return rows, err
}

func (a *account) shadows(ctx context.Context, r *reader) (map[string]accounts.Shadow, error) {
	shadows := map[string]accounts.Shadow{}
	err := r.texts(ctx, "shadow", func(path, text string) error {
		found, bad := accounts.ParseShadow(text)
		if bad > 0 {
			r.note("%s: %d lines are no accounts", path, bad)
		}
		for _, s := range found {
			if _, twice := shadows[s.Name]; !twice { // the system takes the first one as well
				shadows[s.Name] = s
			}
		}
		return nil
	})
	return shadows, err
}

func newAccountRow(path string, f accounts.Account, shadows map[string]accounts.Shadow) accountRow {
	row := accountRow{Name: f.Name, UID: f.UID, GID: f.GID, Gecos: f.Gecos, Home: f.Home, Shell: f.Shell, File: path, Line: f.Line}
	if s, ok := shadows[f.Name]; ok && f.Password.State == accounts.InShadow {
		f.Password = s.Password
		row.Changed, row.Expires, row.MaxAge = timeOf(s.Changed), timeOf(s.Expires), s.MaxAge
	}
	row.account, row.Password, row.Algorithm = f, f.Password.State, f.Password.Algorithm
	if f.Password.State == accounts.InShadow {
		row.Password = "unknown"
	}
	return row
}

// groupRow is a group.
type groupRow struct {
	Name    string   `json:"name"`
	GID     uint32   `json:"gid"`
	Members []string `json:"members,omitempty"`
	Primary []string `json:"primary,omitempty"` // the accounts that have it as their own group
	File    string   `json:"file"`
}

var groupColumns = []column[groupRow]{
	{"name", func(g groupRow) string { return g.Name }},
	{"gid", func(g groupRow) string { return strconv.FormatUint(uint64(g.GID), 10) }},
	{"members", func(g groupRow) string { return strings.Join(g.Members, ",") }},
	{"primary of", func(g groupRow) string { return strings.Join(g.Primary, ",") }},
}

func (a *account) groups(ctx context.Context, sink Sink, known []accountRow) error {
	primary := map[uint32][]string{}
	for _, k := range known {
		primary[k.GID] = append(primary[k.GID], k.Name)
	}
	return a.reading(sink, "group", func(r *reader) error {
		var rows []groupRow
		err := r.texts(ctx, "group", func(path, text string) error {
			found, bad := accounts.ParseGroup(text)
			if bad > 0 {
				r.note("%s: %d lines are no groups", path, bad)
			}
			for _, g := range found {
				rows = append(rows, groupRow{g.Name, g.GID, g.Members, primary[g.GID], path})
				delete(primary, g.GID) // a second group of the number need not name them again
			}
			return nil
		})
		if err != nil {
			return err
		}
		return table[groupRow]{name: "groups", source: a.source("group"), rows: rows, columns: groupColumns, reason: r.reason(), cut: r.wasCut()}.keep(ctx, sink, a.step, nil)
	})
}

// grantRow is a rule of sudo.
type grantRow struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	Kind       string `json:"kind"`
	Who        string `json:"who,omitempty"`
	NoPassword bool   `json:"no_password,omitempty"`
	Everything bool   `json:"everything,omitempty"`
	Text       string `json:"text"`
}

var grantColumns = []column[grantRow]{
	{"file", func(g grantRow) string { return g.File }},
	{"line", func(g grantRow) string { return strconv.Itoa(g.Line) }},
	{"kind", func(g grantRow) string { return g.Kind }},
	{"no password", func(g grantRow) string { return yes(g.NoPassword) }},
	{"everything", func(g grantRow) string { return yes(g.Everything) }},
	{"text", func(g grantRow) string { return g.Text }},
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func (a *account) sudoers(ctx context.Context, sink Sink, _ []accountRow) error {
	return a.reading(sink, "sudoers", func(r *reader) error {
		var rows []grantRow
		var grants []accounts.Grant
		var paths []string
		err := r.texts(ctx, "sudoers", func(file, text string) error {
			// sudo passes over names with a dot or a tilde in the folder that it includes, so what stands there is not in force.
			off := strings.ContainsAny(path.Base(file), ".~")
			for _, g := range accounts.ParseSudoers(text) {
				if off {
					g.Kind += " (not in force)"
					g.NoPassword = false
				}
				rows = append(rows, grantRow{file, g.Line, g.Kind, g.Who, g.NoPassword, g.Everything, g.Text})
				grants, paths = append(grants, g), append(paths, file)
			}
			return nil
		})
		if err != nil {
			return err
		}
		t := table[grantRow]{name: "sudoers", source: a.source("sudoers"), rows: rows, columns: grantColumns, reason: r.reason(), cut: r.wasCut()}
		return t.keep(ctx, sink, a.step, anomaly.Grants(grants, paths))
	})
}

// keyRow is a key that an account accepts.
type keyRow struct {
	User        string     `json:"user,omitempty"`
	UID         *uint32    `json:"uid,omitempty"`
	Type        string     `json:"type"`
	Fingerprint string     `json:"fingerprint"`
	Comment     string     `json:"comment,omitempty"`
	Options     string     `json:"options,omitempty"`
	File        string     `json:"file"`
	Line        int        `json:"line"`
	ModTime     *time.Time `json:"mtime,omitempty"`
	ChangeTime  *time.Time `json:"ctime,omitempty"`
}

var keyColumns = []column[keyRow]{
	{"user", func(k keyRow) string { return k.User }},
	{"type", func(k keyRow) string { return k.Type }},
	{"fingerprint", func(k keyRow) string { return k.Fingerprint }},
	{"comment", func(k keyRow) string { return k.Comment }},
	{"options", func(k keyRow) string { return k.Options }},
	{"file", func(k keyRow) string { return k.File }},
	{"line", func(k keyRow) string { return strconv.Itoa(k.Line) }},
	{"modified", func(k keyRow) string { return readable(k.ModTime) }},
	{"changed", func(k keyRow) string { return readable(k.ChangeTime) }},
}

// Of the keys: the largest lists are those of git servers, with a key for every user.
const (
	maxFileKeys  = 20_000
	maxOwnerKeys = 40_000
	maxKeys      = 100_000
)

func (a *account) keys(ctx context.Context, sink Sink, known []accountRow) error {
	return a.reading(sink, "keys", func(r *reader) error {
		var rows []keyRow
		var files []anomaly.KeyFile
		limit := newRowLimit(maxFileKeys, maxOwnerKeys, maxKeys)
		err := r.each(ctx, "keys", func(x found) error {
			if x.info.mode&fs.ModeSymlink != 0 {
				r.note("%s: symbolic link, not followed", x.path)
				return nil
			}
			text, ok := r.text(x)
			if !ok {
				return nil
			}
			keys, bad := accounts.ParseKeys(text)
			if bad > 0 {
				r.note("%s: %d lines are no keys", x.path, bad)
			}
			owners := ownersOf(known, x.path)
			files = append(files, anomaly.KeyFile{Path: x.path, Owners: owners, Keys: len(keys), Row: len(rows)})
			fit := limit.take(x, len(keys), func(i int) int { return len(keys[i].Comment) + len(keys[i].Options) })
			if fit == 0 {
				files[len(files)-1].Row = -1
			}
			for _, k := range keys[:fit] {
				row := keyRow{
					Type: k.Type, Fingerprint: k.Fingerprint, Comment: strings.Clone(k.Comment), Options: strings.Clone(k.Options), File: x.path, Line: k.Line,
					ModTime: timeOf(x.info.mtime), ChangeTime: timeOf(x.info.ctime),
				}
				if len(owners) > 0 {
					row.User, row.UID = names(owners), &owners[0].UID
				}
				rows = append(rows, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
		limit.say(r)
		t := table[keyRow]{name: "authorized-keys", source: a.source("keys"), rows: rows, columns: keyColumns, reason: r.reason(), cut: r.wasCut()}
		return t.keep(ctx, sink, a.step, anomaly.AuthorizedKeys(files))
	})
}

// ownersOf returns the accounts that a file is for: those with the longest home above it, or the one that it is called after.
func ownersOf(known []accountRow, file string) []accounts.Account {
	var owners []accounts.Account
	longest := 0
	for _, k := range known {
		home := path.Clean(k.Home)
		if home == "/" || !strings.HasPrefix(home, "/") || !strings.HasPrefix(file, home+"/") || len(home) < longest {
			continue
		}
		if len(home) > longest {
			owners, longest = nil, len(home)
		}
		owners = append(owners, k.account)
	}
	if len(owners) > 0 {
		return owners
	}
	for _, k := range known {
		if base := path.Base(file); base == k.Name || path.Base(path.Dir(file)) == k.Name {
			return []accounts.Account{k.account}
		}
	}
	return nil
}

func names(as []accounts.Account) string {
	out := make([]string, len(as))
	for i, a := range as {
		out[i] = a.Name
	}
	return strings.Join(out, ",")
}

// historyRow is a file that keeps what an account has typed.
type historyRow struct {
	User       string     `json:"user,omitempty"`
	Path       string     `json:"path"`
	Kind       string     `json:"kind"`
	Target     string     `json:"target,omitempty"`
	Size       int64      `json:"size"`
	Mode       string     `json:"mode"`
	Owner      string     `json:"owner"`
	ModTime    *time.Time `json:"mtime,omitempty"`
	AccessTime *time.Time `json:"atime,omitempty"`
	ChangeTime *time.Time `json:"ctime,omitempty"`
}

var historyColumns = []column[historyRow]{
	{"user", func(h historyRow) string { return h.User }},
	{"size", func(h historyRow) string { return strconv.FormatInt(h.Size, 10) }},
	{"modified", func(h historyRow) string { return readable(h.ModTime) }},
	{"changed", func(h historyRow) string { return readable(h.ChangeTime) }},
	{"mode", func(h historyRow) string { return h.Mode }},
	{"owner", func(h historyRow) string { return h.Owner }},
	{"path", func(h historyRow) string { return h.Path }},
	{"leads to", func(h historyRow) string { return h.Target }},
}

// Of the histories: a user has a few dozen.
const (
	maxOwnerHistories = 2_000
	maxHistories      = 50_000
)

func (a *account) histories(ctx context.Context, sink Sink, known []accountRow) error {
	return a.reading(sink, "histories", func(r *reader) error {
		var rows []historyRow
		var facts []anomaly.History
		limit := newRowLimit(1, maxOwnerHistories, maxHistories)
		err := r.each(ctx, "histories", func(x found) error {
			if limit.take(x, 1, func(int) int { return 0 }) == 0 {
				return nil
			}
			row := historyRow{
				User: names(ownersOf(known, x.path)), Path: x.path, Kind: kindOf(x.info.mode), Size: x.info.size, Mode: lsMode(x.info.mode),
				Owner:   fmt.Sprintf("%d:%d", x.info.uid, x.info.gid),
				ModTime: timeOf(x.info.mtime), AccessTime: timeOf(x.info.atime), ChangeTime: timeOf(x.info.ctime),
			}
			if x.info.mode&fs.ModeSymlink != 0 {
				target, err := x.in.readlink(x.name)
				if err != nil {
					r.note("%s: %s", x.path, plain(err))
				}
				row.Target = target
			}
			rows = append(rows, row)
			fact := anomaly.History{Path: x.path, User: row.User, Size: x.info.size, Target: row.Target, Changed: x.info.newest()}
			if row.Target == "" && !x.info.mode.IsRegular() {
				fact.Size = 1 // not one that could be empty
			}
			facts = append(facts, fact)
			return nil
		})
		if err != nil {
			return err
		}
		limit.say(r)
		t := table[historyRow]{name: "histories", source: a.source("histories"), rows: rows, columns: historyColumns, reason: r.reason(), cut: r.wasCut()}
		return t.keep(ctx, sink, a.step, anomaly.Histories(facts))
	})
}
