package collectors

import (
	"slices"
	"strings"

	"bellwether/profiles"
)

// The limits of the table of what starts by itself are in units: a row is one, and a KiB of its text is one more.
const (
	// maxFileStarts bounds what one file may fill.
	maxFileStarts = 1_000
	// maxOwnerStarts bounds what the files of one owner may fill in one role.
	maxOwnerStarts = 10_000
	// maxRoleStarts bounds what one role may fill.
	maxRoleStarts = 40_000
	// maxStarts bounds the table.
	maxStarts = 200_000
)

// A startLimit keeps one file, one owner and one role from filling the table. What a limit leaves out is said, and the table is partial.
type startLimit struct {
	all    int
	roles  map[string]int
	owners map[startOwner]int
	left   []leftStarts
}

// leftStarts is what one limit has left out.
type leftStarts struct {
	limit string
	rows  int
	files int
	first string
}

type startOwner struct {
	role string
	uid  uint32
}

func newStartLimit() *startLimit {
	return &startLimit{roles: map[string]int{}, owners: map[startOwner]int{}}
}

// take returns those of the rows of one file that there is room for. They no longer hold the text that they were parsed from.
func (l *startLimit) take(role string, x found, rows []startRow) []startRow {
	inFile := 0
	for i := range rows {
		cost := rows[i].units()
		if full := l.full(role, x.info.uid, inFile, cost); full != "" {
			l.leave(full, x.path, len(rows)-i)
			return rows[:i]
		}
		inFile += cost
		l.all += cost
		l.roles[role] += cost
		l.owners[startOwner{role, x.info.uid}] += cost
		rows[i] = rows[i].own()
	}
	return rows
}

func (l *startLimit) leave(limit, path string, rows int) {
	i := slices.IndexFunc(l.left, func(o leftStarts) bool { return o.limit == limit })
	if i < 0 {
		i = len(l.left)
		l.left = append(l.left, leftStarts{limit: limit, first: path})
	}
	l.left[i].rows += rows
	l.left[i].files++
}

// say tells the reader of the table what is not in it.
func (l *startLimit) say(r *reader) {
	for _, o := range l.left {
		r.cut("%s leaves out %d rows of %d files, the first %s", o.limit, o.rows, o.files, o.first)
	}
}

// full says which limit has no room for so many units, "" for none.
func (l *startLimit) full(role string, uid uint32, inFile, cost int) string {
	switch {
	case inFile+cost > maxFileStarts:
		return "the limit for one file"
	case l.owners[startOwner{role, uid}]+cost > maxOwnerStarts:
		return "the limit for the files of one owner of the type " + role
	case l.roles[role]+cost > maxRoleStarts:
		return "the limit for files of the type " + role
	case l.all+cost > maxStarts:
		return "the limit for all files"
	}
	return ""
}

// units is how much of a limit a row takes.
func (row startRow) units() int {
	bytes := len(row.Command) + len(row.When) + len(row.User) + len(row.Target)
	for _, w := range row.WantedBy {
		bytes += len(w)
	}
	return 1 + len(row.WantedBy)/16 + bytes>>10
}

// own makes a row hold its own words, and not the whole file that they were cut from.
func (row startRow) own() startRow {
	row.Command, row.When, row.User = strings.Clone(row.Command), strings.Clone(row.When), strings.Clone(row.User)
	row.WantedBy = slices.Clone(row.WantedBy)
	for i, w := range row.WantedBy {
		row.WantedBy[i] = strings.Clone(w)
	}
	return row
}

// ofUsers are the roles with files that users write for themselves.
var ofUsers = []string{"user-crontab", "at-job", "user-unit", "user-script", "autostart"}

// usersLast puts the roles of users behind those of the system, so that what users have written takes no room from it.
func usersLast(roles []profiles.Role) []profiles.Role {
	out := slices.Clone(roles)
	slices.SortStableFunc(out, func(a, b profiles.Role) int {
		return cmpBool(slices.Contains(ofUsers, a.Name), slices.Contains(ofUsers, b.Name))
	})
	return out
}
