package anomaly

import (
	"fmt"
	"strconv"
	"time"

	"bellwether/collectors/logins"
)

var utmpWipedRow = Rule{
	ID: "utmp-wiped-row", Severity: High, Attack: []string{"T1070.002"},
	Means: "A row of a record of logins was overwritten with nulls, or a login has lost the name of its user. Programs write whole rows and never null one: tools that hide a login do.",
	Honest: "A crash of the machine can leave whole blocks of 4096 nulls in a file that was being written, most often at its end: a run of nulls that " +
		"covers a block is medium for that reason. Look for an unclean shutdown at that time in the journal.",
}

var utmpOddTime = Rule{
	ID: "utmp-odd-time", Severity: Low, Attack: []string{"T1070.002", "T1070.006"},
	Means: "A record of logins that is only ever appended to has a row that is older than the row before it, lies in the future, or has no time: a row was changed or put in later, or the clock was set.",
	Honest: "The clock was wrong until the time service set it, which is common shortly after boot, or a machine was restored from a snapshot. Rows of the boot " +
		"itself and of a set clock are not reported.",
}

// sessionRules are the rules about records of logins.
var sessionRules = []*Rule{&utmpWipedRow, &utmpOddTime}

// Logins applies the rules about records of logins to one file, row by row.
type Logins struct {
	File     string
	Appended bool // rows are only ever appended: wtmp and btmp, not utmp
	Now      time.Time
	RowSize  int // bytes of a record

	real     bool // there is a row that is not null
	before   time.Time
	nulls    []nullRun
	findings []Finding
	left     int // findings beyond the limit
}

// A nullRun is a run of rows of nulls.
type nullRun struct {
	row         int // of the table
	first, rows int64
}

// maxPerFile bounds the findings of one rule in one file; the last of them says how many there are.
const maxPerFile = 50

// Null takes a run of rows of nulls, of which first is the first in the file, as the row of the table.
func (l *Logins) Null(row int, first, rows int64) {
	if len(l.nulls) < maxPerFile {
		l.nulls = append(l.nulls, nullRun{row, first, rows})
		return
	}
	l.left++
}

// Record takes the record that is a row of the table, and at its place in the file.
func (l *Logins) Record(row int, at int64, r logins.Record) {
	l.real = true
	if !l.Appended {
		return
	}
	if r.Type == logins.UserProcess && r.User == "" {
		f := utmpWipedRow.In(row, fmt.Sprintf("%s: the login in row %d has no user: its name was overwritten", l.File, at),
			"path", l.File, "row", strconv.FormatInt(at, 10), "line", r.Line, "host", r.Host)
		f.Severity = Medium // a program may have written it so
		l.keep(f)
	}
	l.time(row, at, r)
}

const (
	// clockStep is how far the clock may go back without a word: the time service sets it, and programs take the time before they write.
	clockStep = 5 * time.Minute
	// ahead is how far in the future a row may be: a clock that is wrong by a zone is no sign.
	ahead = 25 * time.Hour
)

func (l *Logins) time(row int, at int64, r logins.Record) {
	before := l.before
	if !r.Time.IsZero() {
		l.before = r.Time
	}
	what := ""
	switch {
	case r.Type == logins.BootTime || r.Type == logins.OldTime || r.Type == logins.NewTime || r.Type == logins.RunLevel:
		return
	case r.Time.IsZero() && r.Type != logins.Empty:
		what = "has no time"
	case r.Time.After(l.Now.Add(ahead)):
		what = fmt.Sprintf("is of %s, in the future", r.Time.Format(time.RFC3339))
	case !r.Time.IsZero() && !before.IsZero() && r.Time.Before(before.Add(-clockStep)):
		what = fmt.Sprintf("is of %s, older than the row before it, of %s", r.Time.Format(time.RFC3339), before.Format(time.RFC3339))
	}
	if what != "" {
		l.keep(utmpOddTime.In(row, fmt.Sprintf("%s: row %d %s", l.File, at, what),
			"path", l.File, "row", strconv.FormatInt(at, 10), "user", r.User, "line", r.Line, "host", r.Host))
	}
}

func (l *Logins) keep(f Finding) {
	if len(l.findings) < maxPerFile {
		l.findings = append(l.findings, f)
		return
	}
	l.left++
}

// Findings returns what was found, when all rows were taken.
func (l *Logins) Findings() []Finding {
	var out []Finding
	for _, n := range l.nulls {
		out = append(out, l.wiped(n))
	}
	out = append(out, l.findings...)
	if l.left > 0 && len(out) > 0 {
		last := &out[len(out)-1]
		last.Text += fmt.Sprintf("; and %d more in this file", l.left)
	}
	return out
}

// block is what a file system writes at once, in bytes.
const block = 4096

func (l *Logins) wiped(n nullRun) Finding {
	rows := "row " + strconv.FormatInt(n.first, 10) + " is"
	if n.rows > 1 {
		rows = fmt.Sprintf("rows %d to %d are", n.first, n.first+n.rows-1)
	}
	text := fmt.Sprintf("%s: %s null", l.File, rows)
	f := utmpWipedRow.In(n.row, text, "path", l.File, "row", strconv.FormatInt(n.first, 10), "rows", strconv.FormatInt(n.rows, 10))
	from, to := n.first*int64(l.RowSize), (n.first+n.rows)*int64(l.RowSize)
	if (from+block-1)/block*block+block <= to {
		f.Severity = Medium
		f.Text += ", a whole block: a crash leaves such as well"
	}
	if !l.real {
		f.Severity = Medium
		f.Text += ", and there is no other row"
	}
	return f
}
