package collectors

import (
	"context"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/logins"
)

// lastRow is the last login of an account.
type lastRow struct {
	UID  uint32     `json:"uid"`
	Time *time.Time `json:"time,omitempty"`
	Line string     `json:"line,omitempty"`
	Host string     `json:"host,omitempty"`
	File string     `json:"file"`
}

var lastColumns = []column[lastRow]{
	{"uid", func(l lastRow) string { return strconv.FormatUint(uint64(l.UID), 10) }},
	{"time", func(l lastRow) string { return readable(l.Time) }},
	{"line", func(l lastRow) string { return l.Line }},
	{"host", func(l lastRow) string { return l.Host }},
	{"file", func(l lastRow) string { return l.File }},
}

// lastlog keeps the last login of each account that has one. Only the data of the file is read: it is as long as the highest uid asks for.
func (s *session) lastlog(ctx context.Context, sink Sink) error {
	if s.step.In("lastlog") == nil {
		return nil
	}
	r, err := newReader(s.env, s.step)
	if err != nil {
		return failedState(sink, s.step, err)
	}
	defer r.close()
	files, err := s.files(ctx, r, "lastlog")
	if err != nil {
		return err
	}
	table := stream[lastRow]{
		name: "lastlog", source: strings.Join(s.step.In("lastlog"), " "), columns: lastColumns, reason: r.reason, finds: func(int, lastRow) {},
		each: func(yield func(lastRow) error) error {
			for _, f := range files {
				if err := eachLast(ctx, r, f, yield); err != nil {
					return err
				}
			}
			return nil
		},
	}
	return table.add(sink, s.step, func() []anomaly.Finding { return nil })
}

func eachLast(ctx context.Context, r *reader, f loginFile, yield func(lastRow) error) error {
	file, st, err := r.open(f.path)
	if err != nil {
		r.note("%s: %s", f.path, plain(err))
		return nil
	}
	defer file.Close()
	m := readDataMap(file, st.size)
	var spans []logins.Span
	for left, i := int64(maxLogins), 0; i < len(m.extents) && left > 0; i++ {
		e := m.extents[i]
		spans = append(spans, logins.Span{Offset: e.Offset, Length: min(e.Length, left)})
		left -= e.Length
	}
	if m.cut || total(m.extents) > maxLogins {
		r.note("%s: too much data: the accounts of the highest numbers were not looked at", f.path)
	}
	stop := error(nil)
	err = logins.EachLast(file, spans, func(l logins.Last) error {
		if stop = context.Cause(ctx); stop == nil {
			stop = yield(lastRow{l.UID, timeOf(l.Time), l.Line, l.Host, f.path})
		}
		return stop
	})
	if stop != nil {
		return stop
	}
	if err != nil {
		r.note("%s: %s", f.path, plain(err))
	}
	return nil
}
