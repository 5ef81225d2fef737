package anomaly

import (
	"io/fs"
	"testing"
	"time"
)

func TestFileRules(t *testing.T) {
	came := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	suid := fs.ModeSetuid | 0o755
	home := func(h string) bool { return h == "/home/ann" || h == "/bin" }
	keys := func(f File) (Finding, bool) { return KeysOdd(f, home) }
	for name, test := range map[string]struct {
		rule func(File) (Finding, bool)
		f    File
		want Severity // none where nothing is found
	}{
		"packaged set-id":              {SetID, File{Path: "/usr/bin/su", Mode: suid, Packaged: true, Checked: true, Intact: true, Placed: came, Change: came}, ""},
		"made set-id later":            {SetID, File{Path: "/usr/bin/bash", Mode: suid, Packaged: true, Checked: true, Intact: true, Placed: came, Change: came.Add(48 * time.Hour)}, Medium},
		"rpm knows the rights":         {SetID, File{Path: "/usr/bin/su", Mode: suid, Packaged: true, Modes: true, SetID: true, Placed: came, Change: came.Add(48 * time.Hour)}, ""},
		"rpm knows others":             {SetID, File{Path: "/usr/bin/bash", Mode: suid, Packaged: true, Modes: true}, Medium},
		"set-id in /tmp":               {SetID, File{Path: "/tmp/x", Mode: suid, UID: 5}, High},
		"root's in a home":             {SetID, File{Path: "/home/ann/x", Mode: suid}, High},
		"another's in a home":          {SetID, File{Path: "/home/ann/x", Mode: suid, UID: 1000, Reachable: true}, Medium},
		"a container's layer":          {SetID, File{Path: "/var/lib/docker/x/usr/bin/su", Mode: suid, Database: true}, Low},
		"no package database":          {SetID, File{Path: "/usr/bin/su", Mode: suid, Reachable: true}, ""},
		"replaced set-id":              {SetID, File{Path: "/usr/bin/su", Mode: suid, Packaged: true, Checked: true, Reachable: true, Database: true}, Medium},
		"set-id that can't be run":     {SetID, File{Path: "/tmp/x", Mode: fs.ModeSetgid | 0o644}, ""},
		"packaged capability":          {Capability, File{Path: "/usr/bin/ping", Capability: "cap_net_raw=ep", Packaged: true, Placed: came, Change: came.Add(time.Minute)}, ""},
		"capability added":             {Capability, File{Path: "/usr/bin/python3", Capability: "cap_setuid=ep", Packaged: true, Placed: came, Change: came.Add(48 * time.Hour), Reachable: true}, Medium},
		"capability unknown to rpm":    {Capability, File{Path: "/usr/bin/python3", Capability: "cap_setuid=ep", Packaged: true, Modes: true, Reachable: true}, Medium},
		"capability in /tmp":           {Capability, File{Path: "/dev/shm/x", Capability: "cap_setuid=ep"}, High},
		"sticky world-writable":        {WorldWritable, File{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777, Reachable: true}, ""},
		"world-writable in /usr":       {WorldWritable, File{Path: "/usr/share/x", Mode: fs.ModeDir | 0o777, Reachable: true}, Medium},
		"world-writable unreachable":   {WorldWritable, File{Path: "/root/x", Mode: fs.ModeDir | 0o777}, ""},
		"hidden and packaged":          {HiddenDirectory, File{Path: "/usr/lib/.build-id", Mode: fs.ModeDir, Packaged: true}, ""},
		"hidden in /etc":               {HiddenDirectory, File{Path: "/etc/.x", Mode: fs.ModeDir}, Medium},
		"hidden in a home":             {HiddenDirectory, File{Path: "/home/ann/.cache", Mode: fs.ModeDir}, ""},
		"hidden in /dev":               {HiddenDirectory, File{Path: "/dev/.x", Mode: fs.ModeDir}, Medium},
		"X11's":                        {HiddenDirectory, File{Path: "/tmp/.X11-unix", Mode: fs.ModeDir | fs.ModeSticky}, ""},
		"hidden deep in somebody's":    {HiddenDirectory, File{Path: "/usr/local/lib/a/b/.git", Mode: fs.ModeDir}, Low},
		"dots":                         {OddName, File{Path: "/var/tmp/..."}, High},
		"a blank":                      {OddName, File{Path: "/var/tmp/ "}, High},
		"a no-break space after dots":  {OddName, File{Path: "/var/tmp/..\u00a0"}, High},
		"turned":                       {OddName, File{Path: "/srv/invoice\u202efdp.sh"}, Medium},
		"blank at the end":             {OddName, File{Path: "/srv/file "}, Low},
		"blank inside":                 {OddName, File{Path: "/srv/my file"}, ""},
		"the root":                     {OddName, File{Path: "/"}, ""},
		"library of a Java service":    {ELFOdd, File{Path: "/tmp/jna123.tmp", ELF: true, Mode: 0o644}, Low},
		"program in /dev/shm":          {ELFOdd, File{Path: "/dev/shm/x", ELF: true, Mode: 0o755}, High},
		"program as a picture":         {ELFOdd, File{Path: "/srv/www/logo.png", ELF: true, Mode: 0o755}, Medium},
		"hidden program in /usr":       {ELFOdd, File{Path: "/usr/lib/.x/y", ELF: true, Mode: 0o755}, Medium},
		"hidden program in a home":     {ELFOdd, File{Path: "/home/ann/.cargo/bin/x", ELF: true, Mode: 0o755}, ""},
		"changed program":              {PackageDigest, File{Path: "/usr/bin/ls", Checked: true, ELF: true, Mode: 0o755}, High},
		"changed script of npm's":      {PackageDigest, File{Path: "/usr/lib/node_modules/x.js", Checked: true, Script: true, Mode: 0o755}, Medium},
		"changed script in /usr/bin":   {PackageDigest, File{Path: "/usr/bin/ldd", Checked: true, Script: true, Mode: 0o755}, High},
		"changed text":                 {PackageDigest, File{Path: "/usr/share/x", Checked: true, Mode: 0o644}, Info},
		"changed setting":              {PackageDigest, File{Path: "/etc/x", Checked: true, Config: true, Mode: 0o755}, ""},
		"not compared":                 {PackageDigest, File{Path: "/usr/bin/ls", ELF: true, Mode: 0o755}, ""},
		"keys at home":                 {keys, File{Path: "/home/ann/.ssh/authorized_keys", Reachable: true}, ""},
		"keys of a service account":    {keys, File{Path: "/bin/.ssh/authorized_keys", Reachable: true}, Medium},
		"keys elsewhere":               {keys, File{Path: "/srv/x/.ssh/authorized_keys", Reachable: true}, Low},
		"file among devices":           {DeviceFile, File{Path: "/dev/x"}, Medium},
		"shared memory":                {DeviceFile, File{Path: "/dev/shm/x"}, ""},
		"nobody's":                     {NoOwner, File{Path: "/opt/x", NoOwner: "no account has the uid 7"}, Low},
		"nobody's in a folder of such": {NoOwner, File{Path: "/opt/x/y", NoOwner: "no account has the uid 7", ParentLost: true}, ""},
		"immutable":                    {Immutable, File{Path: "/etc/x", Immutable: true}, Medium},
		"append-only":                  {Immutable, File{Path: "/var/log/x", AppendOnly: true}, Low},
	} {
		got, ok := test.rule(test.f)
		if got.Severity != test.want || ok != (test.want != "") {
			t.Errorf("%s: found %v, severity %q, want %q", name, ok, got.Severity, test.want)
		}
		if ok && (got.Evidence["path"] != test.f.Path || got.Text == "" || got.Row != -1) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A rule's row keeps its own severity whatever its findings have.
func TestFileRulesAreNotChanged(t *testing.T) {
	before := suidOdd.Severity
	SetID(File{Path: "/tmp/x", Mode: fs.ModeSetuid | 0o755})
	if suidOdd.Severity != before {
		t.Errorf("the rule has become %s", suidOdd.Severity)
	}
}
