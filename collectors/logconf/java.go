package logconf

import (
	"encoding/xml"
	"path"
	"strings"
)

// parseTomcat reads server.xml ("Access Logging", Tomcat documentation) and logging.properties. Both lie in the folder conf of the base.
func parseTomcat(p *parse) {
	p.catalina()
	if strings.HasPrefix(strings.TrimSpace(p.file.Text), "<") {
		for _, e := range xmlElements(p.file.Text) {
			if strings.HasSuffix(e.attr["classname"], "AccessLogValve") {
				p.valve(e)
			}
		}
		return
	}
	directories := map[string]string{}
	all := settings(p.file.Text, "#!", "=:")
	for _, s := range all {
		if handler, ok := strings.CutSuffix(s.key, ".directory"); ok {
			directories[handler] = s.value
		}
	}
	for _, s := range all {
		handler, ok := strings.CutSuffix(s.key, ".prefix")
		if !ok || directories[handler] == "" {
			continue
		}
		p.glob("${catalina.base}", literal(directories[handler]+"/"+s.value)+"*", s.n)
	}
}

// catalina sets what Tomcat calls its folders, unless that is known.
func (p *parse) catalina() {
	for _, name := range []string{"catalina.base", "catalina.home"} {
		if p.file.Vars[name] == "" {
			p.set(name, path.Dir(p.dir))
		}
	}
}

// valve reads where one access log is; what isn't said is as Tomcat has it.
func (p *parse) valve(e element) {
	directory, prefix := e.attr["directory"], e.attr["prefix"]
	if directory == "" {
		directory = "logs"
	}
	if prefix == "" {
		prefix = "access_log"
	}
	p.glob("${catalina.base}", literal(directory+"/"+prefix)+"*", e.n)
}

// parseLog4j reads the configurations of log4j, log4j 2 and logback, as XML or properties.
func parseLog4j(p *parse) {
	if strings.HasPrefix(strings.TrimSpace(p.file.Text), "<") {
		p.log4jXML()
		return
	}
	all := settings(p.file.Text, "#!", "=:")
	for _, s := range all {
		if name, ok := strings.CutPrefix(s.key, "property."); ok && name != "" {
			p.set(rawKey(s, "property."), s.value)
		}
	}
	for _, s := range all {
		switch last := s.key[strings.LastIndexByte(s.key, '.')+1:]; last {
		case "file", "filename":
			p.log("", s.value, s.n)
		case "filepattern":
			p.glob("", javaPattern(s.value), s.n)
		case "remotehost", "sysloghost", "host":
			p.forward("java", s.value, s.n)
		}
	}
}

// rawKey returns the key of a setting as it is written, without a prefix.
func rawKey(s setting, prefix string) string {
	key, _, _ := strings.Cut(s.raw, "=")
	return strings.TrimSpace(key[min(len(prefix), len(key)):])
}

// log4jXML reads what holds a place in attributes, as log4j 2 has it, in elements, as logback has it, or in the params of log4j 1.
func (p *parse) log4jXML() {
	all := xmlElements(p.file.Text)
	for _, e := range all {
		if e.name != "property" && e.name != "variable" {
			continue
		}
		value := e.attr["value"]
		if value == "" {
			value = e.text
		}
		if name := e.attr["name"]; name != "" {
			p.set(name, value)
		}
	}
	for _, e := range all {
		switch e.name {
		case "param":
			p.javaValue(strings.ToLower(e.attr["name"]), e.attr["value"], e.n)
		case "file", "filenamepattern", "remotehost", "sysloghost":
			p.javaValue(e.name, e.text, e.n)
		}
		p.javaValue("filename", e.attr["filename"], e.n)
		p.javaValue("filepattern", e.attr["filepattern"], e.n)
		if (e.name == "socket" || e.name == "syslog") && e.attr["host"] != "" {
			p.forward(strings.ToLower(e.name), port(e.attr["host"], e.attr["port"]), e.n)
		}
	}
}

func (p *parse) javaValue(what, value string, n int) {
	if value = strings.TrimSpace(value); value == "" {
		return
	}
	switch what {
	case "file", "filename":
		p.log("", value, n)
	case "filepattern", "filenamepattern":
		p.glob("", javaPattern(value), n)
	case "remotehost", "sysloghost":
		p.forward("java", value, n)
	}
}

// javaPattern makes * of %d{yyyy-MM-dd}, %i, $${date:…} and such.
func javaPattern(s string) string {
	s = strings.ReplaceAll(s, "$${", "%d{")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			if n := strings.IndexByte(s[i:], '}'); s[i] == '$' && n > 0 {
				b.WriteString(s[i : i+n+1])
				i += n
				continue
			}
			b.WriteString(literal(s[i : i+1]))
			continue
		}
		for i+1 < len(s) && (isWord(rune(s[i+1])) || s[i+1] == '-') && !(s[i] >= 'a' && s[i] <= 'z') {
			i++
		}
		if n := strings.IndexByte(s[i:], '}'); i+1 < len(s) && s[i+1] == '{' && n > 0 {
			i += n
		}
		b.WriteString("*")
	}
	return stars(b.String())
}

// An element is one of an XML document, with its text and its attributes, whose names are in lower case as its own is.
type element struct {
	name, text string
	attr       map[string]string
	n          int
}

// xmlElements reads the elements of a document, as far as it is one.
func xmlElements(text string) []element {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.AutoClose = xml.HTMLAutoClose
	var out []element
	var open []int
	for len(out) < maxValues {
		token, err := d.RawToken()
		if err != nil {
			return out
		}
		switch t := token.(type) {
		case xml.StartElement:
			n, _ := d.InputPos()
			e := element{name: strings.ToLower(t.Name.Local), attr: map[string]string{}, n: n}
			for _, a := range t.Attr {
				e.attr[strings.ToLower(a.Name.Local)] = cut(a.Value, maxPath)
			}
			out = append(out, e)
			open = append(open, len(out)-1)
		case xml.EndElement:
			open = open[:max(0, len(open)-1)]
		case xml.CharData:
			if len(open) > 0 && len(out[open[len(open)-1]].text) < maxPath {
				out[open[len(open)-1]].text += cut(string(t), maxPath)
			}
		}
	}
	return out
}
