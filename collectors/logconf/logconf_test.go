package logconf

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-cmp/cmp"
)

// shown writes an entry in a line: its line, what it is, what it says.
func shown(e Entry) string {
	switch e.Kind {
	case Log:
		return fmt.Sprintf("%d log %s", e.Line, e.Path)
	case Include:
		return fmt.Sprintf("%d include %s", e.Line, e.Path)
	case Forward:
		return fmt.Sprintf("%d to %s %s", e.Line, e.Protocol, e.Target)
	}
	return fmt.Sprintf("%d %s: %s", e.Line, e.Protocol, e.Target)
}

var samples = []struct {
	program, path, text string
	want                []string
}{
	{"nginx", "/etc/nginx/nginx.conf", `error_log /data/nginx/error.log warn;
http {
    # access_log /not/this.log;
    log_format main '$remote_addr; "$request"';
    access_log "/data/nginx/$host/access.log" main if=$loggable;
    access_log syslog:server=10.0.0.9:514,facility=local7 combined;
    access_log off; error_log stderr;
    include /etc/nginx/conf.d/*.conf;
    server { access_log logs/a.log; location / { return 200 "a;b"; } }
}
`, []string{
		"1 log /data/nginx/error.log", "5 log /data/nginx/*/access.log", "6 to syslog 10.0.0.9:514", "8 include /etc/nginx/conf.d/*.conf",
		"9 log /etc/nginx/logs/a.log", "9 log /etc/logs/a.log",
	}},
	{"apache", "/etc/apache2/apache2.conf", `export APACHE_LOG_DIR=/data/apache2$SUFFIX
ServerRoot "/etc/apache2"
ErrorLog ${APACHE_LOG_DIR}/error.log
<VirtualHost *:80>
  CustomLog "/data/www/access.log" combined
  CustomLog "|/usr/bin/rotatelogs -l /data/www/r.%Y-%m-%d.log 86400" combined
  ErrorLog syslog:local1
  CustomLog logs/rel.log \
     common
</VirtualHost>
IncludeOptional sites-enabled/*.conf
CustomLog ${NOT_KNOWN}/x.log common
`, []string{
		"3 log /data/apache2/error.log", "5 log /data/www/access.log", "6 pipe: /usr/bin/rotatelogs -l /data/www/r.%Y-%m-%d.log 86400",
		"6 log /data/www/r.*-*-*.log", "6 log /data/www/r.*-*-*.log.*", "7 setting: ErrorLog syslog:local1", "8 log /etc/apache2/logs/rel.log",
		"11 include /etc/apache2/sites-enabled/*.conf", "12 unresolved: ${NOT_KNOWN}/x.log",
	}},
	{"tomcat", "/opt/tomcat/conf/server.xml", `<?xml version="1.0"?>
<Server><Service><Engine><Host>
  <Valve className="org.apache.catalina.valves.AccessLogValve" directory="/data/tomcat"
         prefix="localhost_access_log" suffix=".txt"/>
  <Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs"/>
</Host></Engine></Service></Server>`, []string{"4 log /data/tomcat/localhost_access_log*", "5 log /opt/tomcat/logs/access_log*"}},
	{"tomcat", "/opt/tomcat/conf/logging.properties", `# java.util.logging
1catalina.org.apache.juli.AsyncFileHandler.directory = ${catalina.base}/logs
1catalina.org.apache.juli.AsyncFileHandler.prefix = catalina.
`, []string{"3 log /opt/tomcat/logs/catalina.*"}},
	{"log4j", "/opt/app/log4j2.xml", `<Configuration><Properties><Property name="dir">/data/app</Property></Properties>
<Appenders>
 <RollingFile name="F" fileName="${dir}/app.log" filePattern="${dir}/$${date:yyyy-MM}/app-%d{MM-dd}-%i.log.gz"/>
 <Socket name="S" host="logs.example.org" port="9500"/>
 <File name="x" fileName="${sys:HOME}/y.log"/>
</Appenders></Configuration>`, []string{
		"3 log /data/app/app.log", "3 log /data/app/*/app-*-*.log.gz", "4 to socket logs.example.org:9500", "5 unresolved: ${sys:HOME}/y.log",
	}},
	{"log4j", "/opt/app/log4j.properties", `property.base = /data
log4j.appender.F.File=${base}/old.log
appender.R.filePattern = ${base}/new-%d{yyyy}.log
log4j.appender.S.SyslogHost=10.1.1.1
`, []string{"2 log /data/old.log", "3 log /data/new-*.log", "4 to java 10.1.1.1"}},
	{"logback", "/opt/app/logback.xml", `<configuration><property name="L" value="/data/lb"/>
<appender><file>${L}/a.log</file>
<rollingPolicy><fileNamePattern>${L}/a.%d{yyyy-MM-dd}.%i.gz</fileNamePattern></rollingPolicy></appender>
<appender><remoteHost>10.2.2.2</remoteHost></appender></configuration>`,
		[]string{"2 log /data/lb/a.log", "3 log /data/lb/a.*.*.gz", "4 to java 10.2.2.2"}},
	{"haproxy", "/etc/haproxy/haproxy.cfg", `global
    log /dev/log local0
    log 10.0.0.5:514 local1 notice # far
    log stdout format raw local0
frontend x
    log global
`, []string{"2 to syslog /dev/log", "3 to syslog 10.0.0.5:514", "4 setting: log stdout format raw local0"}},
	{"postgresql", "/etc/postgresql/15/main/postgresql.conf", `data_directory = '/var/lib/postgresql/15/main'   # use data in another directory
log_destination = 'stderr,syslog'
log_directory = '/data/pg_log'
log_filename = 'postgresql-%Y-%m-%d_%H%M%S.log'
include_dir = 'conf.d'
`, []string{"2 setting: log_destination = stderr,syslog", "4 log /data/pg_log/postgresql-*-*-*_*", "5 include /etc/postgresql/15/main/conf.d/*.conf"}},
	{"mysql", "/etc/mysql/my.cnf", `[mysqld]
datadir = /data/mysql
log-error = err.log
slow_query_log_file=/data/slow.log # slow
general_log = 1
[mysqld_safe]
syslog
!includedir /etc/mysql/Conf.d/
`, []string{"3 log /data/mysql/err.log", "4 log /data/slow.log", "7 setting: syslog", "8 include /etc/mysql/Conf.d/*.cnf"}},
	{"mongodb", "/etc/mongod.conf", `storage:
  dbPath: /data/db
systemLog:
  destination: file
  path: "/data/mongo/mongod.log"
`, []string{"5 log /data/mongo/mongod.log"}},
	{"mongodb", "/etc/mongodb.conf", "logpath=/data/old/mongodb.log\n", []string{"1 log /data/old/mongodb.log"}},
	{"redis", "/etc/redis/redis.conf", "dir /data/redis\nlogfile redis.log\nlogfile \"\"\nsyslog-enabled yes\ninclude /etc/redis/local.conf\n",
		[]string{"2 log /data/redis/redis.log", "4 setting: syslog-enabled yes", "5 include /etc/redis/local.conf"}},
	{"docker", "/etc/docker/daemon.json", `{
  "data-root": "/data/docker",
  "log-driver": "syslog",
  "log-opts": {"syslog-address": "udp://10.0.0.7:514", "tag": "x"}
}`, []string{
		"2 log /data/docker/containers/*/*-json.log*", "2 log /data/docker/containers/*/local-logs/*", "3 setting: log driver syslog",
		"4 to syslog udp://10.0.0.7:514",
	}},
	{"docker", "/data/docker/containers/a/config.v2.json", `{"Config":{"Env":["A=b"]},"LogPath":"/data/docker/containers/a/a-json.log"}`,
		[]string{"1 log /data/docker/containers/a/a-json.log"}},
	{"rsyslog", "/etc/rsyslog.conf", `module(load="imuxsock")
$IncludeConfig /etc/rsyslog.d/*.conf
auth,authpriv.*    /data/log/auth.log
*.*;auth.none  -/data/log/syslog;Fmt
:msg, contains, "x" /data/log/x.log
*.* @@(o)siem.example.org:6514
& stop
$template Dyn,"/data/hosts/%HOSTNAME%/%$YEAR%.log"
*.* ?Dyn
# action(type="omfile" file="/not/this")
if $programname == 'app' then {
  action(type="omfile"
         file="/data/log/app.log")
}
*.* action(type="omfwd" target="10.9.9.9" port="514" protocol="tcp")
input(type="imfile" File="/data/app/*.log" Tag="app")
include(file="/etc/rsyslog.x/*.conf" mode="optional")
mail.err |/run/pipe
`, []string{
		"2 include /etc/rsyslog.d/*.conf", "3 log /data/log/auth.log", "4 log /data/log/syslog", "5 log /data/log/x.log", "6 to syslog/tcp siem.example.org:6514",
		"9 log /data/hosts/*/*.log", "12 log /data/log/app.log", "15 to syslog/tcp 10.9.9.9:514", "16 log /data/app/*.log", "17 include /etc/rsyslog.x/*.conf",
		"18 pipe: |/run/pipe",
	}},
	{"syslog-ng", "/etc/syslog-ng/syslog-ng.conf", `@version: 4.0
@include "/etc/syslog-ng/conf.d/*.conf"
source s_net { network(ip("0.0.0.0") port(514)); };
source s_f { wildcard-file(base-dir("/data/in") filename-pattern("*.log")); file("/proc/kmsg"); };
# destination d_no { file("/not/this"); };
destination d_h { file("/data/ng/${HOST}/messages" create-dirs(yes)); };
destination d_r { network("siem.example.org" port(6514) transport("tls")); };
destination d_u { udp("10.0.0.3" port(514)); };
destination d_p { program("/usr/bin/x"); };
`, []string{
		"2 include /etc/syslog-ng/conf.d/*.conf", "4 log /data/in/*.log", "6 log /data/ng/*/messages", "7 to syslog/tls siem.example.org:6514",
		"8 to udp 10.0.0.3:514", "9 pipe: /usr/bin/x",
	}},
	{"journald", "/etc/systemd/journald.conf", "[Journal]\n#Storage=auto\nStorage=volatile\nForwardToSyslog=yes\nForwardToSocket=tcp://x\n",
		[]string{"3 setting: Storage=volatile", "4 setting: ForwardToSyslog=yes", "5 to journal tcp://x"}},
	{"auditd", "/etc/audit/auditd.conf", "log_file = /data/audit/audit.log\nwrite_logs = yes\n", []string{"1 log /data/audit/audit.log", "2 setting: write_logs = yes"}},
	{"auditd", "/etc/audit/audisp-remote.conf", "remote_server = 10.0.0.1\nport = 60\n", []string{"1 to audit 10.0.0.1:60"}},
	{"logrotate", "/etc/logrotate.d/app", `include /etc/logrotate.d
/data/app/*.log "/data/with blank/a.log" {
    daily
    postrotate
        /usr/bin/kill -HUP {}
    endscript
}
/data/b.log
{
    weekly
}
`, []string{"1 include /etc/logrotate.d", "1 include /etc/logrotate.d/*", "2 log /data/app/*.log", "2 log /data/with blank/a.log", "8 log /data/b.log"}},
	{"fluent-bit", "/etc/fluent-bit/fluent-bit.conf", `@INCLUDE inputs/*.conf
[INPUT]
    Name  tail
    Path  /data/a.log, /data/b/*.log
[OUTPUT]
    Name  es
    Host  es.example.org
    Port  9200
[OUTPUT]
    Name s3
    Bucket logs
`, []string{
		"1 include /etc/fluent-bit/inputs/*.conf", "4 log /data/a.log", "4 log /data/b/*.log", "6 to es es.example.org:9200", "10 to s3 logs",
	}},
	{"fluent-bit", "/etc/fluent-bit/fluent-bit.yaml", `pipeline:
  inputs:
    - name: tail
      path: /data/y.log
    - name: cpu
  outputs:
    - name: forward
      host: 10.0.0.4
      port: 24224
    - name: stdout
`, []string{"4 log /data/y.log", "7 to forward 10.0.0.4:24224"}},
	{"fluentd", "/etc/td-agent/td-agent.conf", `@include conf.d/*.conf
<source>
  @type tail
  path /data/t.log,/data/u-%Y.log
</source>
<match app.**>
  @type forward
  <server>
    host 10.0.0.6
    port 24224
  </server>
</match>
<match s.**>
  @type s3
  bucket "logs" # where
</match>
`, []string{
		"1 include /etc/td-agent/conf.d/*.conf", "4 log /data/t.log", "4 log /data/u-*.log", "9 to fluentd 10.0.0.6:24224", "14 to s3 logs",
	}},
	{"filebeat", "/etc/filebeat/filebeat.yml", `filebeat.inputs:
- type: filestream
  paths:
    - /data/app/*.log   # all
    - '/data/b.log'
filebeat.config.modules:
  path: ${path.config}/modules.d/*.yml
output.elasticsearch:
  hosts: ["https://user:pw@es.example.org:9200", "10.0.0.8:9200"]
`, []string{
		"4 log /data/app/*.log", "5 log /data/b.log", "7 include /etc/filebeat/modules.d/*.yml", "9 to elasticsearch https://es.example.org:9200",
		"9 to elasticsearch 10.0.0.8:9200",
	}},
	{"splunk", "/opt/splunkforwarder/etc/system/local/inputs.conf", "[default]\nhost = x\n[monitor:///data/splunk/*.log]\ndisabled = 0\n[monitor:///data/deep/.../a.log]\n",
		[]string{"3 log /data/splunk/*.log", "5 log /data/deep/**/a.log"}},
	{"splunk", "/opt/splunkforwarder/etc/system/local/outputs.conf", "[tcpout:g]\nserver = 10.0.0.2:9997, idx2:9997\n[httpout]\nuri = https://hec:8088\n",
		[]string{"2 to splunk 10.0.0.2:9997", "2 to splunk idx2:9997", "4 to splunk https://hec:8088"}},
	{"cloudwatch-agent", "/opt/aws/amazon-cloudwatch-agent/etc/x.json", `{"logs":{"logs_collected":{"files":{"collect_list":[
 {"file_path":"/data/cw/*.log","log_group_name":"app"}]}}}}`, []string{"2 log /data/cw/*.log", "2 to cloudwatch app"}},
	{"cloudwatch-agent", "/var/awslogs/etc/awslogs.conf", "[/data/x.log]\nfile = /data/x.log.%Y\nlog_group_name = g\n", []string{"2 log /data/x.log.*", "3 to cloudwatch g"}},
	{"azure-monitor-agent", "/etc/opt/microsoft/x.json", `{"dataSources":[{"configuration":{"filePatterns":["/data/az/*.log"]}}],
"channels":[{"endpoint":"https://x.ods.opinsights.azure.com"}]}`, []string{"1 log /data/az/*.log", "2 to https https://x.ods.opinsights.azure.com"}},
}

func TestParse(t *testing.T) {
	tested := map[string]bool{}
	for _, s := range samples {
		tested[s.program] = true
		var got []string
		for _, e := range Parse(s.program, File{s.path, s.text, map[string]string{}}) {
			got = append(got, shown(e))
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", s.program, s.path, diff)
		}
	}
	for _, program := range Programs() {
		if !tested[program] {
			t.Errorf("%s has no sample", program)
		}
	}
	if got := Parse("none", File{Path: "/x", Text: "x"}); got != nil {
		t.Errorf("a program that is not known says %v", got)
	}
}

// check holds what Parse returns against what it promises, whatever the text is.
func check(t *testing.T, program, text string) {
	entries := Parse(program, File{"/etc/x/y.conf", text, map[string]string{"a": "${b}${b}", "b": "${a}$a/x"}})
	if len(entries) > MaxEntries {
		t.Errorf("%d entries", len(entries))
	}
	last := 0
	for _, e := range entries {
		if e.Line < last || e.Line > strings.Count(text, "\n")+1 || e.Line < 1 {
			t.Errorf("%+v is in line %d of %d", e, e.Line, strings.Count(text, "\n")+1)
		}
		last = e.Line
		switch e.Kind {
		case Log, Include:
			if !doublestar.ValidatePattern(e.Path) || !strings.HasPrefix(e.Path, "/") || path.Clean(e.Path) != e.Path || len(e.Path) > maxPath {
				t.Errorf("%+v has no good glob", e)
			}
		case Forward, Note:
			if e.Path != "" || e.Kind == Forward && e.Target == "" || len(e.Target) > 600 {
				t.Errorf("%+v", e)
			}
		}
	}
}

func fuzz(f *testing.F, program string) {
	for _, s := range samples {
		if s.program == program {
			f.Add(s.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<16 {
			check(t, program, text)
		}
	})
}

func FuzzApache(f *testing.F)       { fuzz(f, "apache") }
func FuzzAuditd(f *testing.F)       { fuzz(f, "auditd") }
func FuzzAzureMonitor(f *testing.F) { fuzz(f, "azure-monitor-agent") }
func FuzzCloudWatch(f *testing.F)   { fuzz(f, "cloudwatch-agent") }
func FuzzDocker(f *testing.F)       { fuzz(f, "docker") }
func FuzzFilebeat(f *testing.F)     { fuzz(f, "filebeat") }
func FuzzFluentBit(f *testing.F)    { fuzz(f, "fluent-bit") }
func FuzzFluentd(f *testing.F)      { fuzz(f, "fluentd") }
func FuzzHAProxy(f *testing.F)      { fuzz(f, "haproxy") }
func FuzzJournald(f *testing.F)     { fuzz(f, "journald") }
func FuzzLog4j(f *testing.F)        { fuzz(f, "log4j") }
func FuzzLogback(f *testing.F)      { fuzz(f, "logback") }
func FuzzLogrotate(f *testing.F)    { fuzz(f, "logrotate") }
func FuzzMongoDB(f *testing.F)      { fuzz(f, "mongodb") }
func FuzzMySQL(f *testing.F)        { fuzz(f, "mysql") }
func FuzzNginx(f *testing.F)        { fuzz(f, "nginx") }
func FuzzPostgreSQL(f *testing.F)   { fuzz(f, "postgresql") }
func FuzzRedis(f *testing.F)        { fuzz(f, "redis") }
func FuzzRsyslog(f *testing.F)      { fuzz(f, "rsyslog") }
func FuzzSplunk(f *testing.F)       { fuzz(f, "splunk") }
func FuzzSyslogNG(f *testing.F)     { fuzz(f, "syslog-ng") }
func FuzzTomcat(f *testing.F)       { fuzz(f, "tomcat") }

// Whatever a long file is made of, over and over, it is read, in time about in line with its length.
func TestParseHostile(t *testing.T) {
	for _, unit := range []string{
		"${", "${a}", "%", "%d{", "action(", "#action(", "network(", "{\"a\":", "[", "[1,", "<a>", "<a b=\"", "a: ", "- ", "  - a:\n", "\"", "\\\n", "url=\n", "storage=x\n",
		"!include x\n", "log-error=$a$a$a$b\n", "$template a,b\n", "*.* /a\n", "access_log $a$b;", "define x $x$x\n", "x/*.log {\n", "a, ", "[monitor:///a]\n",
	} {
		text := strings.Repeat(unit, maxText/16/len(unit))
		for _, program := range Programs() {
			check(t, program, text)
		}
	}
}
