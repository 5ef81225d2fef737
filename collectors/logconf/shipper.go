package logconf

import (
	"strings"
)

// parseFluentBit reads fluent-bit.conf, or its YAML.
func parseFluentBit(p *parse) {
	if strings.Contains(p.file.Text, "pipeline:") {
		p.fluentBitYAML()
		return
	}
	var now map[string]setting
	section := ""
	end := func() {
		p.fluentBitSection(section, now)
		now = map[string]setting{}
	}
	for _, l := range lines(p.file.Text, false) {
		if l.comment("#") {
			continue
		}
		w := strings.Fields(l.text)
		if strings.EqualFold(w[0], "@include") && len(w) > 1 {
			p.include(p.dir, w[1], l.n)
			continue
		}
		if l.text[0] == '[' {
			end()
			section = strings.ToLower(strings.Trim(l.text, "[] "))
			continue
		}
		if now == nil {
			now = map[string]setting{}
		}
		key := strings.ToLower(w[0])
		now[key] = setting{section, key, strings.TrimSpace(l.text[len(w[0]):]), l.text, l.n}
	}
	end()
}

// fluentBitSection reads one [INPUT] or [OUTPUT].
func (p *parse) fluentBitSection(section string, s map[string]setting) {
	name := strings.ToLower(s["name"].value)
	switch {
	case section == "input" && name == "tail":
		for _, glob := range strings.Split(s["path"].value, ",") {
			p.glob("", glob, s["path"].n)
		}
	case section == "output" && name == "file":
		p.log("", s["path"].value, s["path"].n)
	case section == "output" && name != "" && name != "null" && name != "stdout":
		p.forward(name, outputTarget(s), s["name"].n)
	}
}

// outputTarget says in a word where an output sends to: its host, else the name of the thing that it writes to there.
func outputTarget(s map[string]setting) string {
	if host := s["host"].value; host != "" {
		return port(host, s["port"].value)
	}
	for _, key := range []string{"endpoint", "brokers", "upstream", "bucket", "log_group_name", "stream", "delivery_stream", "topic", "customer_id", "region"} {
		if v := s[key].value; v != "" {
			return v
		}
	}
	return s["name"].value
}

func (p *parse) fluentBitYAML() {
	section, now := "", map[string]setting{}
	for _, s := range yamlValues(p.file.Text) {
		key := strings.ToLower(s.key)
		if strings.HasPrefix(key, "includes") {
			p.include(p.dir, s.value, s.n)
			continue
		}
		rest, ok := strings.CutPrefix(key, "pipeline.")
		if !ok {
			continue
		}
		in, field, _ := strings.Cut(rest, ".")
		if _, again := now[field]; again || in != section {
			p.fluentBitSection(strings.TrimSuffix(section, "s"), now)
			section, now = in, map[string]setting{}
		}
		now[field] = setting{in, field, s.value, s.raw, s.n}
	}
	p.fluentBitSection(strings.TrimSuffix(section, "s"), now)
}

// parseFluentd reads fluent.conf and td-agent.conf, whose form is that of Apache.
func parseFluentd(p *parse) {
	type block struct {
		name string
		set  map[string]setting
	}
	var stack []block
	for _, l := range lines(p.file.Text, false) {
		if l.comment("#") {
			continue
		}
		switch {
		case strings.HasPrefix(l.text, "</"):
			if n := len(stack) - 1; n >= 0 {
				p.fluentdBlock(stack[n].name, stack[n].set)
				stack = stack[:n]
			}
		case l.text[0] == '<':
			w := strings.Fields(strings.Trim(l.text, "<>"))
			if len(w) > 0 && len(stack) < 30 {
				stack = append(stack, block{strings.ToLower(w[0]), map[string]setting{}})
			}
		default:
			w := strings.Fields(l.text)
			value := unquote(beforeComment(l.text[len(w[0]):]))
			if strings.EqualFold(w[0], "@include") || len(stack) == 0 && w[0] == "include" {
				p.include(p.dir, value, l.n)
				continue
			}
			if n := len(stack) - 1; n >= 0 {
				key := strings.TrimPrefix(strings.ToLower(w[0]), "@")
				stack[n].set[key] = setting{stack[n].name, key, value, l.text, l.n}
			}
		}
	}
}

func (p *parse) fluentdBlock(name string, s map[string]setting) {
	kind := s["type"].value
	switch {
	case name == "source" && kind == "tail":
		for _, glob := range strings.Split(s["path"].value, ",") {
			p.glob("", wildTimeGlob(glob), s["path"].n)
		}
	case (name == "match" || name == "store") && kind == "file":
		p.glob("", wild(s["path"].value, "${", "}")+"*", s["path"].n)
	case name == "server":
		p.forward("fluentd", port(s["host"].value, s["port"].value), s["host"].n)
	case (name == "match" || name == "store") && kind != "" && kind != "forward" && kind != "null" && kind != "stdout" && kind != "copy" && kind != "relabel":
		s["name"] = s["type"]
		p.forward(kind, outputTarget(s), s["type"].n)
	}
}

// parseFilebeat reads filebeat.yml, and the files of its modules and inputs.
func parseFilebeat(p *parse) {
	p.set("path.config", firstOf(p.file.Vars["path.config"], p.dir))
	for _, s := range yamlValues(p.file.Text) {
		last := s.key[strings.LastIndexByte(s.key, '.')+1:]
		switch {
		case last == "paths":
			p.glob("", s.value, s.n)
		case s.key == "filebeat.config.inputs.path" || s.key == "filebeat.config.modules.path":
			p.include(p.dir, s.value, s.n)
		case strings.HasPrefix(s.key, "output.") && (last == "hosts" || last == "host"):
			p.forward(strings.Split(s.key, ".")[1], s.value, s.n)
		case s.key == "cloud.id":
			p.forward("elastic-cloud", s.value, s.n)
		case s.key == "output.file.path":
			p.log("", s.value, s.n)
		}
	}
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// parseSplunk reads inputs.conf and outputs.conf of a forwarder ("inputs.conf", Splunk documentation). What it watches may be a folder.
func parseSplunk(p *parse) {
	for _, s := range settings(p.file.Text, "#", "=") {
		if s.key == "" {
			for _, scheme := range []string{"monitor://", "batch://"} {
				if watched, ok := strings.CutPrefix(s.section, scheme); ok {
					glob := strings.ReplaceAll(watched, "/...", "/**")
					p.glob("", glob, s.n)
				}
			}
			if server, ok := strings.CutPrefix(s.section, "tcpout-server://"); ok {
				p.forward("splunk", server, s.n)
			}
			continue
		}
		switch {
		case strings.HasPrefix(s.section, "tcpout") && s.key == "server":
			for _, server := range strings.Split(s.value, ",") {
				p.forward("splunk", server, s.n)
			}
		case strings.HasPrefix(s.section, "httpout") && s.key == "uri":
			p.forward("splunk", s.value, s.n)
		case strings.HasPrefix(s.section, "syslog") && s.key == "server":
			p.forward("syslog", s.value, s.n)
		case strings.HasPrefix(s.section, "target-broker:") && s.key == "targeturi":
			p.forward("splunk-deployment", s.value, s.n)
		}
	}
}
