package profiles

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

func builtins(t *testing.T) []*Profile {
	t.Helper()
	all, err := Builtins()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// triage plans the default profile for a host with two people and a service account.
func triage(t *testing.T) *Plan {
	t.Helper()
	loaded, err := Load([]string{Default("linux")})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(loaded, Host{OS: "linux", Users: []User{{"root", "/root"}, {"alice", "/home/alice"}, {"www-data", "/var/www"}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestBuiltins(t *testing.T) {
	for _, p := range builtins(t) {
		if want := builtinFolder + p.Name + ".yaml"; p.File != want {
			t.Errorf("profile %s is in %s", p.Name, p.File)
		}
		if p.Description == "" || len(p.Digest) != 64 || len(p.Steps) == 0 {
			t.Errorf("profile %s: description %q, digest %q, %d steps", p.Name, p.Description, p.Digest, len(p.Steps))
		}
		for _, s := range p.Steps {
			if len(s.UseCase) == 0 || len(s.Attack) == 0 {
				t.Errorf("step %s: use cases %v, techniques %v", s.Name, s.UseCase, s.Attack)
			}
		}
	}
}

func TestShowIsTheDocument(t *testing.T) {
	want, err := builtin.ReadFile("builtin/linux-triage.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linux-triage", "builtin/linux-triage.yaml"} {
		got, err := Show(name)
		if err != nil || string(got) != string(want) {
			t.Errorf("Show(%q): %d bytes, error %v, want %d bytes", name, len(got), err, len(want))
		}
	}
	if _, err := Show("nope"); err == nil {
		t.Error("Show of an unknown name has no error")
	}
}

func TestTriage(t *testing.T) {
	plan := triage(t)
	commands, names, outputs := 0, map[string]bool{}, map[string]bool{}
	for _, s := range plan.Steps {
		if names[s.Name] {
			t.Errorf("two steps are called %s", s.Name)
		}
		names[s.Name] = true
		if s.Collector != Command && s.Collector != Journal {
			continue
		}
		commands++
		if lower := strings.ToLower(s.Output); outputs[lower] {
			t.Errorf("two steps write %s", s.Output)
		} else {
			outputs[lower] = true
		}
	}
	if commands < 60 || len(plan.LeftOut) != 0 {
		t.Errorf("%d commands, want at least 60; left out: %v", commands, plan.LeftOut)
	}
	for output, line := range map[string]string{
		"commands/process/PsAuxwwf.txt":               "ps auxwwf",
		"commands/network/SsAnp.txt":                  "ss -anp",
		"commands/persistence/CrontabLUWwwData.txt":   "crontab -l -u www-data",
		"commands/sessions/LastFaiwx.txt":             "last -Faiwx",
		"commands/process/LsLProc09Exe.txt":           "ls -l /proc/[0-9]*/exe",
		"events/Journal.txt":                          "",
		"commands/accounts/Grep0EtcPasswd.txt":        "grep :0: /etc/passwd",
		"commands/containers/DockerPsANoTrunc.txt":    "docker ps -a --no-trunc",
		"commands/files/LsLapRootHome.txt":            "ls -lap /root /home",
		"commands/kernel/CatProcSysKernelTainted.txt": "cat /proc/sys/kernel/tainted",
	} {
		i := slices.IndexFunc(plan.Steps, func(s Step) bool { return s.Output == output })
		if i < 0 {
			t.Errorf("nothing writes %s", output)
			continue
		}
		if got := strings.Join(plan.Steps[i].Argv, " ") + plan.Steps[i].Shell; got != line {
			t.Errorf("%s is written by %q, want %q", output, got, line)
		}
	}
}

// The order of volatility: what is lost first comes first, and what reads many files comes last.
func TestTriageOrder(t *testing.T) {
	var got []string
	for _, s := range triage(t).Steps {
		if len(got) == 0 || got[len(got)-1] != s.Profile {
			got = append(got, s.Profile)
		}
	}
	want := []string{"linux-process", "linux-network", "linux-sessions", "linux-system", "linux-persistence", "linux-cloud", "linux-logs", "linux-users",
		"linux-vendors", "linux-volumes", "linux-files"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Programs are looked for in the collector's own PATH, and never by a path that a profile guesses.
func TestBuiltinProgramsAreBareNames(t *testing.T) {
	bare := regexp.MustCompile(`^[a-z0-9][a-z0-9.+_-]*$`)
	for _, p := range builtins(t) {
		for _, s := range p.Steps {
			if s.Collector == Command && s.Shell == "" && !bare.MatchString(s.Argv[0]) {
				t.Errorf("step %s runs %q", s.Name, s.Argv[0])
			}
		}
	}
}

// What would ask a question, page, look a name up over the network, load kernel modules or write, by program.
func TestBuiltinCommandsLeaveTheHostAlone(t *testing.T) {
	needs := map[string]string{ // an argument that has to be there
		"lsof": "-nP", "route": "-n", "arp": "-an", "systemctl": "--no-pager", "journalctl": "--no-pager", "loginctl": "--no-pager",
		"resolvectl": "--no-pager", "networkctl": "--no-pager", "busctl": "--no-pager", "machinectl": "--no-pager", "timedatectl": "--no-pager",
		"localectl": "--no-pager", "systemd-cgls": "--no-pager", "systemd-delta": "--no-pager", "netstat": "n", "getent": "files", "df": "-l",
		"crontab": "-l", "top": "-b", "chronyc": "-n", "ntpq": "-pn", "dpkg-divert": "--list", "rpm": "-", "losetup": "-a", "virsh": "-r",
	}
	refused := regexp.MustCompile(`(^|[ |;/])(iptables|ip6tables|ebtables|nstat|dmidecode|hwclock|blkid|curl|wget|ping|dig|host|nslookup|apt|apt-get|dnf|yum|rm|mv|cp|tee|touch|mkdir|chmod|kill|modprobe|insmod)( |$)|-exec (rm|sh|mv|chmod)|-delete|[^2]>|environ|/etc/g?shadow`)
	for _, p := range builtins(t) {
		for _, s := range p.Steps {
			if s.Collector != Command {
				continue
			}
			line := strings.Join(s.Argv, " ") + s.Shell
			if found := refused.FindString(strings.ReplaceAll(line, "-> ", "")); found != "" {
				t.Errorf("step %s has %q in %q", s.Name, found, line)
			}
			if s.Shell == "" && !slices.ContainsFunc(s.Argv[1:], func(arg string) bool { return strings.Contains(arg, needs[s.Argv[0]]) }) && needs[s.Argv[0]] != "" {
				t.Errorf("step %s runs %q without %s", s.Name, line, needs[s.Argv[0]])
			}
		}
	}
}

// chosen returns the first file step of a plan that copies a file, "" if none does. As for the collector, a folder that fits
// is taken with all that is below it, and one that is excluded is not entered.
func chosen(t *testing.T, plan *Plan, file string) string {
	t.Helper()
	match := func(glob, name string) bool {
		ok, err := doublestar.Match(glob, name)
		if err != nil {
			t.Fatalf("glob %q: %v", glob, err)
		}
		return ok
	}
	for _, s := range plan.Steps {
		if !CopiesFiles(s.Collector) {
			continue
		}
		taken := false
		asked := s.Path
		if s.Collector == Volumes && !slices.ContainsFunc(s.Names, func(glob string) bool {
			return match(glob, file) || !strings.Contains(glob, "/") && match(glob, path.Base(file))
		}) {
			asked = nil
		}
		if s.Collector == Vendor {
			asked = nil
			for _, p := range s.Products {
				asked = append(asked, p.Logs...)
			}
		}
		for at := file; at != "/"; at = path.Dir(at) {
			taken = taken || slices.ContainsFunc(asked, func(glob string) bool { return match(glob, at) })
			if slices.ContainsFunc(s.Exclude, func(glob string) bool {
				return match(glob, at) || !strings.Contains(glob, "/") && match(glob, path.Base(at))
			}) {
				taken = false
				break
			}
		}
		if taken {
			return s.Name
		}
	}
	return ""
}

func TestTriageLeavesSecrets(t *testing.T) {
	plan := triage(t)
	for _, secret := range []string{
		"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/security/opasswd", "/etc/krb5.keytab",
		"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/sshd_config.d/host.key",
		"/root/.ssh/id_rsa", "/home/alice/.ssh/id_ed25519", "/home/alice/.ssh/identity", "/home/alice/.ssh/work", "/home/alice/.ssh/aws.pem",
		"/home/alice/.ssh/environment", "/home/alice/.aws/credentials", "/home/alice/.netrc", "/home/alice/.git-credentials", "/home/alice/.my.cnf",
		"/home/alice/.pgpass", "/home/alice/.gnupg/private-keys-v1.d/A.key", "/home/alice/.kube/config", "/home/alice/.docker/config.json",
		"/etc/ssl/private/server.key", "/etc/letsencrypt/live/example.org/privkey.pem", "/etc/wireguard/wg0.conf",
		"/etc/NetworkManager/system-connections/office.nmconnection", "/etc/sysconfig/network-scripts/keys-wlan0", "/etc/apt/auth.conf",
		"/etc/apt/auth.conf.d/pro.conf", "/etc/rsyslog.d/tls/client.key", "/etc/systemd/credstore/db", "/etc/systemd/credstore.encrypted/db",
		"/etc/default/tls.pem", "/etc/docker/key.json", "/etc/chrony/chrony.keys",
		"/var/lib/waagent/0123ABCD.prv", "/var/lib/waagent/TransportPrivate.pem", "/var/lib/waagent/run-command/0123.prv",
		"/var/lib/amazon/ssm/Vault/Store/RegistrationKey", "/var/lib/amazon/ssm/Vault/orchestration/x",
		"/home/alice/logs/.ssh/id_rsa", "/srv/app/logs/server.key", "/opt/app/logs/.aws/credentials", "/srv/db/logs/users.sqlite3",
		"/run/cloud-init/instance-data-sensitive.json", "/var/lib/cloud/instances/i-0abc/obj.pkl",
	} {
		if step := chosen(t, plan, secret); step != "" {
			t.Errorf("step %s copies %s", step, secret)
		}
	}
}

func TestTriageTakesEvidence(t *testing.T) {
	plan := triage(t)
	for _, file := range []string{
		"/root/.bash_history", "/home/alice/.zsh_history", "/home/alice/.mysql_history", "/var/www/.sh_history", "/home/alice/.local/share/fish/fish_history",
		"/root/.ssh/authorized_keys", "/root/.ssh/authorized_keys2", "/var/www/.ssh/authorized_keys", "/home/alice/.ssh/known_hosts", "/home/alice/.ssh/id_rsa.pub",
		"/home/alice/.bashrc", "/home/alice/.zshrc", "/home/alice/.zprofile", "/home/alice/.config/systemd/user/x.service", "/home/alice/.config/autostart/x.desktop",
		"/etc/passwd", "/etc/crontab", "/etc/cron.d/x", "/etc/cron.hourly/x", "/var/spool/cron/crontabs/root", "/var/spool/cron/root", "/var/spool/at/a0001",
		"/etc/systemd/system/x.service", "/etc/systemd/system/multi-user.target.wants/x.service", "/usr/lib/systemd/system/x.timer", "/lib/systemd/system-generators/x",
		"/run/systemd/transient/x.service", "/etc/rc.local", "/etc/init.d/x", "/etc/rc3.d/S01x", "/etc/profile.d/x.sh", "/etc/ld.so.preload", "/etc/ld.so.conf.d/x.conf",
		"/etc/pam.d/sshd", "/etc/sudoers", "/etc/sudoers.d/x", "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/x.conf", "/etc/ssh/ssh_host_rsa_key.pub",
		"/etc/hosts", "/etc/resolv.conf", "/etc/udev/rules.d/99-x.rules", "/etc/update-motd.d/99-x", "/etc/apt/apt.conf.d/99x", "/etc/yum.repos.d/x.repo",
		"/etc/modules", "/etc/modules-load.d/x.conf", "/etc/modprobe.d/x.conf", "/etc/sysctl.d/x.conf", "/etc/polkit-1/rules.d/x.rules", "/etc/dbus-1/system.d/x.conf",
		"/etc/xdg/autostart/x.desktop", "/etc/logrotate.d/x", "/etc/rsyslog.conf", "/etc/audit/rules.d/audit.rules", "/etc/fstab", "/etc/environment", "/etc/nsswitch.conf",
		"/var/log/auth.log.2.gz", "/var/log/lastlog", "/var/log/nginx/access.log", "/var/log/journal/0123/system.journal", "/var/log/cloud-init-output.log",
		"/var/log/amazon/ssm/amazon-ssm-agent.log", "/var/lib/amazon/ssm/i-0abc/document/orchestration/0123/awsrunShellScript/0.awsrunShellScript/stdout",
		"/var/log/azure/run-command/handler.log", "/var/lib/waagent/run-command/download/0/script.sh", "/var/lib/waagent/custom-script/download/0/stdout",
		"/var/lib/cloud/instances/i-0abc/user-data.txt", "/var/lib/cloud/instances/i-0abc/scripts/part-001",
		"/var/lib/docker/containers/0123/0123-json.log",
		"/srv/app/logs/2026-11-22", "/opt/tomcat/logs/catalina.out", "/home/alice/app/server.log.3.gz", "/tmp/out.log", "/opt/app/var/access_log-20261122.xz",
		"/opt/sentinelone/log/agent.log", "/var/ossec/logs/alerts/alerts.json",
		"/var/lib/waagent/Microsoft.CPlat.Core.RunCommandLinux-1.0.5/status/0.status", "/opt/codedeploy-agent/deployment-root/1/d-2/logs/scripts.log",
	} {
		if chosen(t, plan, file) == "" {
			t.Errorf("no step copies %s", file)
		}
	}
}

// An implant that was planted before the window is still one; logs before it are what --since is there to leave out.
func TestTriageDates(t *testing.T) {
	for _, s := range triage(t).Steps {
		if s.Collector == Command || s.Collector == Schedule || slices.Contains(readsLive, s.Collector) { // whose window --since sets, and which reads everything all the same
			continue
		}
		logs := slices.Contains([]string{"linux-cloud", "linux-logs", "linux-vendors", "linux-volumes"}, s.Profile)
		if want := !logs || strings.HasPrefix(s.Name, "cloud-init"); s.IgnoreDateRange != want {
			t.Errorf("step %s of %s: ignore_date_range %v, want %v", s.Name, s.Profile, s.IgnoreDateRange, want)
		}
	}
}
