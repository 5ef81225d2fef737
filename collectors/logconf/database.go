package logconf

import (
	"path"
	"strings"
)

// parsePostgreSQL reads postgresql.conf ("Error Reporting and Logging", PostgreSQL documentation).
func parsePostgreSQL(p *parse) {
	set := map[string]setting{}
	for _, s := range settings(p.file.Text, "#", "= \t") {
		s.value = unquote(beforeComment(strings.TrimLeft(s.value, "= \t")))
		set[s.key] = s
		switch s.key {
		case "include", "include_if_exists":
			p.include(p.dir, literal(s.value), s.n)
		case "include_dir":
			p.include(p.dir, literal(s.value)+"/*.conf", s.n)
		case "data_directory", "log_directory", "log_filename":
			p.set("postgresql."+s.key, s.value)
		case "log_destination":
			if strings.Contains(s.value, "syslog") || strings.Contains(s.value, "eventlog") {
				p.note("setting", "log_destination = "+s.value, s.n)
			}
		}
	}
	_, named := set["log_directory"]
	if _, name := set["log_filename"]; !named && !name {
		return
	}
	data := p.file.Vars["postgresql.data_directory"]
	if data == "" {
		data = p.dir
	}
	directory, name := p.file.Vars["postgresql.log_directory"], p.file.Vars["postgresql.log_filename"]
	if directory == "" {
		directory = "log" // the server's default
	}
	glob := "*"
	if name != "" {
		glob = wildTime(strings.TrimSuffix(name, ".log")) + "*" // .log, .csv and .json beside each other
	}
	p.glob(data, literal(directory)+"/"+stars(glob), max(set["log_directory"].n, set["log_filename"].n))
}

// parseMySQL reads my.cnf of MySQL and MariaDB. A relative log is below datadir.
func parseMySQL(p *parse) {
	const data = "mysql.datadir"
	all := settings(p.file.Text, "#;", "=")
	for _, s := range all {
		if s.key == "datadir" {
			p.set(data, unquote(beforeComment(s.value)))
		}
	}
	for _, s := range all {
		value := unquote(beforeComment(s.value))
		switch s.key {
		case "log_error", "general_log_file", "slow_query_log_file", "log", "log_slow_queries", "server_audit_file_path", "audit_log_file":
			if value != "" && value != "stderr" && value != "1" && value != "0" && !strings.EqualFold(value, "on") && !strings.EqualFold(value, "off") {
				p.log(p.file.Vars[data], value, s.n)
			}
			if s.key == "log_error" && value != "" && value != "stderr" && path.Ext(value) == "" {
				p.log(p.file.Vars[data], value+".err", s.n) // the server adds it
			}
		case "syslog":
			p.note("setting", "syslog", s.n)
		}
		if word, _, ok := strings.Cut(s.key, " "); ok && strings.HasPrefix(word, "!include") {
			_, rest, _ := strings.Cut(s.raw, " ")
			rest = strings.TrimSpace(rest)
			if word == "!includedir" {
				p.include(p.dir, literal(rest)+"/*.cnf", s.n)
				continue
			}
			p.include(p.dir, literal(rest), s.n)
		}
	}
}

// parseMongoDB reads mongod.conf, in YAML or in the form before 2.6.
func parseMongoDB(p *parse) {
	for _, s := range yamlValues(p.file.Text) {
		switch s.key {
		case "systemLog.path", "auditLog.path":
			p.log("", s.value, s.n)
		case "systemLog.destination", "auditLog.destination":
			if s.value != "file" {
				p.note("setting", s.key+": "+s.value, s.n)
			}
		}
	}
	for _, s := range settings(p.file.Text, "#", "=") {
		switch {
		case s.key == "logpath":
			p.log("", unquote(beforeComment(s.value)), s.n)
		case s.key == "syslog" && strings.HasPrefix(s.value, "true"):
			p.note("setting", "syslog", s.n)
		}
	}
}

// parseRedis reads redis.conf.
func parseRedis(p *parse) {
	for _, l := range lines(p.file.Text, false) {
		w := words(l.text)
		if l.comment("#") || len(w) < 2 {
			continue
		}
		switch strings.ToLower(w[0]) {
		case "include":
			p.include(p.dir, w[1], l.n)
		case "dir":
			p.set("redis.dir", w[1])
		case "logfile":
			if w[1] != "" && w[1] != "stdout" {
				p.log(p.file.Vars["redis.dir"], w[1], l.n)
			}
		case "syslog-enabled":
			if w[1] == "yes" {
				p.note("setting", l.text, l.n)
			}
		}
	}
}
