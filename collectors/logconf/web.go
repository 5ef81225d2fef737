package logconf

import (
	"path"
	"strings"
)

// parseNginx reads nginx.conf and what it includes ("Module ngx_http_log_module", nginx documentation). A relative log is held against the
// prefix, which is a choice of who built nginx: so both places that are usual are named.
func parseNginx(p *parse) {
	for _, s := range nginxStatements(p.file.Text) {
		if len(s.words) < 2 {
			continue
		}
		value := s.words[1]
		switch s.words[0] {
		case "include":
			p.include(p.dir, value, s.n)
		case "access_log", "error_log":
			p.nginxLog(value, s.n)
		}
	}
}

func (p *parse) nginxLog(value string, n int) {
	switch server, syslog := strings.CutPrefix(value, "syslog:"); {
	case syslog:
		for _, option := range strings.Split(server, ",") {
			if address, ok := strings.CutPrefix(option, "server="); ok {
				p.forward("syslog", address, n)
			}
		}
	case value == "off" || value == "stderr" || strings.HasPrefix(value, "memory:"):
	case strings.HasPrefix(value, "|"):
		p.note("pipe", value, n)
	default:
		glob := nginxVariables(value)
		p.glob(p.dir, glob, n)
		if !strings.HasPrefix(value, "/") {
			p.glob(path.Dir(p.dir), glob, n)
		}
	}
}

// nginxVariables makes * of $host and ${host}.
func nginxVariables(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "$")
		b.WriteString(literal(before))
		if !ok {
			return stars(b.String())
		}
		_, s = varName(rest)
		b.WriteString("*")
		if len(s) == len(rest) {
			return stars(b.String()) // a dollar sign that begins nothing
		}
	}
}

// A statement is a list of words that ends with a semicolon or a brace.
type statement struct {
	words []string
	n     int
}

// nginxStatements cuts a text at ; { and }, with quotes and comments.
func nginxStatements(text string) []statement {
	var out []statement
	var now statement
	var b strings.Builder
	in, n := false, 1
	word := func() {
		if in {
			if len(now.words) == 0 {
				now.n = n
			}
			now.words = append(now.words, cut(b.String(), maxPath))
			b.Reset()
		}
		in = false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n', ' ', '\t', '\r':
			word()
			if c == '\n' {
				n++
			}
		case ';', '}':
			word()
			out, now = append(out, now), statement{}
		case '{':
			if strings.HasSuffix(b.String(), "$") { // ${variable}
				b.WriteByte(c)
				for i++; i < len(text) && isWord(rune(text[i])); i++ {
					b.WriteByte(text[i])
				}
				if i < len(text) && text[i] == '}' {
					b.WriteByte('}')
					break
				}
				i--
				break
			}
			word()
			out, now = append(out, now), statement{}
		case '#':
			if in {
				b.WriteByte(c)
				break
			}
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			in = true
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && i+1 < len(text) {
					i++
				}
				if text[i] == '\n' {
					n++
				}
				b.WriteByte(text[i])
			}
		case '\\':
			if i++; i < len(text) {
				in = true
				b.WriteByte(text[i])
				if text[i] == '\n' {
					n++
				}
			}
		default:
			in = true
			b.WriteByte(c)
		}
	}
	word()
	return append(out, now)
}

// parseApache reads httpd.conf, apache2.conf and what they include, and Debian's envvars ("Apache Module mod_log_config").
func parseApache(p *parse) {
	root := func() string {
		if r := p.file.Vars["ServerRoot"]; r != "" {
			return r
		}
		return p.dir
	}
	for _, l := range lines(p.file.Text, true) {
		if l.comment("#<") {
			continue
		}
		w := words(l.text)
		if len(w) < 2 {
			continue
		}
		switch strings.ToLower(w[0]) {
		case "export":
			if name, value, ok := strings.Cut(w[1], "="); ok {
				p.set(name, strings.ReplaceAll(p.expand(value), "$SUFFIX", ""))
			}
		case "define":
			if len(w) > 2 {
				p.set(w[1], p.expand(w[2]))
			}
		case "serverroot":
			p.set("ServerRoot", p.expand(w[1]))
		case "include", "includeoptional":
			p.include(root(), apacheDirectory(w[1]), l.n)
		case "customlog", "transferlog", "errorlog", "forensiclog", "globallog", "rewritelog", "scriptlog", "jklogfile":
			p.apacheLog(root(), w[1], l.n)
		}
	}
}

// apacheDirectory is what includes all below a directory that is named with a slash at its end.
func apacheDirectory(s string) string {
	if strings.HasSuffix(s, "/") {
		return s + "*"
	}
	return s
}

// apacheLog reads the place of a log. What a pipe's program writes is known where it is rotatelogs, which is told a file.
func (p *parse) apacheLog(root, value string, n int) {
	command, pipe := strings.CutPrefix(value, "|")
	if !pipe {
		if server, syslog := strings.CutPrefix(value, "syslog"); syslog {
			p.note("setting", "ErrorLog syslog"+server, n)
			return
		}
		p.log(root, value, n)
		return
	}
	p.note("pipe", command, n)
	w := words(strings.TrimLeft(command, "|$"))
	if len(w) < 2 || path.Base(w[0]) != "rotatelogs" && path.Base(w[0]) != "cronolog" {
		return
	}
	for _, arg := range w[1:] {
		if strings.HasPrefix(arg, "/") || strings.Contains(arg, "log") && !strings.HasPrefix(arg, "-") {
			p.glob(root, wildTime(arg), n)
			p.glob(root, wildTime(arg)+".*", n)
			return
		}
	}
}

// parseHAProxy reads haproxy.cfg ("log", HAProxy Configuration Manual): it logs to syslog alone.
func parseHAProxy(p *parse) {
	for _, l := range lines(p.file.Text, false) {
		w := words(beforeComment(l.text))
		if len(w) < 3 || w[0] != "log" && !(w[0] == "server" && strings.HasPrefix(w[2], "udp@")) {
			continue
		}
		target := w[1]
		if w[0] == "server" { // of a ring
			target = w[2]
		}
		switch {
		case target == "stdout", target == "stderr", strings.HasPrefix(target, "fd@"), strings.HasPrefix(target, "ring@"), strings.HasPrefix(target, "buf@"):
			p.note("setting", l.text, l.n)
		default:
			p.forward("syslog", target, l.n)
		}
	}
}
