package schedule

import (
	"path"
	"slices"
	"strings"
)

// A Unit is what a unit file of systemd, or a part that is dropped in beside it, says of what it starts.
type Unit struct {
	Execs    []Entry // of a service: each Exec line, its When is the key: ExecStart
	Triggers []Entry // of a timer, socket or path: each condition; the command is the unit that it starts
	User     string
	WantedBy []string
	Settings []Entry // that change what is started: Environment, LD_PRELOAD among them, and EnvironmentFile
}

// IsUnit reports whether a file is a unit that starts something, or is dropped in beside one.
func IsUnit(p string) bool {
	base := path.Base(p)
	if strings.HasSuffix(base, ".conf") {
		dir, ok := strings.CutSuffix(path.Base(path.Dir(p)), ".d")
		return ok && (startsSomething(dir) || dir == "service" || dir == "timer")
	}
	return startsSomething(base)
}

func startsSomething(name string) bool {
	return slices.Contains([]string{".service", ".timer", ".socket", ".path"}, path.Ext(name))
}

// triggers are the keys of timers, sockets and paths that say when.
var triggers = []string{
	"OnCalendar", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "ListenStream", "ListenDatagram",
	"ListenSequentialPacket", "ListenFIFO", "ListenSpecial", "ListenNetlink", "ListenMessageQueue", "PathExists", "PathExistsGlob", "PathChanged",
	"PathModified", "DirectoryNotEmpty",
}

// ParseUnit reads systemd.syntax(7). name is that of the file, which says what a timer starts where it doesn't say it itself.
func ParseUnit(name, text string) Unit {
	u := Unit{}
	target := strings.TrimSuffix(name, path.Ext(name)) + ".service"
	settings(text, func(n int, key, value string) {
		switch {
		case strings.HasPrefix(key, "Exec") && value != "":
			u.Execs = append(u.Execs, Entry{Line: n, Command: value, When: key})
		case key == "User" || key == "DynamicUser" && value == "yes" && u.User == "":
			u.User = value
			if key == "DynamicUser" {
				u.User = "dynamic"
			}
		case key == "WantedBy" || key == "RequiredBy":
			u.WantedBy = append(u.WantedBy, strings.Fields(value)...)
		case key == "Unit" || key == "Service":
			target = value
		case slices.Contains(triggers, key) && value != "":
			u.Triggers = append(u.Triggers, Entry{Line: n, When: key + "=" + value})
		case (key == "Environment" || key == "EnvironmentFile") && value != "":
			u.Settings = append(u.Settings, Entry{Line: n, Command: value, When: key})
		}
	})
	for i := range u.Triggers {
		u.Triggers[i].Command = target
	}
	for i := range u.Execs {
		u.Execs[i].User = u.User
	}
	return u
}

// settings hands over every KEY=value, with the lines joined that a backslash ends.
func settings(text string, each func(n int, key, value string)) {
	n, begin, used := 0, 0, 0
	var whole strings.Builder
	flush := func() {
		line := strings.TrimSpace(whole.String())
		whole.Reset()
		key, value, ok := strings.Cut(line, "=")
		if !ok || line[0] == '[' {
			return
		}
		if used++; used <= maxEntries {
			each(begin, strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" && whole.Len() == 0 || line != "" && (line[0] == '#' || line[0] == ';') {
			continue // a comment between continued lines is none of them
		}
		if whole.Len() == 0 {
			begin = n
		}
		if head, ok := strings.CutSuffix(line, `\`); ok {
			whole.WriteString(head + " ")
			continue
		}
		whole.WriteString(line)
		flush()
	}
	if whole.Len() > 0 {
		flush()
	}
}

// Program is what an Exec line runs: its first word, without the marks of systemd and without quotes.
func Program(command string) string {
	command = strings.TrimLeft(command, "@-:+!| \t")
	if command != "" && (command[0] == '"' || command[0] == '\'') {
		if i := strings.IndexByte(command[1:], command[0]); i >= 0 {
			return command[1 : i+1]
		}
	}
	word, _, _ := strings.Cut(strings.ReplaceAll(command, "\t", " "), " ")
	return word
}

// Desktop reads the Exec of a .desktop file, or of a service of D-Bus.
func Desktop(text string) []Entry {
	var out []Entry
	user := ""
	settings(text, func(n int, key, value string) {
		switch key {
		case "Exec", "TryExec":
			if key == "Exec" && value != "" {
				out = append(out, Entry{Line: n, Command: value})
			}
		case "User":
			user = value
		}
	})
	for i := range out {
		out[i].User = user
	}
	return out
}
