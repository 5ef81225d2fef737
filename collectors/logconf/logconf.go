// Package logconf reads the configuration of programs that write logs, or move them: where they log, and where they send logs to.
//
// The rules that every file keeps: parsers take text, never a path, and know the format and nothing of the host. What they don't
// understand they pass over: a program that the configuration is wrong for may still have logged. They never panic, whatever the text is, and return
// no more than MaxEntries entries. A path is returned as a glob for [doublestar], absolute and clean; what stands for the time, the host
// or a process in a name becomes *.
//
// [doublestar]: https://pkg.go.dev/github.com/bmatcuk/doublestar/v4
package logconf

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

const (
	// MaxEntries bounds what one file can say: of a file with so many entries there may be more.
	MaxEntries = 2000
	// maxPath bounds a path, and every other value, in bytes.
	maxPath = 4096
	// maxText bounds how much of a file is looked at, in bytes.
	maxText = 1 << 20
	// maxValues bounds the values of a document that is read as a whole, and maxKey the keys that they stand under.
	maxValues = 10_000
	maxKey    = 64
	// maxLevels bounds how deep a value can stand in a document.
	maxLevels = 20
	// maxCall bounds what stands between a pair of brackets, in bytes.
	maxCall = 8 << 10
)

// A Kind says what an entry is.
type Kind int

// The kinds of entries.
const (
	Log     Kind = iota // Path is a log, or a glob of logs
	Forward             // logs are sent to Target by Protocol
	Include             // Path is a glob of more configuration
	Note                // Target says what a reader should know: a pipe, a setting
)

// An Entry is one thing that a configuration says.
type Entry struct {
	Kind     Kind
	Path     string // a glob
	Protocol string // of a Forward: syslog, tcp, https …; of a Note, what kind of thing it is: pipe, setting
	Target   string
	Line     int // from 1
}

// A File is one file of a program's configuration.
type File struct {
	Path string // absolute, as the host names it: what relative paths in it are held against
	Text string
	// Vars are what files before it, of the same program, have defined, and this one adds to: environment variables, base directories. Not nil.
	Vars map[string]string
}

// formats are the parsers by their program's name.
var formats = map[string]func(*parse){
	"apache":              parseApache,
	"auditd":              parseAuditd,
	"azure-monitor-agent": parseAzureMonitor,
	"cloudwatch-agent":    parseCloudWatch,
	"docker":              parseDocker,
	"filebeat":            parseFilebeat,
	"fluent-bit":          parseFluentBit,
	"fluentd":             parseFluentd,
	"haproxy":             parseHAProxy,
	"journald":            parseJournald,
	"log4j":               parseLog4j,
	"logback":             parseLog4j,
	"logrotate":           parseLogrotate,
	"mongodb":             parseMongoDB,
	"mysql":               parseMySQL,
	"nginx":               parseNginx,
	"postgresql":          parsePostgreSQL,
	"redis":               parseRedis,
	"rsyslog":             parseRsyslog,
	"splunk":              parseSplunk,
	"syslog-ng":           parseSyslogNG,
	"tomcat":              parseTomcat,
}

// Programs returns the names of all programs that [Parse] knows, sorted.
func Programs() []string {
	var out []string
	for name := range formats {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Parse returns what a file of a program's configuration says, in the order of the lines. A program that it doesn't know says nothing.
func Parse(program string, f File) []Entry {
	format, ok := formats[program]
	if !ok {
		return nil
	}
	f.Text = f.Text[:min(len(f.Text), maxText)]
	p := &parse{file: f, dir: path.Dir(f.Path)}
	format(p)
	slices.SortStableFunc(p.entries, func(a, b Entry) int { return a.Line - b.Line })
	return p.entries
}

// A parse is one file on its way.
type parse struct {
	file    File
	dir     string // of the file
	entries []Entry
}

// set defines a variable.
func (p *parse) set(name, value string) {
	if len(value) <= maxPath && len(p.file.Vars) < maxValues {
		p.file.Vars[name] = value
	}
}

func (p *parse) add(e Entry) {
	if len(p.entries) < MaxEntries {
		p.entries = append(p.entries, e)
	}
}

func (p *parse) note(protocol, text string, line int) {
	p.add(Entry{Kind: Note, Protocol: protocol, Target: shorten(text), Line: line})
}

func (p *parse) forward(protocol, target string, line int) {
	if target = strings.TrimSpace(target); target != "" {
		p.add(Entry{Kind: Forward, Protocol: shorten(protocol), Target: shorten(withoutPassword(target)), Line: line})
	}
}

// log adds a literal path; glob adds one whose wildcards mean something. base is what a relative one is held against.
func (p *parse) log(base, name string, line int)  { p.path(Log, base, literal(name), name, line) }
func (p *parse) glob(base, name string, line int) { p.path(Log, base, name, name, line) }

// include adds a glob of more configuration.
func (p *parse) include(base, name string, line int) { p.path(Include, base, name, name, line) }

func (p *parse) path(kind Kind, base, glob, shown string, line int) {
	glob, ok := p.absolute(base, glob)
	if !ok {
		if shown != "" {
			p.note("unresolved", shown, line)
		}
		return
	}
	p.add(Entry{Kind: kind, Path: glob, Line: line})
}

// absolute resolves variables and makes a glob absolute and clean. It reports false where that can't be done.
func (p *parse) absolute(base, glob string) (string, bool) {
	glob = p.expand(strings.TrimSpace(glob))
	if glob == "" || strings.ContainsRune(glob, 0) || len(glob) > maxPath {
		return "", false
	}
	if !strings.HasPrefix(glob, "/") {
		if base = p.expand(base); !strings.HasPrefix(base, "/") {
			return "", false
		}
		glob = literalOnce(base) + "/" + glob
	}
	glob = path.Clean(glob)
	if glob == "/" || strings.Contains(glob, "${") || !doublestar.ValidatePattern(glob) || strings.HasPrefix(glob, "/dev/") || len(glob) > maxPath {
		return "", false
	}
	return glob, true
}

// expand puts values in the place of ${NAME} and $NAME; what isn't known stays.
func (p *parse) expand(s string) string {
	for range 4 { // a value may have variables itself
		if !strings.Contains(s, "$") || len(s) > maxPath {
			return s
		}
		next := expandOnce(s, p.file.Vars)
		if next == s || len(next) > maxPath {
			return s
		}
		s = next
	}
	return s
}

func expandOnce(s string, vars map[string]string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "$")
		b.WriteString(before)
		if !ok || b.Len() > maxPath {
			return b.String()
		}
		name, after := varName(rest)
		value, known := vars[name]
		if !known {
			value, known = vars[name[strings.LastIndexByte(name, ':')+1:]] // ${sys:catalina.base}, ${env:X}
		}
		if name == "" || !known {
			value = "$" + rest[:len(rest)-len(after)]
		}
		b.WriteString(value)
		s = after
	}
}

// varName returns the name that stands after a dollar sign, and what comes behind it.
func varName(s string) (name, after string) {
	if strings.HasPrefix(s, "{") {
		if name, after, ok := strings.Cut(s[1:], "}"); ok {
			return name, after
		}
		return "", s
	}
	n := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) })
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:]
}

func isWord(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// literal makes a path stand for itself in a glob. Its variables stay what they are.
func literal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '$' && strings.HasPrefix(s[i:], "${") && strings.Contains(s[i:], "}"):
			n := strings.IndexByte(s[i:], '}') + 1
			b.WriteString(s[i : i+n])
			i += n - 1
			continue
		case strings.IndexByte(`*?[]{}\`, c) >= 0:
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// literalOnce is literal for what holds no variables any more, and may be escaped already.
func literalOnce(s string) string {
	if strings.Contains(s, `\`) {
		return s
	}
	return literal(s)
}

// wild replaces what a format has for the time, the host or a number in a name: from open to close becomes *.
func wild(s, open, closing string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, open)
		b.WriteString(literal(before))
		if !ok {
			break
		}
		_, after, ok := strings.Cut(rest, closing)
		b.WriteString("*")
		if !ok {
			break
		}
		s = after
	}
	return stars(b.String())
}

// wildTime replaces the letters of strftime, %Y and such, by *.
func wildTime(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+1 < len(s) {
			for i++; i+1 < len(s) && strings.IndexByte("-_0^#EO", s[i]) >= 0; i++ { // flags
			}
			b.WriteString("*")
			continue
		}
		b.WriteString(literal(s[i : i+1]))
	}
	return stars(b.String())
}

// stars makes one of several * in a row.
func stars(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return s
}

// withoutPassword takes user and password out of a URL.
func withoutPassword(target string) string {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	if i := strings.IndexByte(tail, '?'); i >= 0 {
		tail = tail[:i] + "?…" // a key may be among the arguments
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return scheme + "://" + host + tail
}

func shorten(s string) string {
	const most = 500
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
