package anomaly

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"bellwether/collectors/schedule"
)

var (
	persistenceChanged = Rule{
		ID: "persistence-changed", Severity: Low, Attack: []string{"T1053.003", "T1543.002", "T1546.004", "T1546.017", "T1556.003", "T1574.006"},
		Means: "A file that makes programs start by themselves was changed or put there within the window (14 days, or --since), and it is not one of a package as it was installed.",
		Honest: "Installing and upgrading packages, configuration management and cloud-init change such files; a host that is younger than the window has changed all of them. " +
			"A preload file, a generator or a PAM module is medium, since packages bring theirs and people hardly ever write one.",
	}
	cronOddCommand = Rule{
		ID: "cron-odd-command", Severity: High, Attack: []string{"T1053.003", "T1105", "T1027", "T1059.004"},
		Means: "A cron or at job, or another script that starts by itself, runs a program from a temporary folder, or gives a shell what it has just downloaded or decoded, or opens a " +
			"connection from the shell itself.",
		Honest: "None on a server that is kept well. An installer may have left such a job: the address that it downloads from tells.",
	}
	unitOddExec = Rule{
		ID: "unit-odd-exec", Severity: High, Attack: []string{"T1543.002", "T1053.006"},
		Means: "A unit of systemd runs a program from a temporary folder or a hidden one, or gives a shell what it has just downloaded or decoded.",
		Honest: "Programs of developers that are run from their own folders (.venv, .nvm, .cargo, .local and the like) are not reported. Software that unpacks itself into " +
			"/tmp and registers a service there is badly made, and rare.",
	}
	fileCloaked = Rule{
		ID: "file-cloaked", Severity: High, Attack: []string{"T1014", "T1564"},
		Means: "A file has other bytes when it is read than when it is mapped into memory, in 16 looks, and in each of the two ways the same bytes every time: the kernel hides a part of it, " +
			"as Reptile and its kin do.",
		Honest: "A file system with a bug, or one that is served by a program (FUSE), may answer so.",
	}
)

// scheduleRules are the rules about what starts by itself.
var scheduleRules = []*Rule{&persistenceChanged, &cronOddCommand, &unitOddExec, &fileCloaked}

// A Start is a row of the table of what starts by itself.
type Start struct {
	Type    string // what the file is to the system: crontab, unit, udev …
	Path    string
	Line    int
	Command string
	Unit    bool      // the command is one of systemd, which has marks of its own
	Newest  time.Time // of the file's times
	Known   bool      // it belongs to a package, as that installed it
	Foreign bool      // it does not; neither is set where the packages are not known
	Owner   uint32    // of the file
}

const (
	// maxOddLines bounds how many lines of one file are findings of their own.
	maxOddLines = 10
	// maxOddFiles bounds of how many files of one owner lines are findings: decoys of one user hide nothing of another's.
	maxOddFiles = 50
)

// Commands looks at what is run. Of a file with many odd lines, and of an owner with many such files, the last finding says how many more
// there are.
func Commands(starts []Start) []Finding {
	var out []Finding
	files, lines := limit[uint32](maxOddFiles, "more files of this owner with such lines"), limit[string](maxOddLines, "more such lines in this file")
	told := map[string]bool{}
	for i, s := range starts {
		rule, why := oddStart(s)
		if why == "" {
			continue
		}
		tell, known := told[s.Path]
		if !known {
			tell = files.take(s.Owner, len(out))
			told[s.Path] = tell
		}
		if !tell || !lines.take(s.Path, len(out)) {
			continue
		}
		out = append(out, rule.In(i, fmt.Sprintf("%s line %d %s: %s", s.Path, s.Line, why, short(s.Command)),
			"path", s.Path, "type", s.Type, "command", short(s.Command)))
	}
	lines.tell(out)
	files.tell(out)
	return out
}

// oddStart says what is odd about what is run, "" for nothing.
func oddStart(s Start) (rule Rule, why string) {
	if s.Command == "" || s.Line == 0 {
		return Rule{}, ""
	}
	why = OddCommand(s.Command)
	if !s.Unit {
		return cronOddCommand, why
	}
	if why == "" {
		why = oddPlace(schedule.Program(s.Command))
	}
	return unitOddExec, why
}

// short is a command in a sentence.
func short(s string) string {
	const most = 300
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

const (
	shellWord = `(?:sudo\s+|env\s+|nohup\s+|exec\s+|setsid\s+|timeout\s+\S+\s+)*(?:/\S*/)?(?:ba|da|z|k|a|c|tc|fi)?sh\b`
	language  = `(?:/\S*/)?(?:python[0-9.]*|perl|php[0-9.]*|ruby|node)\b`
	download  = `\b(?:curl|wget|fetch|aria2c|lwp-download|tftp)\b`
	temporary = `(?:/tmp/|/var/tmp/|/dev/shm/|/run/shm/)`
)

// oddCommands are what a command does that nothing honest does by itself.
var oddCommands = []struct {
	why  string
	form *regexp.Regexp
}{
	{"gives a shell what it downloads", regexp.MustCompile(download + `[^|;]*\|\s*(?:` + shellWord + `|` + language + `\s*(?:-\s*)?$)`)},
	{"gives a shell what it downloads", regexp.MustCompile(`(?:\b(?:eval|source)\b|` + shellWord + `)[^|;]*(?:\$\(|<\(|` + "`" + `)\s*` + download)},
	{"gives a shell what it decodes", regexp.MustCompile(`\b(?:base64|base32|openssl\s+(?:enc|base64)|xxd)\s[^|;]*(?:-d|-D|--decode|-r)\b[^|;]*(?:\|[^|;]*)?\|\s*(?:` + shellWord + `|` + language + `)`)},
	{"opens a connection from the shell", regexp.MustCompile(`/dev/(?:tcp|udp)/[^/\s]+/\d`)},
	{"runs a program of a temporary folder", regexp.MustCompile(`(?:^|[;&|({]\s*|\b(?:then|do|else)\s+|(?:^|\s|/)(?:` + shellWord + `|` + language +
		`|exec|nohup|setsid|sudo|env|nice|ionice|timeout|source|\.)\s+(?:-\S+\s+|[A-Z_]+=\S+\s+|\d+\S*\s+)*["']?)["']?[@:+!|-]*` + temporary + `[^\s;|&]`)},
}

// oddWords are parts of every odd command: looking for them first spares most lines the rest.
var oddWords = []string{"curl", "wget", "fetch", "aria2c", "lwp-download", "tftp", "base64", "base32", "openssl", "xxd", "/dev/", "/tmp/", "/run/shm/"}

// maxCommand bounds what is looked at of one command, in bytes.
const maxCommand = 64 << 10

// OddCommand says what a command does that is odd, "" for nothing. Of a very long one it looks at the first 64 KiB.
func OddCommand(command string) string {
	command = command[:min(len(command), maxCommand)]
	if !slices.ContainsFunc(oddWords, func(w string) bool { return strings.Contains(command, w) }) {
		return ""
	}
	for _, o := range oddCommands {
		if o.form.MatchString(command) {
			return o.why
		}
	}
	return ""
}

// homesOfTools are hidden folders that tools of developers run programs from.
var homesOfTools = []string{
	".venv", ".virtualenvs", ".local", ".nvm", ".rbenv", ".rvm", ".pyenv", ".cargo", ".rustup", ".npm", ".npm-global", ".bun", ".deno", ".volta", ".asdf",
	".sdkman", ".dotnet", ".conda", ".pixi", ".config", ".linuxbrew", ".vscode-server", ".cursor-server", ".nix-profile", ".yarn", ".go", ".steampipe", ".fly",
}

// oddPlace says what is odd about where a program is, "" for nothing.
func oddPlace(program string) string {
	for _, t := range []string{"/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/"} {
		if strings.HasPrefix(path.Clean(program), t) {
			return "runs a program of a temporary folder"
		}
	}
	if !strings.HasPrefix(program, "/") {
		return ""
	}
	for _, name := range strings.Split(program, "/") {
		if len(name) > 1 && name[0] == '.' && name != ".." && !slices.Contains(homesOfTools, name) {
			return "runs a program that is hidden, or in a hidden folder"
		}
	}
	return ""
}

// rareTypes are what people hardly ever write themselves.
var rareTypes = []string{"preload", "generator", "pam-module"}

// maxChanged bounds how many files of one type and owner are findings of their own.
const maxChanged = 25

// Changed looks for files that were changed after a time. Of each file its first row counts.
func Changed(starts []Start, since time.Time) []Finding {
	type kind struct {
		of    string
		owner uint32
	}
	var out []Finding
	seen := map[string]bool{}
	files := limit[kind](maxChanged, "more files of this type and owner")
	for i, s := range starts {
		if seen[s.Path] || s.Known || s.Newest.Before(since) {
			continue
		}
		seen[s.Path] = true
		if !files.take(kind{s.Type, s.Owner}, len(out)) {
			continue
		}
		f := persistenceChanged.In(i, fmt.Sprintf("%s (%s) was changed %s", s.Path, s.Type, stamp(s.Newest)), "path", s.Path, "type", s.Type, "changed", stamp(s.Newest))
		if s.Foreign && slices.Contains(rareTypes, s.Type) {
			f.Severity = Medium
		}
		out = append(out, f)
	}
	files.tell(out)
	return out
}

// A Cloak is a file whose two views differ.
type Cloak struct {
	Row          int
	Path         string
	Read, Mapped int   // bytes in each view
	At           int64 // the first difference
}

// Cloaked turns files whose views differ into findings.
func Cloaked(cs []Cloak) []Finding {
	out := make([]Finding, 0, len(cs))
	for _, c := range cs {
		out = append(out, fileCloaked.In(c.Row, fmt.Sprintf("%s: read gives %d bytes and mmap %d; they differ from offset %d on", c.Path, c.Read, c.Mapped, c.At), "path", c.Path))
	}
	return out
}
