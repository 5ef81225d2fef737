package collectors_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

// A hostile host names a pipe wtmp, links btmp to what nobody asked for, and makes files of many gigabytes without data.
func TestSessionOnAHostileHost(t *testing.T) {
	now := time.Now()
	root := collectorstest.Root(t, map[string]string{"var/log/wtmp.1": login(7, 1, "pts/0", "alice", "", now), "etc/secret": strings.Repeat("secret", 100)})
	at := func(name string) string { return filepath.Join(root, "var/log", name) }
	if err := syscall.Mkfifo(at("wtmp"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/secret", at("btmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("lastlog"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const uid = 4_000_000_000 // at more than a terabyte
	f, err := os.OpenFile(at("lastlog"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("\x00\x10\x00\x66pts/7"), uid*292); err != nil {
		t.Skipf("the file system takes no file of a terabyte: %v", err)
	}
	if err := os.Truncate(at("lastlog"), (uid+1)*292); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("wtmp.2"), []byte(login(7, 1, "pts/0", "first", "", now)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(at("wtmp.2"), 1<<30); err != nil {
		t.Fatal(err)
	}
	sink := collectState(t, root, profiles.Step{Collector: profiles.Session, Files: []profiles.Role{
		{Name: "wtmp", Path: []string{"/var/log/wtmp*"}}, {Name: "btmp", Path: []string{"/var/log/btmp"}}, {Name: "lastlog", Path: []string{"/var/log/lastlog"}},
	}})
	wtmp := named(t, sink, "state/logins-wtmp.txt")
	if got := string(wtmp.Content); !strings.Contains(got, "alice") || strings.Count(got, "\n") > 4 || !strings.Contains(wtmp.Reason, "wtmp.2: only the last") {
		t.Errorf("reason %q, table\n%s", wtmp.Reason, got)
	}
	if btmp := named(t, sink, "state/logins-btmp.txt"); len(btmp.Content) > 0 || !strings.Contains(btmp.Reason, "symbolic link, not followed") {
		t.Errorf("btmp: reason %q, content %q", btmp.Reason, btmp.Content)
	}
	if last := string(named(t, sink, "state/lastlog.txt").Content); !strings.Contains(last, "4000000000") || !strings.Contains(last, "pts/7") {
		t.Errorf("lastlog is\n%s", last)
	}
}
