package anomaly

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

var (
	logEmptied = Rule{
		ID: "log-emptied", Severity: Low, Attack: []string{"T1070.002"},
		Means: "A log is empty, was written or emptied after it was made, and no rotation happened then: somebody has emptied it.",
		Honest: "Images are often made by emptying their logs, and some programs empty their log when they start. A log that a syslog daemon writes is medium: " +
			"the daemon never empties one. Compare the time with that of the installation and of the last start.",
	}
	logNulBytes = Rule{
		ID: "log-nul-bytes", Severity: Medium, Attack: []string{"T1070.002"},
		Means: "A log of text has NUL bytes: a line was overwritten, or the log was emptied while a program that does not append was writing.",
		Honest: "copytruncate under a program that keeps its place leaves one run of NULs at the beginning; a crash leaves whole blocks of 4096; " +
			"programs that log what they received may log NULs. In a log of a syslog daemon, which never writes NULs (it escapes them), a short run is high.",
	}
	logGap = Rule{
		ID: "log-gap", Severity: Low, Attack: []string{"T1070.002"},
		Means:  "A rotation of a log is missing between others, or the last one is older than the configuration of logrotate allows: a rotated log was taken away, or rotation was stopped.",
		Honest: "The host was off or the log empty at the time of a rotation, the configuration was changed, or a rotated log was removed to free space.",
	}
)

// logRules are the rules about logs that were changed.
var logRules = []*Rule{&logEmptied, &logNulBytes, &logGap}

// A Log is a log that is written, with its rotations.
type Log struct {
	Path      string
	Row       int
	Size      int64
	Modified  time.Time
	Born      time.Time // zero where the file system doesn't know
	Syslog    bool      // a syslog daemon writes it
	Nulls     []NullRun // of a text, the first ones
	NullBytes int64
	Rotations []Rotation
	Rule      LogRotation
}

// A NullRun is a run of NUL bytes.
type NullRun struct{ Offset, Length int64 }

// A Rotation is a log that was put aside.
type Rotation struct {
	Path     string
	Number   int       // of log.3; 0 where it has a date
	Day      time.Time // of log-20250301; zero where it has a number
	Size     int64
	Modified time.Time
	Born     time.Time
}

// A LogRotation is what the configuration says of one log; the zero value is that it says nothing.
type LogRotation struct {
	Every  time.Duration // 0 where it is not by time
	Forced bool          // empty logs are rotated too
}

// Logs looks at logs for what was taken out of them.
func Logs(logs []Log, now time.Time) []Finding {
	var out []Finding
	for _, l := range logs {
		out = append(out, emptied(l)...)
		out = append(out, nulled(l)...)
		out = append(out, gaps(l, now)...)
	}
	return out
}

// near is how far apart two times of one rotation may be: it packs and moves many logs.
const near = 15 * time.Minute

func emptied(l Log) []Finding {
	if l.Size != 0 || l.Born.IsZero() || l.Modified.Before(l.Born.Add(near)) {
		return nil // it was never written to, or nobody can know
	}
	for _, r := range l.Rotations {
		for _, t := range []time.Time{r.Modified, r.Born} {
			if d := l.Modified.Sub(t); !t.IsZero() && d > -near && d < near {
				return nil
			}
		}
	}
	f := logEmptied.In(l.Row, fmt.Sprintf("%s is empty: made %s, emptied %s, and not by a rotation", l.Path, stamp(l.Born), stamp(l.Modified)),
		"path", l.Path, "born", stamp(l.Born), "modified", stamp(l.Modified))
	if l.Syslog {
		f.Severity = Medium
	}
	return []Finding{f}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func nulled(l Log) []Finding {
	if len(l.Nulls) == 0 {
		return nil
	}
	short := slices.IndexFunc(l.Nulls, func(n NullRun) bool {
		return n.Offset > 0 && (n.Offset+block-1)/block*block+block > n.Offset+n.Length
	})
	at := l.Nulls[max(short, 0)]
	f := logNulBytes.In(l.Row, fmt.Sprintf("%s: %d NUL bytes at offset %d, %d in all", l.Path, at.Length, at.Offset, l.NullBytes),
		"path", l.Path, "offset", strconv.FormatInt(at.Offset, 10), "length", strconv.FormatInt(at.Length, 10), "nul_bytes", strconv.FormatInt(l.NullBytes, 10))
	switch {
	case short >= 0 && l.Syslog:
		f.Severity = High
	case short < 0 && l.Nulls[0].Offset == 0:
		f.Text += "; at the beginning, as copytruncate leaves them"
	}
	return []Finding{f}
}

func gaps(l Log, now time.Time) []Finding {
	var out []Finding
	if f, ok := missing(l); ok {
		out = append(out, f)
	}
	if f, ok := late(l, now); ok {
		out = append(out, f)
	}
	return out
}

// missing looks for a number or a day that is not there.
func missing(l Log) (Finding, bool) {
	numbers := map[int]bool{}
	highest := 0
	var days []time.Time
	for _, r := range l.Rotations {
		if r.Number > 0 {
			numbers[r.Number] = true
			highest = max(highest, r.Number)
		} else if !r.Day.IsZero() {
			days = append(days, r.Day)
		}
	}
	for n := 1; n < highest && n < 1000; n++ {
		// log.0 and log.1 are both where a rotation may begin.
		if !numbers[n] && !(n == 1 && len(l.Rotations) == 1) {
			return logGap.In(l.Row, fmt.Sprintf("%s: there is a rotation %d and none %d", l.Path, highest, n), "path", l.Path, "missing", strconv.Itoa(n)), true
		}
	}
	if !l.Rule.Forced || l.Rule.Every <= 0 {
		return Finding{}, false
	}
	slices.SortFunc(days, time.Time.Compare)
	for i := 1; i < len(days); i++ {
		if d := days[i].Sub(days[i-1]); d > 5*l.Rule.Every/2+24*time.Hour {
			return logGap.In(l.Row, fmt.Sprintf("%s: no rotation between %s and %s, and there is one every %s", l.Path,
				days[i-1].Format(time.DateOnly), days[i].Format(time.DateOnly), days1(l.Rule.Every)), "path", l.Path, "after", days[i-1].Format(time.DateOnly)), true
		}
	}
	return Finding{}, false
}

func days1(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n > 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "day"
}

// late looks at a log that is being written and should have been put aside long ago.
func late(l Log, now time.Time) (Finding, bool) {
	if l.Rule.Every <= 0 || l.Size == 0 || len(l.Rotations) == 0 || l.Born.IsZero() {
		return Finding{}, false
	}
	newest := time.Time{}
	for _, r := range l.Rotations {
		for _, t := range []time.Time{r.Modified, r.Day} {
			if t.After(newest) {
				newest = t
			}
		}
	}
	limit := 3*l.Rule.Every + 48*time.Hour
	if now.Sub(newest) <= limit || now.Sub(l.Born) <= limit || now.Sub(l.Modified) > 24*time.Hour {
		return Finding{}, false
	}
	return logGap.In(l.Row, fmt.Sprintf("%s: its last rotation is of %s, and there should be one every %s", l.Path, newest.UTC().Format(time.DateOnly), days1(l.Rule.Every)),
		"path", l.Path, "last_rotation", stamp(newest)), true
}
