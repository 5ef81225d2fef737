package collectors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

func TestContainersAndWhatWasChangedInThem(t *testing.T) {
	id := strings.Repeat("ab", 32)
	other := strings.Repeat("cd", 32)
	root := collectorstest.Root(t, map[string]string{
		"proc/1/cgroup":    "0::/init.scope\n",
		"proc/1/mountinfo": "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
		"proc/50/cgroup":   "0::/docker/" + id + "\n",
		"proc/50/status":   "Name:\tnginx\nTgid:\t50\nPid:\t50\nNSpid:\t50\t1\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n",
		"proc/50/mountinfo": "90 1 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/l,upperdir=/var/lib/docker/overlay2/[x]/diff\n" +
			"91 90 8:1 /root /host rw - ext4 /dev/sda1 rw\n",
		"var/lib/docker/containers/" + id + "/config.v2.json":      `{"ID":"` + id + `","Name":"/web","Config":{"Image":"nginx:1.27","Env":["PASSWORD=hunter2"]},"State":{"Running":true},"Path":"nginx","Args":["-g"]}`,
		"var/lib/docker/containers/" + id + "/hostconfig.json":     `{"Privileged":false,"NetworkMode":"bridge","Binds":["/root:/host"]}`,
		"var/lib/docker/containers/" + other + "/config.v2.json":   `{"ID":"` + other + `","Name":"/miner","Config":{"Image":"evil"},"State":{"Running":false}}`,
		"var/lib/docker/containers/" + other + "/hostconfig.json":  `{"Privileged":true,"NetworkMode":"host"}`,
		"var/lib/docker/containers/broken/config.v2.json":          `{"ID":`,
		"var/lib/docker/overlay2/[x]/diff/usr/share/nginx/shell.x": "x",
		"var/lib/docker/overlay2/[x]/diff/etc/new.conf":            "y",
	})
	if err := os.Symlink("/bin/sh", filepath.Join(root, "var/lib/docker/overlay2/[x]/diff/tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "proc/50/ns"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("mnt:[2]", filepath.Join(root, "proc/50/ns/mnt")); err != nil {
		t.Fatal(err)
	}
	sink := collectState(t, root, profiles.Step{Collector: profiles.Container, Files: []profiles.Role{
		{Name: "docker", Path: []string{"/var/lib/docker/containers/*/config.v2.json"}}, {Name: "docker-host", Path: []string{"/var/lib/docker/containers/*/hostconfig.json"}},
	}})
	containers := named(t, sink, "state/containers.txt")
	table := string(containers.Content)
	for _, row := range [][]string{
		{"abababababab", "docker", "running", "web", "nginx:1.27", "50", "/root:/host", "/var/lib/docker/overlay2/[x]/diff"},
		{"cdcdcdcdcdcd", "docker", "known", "miner", "evil", "yes", "net"},
	} {
		if !hasRow(table, row) {
			t.Errorf("no row with %q in\n%s", row, table)
		}
	}
	if !strings.Contains(containers.Reason, "broken/config.v2.json") {
		t.Errorf("reason %q", containers.Reason)
	}
	for _, k := range sink.Items() {
		if strings.Contains(string(k.Content), "hunter2") {
			t.Errorf("%s holds a secret of an environment", k.Name)
		}
	}
	changes := string(named(t, sink, "state/container-changes.txt").Content)
	for _, row := range [][]string{{"abababababab", "regular file", "/usr/share/nginx/shell.x"}, {"/etc/new.conf"}, {"symbolic link", "/tmp", "/bin/sh"}} {
		if !hasRow(changes, row) {
			t.Errorf("no row with %q in\n%s", row, changes)
		}
	}
	if got := rulesFound(t, sink); strings.Count(got["container-host-mount info"], "\n") != 1 {
		t.Errorf("findings %v", got)
	}
}
