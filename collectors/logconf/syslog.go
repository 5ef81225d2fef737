package logconf

import (
	"regexp"
	"strings"
)

// parseRsyslog reads rsyslog.conf in both of its languages ("Actions", rsyslog documentation).
func parseRsyslog(p *parse) {
	templates := map[string]string{}
	for _, call := range rsyslogCalls(p.file.Text) {
		if call.name == "template" && call.args["type"] == "string" {
			templates[call.args["name"]] = call.args["string"]
		}
	}
	for _, call := range rsyslogCalls(p.file.Text) {
		p.rsyslogCall(call, templates)
	}
	for _, l := range lines(p.file.Text, true) {
		if !l.comment("#") && len(l.text) <= maxPath {
			p.rsyslogLine(l, templates)
		}
	}
}

// A call is action(type="omfile" file="…") and its like.
type call struct {
	name string
	args map[string]string
	n    int
}

var (
	callStart = regexp.MustCompile(`(?i)\b(action|include|template|input|module)\s*\(`)
	callArg   = regexp.MustCompile(`([A-Za-z0-9_.]+)\s*=\s*"((?:[^"\\]|\\.)*)"`)
)

func rsyslogCalls(text string) []call {
	var out []call
	at, n := 0, 1
	for range MaxEntries {
		found := callStart.FindStringSubmatchIndex(text[at:])
		if found == nil {
			break
		}
		start, end := at+found[0], at+found[1]
		n += strings.Count(text[at:start], "\n")
		commented := strings.Contains(text[strings.LastIndexByte(text[:start], '\n')+1:start], "#")
		body := untilClosed(text[end:])
		c := call{name: strings.ToLower(text[at+found[2] : at+found[3]]), args: map[string]string{}, n: n}
		for _, a := range callArg.FindAllStringSubmatch(body, 100) {
			c.args[strings.ToLower(a[1])] = strings.ReplaceAll(a[2], `\"`, `"`)
		}
		if !commented {
			out = append(out, c)
		}
		n += strings.Count(text[start:end], "\n")
		at = end
	}
	return out
}

// untilClosed returns what stands before the bracket that closes.
func untilClosed(s string) string {
	quoted := false
	for i := 0; i < len(s) && i < maxCall; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ')':
			if !quoted {
				return s[:i]
			}
		}
	}
	return ""
}

func (p *parse) rsyslogCall(c call, templates map[string]string) {
	kind := c.args["type"]
	switch c.name {
	case "include":
		p.include(p.dir, c.args["file"], c.n)
	case "input":
		if kind == "imfile" {
			p.glob("", c.args["file"], c.n)
		}
	case "action":
		switch kind {
		case "omfile":
			if name := c.args["file"]; name != "" {
				p.log("", name, c.n)
			}
			if t := templates[c.args["dynafile"]]; t != "" {
				p.glob("", wild(t, "%", "%"), c.n)
			}
		case "omfwd", "omrelp", "omudpspoof":
			protocol := strings.ToLower(c.args["protocol"])
			if protocol == "" {
				protocol = map[string]string{"omrelp": "relp"}[kind]
			}
			if protocol == "" {
				protocol = "udp" // as omfwd has it
			}
			p.forward("syslog/"+protocol, port(c.args["target"], c.args["port"]), c.n)
		case "omelasticsearch":
			p.forward("elasticsearch", port(c.args["server"], c.args["serverport"]), c.n)
		case "omkafka":
			p.forward("kafka", c.args["broker"], c.n)
		case "omhttp":
			p.forward("https", port(c.args["server"], c.args["serverport"]), c.n)
		case "omprog":
			p.note("pipe", c.args["binary"], c.n)
		}
	}
}

var selector = regexp.MustCompile(`^(:[a-zA-Z0-9_!-]+\s*,\s*!?[a-z]+\s*,\s*"(?:[^"\\]|\\.)*"|&|[a-zA-Z0-9*,.;=!]+)\s+(\S.*)$`)

// rsyslogLine reads the traditional form: a selector and an action, or a $Directive.
func (p *parse) rsyslogLine(l line, templates map[string]string) {
	if rest, ok := strings.CutPrefix(l.text, "$"); ok {
		w := words(rest)
		switch {
		case len(w) > 1 && strings.EqualFold(w[0], "IncludeConfig"):
			p.include(p.dir, w[1], l.n)
		case len(w) > 1 && strings.EqualFold(w[0], "template"):
			name, value, ok := strings.Cut(strings.Join(w[1:], " "), ",")
			if ok {
				templates[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		return
	}
	m := selector.FindStringSubmatch(l.text)
	if m == nil || m[1] != "&" && !strings.ContainsAny(m[1], ".:") {
		return
	}
	action := strings.TrimSpace(m[2])
	action = strings.TrimPrefix(action, ":omfile:")
	if before, _, ok := strings.Cut(action, ";"); ok { // a template
		action = strings.TrimSpace(before)
	}
	if action == "" {
		return
	}
	switch action[0] {
	case '/', '-':
		p.log("", beforeComment(strings.TrimPrefix(action, "-")), l.n)
	case '?':
		if t := templates[action[1:]]; t != "" {
			p.glob("", wild(t, "%", "%"), l.n)
		}
	case '@':
		protocol := "syslog/udp"
		if strings.HasPrefix(action, "@@") {
			protocol = "syslog/tcp"
		}
		target := strings.TrimLeft(action, "@")
		if strings.HasPrefix(target, "(") { // options
			_, target, _ = strings.Cut(target, ")")
		}
		p.forward(protocol, beforeComment(target), l.n)
	case '|', '^':
		p.note("pipe", action, l.n)
	}
}

var (
	ngCall    = regexp.MustCompile(`\b(file|wildcard-file|network|syslog|tcp|tcp6|udp|udp6|unix-stream|program|elasticsearch-http|http|kafka-c|pipe)\s*\(`)
	ngInclude = regexp.MustCompile(`(?m)^[ \t]*@include[ \t]+["']?([^"'\r\n]+)["']?`)
	ngOption  = regexp.MustCompile(`([a-z-]+)\s*\(\s*"?([^"()]*)"?\s*\)`)
)

// parseSyslogNG reads syslog-ng.conf. What it reads from files is as much worth as what it writes to them.
func parseSyslogNG(p *parse) {
	text := withoutComments(p.file.Text)
	for _, m := range ngInclude.FindAllStringSubmatchIndex(text, MaxEntries) {
		p.include(p.dir, strings.TrimSpace(text[m[2]:m[3]]), 1+strings.Count(text[:m[2]], "\n"))
	}
	at, n := 0, 1
	for range MaxEntries {
		found := ngCall.FindStringSubmatchIndex(text[at:])
		if found == nil {
			return
		}
		start, end := at+found[0], at+found[1]
		n += strings.Count(text[at:start], "\n")
		p.ngCall(text[at+found[2]:at+found[3]], nested(text[end:]), n)
		n += strings.Count(text[start:end], "\n")
		at = end
	}
}

// nested returns what stands before the bracket that closes, with brackets inside it.
func nested(s string) string {
	depth, quoted := 1, false
	for i := 0; i < len(s) && i < maxCall; i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return s[:i]
			}
		}
	}
	return ""
}

func (p *parse) ngCall(name, body string, n int) {
	first := ""
	if w := words(strings.NewReplacer("(", " ", ")", " ").Replace(body)); len(w) > 0 {
		first = w[0]
	}
	option := map[string]string{}
	for _, m := range ngOption.FindAllStringSubmatch(body, 100) {
		option[m[1]] = strings.TrimSpace(m[2])
	}
	switch name {
	case "file":
		if !strings.HasPrefix(first, "/proc/") {
			p.glob("", nginxVariables(first), n) // its macros are written like nginx's variables
		}
	case "wildcard-file":
		if base := option["base-dir"]; base != "" && option["filename-pattern"] != "" {
			p.glob(base, option["filename-pattern"], n)
		}
	case "program", "pipe":
		p.note("pipe", first, n)
	case "http", "elasticsearch-http":
		p.forward("https", option["url"], n)
	case "kafka-c":
		p.forward("kafka", option["bootstrap-servers"], n)
	case "unix-stream":
	default:
		if first == "" || first == "ip" || first == "port" || first == "transport" || first == "localip" || first == "flags" || first == "max-connections" {
			return // a source that listens
		}
		protocol := name
		if t := option["transport"]; t != "" {
			protocol = "syslog/" + t
		}
		p.forward(protocol, port(first, option["port"]), n)
	}
}

// withoutComments blanks what stands behind a #, and leaves the lines where they are.
func withoutComments(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		cut := beforeHash(l)
		b.WriteString(cut)
		if len(cut) < len(l) && strings.HasSuffix(l, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func beforeHash(l string) string {
	quoted := false
	for i := 0; i < len(l); i++ {
		switch {
		case l[i] == '"':
			quoted = !quoted
		case l[i] == '#' && !quoted:
			return l[:i]
		}
	}
	return l
}

// parseJournald reads journald.conf, and journal-upload.conf, which says where the journal is sent to.
func parseJournald(p *parse) {
	for _, s := range settings(p.file.Text, "#;", "=") {
		switch s.key {
		case "storage", "forwardtosyslog", "forwardtokmsg", "forwardtoconsole", "forwardtowall", "maxretentionsec", "systemmaxuse", "runtimemaxuse", "audit", "seal":
			if s.value != "" {
				p.note("setting", s.raw, s.n)
			}
		case "forwardtosocket":
			p.forward("journal", s.value, s.n)
		case "url":
			p.forward("journal", s.value, s.n)
		}
	}
}

// parseAuditd reads auditd.conf, and the configuration of its plugins that send the log to another host.
func parseAuditd(p *parse) {
	remote, remotePort, n := "", "", 0
	for _, s := range settings(p.file.Text, "#", "=") {
		switch s.key {
		case "log_file":
			p.log("", s.value, s.n)
		case "remote_server":
			remote, n = s.value, s.n
		case "port":
			remotePort = s.value
		case "write_logs", "log_format":
			p.note("setting", s.key+" = "+s.value, s.n)
		case "active":
			if s.value == "yes" {
				p.note("setting", "plugin active", s.n)
			}
		}
	}
	p.forward("audit", port(remote, remotePort), n)
}

// parseLogrotate reads logrotate.conf and what it includes: what is rotated is a log.
func parseLogrotate(p *parse) {
	depth, script := 0, false
	for _, l := range lines(p.file.Text, false) {
		if l.comment("#") {
			continue
		}
		first, _, _ := strings.Cut(l.text, " ")
		switch first {
		case "prerotate", "postrotate", "firstaction", "lastaction", "preremove":
			script = true
			continue
		case "endscript":
			script = false
			continue
		}
		if script {
			continue
		}
		if rest, ok := strings.CutPrefix(l.text, "include "); ok && depth == 0 {
			target := strings.TrimSpace(rest)
			p.include(p.dir, target, l.n)
			p.include(p.dir, target+"/*", l.n)
			continue
		}
		before, _, opens := strings.Cut(l.text, "{")
		if depth == 0 {
			for _, w := range words(before) {
				if strings.HasPrefix(w, "/") {
					p.glob("", w, l.n)
				}
			}
		}
		if opens {
			depth++
		}
		if strings.Contains(l.text, "}") {
			depth = max(0, depth-1)
		}
	}
}
