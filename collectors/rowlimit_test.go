package collectors_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

// One file with many keys, under many names, fills neither the memory nor the table, and the table says so.
func TestManyNamesOfAFullFileOfKeys(t *testing.T) {
	var full strings.Builder
	for i := range 25_000 {
		fmt.Fprintf(&full, "%s k%d\n", testKey, i)
	}
	root := collectorstest.Root(t, map[string]string{
		"home/a/.ssh/authorized_keys": full.String(), "home/z/.ssh/authorized_keys": testKey + " of-z\n", "root/.ssh/authorized_keys": testKey + " of-root\n",
	})
	for i := range 12 {
		if err := os.Link(filepath.Join(root, "home/a/.ssh/authorized_keys"), filepath.Join(root, "home/a/.ssh", fmt.Sprintf("authorized_keys%02d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(root, "home/a/.ssh/authorized_keys"), 1234, 1234); err != nil {
			t.Fatal(err)
		}
	}
	sink := collectState(t, root, profiles.Step{Collector: profiles.Account, Files: []profiles.Role{
		{Name: "keys", Path: []string{"/root/.ssh/authorized_keys*", "/home/*/.ssh/authorized_keys*"}},
	}})
	kept := named(t, sink, "state/authorized-keys.txt")
	text := string(kept.Content)
	if n := strings.Count(text, "\n"); n > 40_003 {
		t.Errorf("%d rows", n)
	}
	if kept.Status != collectors.Partial || !strings.Contains(kept.Reason, "hard links to the same file: not looked at, as it was under 4 other names") ||
		!strings.Contains(kept.Reason, "rows are left out") {
		t.Errorf("%s: %s", kept.Status, kept.Reason)
	}
	if os.Geteuid() == 0 && (!strings.Contains(text, "of-z") || !strings.Contains(text, "of-root")) {
		t.Error("the keys of others are not in the table")
	}
}

// A file that is only read in part makes the table partial, with the reason.
func TestAConfigurationThatIsCutIsTold(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"etc/group": strings.Repeat("# filling\n", 450_000) + "late:x:7:\n"})
	sink := collectState(t, root, profiles.Step{Collector: profiles.Account, Files: []profiles.Role{{Name: "group", Path: []string{"/etc/group"}}}})
	kept := named(t, sink, "state/groups.jsonl")
	if kept.Status != collectors.Partial || !strings.Contains(kept.Reason, "/etc/group: only the first 4194304 bytes were looked at") {
		t.Errorf("%s: %s", kept.Status, kept.Reason)
	}
}
