package collectors_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/collectors/collectorstest"
	"bellwether/collectors/logconf"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

// status is /proc/PID/status of a user's process.
func status(pid, uid int) string {
	return fmt.Sprintf("Name:\tx\nTgid:\t%d\nPid:\t%d\nPPid:\t1\nUid:\t%d\t%d\t%d\t%d\n", pid, pid, uid, uid, uid, uid)
}

func TestVendor(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{
		"proc/7/comm": "a-very-long-pro\n", "proc/8/comm": "python3\n", "proc/9/comm": "unrelated\n", "proc/10/comm": "falcon-sensor\n",
		"proc/7/status": status(7, 0), "proc/8/status": status(8, 0), "proc/9/status": status(9, 1000), "proc/10/status": status(10, 1000),
		"opt/falcon/x":       "",
		"opt/edr/bin/sensor": "", "opt/edr/logs/sensor.log": "edr\n", "opt/edr/logs/old.log": strings.Repeat("x", 100),
		"etc/systemd/system/backup.service": "[Unit]\n", "var/log/removed/av.log": "it was here\n",
	})
	must(t, os.Symlink("/usr/bin/agentd (deleted)", filepath.Join(root, "proc/8/exe")))
	must(t, os.Symlink("/opt/edr/bin/d", filepath.Join(root, "proc/9/exe")))
	step := profiles.Step{
		Name: "vendors", Collector: profiles.Vendor, Path: []string{"/etc/systemd/system"}, MaxDirSize: 50,
		Products: []profiles.Product{
			{Name: "EDR", Kind: "edr", Process: []string{"a-very-long-process-name"}, Path: []string{"/opt/edr"}, Logs: []string{"/opt/edr/logs/**"}},
			{Name: "Agent", Kind: "log", Process: []string{"agentd", "other"}},
			{Name: "Backup", Kind: "backup", Unit: []string{"backup.service"}, Path: []string{"/opt/none"}},
			{Name: "AV", Kind: "antivirus", Process: []string{"avd"}, Logs: []string{"/var/log/removed/*.log"}},
			{Name: "Killed", Kind: "edr", Process: []string{"falcon-sensor"}, Path: []string{"/opt/falcon"}},
			{Name: "None", Kind: "edr", Process: []string{"none"}, Path: []string{"/opt/none/*"}, Logs: []string{"/var/log/none/**"}},
		},
	}

	sink := collect(t, root, step)

	type row struct {
		Product, Kind, State string
		Installed            bool
		PIDs                 []int
		Evidence             []string
		Logs                 int
		Bytes                int64
	}
	want := []row{
		{"EDR", "edr", "running", true, []int{7, 9}, []string{"process a-very-long-process-name", "executable /opt/edr/bin/d", "/opt/edr"}, 2, 104},
		{"Agent", "log", "running", false, []int{8}, []string{"process agentd"}, 0, 0},
		{"Backup", "backup", "installed", true, nil, []string{"/etc/systemd/system/backup.service"}, 0, 0},
		{"AV", "antivirus", "traces", false, nil, nil, 1, 12},
		{"Killed", "edr", "name only", true, []int{10}, []string{"process falcon-sensor, by its name only: neither root's nor run from where the product is", "/opt/falcon"}, 0, 0},
		{"None", "edr", "absent", false, nil, nil, 0, 0},
	}
	if diff := cmp.Diff(want, rowsOf[row](t, sink, "vendors")); diff != "" {
		t.Errorf("vendors (-want +got):\n%s", diff)
	}
	if k := sink.Item(t, "/opt/edr/logs/sensor.log"); string(k.Content) != "edr\n" || k.Reason != "log of EDR" {
		t.Errorf("log: %q, %q", k.Content, k.Reason)
	}
	if k := sink.Item(t, "/opt/edr/logs/old.log"); !k.Bare || k.Reason != "over the limit of 50 B for one folder" {
		t.Errorf("large log: %q", k.Reason)
	}
}

// The profile's list of programs is what the configurations are read by.
func TestLogProgramsHaveParsers(t *testing.T) {
	if diff := cmp.Diff(logconf.Programs(), profiles.LogPrograms()); diff != "" {
		t.Errorf("programs (-logconf +profiles):\n%s", diff)
	}
}
