package schedule

import (
	"strconv"
	"strings"
	"time"
)

// Crontab reads a crontab(5): with the name of a user in each line if system is set, as /etc/crontab and /etc/cron.d have it. Settings of
// the environment are entries whose When is "environment".
func Crontab(text string, system bool) []Entry {
	var out []Entry
	lines(text, func(n int, line string) {
		if e, ok := cronLine(line, system); ok {
			e.Line = n
			out = append(out, e)
		}
	})
	return out
}

func cronLine(line string, system bool) (Entry, bool) {
	if isSetting(line) {
		return Entry{Command: line, When: "environment"}, true
	}
	times := 5
	if line[0] == '@' {
		times = 1
	}
	if system {
		times++
	}
	f, command, ok := cutFields(line, times)
	if !ok || command == "" {
		return Entry{}, false
	}
	e := Entry{Command: command}
	if system {
		e.User, f = f[len(f)-1], f[:len(f)-1]
	}
	e.When = strings.Join(f, " ")
	return e, true
}

// isSetting tells NAME=value from a line of times, which begins with a digit, a star or @.
func isSetting(line string) bool {
	name, _, ok := strings.Cut(line, "=")
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	if !ok || name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return !(r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
	}) < 0
}

// Anacrontab reads an anacrontab(5): period, delay, name, command.
func Anacrontab(text string) []Entry {
	var out []Entry
	lines(text, func(n int, line string) {
		if isSetting(line) {
			out = append(out, Entry{Line: n, Command: line, When: "environment"})
			return
		}
		if f, command, ok := cutFields(line, 3); ok && command != "" {
			out = append(out, Entry{Line: n, Command: command, When: "every " + strings.TrimSuffix(f[0], "@") + " days"})
		}
	})
	return out
}

// AtJob reads a job of at(1), which is a script: settings, a cd, then what was asked for. The name of the file has the time.
func AtJob(name, text string) []Entry {
	e := Entry{When: atTime(name)}
	var commands []string
	n, body, started := 0, 0, false
	end := ""
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# atrun uid="); ok {
			uid, _, _ := strings.Cut(rest, " ")
			e.User = uid
		}
		switch {
		case line == "}" && !started:
			started = true // the end of: cd /home/alice || { echo …; exit 1; }
			continue
		case !started || line == "" || line == end:
			continue
		case len(commands) == 0 && strings.Contains(line, "<<") && end == "":
			_, after, _ := strings.Cut(line, "<<")
			end = strings.Trim(strings.TrimSpace(after), `'"`)
			continue
		}
		if body == 0 {
			body = n
		}
		if len(commands) < 100 {
			commands = append(commands, line)
		}
	}
	if len(commands) == 0 {
		return nil
	}
	e.Line, e.Command = body, strings.Join(commands, "; ")
	return []Entry{e}
}

// atTime is the time in the name of a job: a letter for the queue, five hex digits of a number, eight of minutes since 1970.
func atTime(name string) string {
	if len(name) != 14 {
		return ""
	}
	minutes, err := strconv.ParseUint(name[6:], 16, 32)
	if err != nil {
		return ""
	}
	return time.Unix(int64(minutes)*60, 0).UTC().Format(time.RFC3339)
}
