package logconf

import (
	"encoding/json"
	"fmt"
	"strings"
)

// jsonValues reads the scalars of a JSON document, each under the dotted path of its keys; the items of a list have the path of the list. It
// returns what stands before the first mistake.
func jsonValues(text string) []setting {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	type level struct {
		list bool
		key  string
	}
	var stack []level
	var out []setting
	wantKey := false
	last, n := int64(0), 1
	for len(out) < maxValues {
		token, err := d.Token()
		if err != nil {
			break
		}
		n += strings.Count(text[last:min(d.InputOffset(), int64(len(text)))], "\n")
		last = d.InputOffset()
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{', '[':
				if len(stack) == maxLevels {
					return out
				}
				stack = append(stack, level{list: delim == '['})
			case '}', ']':
				stack = stack[:max(0, len(stack)-1)]
			}
			wantKey = len(stack) > 0 && !stack[len(stack)-1].list
			continue
		}
		if wantKey {
			stack[len(stack)-1].key = cut(fmt.Sprint(token), maxKey)
			wantKey = false
			continue
		}
		wantKey = len(stack) > 0 && !stack[len(stack)-1].list
		var keys []string
		for _, l := range stack {
			if l.key != "" {
				keys = append(keys, l.key)
			}
		}
		out = append(out, setting{key: strings.Join(keys, "."), value: cut(fmt.Sprint(token), maxPath), n: n})
	}
	return out
}

// parseDocker reads daemon.json, and hostconfig.json and config.v2.json of containers: which driver takes the logs, and where it sends them.
// The logs that docker keeps itself are below its data root.
func parseDocker(p *parse) {
	for _, s := range jsonValues(p.file.Text) {
		switch {
		case s.key == "data-root" || s.key == "graph":
			p.glob("", literal(s.value)+"/containers/*/*-json.log*", s.n)
			p.glob("", literal(s.value)+"/containers/*/local-logs/*", s.n)
		case s.key == "LogPath":
			p.log("", s.value, s.n)
		case s.key == "log-driver" || s.key == "LogConfig.Type":
			if s.value != "json-file" && s.value != "" {
				p.note("setting", "log driver "+s.value, s.n)
			}
		case strings.HasPrefix(s.key, "log-opts.") || strings.HasPrefix(s.key, "LogConfig.Config."):
			p.dockerOption(s.key[strings.LastIndexByte(s.key, '.')+1:], s)
		}
	}
}

func (p *parse) dockerOption(option string, s setting) {
	switch option {
	case "syslog-address", "gelf-address", "fluentd-address", "splunk-url", "logentries-region":
		name, _, _ := strings.Cut(option, "-")
		p.forward(name, s.value, s.n)
	case "awslogs-group", "gcp-project":
		p.forward(strings.TrimSuffix(option, "-group"), s.value, s.n)
	}
}

// parseCloudWatch reads the configuration of Amazon's CloudWatch agent, as JSON or the TOML that it makes of it, and awslogs.conf of the agent before it.
func parseCloudWatch(p *parse) {
	if strings.HasPrefix(strings.TrimSpace(p.file.Text), "{") {
		for _, s := range jsonValues(p.file.Text) {
			switch s.key[strings.LastIndexByte(s.key, '.')+1:] {
			case "file_path":
				p.glob("", s.value, s.n)
			case "log_group_name":
				p.forward("cloudwatch", s.value, s.n)
			case "endpoint_override":
				p.forward("https", s.value, s.n)
			}
		}
		return
	}
	for _, s := range settings(p.file.Text, "#;", "=") {
		switch s.key {
		case "file", "file_path":
			p.glob("", wildTimeGlob(unquote(s.value)), s.n)
		case "log_group_name":
			p.forward("cloudwatch", unquote(s.value), s.n)
		}
	}
}

// wildTimeGlob is wildTime for what has wildcards of its own.
func wildTimeGlob(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(wildTime(s), `\*`, "*"), `\?`, "?")
}

// parseAzureMonitor reads what the Azure Monitor agent has got from its data collection rules.
func parseAzureMonitor(p *parse) {
	for _, s := range jsonValues(p.file.Text) {
		switch last := s.key[strings.LastIndexByte(s.key, '.')+1:]; last {
		case "filePatterns":
			p.glob("", s.value, s.n)
		case "endpoint", "endpointUriTemplate", "tokenEndpointUri":
			if last != "tokenEndpointUri" && strings.Contains(s.value, "://") {
				p.forward("https", s.value, s.n)
			}
		case "workspaceResourceId", "workspaceId":
			p.forward("log-analytics", s.value, s.n)
		}
	}
}
