package profiles

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

// planOf plans the steps of a document's text.
func planOf(t *testing.T, steps string, host Host, opt Options) *Plan {
	t.Helper()
	doc, errs := parseDocument("test.yaml", []byte("schema: 1\nname: test\nsteps:\n"+steps))
	if err := errs.asError(); err != nil {
		t.Fatal(err)
	}
	p := doc.Profile
	for _, part := range doc.parts {
		p.Steps = append(p.Steps, *part.step)
	}
	plan, err := NewPlan([]*Profile{&p}, host, opt)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// show writes a plan in one line a step.
func show(plan *Plan) string {
	var b strings.Builder
	for _, s := range plan.Steps {
		switch s.Collector {
		case File:
			fmt.Fprintf(&b, "%s: %s", s.Name, strings.Join(s.Path, " "))
			if s.Exclude != nil {
				fmt.Fprintf(&b, " without %s", strings.Join(s.Exclude, " "))
			}
		default:
			fmt.Fprintf(&b, "%s: %q%s > %s", s.Name, s.Argv, s.Shell, s.Output)
		}
		b.WriteString("\n")
	}
	for _, l := range plan.LeftOut {
		fmt.Fprintf(&b, "- %s: %s\n", l.Step.Name, l.Reason)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	linux := Host{OS: "linux", Users: []User{
		{"root", "/root"}, {"daemon", "/usr/sbin"}, {"bin", "/"}, {"nobody", "/nonexistent"}, {"null", "/dev/null"}, {"empty", ""},
		{"relative", "home/x"}, {"web", "/srv/../srv/w[e]b*/"}, {"web2", "/srv/w[e]b*"}, {"-x", "/home/x"}, {"../up", "/home/up"}, {"Web", "/home/W"},
		{"m$", "/home/%user%"},
	}}
	windows := Host{OS: "windows", Vars: map[string]string{"SystemRoot": `C:\Windows`, "systemdrive": "C:"}, Users: []User{
		{"Jane Doe", `C:\Users\Jane {Doe}`}, {"jane", `c:\users\jane {doe}`}, {"share", `\\srv\homes\share`}, {"root", `C:\`}, {"-x", `D:\x`},
	}}
	for _, tt := range []struct {
		name  string
		steps string
		host  Host
		opt   Options
		want  string
	}{{
		name: "one path for each home",
		host: linux,
		steps: `
  - {name: a, collector: file, path: [/etc/hosts, '%User_Home%/.*history', /etc/hosts], exclude: ['%user_home%/.ssh/id_*', '*.key']}`,
		want: `
a: /etc/hosts /root/.*history /usr/sbin/.*history /srv/w\[e\]b\*/.*history /home/x/.*history /home/up/.*history /home/W/.*history /home/%user%/.*history` +
			` without /root/.ssh/id_* /usr/sbin/.ssh/id_* /srv/w\[e\]b\*/.ssh/id_* /home/x/.ssh/id_* /home/up/.ssh/id_* /home/W/.ssh/id_* /home/%user%/.ssh/id_* *.key`,
	}, {
		name: "names in paths",
		host: Host{OS: "linux", Users: []User{{"root", "/root"}, {"../up", "/home/up"}, {"a*", "/home/a"}}},
		steps: `
  - {name: a, collector: file, path: ['/var/spool/cron/%user%', '%user_home%/mail/%user%']}`,
		want: `
a: /var/spool/cron/root /root/mail/root`,
	}, {
		name: "one command for each account",
		host: linux,
		steps: `
  - {name: crontab, collector: command, argv: [crontab, -l, -u, '%user%'], area: persistence}
  - {name: crontab-root, collector: command, argv: [crontab, -l], area: persistence}`,
		want: `
crontab-root-2: ["crontab" "-l" "-u" "root"] > commands/persistence/CrontabLURoot.txt
crontab-daemon: ["crontab" "-l" "-u" "daemon"] > commands/persistence/CrontabLUDaemon.txt
crontab-bin: ["crontab" "-l" "-u" "bin"] > commands/persistence/CrontabLUBin.txt
crontab-nobody: ["crontab" "-l" "-u" "nobody"] > commands/persistence/CrontabLUNobody.txt
crontab-null: ["crontab" "-l" "-u" "null"] > commands/persistence/CrontabLUNull.txt
crontab-empty: ["crontab" "-l" "-u" "empty"] > commands/persistence/CrontabLUEmpty.txt
crontab-relative: ["crontab" "-l" "-u" "relative"] > commands/persistence/CrontabLURelative.txt
crontab-web: ["crontab" "-l" "-u" "web"] > commands/persistence/CrontabLUWeb.txt
crontab-web2: ["crontab" "-l" "-u" "web2"] > commands/persistence/CrontabLUWeb2.txt
crontab-web-2: ["crontab" "-l" "-u" "Web"] > commands/persistence/CrontabLUWeb-2.txt
crontab-m: ["crontab" "-l" "-u" "m$"] > commands/persistence/CrontabLUM.txt
crontab-root: ["crontab" "-l"] > commands/persistence/CrontabL.txt
- crontab: account "-x": its name can't be an argument
- crontab: account "../up": its name can't be an argument`,
	}, {
		name: "one command for each home",
		host: Host{OS: "linux", Users: []User{{"root", "/root"}, {"toor", "/root/"}, {"x", "/"}}},
		steps: `
  - {name: a, collector: command, argv: [ls, -la, '%user_home%/.ssh'], area: accounts}`,
		want: `
a-root: ["ls" "-la" "/root/.ssh"] > commands/accounts/LsLaRootSsh.txt
- a: account "x" has no home of its own`,
	}, {
		name: "no accounts",
		host: Host{OS: "linux"},
		steps: `
  - {name: a, collector: command, argv: [id, '%user%'], area: accounts}
  - {name: b, collector: file, path: ['%user_home%/.bashrc']}
  - {name: c, collector: command, argv: [uptime], area: system}`,
		want: `
c: ["uptime"] > commands/system/Uptime.txt
- a: this host has no accounts
- b: this host has no %user_home%`,
	}, {
		name: "other systems",
		host: linux,
		steps: `
  - {name: a, collector: command, argv: [ipconfig, /all], area: network, supported_os: [windows]}
  - {name: b, collector: command, argv: [w], area: sessions, supported_os: [windows, linux]}
  - {name: c, collector: file, path: ['%systemroot%/System32/drivers/etc/hosts', /etc/hosts]}
  - {name: d, collector: file, path: ['%systemroot%/a', '%programdata%/b']}
  - {name: e, collector: command, argv: ['%systemroot%/System32/where.exe', ssh], area: system}`,
		want: `
b: ["w"] > commands/sessions/W.txt
c: /etc/hosts
- a: for windows only
- d: this host has no %systemroot% or %programdata%
- e: this host has no %systemroot%`,
	}, {
		name: "windows",
		host: windows,
		steps: `
  - {name: a, collector: file, path: ['%systemroot%/System32/winevt/Logs/*.evtx', '%user_home%/NTUSER.DAT', '%systemdrive%/inetpub/logs/**']}
  - {name: b, collector: command, argv: ['%systemroot%\System32\net.exe', user, '%user%'], area: accounts}`,
		want: `
a: C:/Windows/System32/winevt/Logs/*.evtx C:/Users/Jane \{Doe\}/NTUSER.DAT D:/x/NTUSER.DAT C:/inetpub/logs/**
b-jane-doe: ["C:\\Windows\\System32\\net.exe" "user" "Jane Doe"] > commands/accounts/NetUserJaneDoe.txt
b-jane: ["C:\\Windows\\System32\\net.exe" "user" "jane"] > commands/accounts/NetUserJane.txt
b-share: ["C:\\Windows\\System32\\net.exe" "user" "share"] > commands/accounts/NetUserShare.txt
b-root: ["C:\\Windows\\System32\\net.exe" "user" "root"] > commands/accounts/NetUserRoot.txt
- b: account "-x": its name can't be an argument`,
	}, {
		name: "percent signs",
		host: linux,
		steps: `
  - {name: a, collector: command, argv: [stat, -c, '%%a%%n %s %', /etc], area: files}
  - {name: b, collector: file, path: ['/srv/100%%/50%/x']}`,
		want: `
a: ["stat" "-c" "%a%n %s %" "/etc"] > commands/files/StatCANSEtc.txt
b: /srv/100%/50%/x`,
	}, {
		name: "outputs",
		host: linux,
		steps: `
  - {name: a, collector: command, argv: [ps, auxwwf], area: process}
  - {name: b, collector: command, argv: [ps, -auxwwf], area: process}
  - {name: c, collector: command, argv: [PS, auxwwf], area: process}
  - {name: d, collector: command, argv: [ps, auxwwf], area: other}
  - {name: e, collector: command, shell: 'ls -l /proc/[0-9]*/exe | grep "(deleted)"', area: process}
  - {name: f, collector: command, argv: ['['], area: process}
  - {name: g, collector: command, argv: [/usr/bin/ss, -anp], area: process}
  - {name: h, collector: command, argv: [con], area: process}
  - {name: i, collector: journal}
  - {name: kernel-log, collector: journal}`,
		want: `
a: ["ps" "auxwwf"] > commands/process/PsAuxwwf.txt
b: ["ps" "-auxwwf"] > commands/process/PsAuxwwf-2.txt
c: ["PS" "auxwwf"] > commands/process/PSAuxwwf-3.txt
d: ["ps" "auxwwf"] > commands/other/PsAuxwwf.txt
e: []ls -l /proc/[0-9]*/exe | grep "(deleted)" > commands/process/LsLProc09ExeGrepDeleted.txt
f: ["["] > commands/process/Command.txt
g: ["/usr/bin/ss" "-anp"] > commands/process/SsAnp.txt
h: ["con"] > commands/process/CommandCon.txt
i: [] > events/Journal.txt
kernel-log: [] > events/JournalKernelLog.txt`,
	}, {
		name: "no commands",
		host: linux,
		opt:  Options{NoCommands: true},
		steps: `
  - {name: a, collector: command, argv: [ps], area: process}
  - {name: b, collector: journal}
  - {name: c, collector: file, path: [/var/log/**]}`,
		want: `
c: /var/log/**
- a: no commands are run
- b: no commands are run`,
	}} {
		t.Run(tt.name, func(t *testing.T) {
			got := show(planOf(t, tt.steps, tt.host, tt.opt))
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n")+"\n", got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPlanLimits(t *testing.T) {
	const steps = `
  - {name: any, collector: file, path: [/a]}
  - {name: own, collector: file, path: [/a], newer_than: 3d, max_file_size: 1MiB}
  - {name: always, collector: file, path: [/a], newer_than: 90d, max_file_size: 1GiB, ignore_date_range: true}
  - {name: journal, collector: journal, newer_than: 30d}
`
	type limits struct {
		Age  time.Duration
		Size int64
	}
	for _, tt := range []struct {
		opt  Options
		want []limits
	}{
		{Options{}, []limits{{0, 0}, {3 * day, 1 << 20}, {90 * day, 1 << 30}, {30 * day, 0}}},
		{Options{Since: 14 * day}, []limits{{14 * day, 0}, {3 * day, 1 << 20}, {90 * day, 1 << 30}, {14 * day, 0}}},
		{Options{Since: 60 * day, MaxFileSize: 2 << 20}, []limits{{60 * day, 2 << 20}, {3 * day, 1 << 20}, {90 * day, 2 << 20}, {30 * day, 0}}},
		{Options{Since: day}, []limits{{day, 0}, {day, 1 << 20}, {90 * day, 1 << 30}, {day, 0}}},
	} {
		var got []limits
		for _, s := range planOf(t, steps, Host{OS: "linux"}, tt.opt).Steps {
			got = append(got, limits{s.NewerThan, s.MaxFileSize})
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", tt.opt, diff)
		}
	}
}

func TestGroups(t *testing.T) {
	plan := planOf(t, `
  - {name: a, collector: command, argv: [a], area: process}
  - {name: b, collector: command, argv: [b], area: process}
  - {name: c, collector: command, argv: [c], area: network}
  - {name: d, collector: file, path: [/d], area: network}
  - {name: e, collector: file, path: [/e], area: network}
  - {name: f, collector: command, argv: [f], area: network}
  - {name: g, collector: journal, area: network}
  - {name: h, collector: command, argv: [h], area: process}
  - {name: i, collector: command, argv: [i], area: process}
`, Host{OS: "linux"}, Options{})
	var got []string
	for _, group := range plan.Groups() {
		names := ""
		for _, s := range group {
			names += s.Name
		}
		got = append(got, names)
	}
	if diff := cmp.Diff([]string{"ab", "c", "d", "e", "f", "g", "hi"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPlanTakesAStepOnce(t *testing.T) {
	loaded, err := Load([]string{"linux-process", "linux-triage", "linux-network"})
	if err != nil {
		t.Fatal(err)
	}
	together, err := NewPlan(loaded, Host{OS: "linux"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := NewPlan(loaded[1:2], Host{OS: "linux"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alone.Steps, together.Steps); diff != "" {
		t.Errorf("steps (-alone +together)\n%s", diff)
	}
	if len(together.Profiles) != len(alone.Profiles) {
		t.Errorf("%d sources together, %d alone", len(together.Profiles), len(alone.Profiles))
	}
}

func TestPlanRefuses(t *testing.T) {
	step := func(profile string) *Profile {
		return &Profile{Name: profile, Steps: []Step{{Profile: profile, Name: "a", Collector: Command, Argv: []string{"ps"}, Area: "process"}}}
	}
	for _, tt := range []struct {
		name     string
		profiles []*Profile
		host     Host
		want     string
	}{
		{"nothing", nil, Host{OS: "linux"}, "planning: no profile"},
		{"no system", []*Profile{step("one")}, Host{}, "planning: the host's system is not known"},
		{"two of a name", []*Profile{step("one"), step("two")}, Host{OS: "linux"}, `planning: step "a" is in the profiles one and two`},
	} {
		if _, err := NewPlan(tt.profiles, tt.host, Options{}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestPlanBoundsAccounts(t *testing.T) {
	host := Host{OS: "linux"}
	for n := range maxAccounts + 3 {
		host.Users = append(host.Users, User{fmt.Sprintf("u%d", n), fmt.Sprintf("/home/u%d", n)})
	}
	plan := planOf(t, `
  - {name: a, collector: command, argv: [crontab, -l, -u, '%user%'], area: persistence}
  - {name: b, collector: command, argv: [ps], area: process}
`, host, Options{})
	if got, want := len(plan.Steps), maxAccounts+1; got != want {
		t.Errorf("%d steps, want %d", got, want)
	}
	if len(plan.LeftOut) != 1 || plan.LeftOut[0].Reason != "3 of 5003 accounts: one step takes 5000 at most" {
		t.Errorf("left out: %v", plan.LeftOut)
	}
}
