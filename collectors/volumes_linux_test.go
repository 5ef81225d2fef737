package collectors_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

// secondVolume makes ROOT/data a volume of its own: a tmpfs where we may mount one, else a line of the root's own mountinfo says so.
func secondVolume(t *testing.T, root string) {
	t.Helper()
	data := filepath.Join(root, "data")
	must(t, os.MkdirAll(data, 0o755))
	must(t, os.MkdirAll(filepath.Join(root, "proc/self"), 0o755))
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, ""); err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) })
		return
	}
	info := "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n30 22 254:16 / /data rw - xfs /dev/vdb rw\n"
	must(t, os.WriteFile(filepath.Join(root, "proc/self/mountinfo"), []byte(info), 0o600))
}

func put(t *testing.T, root, name, content string) {
	t.Helper()
	p := filepath.Join(root, name)
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(content), 0o600))
}

// holdOpen makes a process in ROOT/proc that holds a file open with the flags, as fdinfo has them.
func holdOpen(t *testing.T, root string, pid, fd int, name, flags, comm string) {
	t.Helper()
	put(t, root, fmt.Sprintf("proc/%d/comm", pid), comm+"\n")
	put(t, root, fmt.Sprintf("proc/%d/fdinfo/%d", pid, fd), "pos:\t0\nflags:\t"+flags+"\nmnt_id:\t30\n")
	must(t, os.MkdirAll(filepath.Join(root, fmt.Sprintf("proc/%d/fd", pid)), 0o755))
	must(t, os.Symlink(name, filepath.Join(root, fmt.Sprintf("proc/%d/fd/%d", pid, fd))))
}

var volumesStep = profiles.Step{
	Name: "logs", Collector: profiles.Volumes, Path: []string{"/srv"}, Names: []string{"*.log", "*.log.*", "**/logs/**"},
	Exclude: []string{"*.pid", "*.db", "shadow"},
	Config:  []profiles.LogConfig{{Program: "nginx", Path: []string{"/etc/nginx/nginx.conf"}}, {Program: "rsyslog", Path: []string{"/etc/rsyslog.conf"}}},
}

// rowsOf decodes a table of the case.
func rowsOf[T any](t *testing.T, sink *collectorstest.Sink, name string) []T {
	t.Helper()
	var out []T
	for _, k := range sink.Items() {
		if k.Name != "state/"+name+".jsonl" {
			continue
		}
		for line := range strings.Lines(string(k.Content)) {
			var row T
			must(t, json.Unmarshal([]byte(line), &row))
			out = append(out, row)
		}
	}
	return out
}

type logRow struct {
	Path    string   `json:"path"`
	Volume  string   `json:"volume"`
	FoundBy []string `json:"found_by"`
	Kept    bool     `json:"kept"`
	Reason  string   `json:"reason"`
}

// An application that logs to a second volume only: found by what is open, by what is configured, and by what a file is called.
func TestVolumesFindsLogsOnASecondVolume(t *testing.T) {
	root := collectorstest.Root(t, nil)
	secondVolume(t, root)
	put(t, root, "data/a/server-output", "2026-11-22 one\n")  // a name that says nothing
	put(t, root, "data/b/www", "GET /\n")                     // so does this
	put(t, root, "data/b/www.1", "GET /old\n")                // rotated
	put(t, root, "data/c/app.log", "three\n")                 // a name that says it
	put(t, root, "data/c/app.txt", "not a log by its name\n") // and one that doesn't
	put(t, root, "data/c/logs/x", "below logs\n")
	put(t, root, "srv/app/own.log", "on the system's volume\n")
	put(t, root, "usr/share/other.log", "nobody asked\n")
	put(t, root, "data/a/index.db", "text\n")
	put(t, root, "data/a/binary", "\x00\x01\x02\n")
	put(t, root, "data/a/added", "\x00binary, and only added to")
	put(t, root, "etc/shadow", "root:x\n")
	put(t, root, "etc/nginx/nginx.conf", "http {\n  include conf.d/*.conf;\n}\n")
	put(t, root, "etc/nginx/sites/site", "server {\n  access_log /data/b/www;\n  error_log /data/b/none.log;\n  access_log /etc/shadow;\n}\n")
	put(t, root, "etc/rsyslog.conf", "*.* @@siem.example.org:6514\n")
	must(t, os.MkdirAll(filepath.Join(root, "etc/nginx/conf.d"), 0o755))
	must(t, os.Symlink("../sites/site", filepath.Join(root, "etc/nginx/conf.d/site.conf")))
	holdOpen(t, root, 12, 3, "/data/a/server-output", "0100001", "server")
	holdOpen(t, root, 12, 4, "/data/a/index.db", "0100002", "server")
	holdOpen(t, root, 12, 5, "/data/a/binary", "0100001", "server")
	holdOpen(t, root, 12, 6, "/data/a/added", "0102001", "server")
	holdOpen(t, root, 12, 7, "/data/c/app.txt", "0100000", "server") // for reading alone
	holdOpen(t, root, 12, 8, "socket:[4711]", "02", "server")
	holdOpen(t, root, 12, 9, "/data/a/gone (deleted)", "0102001", "server")

	sink := collect(t, root, volumesStep)

	want := map[string]string{
		"/data/a/server-output": "open for writing by server (pid 12)",
		"/data/a/added":         "open for writing by server (pid 12)",
		"/data/b/www":           "named in /etc/nginx/sites/site:2",
		"/data/b/www.1":         "named in /etc/nginx/sites/site:2",
		"/data/c/app.log":       "by its name",
		"/data/c/logs/x":        "by its name",
		"/srv/app/own.log":      "by its name",
	}
	got := map[string]string{}
	for _, k := range sink.Items() {
		if strings.HasPrefix(k.Name, "files/") {
			got[k.Source] = k.Reason
			content, err := os.ReadFile(filepath.Join(root, k.Source))
			if err != nil || string(content) != string(k.Content) {
				t.Errorf("%s: %q was kept, want %q", k.Source, k.Content, content)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	for _, r := range rowsOf[logRow](t, sink, "logs") {
		volume := "/data"
		if strings.HasPrefix(r.Path, "/srv") {
			volume = "/"
		}
		switch {
		case r.Path == "/etc/shadow":
			if r.Kept || r.Reason != "excluded by the profile" {
				t.Errorf("row %+v", r)
			}
		case r.Path == "/data/b/none.log":
			if r.Kept || r.Reason != "there is no such file" {
				t.Errorf("row %+v", r)
			}
		case !r.Kept || strings.Join(r.FoundBy, "; ") != want[r.Path] || r.Volume != volume:
			t.Errorf("row %+v, want volume %s, found by %q", r, volume, want[r.Path])
		}
	}
	type forward struct{ Program, Protocol, Target, Place string }
	wantForwards := []forward{{"rsyslog", "syslog/tcp", "siem.example.org:6514", "/etc/rsyslog.conf:1"}}
	if diff := cmp.Diff(wantForwards, rowsOf[forward](t, sink, "log-forwarding")); diff != "" {
		t.Errorf("log forwarding (-want +got):\n%s", diff)
	}
	type vol struct {
		Path, Kind string
		Walked     bool
	}
	var data []vol
	for _, v := range rowsOf[vol](t, sink, "volumes") {
		if v.Path == "/data" {
			data = append(data, v)
		}
	}
	if diff := cmp.Diff([]vol{{"/data", "volume", true}}, data); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
}

// The limits take the newest first, and say what they left out.
func TestVolumesLimits(t *testing.T) {
	root := collectorstest.Root(t, nil)
	for i, name := range []string{"srv/a/1.log", "srv/a/2.log", "srv/a/3.log", "srv/b/4.log", "srv/c/5.log", "srv/c/old.log", "srv/d/large.log"} {
		put(t, root, name, strings.Repeat("x", 4096))
		when := time.Now().Add(-time.Duration(i) * time.Hour)
		must(t, os.Chtimes(filepath.Join(root, name), when, when))
		time.Sleep(2 * time.Millisecond) // ctime counts too: the later one is the newer
	}
	put(t, root, "srv/d/large.log", strings.Repeat("x", 20_000))
	step := volumesStep
	step.MaxDirSize, step.MaxTotalSize, step.MaxFileSize = 9000, 17_000, 16_384

	sink := collect(t, root, step)

	got := map[string]string{}
	for _, r := range rowsOf[logRow](t, sink, "logs") {
		got[r.Path] = fmt.Sprint(r.Kept, " ", r.Reason)
	}
	want := map[string]string{
		"/srv/a/1.log": "false over the limit of 17 KiB altogether", "/srv/a/2.log": "false over the limit of 17 KiB altogether",
		"/srv/a/3.log": "true ", "/srv/b/4.log": "true ", "/srv/c/5.log": "true ", "/srv/c/old.log": "true ",
		"/srv/d/large.log": "false over the limit of 17 KiB altogether",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if k := sink.Item(t, "/srv/a/1.log"); k.Status != collectors.Skipped || k.Reason != "over the limit of 17 KiB altogether; found: by its name" {
		t.Errorf("left out: %s, %q", k.Status, k.Reason)
	}
	step.MaxDirSize, step.MaxTotalSize = 5000, 0
	got = map[string]string{}
	for _, r := range rowsOf[logRow](t, collect(t, root, step), "logs") {
		got[r.Path] = fmt.Sprint(r.Kept, " ", r.Reason)
	}
	want = map[string]string{
		"/srv/a/1.log": "false over the limit of 4.9 KiB for one folder", "/srv/a/2.log": "false over the limit of 4.9 KiB for one folder", "/srv/a/3.log": "true ",
		"/srv/b/4.log": "true ", "/srv/c/5.log": "false over the limit of 4.9 KiB for one folder", "/srv/c/old.log": "true ",
		"/srv/d/large.log": "false over the limit of 4.9 KiB for one folder",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// What a step before has kept is listed, and not kept again.
func TestVolumesKeepsNothingTwice(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"srv/a.log": "one\n", "srv/b.log": "two\n"})
	sink := collect(t, root, fileStep("/srv/a.log"), volumesStep)
	kept := map[string]int{}
	for _, k := range sink.Items() {
		if !k.Bare && strings.HasPrefix(k.Name, "files/") {
			kept[k.Source]++
		}
	}
	if diff := cmp.Diff(map[string]int{"/srv/a.log": 1, "/srv/b.log": 1}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	for _, r := range rowsOf[logRow](t, sink, "logs") {
		if want := map[string]string{"/srv/a.log": "kept already: /srv/a.log"}[r.Path]; r.Reason != want || r.Kept == (want != "") {
			t.Errorf("row %+v, want reason %q", r, want)
		}
	}
}

// A run that only looks says what would be copied, and reads no content: not even a configuration, or the end of an open file.
func TestVolumesLook(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"srv/a.log": "one\n", "srv/out": "text\n", "etc/nginx/nginx.conf": "access_log /srv/out;\n"})
	holdOpen(t, root, 12, 3, "/srv/out", "0100001", "server")
	env := collectors.NewEnv(root, quiet())
	env.Look = true
	sink := &collectorstest.Sink{}
	must(t, collectors.Run(t.Context(), &profiles.Plan{Steps: []profiles.Step{volumesStep}}, env, sink))
	var files []string
	for _, k := range sink.Items() {
		if !k.Bare && strings.HasPrefix(k.Name, "files/") {
			files = append(files, k.Source)
		}
	}
	if diff := cmp.Diff([]string{"/srv/a.log"}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if k := sink.Item(t, "/etc/nginx/nginx.conf"); !k.Bare || !strings.Contains(k.Reason, "configuration of nginx") {
		t.Errorf("configuration: %q", k.Reason)
	}
}
