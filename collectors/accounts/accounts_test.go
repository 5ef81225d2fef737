package accounts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPasswd(t *testing.T) {
	got, bad := ParsePasswd("root:x:0:0:root:/root:/bin/bash\n# comment\n+::::::\nshort:x:1\nzoë::1000:1000:Z,,,:/home/zoë:\nbad:x:-1:0::/:/bin/sh\n")
	want := []Account{
		{"root", 0, 0, "root", "/root", "/bin/bash", Password{State: InShadow}, 1},
		{"zoë", 1000, 1000, "Z,,,", "/home/zoë", "", Password{State: NoPassword}, 5},
	}
	if diff := cmp.Diff(want, got); diff != "" || bad != 2 {
		t.Errorf("%d bad, want 2 (-want +got):\n%s", bad, diff)
	}
}

func TestShadow(t *testing.T) {
	got, bad := ParseShadow("root:$y$j9T$salt$digest:19700:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nold:!$6$salt$digest:19700:0:90:7::20000:\nopen::0:0:99999:7:::\ndes:ab0123456789.:1::::::\nno:line\n")
	day := func(n int) time.Time { return time.Unix(int64(n)*86400, 0).UTC() }
	want := []Shadow{
		{"root", Password{Set, "yescrypt"}, day(19700), time.Time{}, 0},
		{"daemon", Password{Locked, ""}, day(19000), time.Time{}, 0},
		{"old", Password{Locked, "sha512"}, day(19700), day(20000), 90},
		{"open", Password{NoPassword, ""}, time.Time{}, time.Time{}, 0},
		{"des", Password{Set, "des"}, day(1), time.Time{}, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" || bad != 1 {
		t.Errorf("%d bad, want 1 (-want +got):\n%s", bad, diff)
	}
}

func TestGroup(t *testing.T) {
	got, bad := ParseGroup("sudo:x:27:alice,bob\nusers:x:100:\nbad:x:y:\n")
	want := []Group{{"sudo", 27, []string{"alice", "bob"}, 1}, {"users", 100, []string{}, 2}}
	if diff := cmp.Diff(want, got); diff != "" || bad != 1 {
		t.Errorf("%d bad, want 1 (-want +got):\n%s", bad, diff)
	}
}

func TestSudoers(t *testing.T) {
	got := ParseSudoers(`# comment
Defaults	env_reset
Defaults:bob !authenticate
User_Alias ADMINS = alice, bob
root	ALL=(ALL:ALL) ALL
%sudo, #1000 ALL=(ALL) NOPASSWD: ALL # and a comment
backup ALL=(root) /usr/bin/rsync, \
	/bin/tar
www-data web=(ALL) NOPASSWD: /usr/sbin/service nginx *
@includedir /etc/sudoers.d
#includedir /etc/sudoers.d
`)
	want := []Grant{
		{Text: "Defaults env_reset", Kind: "default", Line: 2},
		{Text: "Defaults:bob !authenticate", Kind: "default", NoPassword: true, Line: 3},
		{Text: "User_Alias ADMINS = alice, bob", Kind: "alias", Line: 4},
		{Who: "root", Text: "root ALL=(ALL:ALL) ALL", Kind: "rule", Everything: true, Line: 5},
		{Who: "%sudo,#1000", Text: "%sudo, #1000 ALL=(ALL) NOPASSWD: ALL", Kind: "rule", NoPassword: true, Everything: true, Line: 6},
		{Who: "backup", Text: "backup ALL=(root) /usr/bin/rsync, /bin/tar", Kind: "rule", Line: 7},
		{Who: "www-data", Text: "www-data web=(ALL) NOPASSWD: /usr/sbin/service nginx *", Kind: "rule", NoPassword: true, Line: 9},
		{Text: "@includedir /etc/sudoers.d", Kind: "include", Line: 10},
		{Text: "#includedir /etc/sudoers.d", Kind: "include", Line: 11},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// aKey was made for this test.
const aKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYtbZ7wTdpYDyoBnb1jAeopFGT1bLJ+0RvRbWmB1mFw"

func TestKeys(t *testing.T) {
	got, bad := ParseKeys("# comment\n" + aKey + " alice@laptop of work\n" +
		`command="echo \"a b\"",no-pty ` + aKey + "\nssh-rsa notbase64 x\n" + strings.Replace(aKey, "ed25519", "rsa", 1) + "\n")
	if len(got) != 2 || bad != 2 {
		t.Fatalf("%d keys, %d bad: %+v", len(got), bad, got)
	}
	if got[0].Comment != "alice@laptop of work" || got[0].Options != "" || got[0].Line != 2 || got[0].Type != "ssh-ed25519" {
		t.Errorf("got %+v", got[0])
	}
	if got[1].Options != `command="echo \"a b\"",no-pty` || got[1].Fingerprint != got[0].Fingerprint {
		t.Errorf("got %+v", got[1])
	}
}

func TestFingerprintIsThatOfSSHKeygen(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	path := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(path, []byte(aKey+" c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-l", "-f", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := ParseKeys(aKey)
	if want := strings.Fields(string(out))[1]; keys[0].Fingerprint != want {
		t.Errorf("got %s, ssh-keygen has %s", keys[0].Fingerprint, want)
	}
}

func FuzzAccounts(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n")
	f.Add("root:$6$salt$secretdigest:19700:0:99999:7:::\n")
	f.Add("sudo:x:27:alice,bob\n")
	f.Add("%sudo ALL=(ALL:ALL) NOPASSWD: ALL # x\\\n")
	f.Add(`command="a b" ` + aKey + " c\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		a, bad := ParsePasswd(text)
		s, bad2 := ParseShadow(text)
		g, bad3 := ParseGroup(text)
		k, bad4 := ParseKeys(text)
		if len(a)+bad > lines || len(s)+bad2 > lines || len(g)+bad3 > lines || len(k)+bad4 > lines || len(ParseSudoers(text)) > lines {
			t.Errorf("more entries than the %d lines of %q", lines, text)
		}
		for _, x := range a {
			if !strings.Contains(text, x.Name+":") || x.Line < 1 || x.Line > lines {
				t.Errorf("account %+v is not in %q", x, text)
			}
		}
		for _, x := range k {
			if !strings.HasPrefix(x.Fingerprint, "SHA256:") || x.Type == "" {
				t.Errorf("key %+v", x)
			}
		}
	})
}
