//go:build hosts

package testhosts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/collectors/anomaly"
)

// A planted condition is a rule and what its finding must speak of.
type planted struct{ rule, about string }

// conditions are what plant.sh makes, in its order.
var conditions = []planted{
	{"process-deleted-exe", "/usr/local/bin/updater"},
	{"process-memfd-exe", "memfd:sess"},
	{"process-fake-kernel-thread", "[kworker/0:3]"},
	{"process-name-mismatch", "/usr/sbin/sshd"},
	{"process-cwd-odd", "/dev/shm/.x"},
	{"process-exe-odd", "/tmp/.ICE/miner"},
	{"process-preload", "/tmp/libhook.so"},
	{"process-library-odd", "/tmp/libhook.so"},
	{"process-deleted-library", "/usr/local/lib/libgone.so"},
	{"process-hidden-by-mount", "/proc/"},
	{"process-socket-shell", "sh"},
	{"process-traced", "86411"},
	{"socket-raw", "perl"},
	{"socket-packet", "perl"},
	{"preload-file", "/usr/local/lib/libprocps.so.9"},
	{"file-suid-odd", "/var/tmp/.s"},
	{"file-capability-odd", "/usr/local/bin/report"},
	{"file-immutable", "/etc/cron.d/keep"},
	{"file-no-owner", "/opt/left"},
	{"directory-hidden-odd", "/usr/lib/.cache.d"},
	{"file-name-odd", "/var/tmp/.. "},
	{"file-elf-odd", "/tmp/invoice.pdf"},
	{"directory-world-writable", "/srv/drop"},
	{"device-file-odd", "/dev/.udev.db"},
	{"package-digest", "/usr/bin/who"},
	{"account-uid0", "toor"},
	{"account-no-password", "guest"},
	{"account-service-keys", "backup"},
	{"history-null-link", "/root/.bash_history"},
	{"history-empty", "/home/guest/.bash_history"},
	{"utmp-wiped-row", "/var/log/wtmp"},
	{"log-emptied", "/var/log/app/app.log"}, // see emptiedLog
	{"log-nul-bytes", "/var/log/secure"},
	{"cron-odd-command", "198.51.100.7"},
	{"persistence-changed", "/etc/cron.d/sysstat2"},
	{"unit-odd-exec", "/dev/shm/.x/agent"},
	{"persistence-changed", "/etc/udev/rules.d/99-x.rules"},
	{"persistence-changed", "/etc/profile.d/zz.sh"},
	{"tool-hides-process", "/tmp/.ICE/miner"},
}

// A finding is a line of findings.jsonl.
type finding struct {
	Kind, Rule, Severity, Text, Name string
	Line                             int
	Attack                           []string
	Evidence                         map[string]string
}

func TestPlantedConditionsAreFound(t *testing.T) {
	h := newHost(t, func(root string) { emptiedLog(t, root) })
	h.plant(t)
	found := h.collect(t)
	for _, c := range conditions {
		if !contains(found, c) {
			t.Errorf("%s was not found of %s; there are %s", c.rule, c.about, about(found, c.rule))
		}
	}
	for _, f := range found {
		rule, err := anomaly.Lookup(f.Rule)
		if err != nil || len(f.Attack) == 0 || f.Severity == "" || f.Text == "" || rule.Honest == "" {
			t.Errorf("finding %+v: %v", f, err)
		}
	}
}

func TestUntouchedHostHasNoHighFinding(t *testing.T) {
	h := newHost(t)
	for _, f := range h.collect(t) {
		rule, err := anomaly.Lookup(f.Rule)
		switch {
		case err != nil:
			t.Error(err)
		case f.Severity == string(anomaly.High):
			t.Errorf("%s: %s %v", f.Rule, f.Text, f.Evidence)
		case f.Severity == string(anomaly.Medium):
			t.Logf("%s: %s (explained: %s)", f.Rule, f.Text, rule.Honest)
			if rule.Honest == "" {
				t.Errorf("%s is medium and not explained", f.Rule)
			}
		}
	}
}

func contains(found []finding, c planted) bool {
	for _, f := range found {
		if f.Rule == c.rule && f.speaksOf(c.about) {
			return true
		}
	}
	return false
}

func (f finding) speaksOf(what string) bool {
	if strings.Contains(f.Text, what) {
		return true
	}
	for _, v := range f.Evidence {
		if strings.Contains(v, what) {
			return true
		}
	}
	return false
}

func about(found []finding, rule string) string {
	var texts []string
	for _, f := range found {
		if f.Rule == rule {
			texts = append(texts, f.Text)
		}
	}
	return strings.Join(texts, " | ")
}

// A host is a booted copy of the root that `make test-hosts` made.
type host struct{ root string }

// newHost boots a copy of the root; prepare, if any, changes it before.
func newHost(t *testing.T, prepare ...func(root string)) host {
	t.Helper()
	base := os.Getenv("BELLWETHER_HOST_ROOT")
	if base == "" || os.Geteuid() != 0 {
		t.Fatal("run it as root, by make test-hosts")
	}
	root := filepath.Join(t.TempDir(), "host")
	sh(t, "cp", "-a", "--reflink=auto", base, root)
	h := host{root}
	buildAgent(t, filepath.Join(root, "root/bellwether"))
	for _, p := range prepare {
		p(root)
	}
	sh(t, "./host.sh", "up", root)
	t.Cleanup(func() {
		sh(t, "chattr", "-R", "-f", "-i", filepath.Join(root, "etc/cron.d"))
		sh(t, "./host.sh", "down", root)
	})
	return h
}

// emptiedLog mounts a volume with a log that is ten days old and was emptied two days ago. The time at which a file was made can't be set in a
// file system that is mounted, so it is set before.
func emptiedLog(t *testing.T, root string) {
	t.Helper()
	image, content := filepath.Join(t.TempDir(), "log.ext4"), t.TempDir()
	for name, text := range map[string]string{"app.log": "", "app.log.1": "2026-01-01 old line\n"} {
		if err := os.WriteFile(filepath.Join(content, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	day := func(ago int) string { return now.AddDate(0, 0, -ago).UTC().Format("20060102150405") }
	sh(t, "mkfs.ext4", "-q", "-d", content, image, "8M")
	for _, set := range []string{
		"set_inode_field app.log crtime " + day(10), "set_inode_field app.log mtime " + day(2),
		"set_inode_field app.log.1 crtime " + day(20), "set_inode_field app.log.1 mtime " + day(10), "set_inode_field app.log.1 ctime " + day(10),
	} {
		sh(t, "debugfs", "-w", "-R", set, image)
	}
	at := filepath.Join(root, "var/log/app")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	sh(t, "mount", "-o", "loop", image, at)
	t.Cleanup(func() { sh(t, "umount", "-l", at) })
}

func buildAgent(t *testing.T, to string) {
	t.Helper()
	build := exec.Command("go", "build", "-trimpath", "-o", to, "../agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
}

// plant runs plant.sh in the host.
func (h host) plant(t *testing.T) {
	t.Helper()
	script, err := os.ReadFile("plant.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./host.sh", "run", h.root, "bash", "-s")
	cmd.Stdin = bytes.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("planting: %v\n%s", err, out)
	}
}

// collect triages the host and returns the anomalies.
func (h host) collect(t *testing.T, args ...string) []finding {
	t.Helper()
	argv := append([]string{"run", h.root, "/root/bellwether", "collect", "--to", "/root/ir"}, args...)
	out, err := exec.Command("./host.sh", argv...).CombinedOutput()
	if err != nil {
		t.Fatalf("collect: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	files, err := filepath.Glob(filepath.Join(h.root, "root/ir/triage/*/findings.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("findings in %v, %v", files, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var found []finding
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var x finding
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		if x.Kind == "anomaly" {
			found = append(found, x)
		}
	}
	return found
}

func sh(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}
