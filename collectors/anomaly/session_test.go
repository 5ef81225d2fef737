package anomaly

import (
	"strings"
	"testing"
	"time"

	"bellwether/collectors/logins"
)

func TestLogins(t *testing.T) {
	now := time.Date(2025, 3, 20, 12, 0, 0, 0, time.UTC)
	at := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour) }
	user := func(name string, when time.Time) logins.Record {
		return logins.Record{Type: logins.UserProcess, User: name, Line: "pts/0", Time: when}
	}
	type run struct{ first, rows int64 }
	for _, c := range []struct {
		name    string
		records []logins.Record
		nulls   []run
		utmp    bool
		want    string
	}{
		{"rows in order", []logins.Record{user("a", at(-9)), user("b", at(-8))}, nil, false, ""},
		{"a null row", []logins.Record{user("a", at(-9))}, []run{{1, 1}}, false, "utmp-wiped-row high"},
		{"a null row of utmp", []logins.Record{user("a", at(-9))}, []run{{1, 1}}, true, "utmp-wiped-row high"},
		{"nothing but nulls", nil, []run{{0, 3}}, false, "utmp-wiped-row medium"},
		{"a block of nulls, as a crash leaves", []logins.Record{user("a", at(-9))}, []run{{5, 30}}, false, "utmp-wiped-row medium"},
		{"a login without a user", []logins.Record{user("", at(-9))}, nil, false, "utmp-wiped-row medium"},
		{"an older row", []logins.Record{user("a", at(-8)), user("b", at(-9))}, nil, false, "utmp-odd-time low"},
		{"an older row of utmp, which has no order", []logins.Record{user("a", at(-8)), user("b", at(-9))}, nil, true, ""},
		{"a boot with a wrong clock", []logins.Record{user("a", at(-8)), {Type: logins.BootTime, Line: "~", Time: at(-90)}, user("b", at(-89))}, nil, false, ""},
		{"in the future", []logins.Record{user("a", at(100))}, nil, false, "utmp-odd-time low"},
		{"no time", []logins.Record{user("a", time.Time{})}, nil, false, "utmp-odd-time low"},
	} {
		l := Logins{File: "/var/log/wtmp", Appended: !c.utmp, Now: now, RowSize: 384}
		for i, r := range c.records {
			l.Record(i, int64(i), r)
		}
		for _, n := range c.nulls {
			l.Null(9, n.first, n.rows)
		}
		var got []string
		for _, f := range l.Findings() {
			got = append(got, f.ID+" "+string(f.Severity))
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLoginsAreBounded(t *testing.T) {
	l := Logins{File: "x", Appended: true, Now: time.Now(), RowSize: 384}
	for i := range 5000 {
		l.Record(i, int64(i), logins.Record{Type: logins.UserProcess, User: "a", Line: "pts/0"})
		l.Null(i, int64(i), 1)
	}
	got := l.Findings()
	if len(got) > 2*maxPerFile || !strings.Contains(got[len(got)-1].Text, "more in this file") {
		t.Errorf("%d findings, the last says %q", len(got), got[len(got)-1].Text)
	}
}
