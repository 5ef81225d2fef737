package collectors_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/collectors"
	"bellwether/collectors/collectorstest"
	"bellwether/profiles"

	"github.com/google/go-cmp/cmp"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// collect runs the steps on a root.
func collect(t *testing.T, root string, steps ...profiles.Step) *collectorstest.Sink {
	t.Helper()
	sink := &collectorstest.Sink{}
	if err := collectors.Run(t.Context(), &profiles.Plan{Steps: steps}, collectors.NewEnv(root, quiet()), sink); err != nil {
		t.Fatal(err)
	}
	return sink
}

func fileStep(patterns ...string) profiles.Step {
	return profiles.Step{Name: "files", Collector: profiles.File, Path: patterns}
}

func TestFilePatterns(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{
		"var/log/syslog": "a", "var/log/syslog.1": "b", "var/log/nginx/access.log": "c", "var/log/nginx/old/access.log.gz": "d",
		"var/log/app/.hidden": "e", "etc/passwd": "f", "home/al[i]ce/.bash_history": "g", "opt/a/b/c/d.log": "h",
	})
	tests := []struct {
		name     string
		patterns []string
		exclude  []string
		depth    int
		want     []string
	}{
		{"everything below", []string{"/var/log/**"}, nil, 0,
			[]string{"/var/log/app/.hidden", "/var/log/nginx/access.log", "/var/log/nginx/old/access.log.gz", "/var/log/syslog", "/var/log/syslog.1"}},
		{"one level", []string{"/var/log/*"}, []string{"nginx", "app"}, 0, []string{"/var/log/syslog", "/var/log/syslog.1"}},
		{"a directory by name is all that is in it", []string{"/var/log/nginx"}, nil, 0, []string{"/var/log/nginx/access.log", "/var/log/nginx/old/access.log.gz"}},
		{"a matched directory too", []string{"/var/log/n*"}, nil, 0, []string{"/var/log/nginx/access.log", "/var/log/nginx/old/access.log.gz"}},
		{"a literal file", []string{"/etc/passwd"}, nil, 0, []string{"/etc/passwd"}},
		{"an escaped bracket", []string{`/home/al\[i\]ce/.bash_history`}, nil, 0, []string{"/home/al[i]ce/.bash_history"}},
		{"an escaped bracket behind a wildcard", []string{`/h*/al\[i\]ce/.bash_history`}, nil, 0, []string{"/home/al[i]ce/.bash_history"}},
		{"a wildcard in the middle", []string{"/opt/*/b/**/*.log"}, nil, 0, []string{"/opt/a/b/c/d.log"}},
		{"braces over a slash", []string{"/{etc,opt/a/b/c}/*"}, nil, 0, []string{"/etc/passwd", "/opt/a/b/c/d.log"}},
		{"exclude by name", []string{"/var/log/**"}, []string{"*.gz", "syslog*", ".hidden"}, 0, []string{"/var/log/nginx/access.log"}},
		{"exclude by path", []string{"/var/log/**"}, []string{"/var/log/nginx/**", "/var/log/app"}, 0, []string{"/var/log/syslog", "/var/log/syslog.1"}},
		{"depth", []string{"/var/log/**"}, nil, 1, []string{"/var/log/app/.hidden", "/var/log/nginx/access.log", "/var/log/syslog", "/var/log/syslog.1"}},
		{"two patterns, one file", []string{"/etc/*", "/etc/passwd"}, nil, 0, []string{"/etc/passwd"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			step := fileStep(tt.patterns...)
			step.Exclude, step.MaxDepth = tt.exclude, tt.depth
			if diff := cmp.Diff(tt.want, collect(t, root, step).Sources()); diff != "" {
				t.Errorf("collected (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFileSaysWhatIsNotThere(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"etc/passwd": "x"})
	sink := collect(t, root, fileStep("/var/log/auth.log*", "/etc/nothing"))
	for _, source := range []string{"/var/log/auth.log*", "/etc/nothing"} {
		got := sink.Item(t, source)
		if got.Status != collectors.Skipped || got.Reason != "nothing there matches" {
			t.Errorf("%s: %s, %q; want skipped, nothing there matches", source, got.Status, got.Reason)
		}
	}
}

func TestFileLimits(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"l/small": "1", "l/right": "12345", "l/large": "1234567890", "l/old": "12345"})
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(root, "l/old"), old, old); err != nil {
		t.Fatal(err)
	}
	step := fileStep("/l/*")
	step.MinFileSize, step.MaxFileSize = 2, 5
	sink := collect(t, root, step)
	// mtime was set back, but ctime says that the file is new: an attacker can't hide a file from an age limit that way.
	step.NewerThan, step.MinFileSize, step.MaxFileSize = 24*time.Hour, 0, 0
	aged := collect(t, root, step)
	if diff := cmp.Diff([]string{"/l/old", "/l/right"}, sink.Sources()); diff != "" {
		t.Errorf("size limits (-want +got):\n%s", diff)
	}
	for source, want := range map[string]string{"/l/small": "smaller than 2 B", "/l/large": "larger than the limit of 5 B"} {
		if got := sink.Item(t, source); got.Status != collectors.Skipped || got.Reason != want || got.SourceSize == 0 {
			t.Errorf("%s: %s, %q, size %d; want skipped, %q, and its size", source, got.Status, got.Reason, got.SourceSize, want)
		}
	}
	if got := aged.Sources(); len(got) != 4 {
		t.Errorf("with an age limit: %q, want all four", got)
	}
	step.NewerThan = time.Nanosecond
	for _, k := range collect(t, root, step).Items() {
		if k.Status != collectors.Skipped || !strings.HasPrefix(k.Reason, "not changed since") {
			t.Errorf("%s: %s, %q; want skipped for its age", k.Source, k.Status, k.Reason)
		}
	}
}

func TestFileKeepsWhatTheSystemSays(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"var/log/x.log": "hello"})
	p := filepath.Join(root, "var/log/x.log")
	mtime := time.Date(2020, 1, 2, 3, 4, 5, 678, time.UTC)
	if err := os.Chtimes(p, mtime, mtime); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, 0o640); err != nil {
		t.Fatal(err)
	}
	got := collect(t, root, fileStep("/var/log/*")).Item(t, "/var/log/x.log")
	if string(got.Content) != "hello" || got.Name != "files/var/log/x.log" || got.Status != "" || got.SourceSize != 5 {
		t.Errorf("got %+v", got)
	}
	if !got.ModTime.Equal(mtime) || got.ChangeTime.IsZero() || got.AccessTime.IsZero() {
		t.Errorf("times: %v %v %v, want mtime %v and all others", got.ModTime, got.ChangeTime, got.AccessTime, mtime)
	}
	if got.Mode != "-rw-r-----" || got.Owner == "" {
		t.Errorf("mode %q owner %q", got.Mode, got.Owner)
	}
}

func TestFileAvoidsItsOwnCase(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"var/log/a": "a", "var/log/IR-7/web/files/var/log/a": "copy"})
	env := collectors.NewEnv(root, quiet())
	env.Avoid(filepath.Join(root, "var/log/IR-7"))
	sink := &collectorstest.Sink{}
	if err := collectors.Run(t.Context(), &profiles.Plan{Steps: []profiles.Step{fileStep("/var/log/**")}}, env, sink); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/var/log/a"}, sink.Sources()); diff != "" {
		t.Errorf("collected (-want +got):\n%s", diff)
	}
	if got := sink.Item(t, "/var/log/IR-7"); got.Status != collectors.Skipped {
		t.Errorf("own case: %s, want skipped", got.Status)
	}
}

func TestFilesVisitsInOrder(t *testing.T) {
	root := collectorstest.Root(t, map[string]string{"b": "2", "a/x": "1", "c": "3"})
	var got []string
	err := collectors.Files(context.Background(), root, func(path, reason string, failed bool, open func() (*os.File, error)) error {
		f, err := open()
		if err != nil {
			return err
		}
		defer f.Close()
		b := make([]byte, 1)
		if _, err := f.Read(b); err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		got = append(got, filepath.ToSlash(rel)+"="+string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/x=1", "b=2", "c=3"}, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
}
