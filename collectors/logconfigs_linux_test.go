package collectors_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/collectors/collectorstest"
)

// tableReason returns what a table of the case says of itself.
func tableReason(t *testing.T, sink *collectorstest.Sink, name string) string {
	t.Helper()
	for _, k := range sink.Items() {
		if k.Name == "state/"+name+".jsonl" {
			return k.Reason
		}
	}
	t.Fatalf("there is no table %s", name)
	return ""
}

// What an application's account may write to its configuration makes root neither read without end nor walk the host.
func TestVolumesBoundsConfigurations(t *testing.T) {
	pad := "# " + strings.Repeat("x", 900<<10) + "\n"
	t.Run("one file with many names", func(t *testing.T) {
		root := collectorstest.Root(t, map[string]string{
			"etc/nginx/nginx.conf": "include conf.d/*.conf;\n", "etc/nginx/conf.d/0.conf": "error_log syslog:server=10.0.0.1;\n", "srv/x": "",
		})
		for i := range 30 {
			must(t, os.Link(filepath.Join(root, "etc/nginx/conf.d/0.conf"), filepath.Join(root, fmt.Sprintf("etc/nginx/conf.d/%d.conf", i+1))))
		}
		if rows := rowsOf[map[string]string](t, collect(t, root, volumesStep), "log-forwarding"); len(rows) != 1 {
			t.Errorf("%d rows, want one", len(rows))
		}
	})
	t.Run("many bytes", func(t *testing.T) {
		root := collectorstest.Root(t, map[string]string{"etc/nginx/nginx.conf": "include conf.d/*.conf;\n", "srv/x": ""})
		for i := range 20 {
			put(t, root, fmt.Sprintf("etc/nginx/conf.d/%02d.conf", i), fmt.Sprintf("%serror_log syslog:server=10.0.0.%d;\n", pad, i))
		}
		sink := collect(t, root, volumesStep)
		if n := len(rowsOf[map[string]string](t, sink, "log-forwarding")); n != 9 {
			t.Errorf("%d files were read, want the 9 that fit", n)
		}
		for _, table := range []string{"log-forwarding", "logs"} {
			if got := tableReason(t, sink, table); !strings.Contains(got, "configuration of nginx: more than 2000 files, or 8.0 MiB: the rest was not read") {
				t.Errorf("%s says %q", table, got)
			}
		}
	})
	t.Run("a walk of everything", func(t *testing.T) {
		root := collectorstest.Root(t, map[string]string{
			"etc/nginx/nginx.conf": "include /home/**/*.conf;\n", "home/a/b/x.conf": "error_log syslog:server=10.0.0.1;\n", "srv/x": "",
		})
		sink := collect(t, root, volumesStep)
		if rows := rowsOf[map[string]string](t, sink, "log-forwarding"); len(rows) != 0 {
			t.Errorf("%d rows of what ** includes", len(rows))
		}
		if got := tableReason(t, sink, "log-forwarding"); got != "configuration of nginx: /etc/nginx/nginx.conf:1 includes /home/**/*.conf, which was not followed: it has **" {
			t.Errorf("the table says %q", got)
		}
	})
	t.Run("a long file", func(t *testing.T) {
		root := collectorstest.Root(t, map[string]string{"etc/nginx/nginx.conf": pad + pad + "error_log syslog:server=10.0.0.1;\n", "srv/x": ""})
		if got := tableReason(t, collect(t, root, volumesStep), "logs"); got != "configuration of nginx: of /etc/nginx/nginx.conf no more than the first 1.0 MiB were read" {
			t.Errorf("the table says %q", got)
		}
	})
}

// Where a limit bites, the tables say so.
func TestVolumesSayWhatTheyLeftOut(t *testing.T) {
	files := map[string]string{"etc/nginx/nginx.conf": "include conf.d/*.conf;\n", "srv/x": "", "proc/12/comm": "busy\n"}
	for i := range 2010 { // one more than a file may name, and more than a program may
		files["etc/nginx/conf.d/0.conf"] += fmt.Sprintf("error_log /nowhere/%d.log;\n", i)
	}
	files["etc/nginx/conf.d/1.conf"] = "error_log /nowhere/more.log;\n"
	for i := range 5100 {
		files[fmt.Sprintf("etc/nginx/conf.d/2%d.conf", i/1000)] += fmt.Sprintf("error_log syslog:server=10.0.%d.%d;\n", i/256, i%256)
	}
	var mounts strings.Builder
	for i := range 2100 {
		fmt.Fprintf(&mounts, "LABEL=%d /mnt/%d ext4 defaults 0 0\n", i, i)
	}
	files["etc/fstab"] = mounts.String()
	root := collectorstest.Root(t, files)
	must(t, os.MkdirAll(filepath.Join(root, "proc/12/fd"), 0o755))
	for i := range 4100 {
		must(t, os.Symlink("socket:[1]", filepath.Join(root, fmt.Sprintf("proc/12/fd/%d", i))))
	}
	sink := collect(t, root, volumesStep)
	want := []string{
		"busy (pid 12) holds more than 4096 files open: the rest was not looked at",
		"configuration of nginx: of what /etc/nginx/conf.d/0.conf says no more than 2000 things were taken",
		"configuration of nginx: more than 2000 logs are named: the rest was not looked for",
		"configuration of nginx: more than 5000 rows of all programs together: the rest is not listed in log-forwarding",
		"more than 1000 logs are named that are not there or excluded: the rest is not listed",
	}
	if got := tableReason(t, sink, "logs"); got != strings.Join(want, "; ") {
		t.Errorf("logs: %q, want %q", got, want)
	}
	if got := tableReason(t, sink, "volumes"); !strings.HasPrefix(got, "2000 of 2") || !strings.HasSuffix(got, " volumes are listed; logs were not looked for on the others") {
		t.Errorf("volumes: %q", got)
	}
}
