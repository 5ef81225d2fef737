package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/logrotate"
	"bellwether/profiles"

	"github.com/bmatcuk/doublestar/v4"
)

// tampering lists logs with their rotations, and looks for what was taken out of them.
type tampering struct {
	env  *Env
	step profiles.Step
	left int64 // bytes that may still be looked through
}

func newTampering(env *Env, step profiles.Step) Collector {
	return &tampering{env: env, step: step, left: maxLogBytes}
}

var tamperingTables = []string{"rotations"}

const (
	// maxLogBytes bounds what is looked through for NUL bytes in one step, and maxLogFile in one log: its end, where the newest lines are.
	maxLogBytes = 1 << 30
	maxLogFile  = 64 << 20
	// maxLogs bounds the logs that are listed.
	maxLogs = 50_000
	// maxNullRuns bounds how many runs of NUL bytes are remembered of one log.
	maxNullRuns = 64
)

// rotationRow is a log, or a rotation of one.
type rotationRow struct {
	Path       string     `json:"path"`
	Of         string     `json:"rotation_of,omitempty"`
	Size       int64      `json:"size"`
	Allocated  int64      `json:"allocated"`
	Mode       string     `json:"mode"`
	Owner      string     `json:"owner"`
	ModTime    *time.Time `json:"mtime,omitempty"`
	ChangeTime *time.Time `json:"ctime,omitempty"`
	BirthTime  *time.Time `json:"btime,omitempty"`
	Syslog     bool       `json:"syslog,omitempty"`
	Content    string     `json:"content"` // text, binary, packed, empty
	NullBytes  int64      `json:"nul_bytes,omitempty"`
	From       int64      `json:"looked_at_from,omitempty"` // the offset; what is before it was not looked through

	nulls []anomaly.NullRun
}

var rotationColumns = []column[rotationRow]{
	{"size", func(l rotationRow) string { return strconv.FormatInt(l.Size, 10) }},
	{"modified", func(l rotationRow) string { return readable(l.ModTime) }},
	{"changed", func(l rotationRow) string { return readable(l.ChangeTime) }},
	{"born", func(l rotationRow) string { return readable(l.BirthTime) }},
	{"content", func(l rotationRow) string { return l.Content }},
	{"nul bytes", func(l rotationRow) string {
		if l.NullBytes == 0 {
			return ""
		}
		return strconv.FormatInt(l.NullBytes, 10)
	}},
	{"owner", func(l rotationRow) string { return l.Owner }},
	{"mode", func(l rotationRow) string { return l.Mode }},
	{"path", func(l rotationRow) string { return l.Path }},
}

// Collect implements [Collector].
func (t *tampering) Collect(ctx context.Context, sink Sink) error {
	r, err := newReader(t.env, t.step)
	if err != nil {
		return failedState(sink, t.step, err)
	}
	defer r.close()
	rows, err := t.rows(ctx, r)
	if err != nil {
		return err
	}
	rules, err := t.rules(ctx, r)
	if err != nil {
		return err
	}
	tab := table[rotationRow]{name: "rotations", source: strings.Join(t.step.In("logs"), " "), rows: rows, columns: rotationColumns, reason: r.reason(), cut: r.wasCut()}
	return tab.keep(ctx, sink, t.step, anomaly.Logs(logsOf(rows, rules), t.env.Now()))
}

// rows lists the logs, those of a syslog daemon first, so that they are looked through whatever the others need.
func (t *tampering) rows(ctx context.Context, r *reader) ([]rotationRow, error) {
	var rows []rotationRow
	seen := map[string]bool{}
	for _, role := range []string{"syslog", "logs"} {
		err := r.each(ctx, role, func(x found) error {
			if !x.info.mode.IsRegular() || seen[x.path] {
				return nil
			}
			if len(rows) == maxLogs {
				r.cut("more than %d logs: %s and others are left out", maxLogs, x.path)
				return nil
			}
			seen[x.path] = true
			row := rotationRow{
				Path: x.path, Size: x.info.size, Allocated: x.info.blocks, Mode: lsMode(x.info.mode), Owner: fmt.Sprintf("%d:%d", x.info.uid, x.info.gid),
				ModTime: timeOf(x.info.mtime), ChangeTime: timeOf(x.info.ctime), BirthTime: timeOf(x.info.btime), Syslog: role == "syslog",
			}
			if live, _, ok := rotationOf(x.path); ok {
				row.Of = live
			}
			t.look(ctx, r, x, &row)
			rows = append(rows, row)
			return context.Cause(ctx)
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(a, b rotationRow) int { return strings.Compare(a.Path, b.Path) })
	return rows, nil
}

// look tells what a log holds, and counts the NUL bytes of a text.
func (t *tampering) look(ctx context.Context, r *reader, x found, row *rotationRow) {
	if x.info.size == 0 {
		row.Content = "empty"
		return
	}
	f, st, err := x.in.openFile(x.name)
	if err != nil {
		r.note("%s: %s", x.path, plain(err))
		return
	}
	defer f.Close()
	defer dropCache(f)
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		r.note("%s: %s", x.path, plain(err))
		return
	}
	if row.Content = contentOf(head[:n]); row.Content != "text" {
		if row.Content != "nulls" || !t.textBehind(f, st, row) {
			return
		}
	}
	if t.left <= 0 {
		r.note("more than %d bytes of logs: %s and others were not looked through", maxLogBytes, x.path)
		return
	}
	row.From = max(row.From, st.size-min(maxLogFile, t.left))
	t.left -= st.size - row.From
	scan := nullScan{at: row.From}
	if err := scan.read(ctx, io.NewSectionReader(f, row.From, st.size-row.From)); err != nil {
		r.note("%s: %s", x.path, plain(err))
	}
	row.NullBytes += scan.total
	if len(scan.runs) > 0 && row.From > 0 && scan.runs[0].Offset == row.From {
		scan.runs = scan.runs[1:] // where it begins was not looked at
	}
	row.nulls = scan.runs
}

// textBehind looks behind the NULs or the hole that a log begins with. It sets from where to look through the log.
func (t *tampering) textBehind(f io.ReaderAt, st info, row *rotationRow) bool {
	tail := make([]byte, min(4096, st.size))
	n, err := f.ReadAt(tail, st.size-int64(len(tail)))
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	if contentOf(bytes.TrimLeft(tail[:n], "\x00")) != "text" {
		return false
	}
	row.Content = "text"
	return true
}

// contentOf tells text from what is none by its beginning. NULs are not counted: they are what is looked for.
func contentOf(head []byte) string {
	for _, p := range packings {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return "packed"
		}
	}
	odd, all := 0, 0
	for _, c := range head {
		if c == 0 {
			continue
		}
		all++
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != 0x1b {
			odd++
		}
	}
	switch {
	case all == 0:
		return "nulls"
	case odd*50 > all || all*4 < len(head) && !bytes.Contains(head, []byte("\n")):
		return "binary"
	}
	return "text"
}

// A nullScan finds runs of NUL bytes in a stream.
type nullScan struct {
	at    int64 // the offset of what comes next
	runs  []anomaly.NullRun
	total int64
	open  bool // the last run may go on
}

func (s *nullScan) read(ctx context.Context, r io.Reader) error {
	buf := make([]byte, bufferSize)
	for {
		n, err := r.Read(buf)
		s.add(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (s *nullScan) add(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, 0)
		if i != 0 {
			s.open = false
		}
		if i < 0 {
			s.at += int64(len(b))
			return
		}
		b, s.at = b[i:], s.at+int64(i)
		n := len(b) - len(bytes.TrimLeft(b, "\x00"))
		s.run(int64(n))
		b, s.at = b[n:], s.at+int64(n)
		s.open = len(b) == 0
	}
}

func (s *nullScan) run(n int64) {
	s.total += n
	switch {
	case s.open && len(s.runs) > 0 && s.runs[len(s.runs)-1].Offset+s.runs[len(s.runs)-1].Length == s.at:
		s.runs[len(s.runs)-1].Length += n
	case len(s.runs) < maxNullRuns:
		s.runs = append(s.runs, anomaly.NullRun{Offset: s.at, Length: n})
	}
}

// rules reads how logs are rotated.
func (t *tampering) rules(ctx context.Context, r *reader) ([]logrotate.Rule, error) {
	var rules []logrotate.Rule
	global := logrotate.Rule{}
	err := r.texts(ctx, "logrotate", func(_, text string) error {
		parsed := logrotate.Parse(text)
		if global.Every == 0 && len(rules) == 0 {
			global = parsed[0] // the first file is the one that includes the others
		}
		for _, rule := range parsed[1:] {
			if rule.Every == 0 {
				rule.Every = global.Every
			}
			rules = append(rules, rule)
		}
		return nil
	})
	return rules, err
}

// ruleFor is what the configuration says of a log.
func ruleFor(rules []logrotate.Rule, log string) anomaly.LogRotation {
	for _, rule := range rules {
		for _, glob := range rule.Paths {
			if ok, err := doublestar.Match(glob, log); err != nil || !ok {
				continue
			}
			if rule.BySize {
				return anomaly.LogRotation{}
			}
			return anomaly.LogRotation{Every: rule.Every, Forced: !rule.NotIfEmpty}
		}
	}
	return anomaly.LogRotation{}
}

// logsOf puts the rotations beside their logs.
func logsOf(rows []rotationRow, rules []logrotate.Rule) []anomaly.Log {
	rotations := map[string][]anomaly.Rotation{}
	for _, row := range rows {
		if live, rotation, ok := rotationOf(row.Path); ok {
			rotation.Size, rotation.Modified, rotation.Born = row.Size, timeAt(row.ModTime), timeAt(row.BirthTime)
			rotations[live] = append(rotations[live], rotation)
		}
	}
	var logs []anomaly.Log
	for i, row := range rows {
		l := anomaly.Log{
			Path: row.Path, Row: i, Size: row.Size, Modified: timeAt(row.ModTime), Born: timeAt(row.BirthTime), Syslog: row.Syslog,
			Nulls: row.nulls, NullBytes: row.NullBytes,
		}
		if row.Of == "" {
			l.Rotations, l.Rule = rotations[row.Path], ruleFor(rules, row.Path)
		} else if row.Size == 0 {
			l.Born = time.Time{} // a log may have been empty when it was put aside
		}
		logs = append(logs, l)
	}
	return logs
}

func timeAt(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// rotated is the end of the name of a log that was put aside, as logrotate, savelog and their kin form it.
var rotated = regexp.MustCompile(`^(.+?)(?:\.(\d{1,3})|[-.](\d{4})-?(\d{2})-?(\d{2})(?:[-_T.]?\d{2,10})?|\.old)(?:\.(?:gz|bz2|xz|zst|lz4))?$`)

// rotationOf tells of which log a file is a rotation, by its name.
func rotationOf(p string) (live string, r anomaly.Rotation, ok bool) {
	m := rotated.FindStringSubmatch(path.Base(p))
	if m == nil {
		return "", anomaly.Rotation{}, false
	}
	r.Path = p
	if m[2] != "" {
		r.Number, _ = strconv.Atoi(m[2]) // three digits at most
	}
	if m[3] != "" {
		day, err := time.Parse("20060102", m[3]+m[4]+m[5])
		if err != nil {
			return "", anomaly.Rotation{}, false
		}
		r.Day = day
	}
	return path.Join(path.Dir(p), m[1]), r, true
}
