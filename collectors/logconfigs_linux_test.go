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
