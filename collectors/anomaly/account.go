package anomaly

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/accounts"
)

var (
	accountUID0 = Rule{
		ID: "account-uid0", Severity: High, Attack: []string{"T1136.001", "T1078.003"},
		Means:  "An account besides root has user id 0: whoever logs in with it is root, under a name that nobody watches.",
		Honest: "Some appliances ship a second root, such as toor. Compare with the image that the host was made from.",
	}
	accountNoPassword = Rule{
		ID: "account-no-password", Severity: High, Attack: []string{"T1078.003", "T1098"},
		Means:  "An account has an empty password: where empty ones are accepted, whoever knows its name is let in.",
		Honest: "Live images and some old container images (Alpine before 3.9) have an empty password for root. With a shell that refuses logins it is medium.",
	}
	accountServiceKeys = Rule{
		ID: "account-service-keys", Severity: Medium, Attack: []string{"T1098.004"},
		Means: "An account of a service accepts ssh keys, so that somebody can log in as the service and stay unseen among its processes.",
		Honest: "Programs that work over ssh have keys in accounts of their own: git, gitlab, backup tools, monitoring, postgres with barman. " +
			"In an account whose home is a folder of programs or devices (bin, daemon, sys) it is high: no program puts keys there.",
	}
	historyNullLink = Rule{
		ID: "history-null-link", Severity: High, Attack: []string{"T1070.003", "T1562.003"},
		Means:  "The history of an account is a link to nowhere, so that what is typed is never kept.",
		Honest: "The manual of MySQL recommends such a link for its own history, to keep passwords out: for that one it is low. Some hardening guides do it for shells.",
	}
	historyEmpty = Rule{
		ID: "history-empty", Severity: Low, Attack: []string{"T1070.003"},
		Means:  "The history of an account is empty, although shells write one when they end: it may have been emptied.",
		Honest: "Some programs make an empty history and fill it when they end. A session that was killed leaves none.",
	}
	sudoersNoPassword = Rule{
		ID: "sudoers-nopasswd", Severity: Info, Attack: []string{"T1548.003"},
		Means:  "sudo asks for no password: whoever takes over the account is root.",
		Honest: "Images of cloud providers give their first account this right (90-cloud-init-users, waagent).",
	}
)

// accountRules are the rules about accounts.
var accountRules = []*Rule{&accountUID0, &accountNoPassword, &accountServiceKeys, &historyNullLink, &historyEmpty, &sudoersNoPassword}

// Accounts looks at every account, whose password is the effective one: that of shadow where passwd sends there.
func Accounts(as []accounts.Account) []Finding {
	var out []Finding
	for i, a := range as {
		evidence := []string{"user", a.Name, "uid", strconv.FormatUint(uint64(a.UID), 10), "shell", a.Shell, "home", a.Home}
		if a.UID == 0 && a.Name != "root" {
			out = append(out, accountUID0.In(i, fmt.Sprintf("account %q has user id 0, as root has", a.Name), evidence...))
		}
		if a.Password.State == accounts.NoPassword {
			f := accountNoPassword.In(i, fmt.Sprintf("account %q has an empty password", a.Name), evidence...)
			if !a.Logs() {
				f.Severity = Medium
				f.Text += ", and a shell that refuses logins: " + a.Shell
			}
			out = append(out, f)
		}
	}
	return out
}

// KeyFile is a file of authorized keys, with the accounts that it is for and the row of its first key.
type KeyFile struct {
	Path   string
	Owners []accounts.Account
	Keys   int
	Row    int
}

// AuthorizedKeys looks for keys of services.
func AuthorizedKeys(files []KeyFile) []Finding {
	var out []Finding
	for _, f := range files {
		if len(f.Owners) == 0 || f.Keys == 0 {
			continue
		}
		a := f.Owners[0]
		if a.UID == 0 || !a.Service() && a.Logs() {
			continue
		}
		finding := accountServiceKeys.In(f.Row, fmt.Sprintf("account %q (user id %d, shell %s) accepts %d ssh keys: %s", a.Name, a.UID, orNone(a.Shell), f.Keys, f.Path),
			"user", a.Name, "uid", strconv.FormatUint(uint64(a.UID), 10), "shell", a.Shell, "path", f.Path)
		if inProgramFolder(a.Home) {
			finding.Severity = High
		}
		out = append(out, finding)
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// inProgramFolder reports whether a home is a folder that holds programs or devices and no data.
func inProgramFolder(home string) bool {
	for _, f := range []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/games", "/dev", "/lib", "/usr/lib", "/boot", "/etc"} {
		if path.Clean(home) == f {
			return true
		}
	}
	return false
}

// A History is a file that keeps what an account has typed.
type History struct {
	Path    string
	User    string
	Size    int64
	Target  string // of a link
	Changed time.Time
}

// Histories looks for those that keep nothing.
func Histories(hs []History) []Finding {
	var out []Finding
	for i, h := range hs {
		switch {
		case toNowhere(h.Target):
			f := historyNullLink.In(i, fmt.Sprintf("%s is a link to %s: nothing that is typed is kept", h.Path, h.Target), "path", h.Path, "target", h.Target, "user", h.User)
			if strings.Contains(path.Base(h.Path), "mysql") || strings.Contains(path.Base(h.Path), "mariadb") {
				f.Severity = Low
			}
			out = append(out, f)
		case h.Target == "" && h.Size == 0:
			text := fmt.Sprintf("%s is empty, last changed %s", h.Path, h.Changed.UTC().Format(time.RFC3339))
			out = append(out, historyEmpty.In(i, text, "path", h.Path, "user", h.User, "changed", h.Changed.UTC().Format(time.RFC3339)))
		}
	}
	return out
}

func toNowhere(target string) bool {
	return target != "" && strings.HasPrefix(path.Clean("/"+strings.TrimLeft(target, "./")), "/dev/") && path.Base(target) != "shm"
}

// Grants looks at the rules of sudo.
func Grants(gs []accounts.Grant, paths []string) []Finding {
	var out []Finding
	for i, g := range gs {
		if !g.NoPassword {
			continue
		}
		out = append(out, sudoersNoPassword.In(i, fmt.Sprintf("%s line %d: %s", paths[i], g.Line, g.Text), "path", paths[i], "who", g.Who))
	}
	return out
}
