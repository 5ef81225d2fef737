package collectors_test

import (
	"strings"
	"testing"

	"bellwether/collectors/collectorstest"
	"bellwether/profiles"
)

// Private keys and credentials that the configuration of an application's account names, or that a process holds open, are not kept as logs:
// by where they are, and by what they begin with.
func TestVolumesKeepsNoSecrets(t *testing.T) {
	loaded, err := profiles.Load([]string{"linux-volumes"})
	must(t, err)
	plan, err := profiles.NewPlan(loaded, profiles.Host{OS: "linux"}, profiles.Options{})
	must(t, err)
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n"
	secrets := map[string]string{
		"/etc/ssh/ssh_host_ed25519_key": key, "/root/.ssh/work": "text\n", "/root/.aws/credentials": "text\n", "/etc/ssl/private/server": "text\n",
		"/root/.docker/config.json": "{}\n", "/root/.kube/config": "text\n", "/etc/kubernetes/admin.conf": "text\n", "/opt/app/credentials": "text\n",
		"/etc/shadow-": "root:x\n", "/srv/app/id_work": "text\n",
	}
	byContent := map[string]string{"/srv/app/deploy": key, "/srv/app/logs/held": key}
	files, config := map[string]string{}, ""
	for _, some := range []map[string]string{secrets, byContent} {
		for name, content := range some {
			files[name] = content
			config += "<appender><file>" + name + "</file></appender>\n"
		}
	}
	files["/srv/app/conf/logback.xml"] = "<configuration>" + config + "</configuration>"
	files["/srv/app/out.txt"] = "an honest log\n"
	root := collectorstest.Root(t, files)
	holdOpen(t, root, 12, 3, "/srv/app/logs/held", "0102001", "app")
	holdOpen(t, root, 12, 4, "/root/.ssh/work", "0102001", "app")
	holdOpen(t, root, 12, 5, "/srv/app/out.txt", "0102001", "app")

	sink := collect(t, root, plan.Steps...)

	for _, k := range sink.Items() {
		if !k.Bare && strings.HasPrefix(k.Name, "files/") && k.Source != "/srv/app/out.txt" {
			t.Errorf("%s is kept: %s", k.Source, k.Reason)
		}
	}
	rows := map[string]string{}
	for _, r := range rowsOf[logRow](t, sink, "logs") {
		rows[r.Path] = r.Reason
	}
	for name := range secrets {
		if rows[name] != "excluded by the profile" {
			t.Errorf("%s: reason %q", name, rows[name])
		}
	}
	for name := range byContent {
		if rows[name] != "begins as a private key" {
			t.Errorf("%s: reason %q", name, rows[name])
		}
	}
	if got := string(sink.Item(t, "/srv/app/out.txt").Content); got != "an honest log\n" {
		t.Errorf("the honest log is %q", got)
	}
}
