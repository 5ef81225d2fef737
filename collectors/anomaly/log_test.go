package anomaly

import (
	"testing"
	"time"
)

func TestLogs(t *testing.T) {
	now := time.Date(2025, 3, 20, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	daily := LogRotation{Every: 24 * time.Hour, Forced: true}
	for _, c := range []struct {
		name string
		log  Log
		want string // rule and severity; "" for nothing
	}{
		{"emptied after it was made", Log{Modified: ago(1), Born: ago(5), Syslog: true}, "log-emptied medium"},
		{"emptied, by nobody knows whom", Log{Modified: ago(1), Born: ago(5)}, "log-emptied low"},
		{"never written to", Log{Modified: ago(5), Born: ago(5), Syslog: true}, ""},
		{"of an archive, older than the file system", Log{Modified: ago(50), Born: ago(5)}, ""},
		{"emptied by copytruncate", Log{Modified: ago(1), Born: ago(5), Rotations: []Rotation{{Number: 1, Size: 9, Modified: ago(1), Born: ago(1)}}}, ""},
		{"no birth time", Log{Modified: ago(1)}, ""},
		{"a line overwritten", Log{Size: 9000, Syslog: true, Nulls: []NullRun{{500, 80}}}, "log-nul-bytes high"},
		{"a line overwritten in a program's log", Log{Size: 9000, Nulls: []NullRun{{500, 80}}}, "log-nul-bytes medium"},
		{"copytruncate", Log{Size: 9000, Syslog: true, Nulls: []NullRun{{0, 700}}}, "log-nul-bytes medium"},
		{"a crash", Log{Size: 90000, Syslog: true, Nulls: []NullRun{{5000, 9000}}}, "log-nul-bytes medium"},
		{"a number is missing", Log{Size: 1, Rotations: []Rotation{{Number: 1}, {Number: 3}}}, "log-gap low"},
		{"all numbers", Log{Size: 1, Rotations: []Rotation{{Number: 1}, {Number: 2}, {Number: 3}}}, ""},
		{"a day is missing", Log{Size: 1, Rule: daily, Rotations: []Rotation{{Day: ago(1), Modified: ago(1)}, {Day: ago(6), Modified: ago(6)}}}, "log-gap low"},
		{"a day is missing, as the configuration allows", Log{Size: 1, Rule: LogRotation{Every: 24 * time.Hour}, Rotations: []Rotation{{Day: ago(1)}, {Day: ago(6)}}}, ""},
		{"rotation stopped", Log{Size: 1, Rule: daily, Modified: now, Born: ago(30), Rotations: []Rotation{{Number: 1, Modified: ago(30)}}}, "log-gap low"},
		{"a host that was off", Log{Size: 1, Rule: daily, Modified: ago(29), Born: ago(30), Rotations: []Rotation{{Number: 1, Modified: ago(30)}}}, ""},
	} {
		c.log.Path = "/var/log/x"
		got := ""
		for _, f := range Logs([]Log{c.log}, now) {
			got += f.ID + " " + string(f.Severity)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
