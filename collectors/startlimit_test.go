package collectors_test

import (
	"fmt"
	"strings"
	"testing"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

// What a user writes takes no room from what the system starts, and the table says that it is not whole.
func TestAUsersUnitsLeaveRoomForTheSystem(t *testing.T) {
	files := map[string]string{"etc/cron.d/evil": "* * * * * root /tmp/real\n"}
	unit := "[Service]\n" + strings.Repeat("ExecStart=/usr/bin/true\n", 3000)
	for i := range 12 {
		files[fmt.Sprintf("home/eve/.config/systemd/user/u%02d.service", i)] = unit
	}
	files["home/eve/.config/systemd/user/long.service"] = "[Service]\nExecStart=/bin/true " + strings.Repeat("x", 2<<20) + "\n"
	sink := collectState(t, collectorstest.Root(t, files), profiles.Step{Collector: profiles.Schedule, Files: []profiles.Role{
		{Name: "user-unit", Path: []string{"/home/*/.config/systemd/user/**"}}, {Name: "crontab", Path: []string{"/etc/cron.d/*"}},
	}})
	for _, name := range []string{"state/persistence.jsonl", "state/persistence.txt"} {
		kept := named(t, sink, name)
		text := string(kept.Content)
		if kept.Status != collectors.Partial || !strings.Contains(kept.Reason, "the limit for one file") ||
			!strings.Contains(kept.Reason, "the limit for the files of one owner of the type user-unit") {
			t.Errorf("%s is %s: %s", name, kept.Status, kept.Reason)
		}
		if n := strings.Count(text, "\n"); n > 10_002 || len(text) > 8<<20 {
			t.Errorf("%s has %d lines, %d bytes", name, n, len(text))
		}
		if !strings.Contains(text, "/tmp/real") {
			t.Errorf("%s: the system's own is not in", name)
		}
	}
	if head := string(named(t, sink, "state/persistence.jsonl").Content[:200]); !strings.Contains(head, "/etc/cron.d/evil") {
		t.Errorf("what the system starts does not come first: %s", head)
	}
}
