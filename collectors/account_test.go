package collectors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

const testKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYtbZ7wTdpYDyoBnb1jAeopFGT1bLJ+0RvRbWmB1mFw"

func TestAccountTablesAndRules(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n" +
			"git:x:998:998::/srv/git:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/bash\nopen:x:1001:1001::/home/open:\n",
		"etc/shadow":                      "root:$6$saltsalt$SECRETDIGEST:19700:0:99999:7:::\ntoor:!$y$j9T$x$SECRETDIGEST:19700::::::\nbin:*:19000::::::\nalice:!:19700::::::\nopen::19700::::::\n",
		"etc/group":                       "root:x:0:\nsudo:x:27:alice\n",
		"etc/sudoers":                     "root ALL=(ALL:ALL) ALL\nalice ALL=(ALL) NOPASSWD: ALL\n",
		"etc/sudoers.d/README.old":        "eve ALL=(ALL) NOPASSWD: ALL\n",
		"bin/.ssh/authorized_keys":        testKey + " c2\n",
		"srv/git/.ssh/authorized_keys":    `command="git-shell" ` + testKey + " g\n",
		"home/alice/.ssh/authorized_keys": testKey + " alice\n",
		"home/alice/.bash_history":        "ls\n",
		"home/open/.bash_history":         "",
	})
	if err := os.MkdirAll(filepath.Join(root, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"root/.bash_history", "home/alice/.mysql_history"} {
		if err := os.Symlink("/dev/null", filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	sink := collectState(t, root, profiles.Step{Collector: profiles.Account, Files: []profiles.Role{
		{Name: "passwd", Path: []string{"/etc/passwd"}}, {Name: "shadow", Path: []string{"/etc/shadow"}}, {Name: "group", Path: []string{"/etc/group"}},
		{Name: "sudoers", Path: []string{"/etc/sudoers", "/etc/sudoers.d/*"}},
		{Name: "keys", Path: []string{"/*/.ssh/authorized_keys*", "/*/*/.ssh/authorized_keys*"}},
		{Name: "histories", Path: []string{"/root/.*history", "/home/*/.*history"}},
	}})
	for _, k := range sink.Items() {
		if strings.Contains(string(k.Content), "SECRETDIGEST") || strings.Contains(string(k.Content), "salt") {
			t.Errorf("%s holds a digest", k.Name)
		}
	}
	if got := string(named(t, sink, "state/accounts.txt").Content); !strings.Contains(got, "set sha512") || !strings.Contains(got, "locked yescrypt") {
		t.Errorf("the states of passwords are missing in\n%s", got)
	}
	got := rulesFound(t, sink)
	want := map[string]string{
		"account-uid0 high": "toor", "account-no-password high": "open", "account-service-keys high": "/bin/.ssh/authorized_keys",
		"account-service-keys medium": "/srv/git/.ssh/authorized_keys", "history-null-link high": "/root/.bash_history",
		"history-null-link low": ".mysql_history", "history-empty low": "/home/open/.bash_history", "sudoers-nopasswd info": "alice ALL=",
	}
	for rule, in := range want {
		if strings.Count(got[rule], "\n") != 1 || !strings.Contains(got[rule], in) {
			t.Errorf("%s is found in %q, want one row with %q", rule, got[rule], in)
		}
	}
	for rule := range got {
		if _, ok := want[rule]; !ok {
			t.Errorf("%s is found in %q, want nothing", rule, got[rule])
		}
	}
}
