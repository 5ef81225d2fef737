package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/logins"
	"bellwether/profiles"
)

// session keeps the records of logins: utmp, wtmp, btmp with their rotations, and lastlog. Systems of 2024 and later keep wtmpdb and
// lastlog2, which are databases of SQLite, and are copied as files.
type session struct {
	env  *Env
	step profiles.Step
}

func newSession(env *Env, step profiles.Step) Collector { return &session{env, step} }

var sessionTables = []string{"logins-utmp", "logins-wtmp", "logins-btmp", "sessions", "lastlog"}

// Collect implements [Collector].
func (s *session) Collect(ctx context.Context, sink Sink) error {
	for _, role := range []string{"utmp", "wtmp", "btmp"} {
		if err := s.logins(ctx, sink, role); err != nil {
			return err
		}
	}
	if err := s.lastlog(ctx, sink); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// maxLoginFiles bounds how many rotations of one record of logins are read.
const maxLoginFiles = 400

// A loginFile is one of the files that a record of logins is made of.
type loginFile struct {
	path string
	info info
}

// files returns the files of a role, the oldest first.
func (s *session) files(ctx context.Context, r *reader, role string) ([]loginFile, error) {
	var files []loginFile
	err := r.each(ctx, role, func(x found) error {
		switch {
		case !x.info.mode.IsRegular():
			if x.info.mode&fs.ModeSymlink != 0 {
				r.note("%s: symbolic link, not followed", x.path)
			}
		case len(files) >= maxLoginFiles:
			r.note("more than %d files: %s is left out", maxLoginFiles, x.path)
		default:
			files = append(files, loginFile{x.path, x.info})
		}
		return nil
	})
	slices.SortStableFunc(files, func(a, b loginFile) int { return a.info.mtime.Compare(b.info.mtime) })
	return files, err
}

// loginRow is a row of a table of records.
type loginRow struct {
	File    string     `json:"file"`
	Row     int64      `json:"row"` // in the file, from 0
	Rows    int64      `json:"rows,omitempty"`
	Type    string     `json:"type"`
	Time    *time.Time `json:"time,omitempty"`
	User    string     `json:"user,omitempty"`
	Line    string     `json:"line,omitempty"`
	Host    string     `json:"host,omitempty"`
	Addr    string     `json:"addr,omitempty"`
	PID     int32      `json:"pid,omitempty"`
	ID      string     `json:"id,omitempty"`
	Session int64      `json:"session,omitempty"`
	Exit    [2]int16   `json:"exit"`                  // termination, exit
	Hidden  bool       `json:"behind_null,omitempty"` // a text goes on after its first null

	record logins.Record
	size   int // of the record, in bytes
}

func newLoginRow(file string, row int64, r logins.Record) loginRow {
	l := loginRow{
		File: file, Row: row, Type: r.Type.String(), Time: timeOf(r.Time), User: r.User, Line: r.Line, Host: r.Host, PID: r.PID, ID: r.ID,
		Session: r.Session, Exit: [2]int16{r.Termination, r.Exit}, Hidden: r.Hidden, record: r,
	}
	if r.Addr.IsValid() {
		l.Addr = r.Addr.String()
	}
	return l
}

// timeOf is nil for no time, so that JSON has none.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

var loginColumns = []column[loginRow]{
	{"time", func(l loginRow) string { return readable(l.Time) }},
	{"type", func(l loginRow) string {
		if l.Rows > 1 {
			return fmt.Sprintf("%s x%d", l.Type, l.Rows)
		}
		return l.Type
	}},
	{"user", func(l loginRow) string { return l.User }},
	{"line", func(l loginRow) string { return l.Line }},
	{"host", func(l loginRow) string { return l.Host }},
	{"addr", func(l loginRow) string { return l.Addr }},
	{"pid", func(l loginRow) string { return strconv.Itoa(int(l.PID)) }},
	{"file", func(l loginRow) string { return l.File }},
	{"row", func(l loginRow) string { return strconv.FormatInt(l.Row, 10) }},
}

// readable is a time in a table, to the second and in UTC.
func readable(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// logins keeps the table of one role; for wtmp the sessions as well.
func (s *session) logins(ctx context.Context, sink Sink, role string) error {
	if s.step.In(role) == nil {
		return nil
	}
	r, err := newReader(s.env, s.step)
	if err != nil {
		return failedState(sink, s.step, err)
	}
	defer r.close()
	files, err := s.files(ctx, r, role)
	if err != nil {
		return err
	}
	found := map[string]*anomaly.Logins{}
	table := stream[loginRow]{
		name: "logins-" + role, source: strings.Join(s.step.In(role), " "), columns: loginColumns, reason: r.reason,
		each: func(yield func(loginRow) error) error { return s.eachRow(ctx, r, files, yield) },
		finds: func(row int, l loginRow) {
			s.judge(found, role, row, l)
		},
	}
	err = table.add(sink, s.step, func() []anomaly.Finding {
		var all []anomaly.Finding
		for _, f := range files {
			if l := found[f.path]; l != nil {
				all = append(all, l.Findings()...)
			}
		}
		return all
	})
	if err != nil || role != "wtmp" {
		return err
	}
	return s.sessions(ctx, sink, r, files)
}

func (s *session) judge(found map[string]*anomaly.Logins, role string, row int, l loginRow) {
	a := found[l.File]
	if a == nil {
		a = &anomaly.Logins{File: l.File, Appended: role != "utmp", Now: s.env.Now(), RowSize: l.size}
		found[l.File] = a
	}
	if l.record.Null {
		a.Null(row, l.Row, l.Rows)
		return
	}
	a.Record(row, l.Row, l.record)
}

// eachRow hands over the rows of all files. What can't be read is noted.
func (s *session) eachRow(ctx context.Context, r *reader, files []loginFile, yield func(loginRow) error) error {
	for _, f := range files {
		if err := s.eachRowOf(ctx, r, f, yield); err != nil {
			return err
		}
	}
	return nil
}

// eachRowOf hands over the rows of one file. A run of rows of nulls is one row with their number.
func (s *session) eachRowOf(ctx context.Context, r *reader, f loginFile, yield func(loginRow) error) error {
	file, in, base, err := s.open(r, f)
	if err != nil {
		r.note("%s: %s", f.path, plain(err))
		return nil
	}
	defer file.Close()
	defer dropCache(file)
	var nulls loginRow
	flush := func() error {
		if nulls.Rows == 0 {
			return nil
		}
		run := nulls
		nulls = loginRow{}
		return yield(run)
	}
	for {
		rec, err := in.Next()
		if err == nil {
			err = context.Cause(ctx)
			if err != nil {
				return err
			}
		}
		switch {
		case err != nil:
			if !errors.Is(err, io.EOF) {
				r.note("%s: %s", f.path, plain(err))
			}
			if n := in.Tail(); n > 0 {
				r.note("%s: ends with %d bytes of a record of %d", f.path, n, in.RecordSize())
			}
			return flush()
		case rec.Null && nulls.Rows > 0:
			nulls.Rows++
		case rec.Null:
			nulls = loginRow{File: f.path, Row: base + in.Row(), Rows: 1, Type: "null", record: rec, size: in.RecordSize()}
		default:
			if err := flush(); err != nil {
				return err
			}
			row := newLoginRow(f.path, base+in.Row(), rec)
			row.size = in.RecordSize()
			if err := yield(row); err != nil {
				return err
			}
		}
	}
}

const (
	// maxLogins bounds what is read of one file of records, in bytes.
	maxLogins = 512 << 20
	// anyRecords is a number of bytes that is whole records, of 384 bytes or of 400.
	anyRecords = 9600
)

// open opens a file of records, as long as it was when it was found, and unpacks it. Of one that is too long the end is read, and base is
// the number of the first row.
func (s *session) open(r *reader, f loginFile) (file *os.File, in *logins.Reader, base int64, err error) {
	if file, _, err = r.open(f.path); err != nil {
		return nil, nil, 0, err
	}
	from := int64(0)
	if f.info.size > maxLogins {
		from = (f.info.size - maxLogins + anyRecords - 1) / anyRecords * anyRecords
		r.note("%s: only the last %d bytes of %d were looked at", f.path, f.info.size-from, f.info.size)
	}
	content, err := unpacked(io.NewSectionReader(file, from, f.info.size-from))
	if err == nil {
		if in, err = logins.NewReader(content); err == nil {
			return file, in, from / int64(in.RecordSize()), nil
		}
	}
	file.Close()
	return nil, nil, 0, err
}

// open opens a file that a walk has found before.
func (r *reader) open(p string) (*os.File, info, error) {
	w := walker{root: r.root, rootPath: r.env.Root, mounts: r.env.mounts}
	d, _, stop := w.descend(path.Dir(p))
	if stop != nil {
		return nil, info{}, fmt.Errorf("%s", stop.reason)
	}
	defer d.close()
	return d.openFile(path.Base(p))
}

// sessionRow is a login with its end.
type sessionRow struct {
	User string     `json:"user"`
	Line string     `json:"line"`
	Host string     `json:"host,omitempty"`
	Addr string     `json:"addr,omitempty"`
	PID  int32      `json:"pid,omitempty"`
	From *time.Time `json:"from,omitempty"`
	To   *time.Time `json:"to,omitempty"`
	End  logins.End `json:"end"`
	File string     `json:"file"`
	Row  int64      `json:"row"`
}

var sessionColumns = []column[sessionRow]{
	{"from", func(s sessionRow) string { return readable(s.From) }},
	{"to", func(s sessionRow) string { return readable(s.To) }},
	{"lasted", func(s sessionRow) string {
		if s.From == nil || s.To == nil {
			return ""
		}
		return s.To.Sub(*s.From).Round(time.Second).String()
	}},
	{"end", func(s sessionRow) string { return string(s.End) }},
	{"user", func(s sessionRow) string { return s.User }},
	{"line", func(s sessionRow) string { return s.Line }},
	{"host", func(s sessionRow) string { return s.Host }},
	{"addr", func(s sessionRow) string { return s.Addr }},
	{"pid", func(s sessionRow) string { return strconv.Itoa(int(s.PID)) }},
	{"file", func(s sessionRow) string { return s.File }},
}

// sessions keeps the logins with their ends, in the order of the ends.
func (s *session) sessions(ctx context.Context, sink Sink, r *reader, files []loginFile) error {
	table := stream[sessionRow]{
		name: "sessions", source: strings.Join(s.step.In("wtmp"), " "), columns: sessionColumns, reason: r.reason, finds: func(int, sessionRow) {},
		each: func(yield func(sessionRow) error) error {
			var p logins.Pairer
			give := func(ended []logins.Session) error {
				for _, e := range ended {
					if err := yield(sessionRow{e.User, e.Line, e.Host, e.Addr, e.PID, timeOf(e.From), timeOf(e.To), e.End, e.File, e.Row}); err != nil {
						return err
					}
				}
				return nil
			}
			err := s.eachRow(ctx, r, files, func(l loginRow) error { return give(p.Add(l.File, l.Row, l.record)) })
			if err != nil {
				return err
			}
			return give(p.Close())
		},
	}
	return table.add(sink, s.step, func() []anomaly.Finding { return nil })
}
