package anomaly

import (
	"strings"
	"testing"
	"time"

	"bellwether/collectors/accounts"
)

func all(fs []Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.ID+" "+string(f.Severity))
	}
	return strings.Join(out, ",")
}

func TestAccounts(t *testing.T) {
	none := accounts.Password{State: accounts.NoPassword}
	for _, c := range []struct {
		account accounts.Account
		want    string
	}{
		{accounts.Account{Name: "root", Shell: "/bin/bash"}, ""},
		{accounts.Account{Name: "toor", Shell: "/bin/bash"}, "account-uid0 high"},
		{accounts.Account{Name: "a", UID: 1000, Password: none}, "account-no-password high"},
		{accounts.Account{Name: "a", UID: 1000, Shell: "/usr/sbin/nologin", Password: none}, "account-no-password medium"},
		{accounts.Account{Name: "a", UID: 1000, Password: accounts.Password{State: accounts.Locked}}, ""},
	} {
		if got := all(Accounts([]accounts.Account{c.account})); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.account, got, c.want)
		}
	}
}

func TestAuthorizedKeys(t *testing.T) {
	for _, c := range []struct {
		account accounts.Account
		want    string
	}{
		{accounts.Account{Name: "root", Home: "/root", Shell: "/bin/bash"}, ""},
		{accounts.Account{Name: "alice", UID: 1000, Home: "/home/alice", Shell: "/bin/bash"}, ""},
		{accounts.Account{Name: "git", UID: 998, Home: "/srv/git", Shell: "/bin/sh"}, "account-service-keys medium"},
		{accounts.Account{Name: "off", UID: 1001, Home: "/home/off", Shell: "/usr/sbin/nologin"}, "account-service-keys medium"},
		{accounts.Account{Name: "bin", UID: 2, Home: "/bin", Shell: "/usr/sbin/nologin"}, "account-service-keys high"},
	} {
		if got := all(AuthorizedKeys([]KeyFile{{Path: "k", Owners: []accounts.Account{c.account}, Keys: 1}, {Path: "empty", Owners: []accounts.Account{c.account}}})); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.account, got, c.want)
		}
	}
}

func TestHistories(t *testing.T) {
	for _, c := range []struct {
		history History
		want    string
	}{
		{History{Path: "/root/.bash_history", Target: "/dev/null"}, "history-null-link high"},
		{History{Path: "/root/.bash_history", Target: "../dev/null"}, "history-null-link high"},
		{History{Path: "/root/.bash_history", Target: "/dev//full"}, "history-null-link high"},
		{History{Path: "/root/.mysql_history", Target: "/dev/null"}, "history-null-link low"},
		{History{Path: "/root/.bash_history", Target: "/root/.history/bash", Size: 0}, ""},
		{History{Path: "/root/.bash_history", Changed: time.Unix(1, 0)}, "history-empty low"},
		{History{Path: "/root/.bash_history", Size: 5}, ""},
	} {
		if got := all(Histories([]History{c.history})); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.history, got, c.want)
		}
	}
}
