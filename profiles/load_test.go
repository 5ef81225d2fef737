package profiles

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files and the tables in docs/profiles.md anew")

func TestBrokenProfiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d broken profiles, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			err := Check(file)
			if err == nil {
				t.Fatal("it is accepted")
			}
			var all Errors
			if !errors.As(err, &all) {
				t.Fatalf("the error is a %T", err)
			}
			for _, one := range all {
				if (one.Line > 0) != (one.Excerpt != "" && one.Column > 0) {
					t.Errorf("line %d, column %d and this excerpt:\n%s", one.Line, one.Column, one.Excerpt)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", filepath.ToSlash(err.Error())+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it anew\n%s", file, diff)
	}
}

func TestErrorIsFound(t *testing.T) {
	err := Check("testdata/broken/unknown-key.yaml")
	var one *Error
	if !errors.As(err, &one) {
		t.Fatalf("no Error in %v", err)
	}
	got := []any{one.File, one.Line, one.Column, one.Msg}
	want := []any{filepath.FromSlash("testdata/broken/unknown-key.yaml"), 8, 5, `unknown key "time_out"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDocumentLimits(t *testing.T) {
	const head = "schema: 1\nname: big\nsteps:\n"
	for _, tt := range []struct{ name, doc, want string }{
		{"size", head + strings.Repeat("# padding\n", maxDocument/10), "the document is larger than 1 MiB"},
		{"keys", head + strings.Repeat("  - {name: a}\n", maxKeys), "the document has more than 10000 keys"},
		{"sequences in a line", strings.Repeat("- ", 100_000), "nested too deep"},
		{"brackets", strings.Repeat("[", 100_000), "nested too deep"},
		{"indentation", head + strings.Repeat(" ", 100) + "- name: a\n", "nested too deep"},
		{"merge key", head + "  - {name: a}\n  - {<<: {name: b}}\n", "a merge key (<<) is not part of what profiles are written in"},
		{"tag", head + "  - !!str a\n", "a tag (!) is not part of what profiles are written in"},
		{"complex key", "? schema\n: 1\n", "a complex key (?) is not part of what profiles are written in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := parseDocument("big.yaml", []byte(tt.doc))
			if len(errs) != 1 || errs[0].Msg != tt.want {
				t.Errorf("got %.200v, want %q alone", errs, tt.want)
			}
		})
	}
}

func TestManyErrorsAreCut(t *testing.T) {
	doc := "schema: 1\nname: many\nsteps:\n" + strings.Repeat("  - {oops: 1}\n", 500)
	_, errs := parseDocument("many.yaml", []byte(doc))
	var all Errors
	if !errors.As(errs.asError(), &all) || len(all) != maxErrors+1 {
		t.Fatalf("%d errors, want %d", len(all), maxErrors+1)
	}
	if got, want := all[maxErrors].Error(), "many.yaml: 1450 more errors are not shown"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoadNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "web.yaml", "schema: 1\nname: web\nsteps:\n  - include: app\n  - include: linux-process\n")
	write(t, "app.yml", "schema: 1\nname: app\nsteps:\n  - {name: app-logs, collector: file, path: [/srv/app/logs/**]}\n")
	write(t, "linux-network.yaml", "schema: 1\nname: mine\nsteps:\n  - {name: mine, collector: command, argv: [ss], area: network}\n")
	write(t, "network.yaml", "schema: 1\nname: network\nsteps:\n  - include: linux-network\n")
	for _, tt := range []struct {
		names []string
		first string // step
		files []string
	}{
		{[]string{"web.yaml"}, "app-logs", []string{"web.yaml", "app.yml", "builtin/linux-process.yaml"}},
		{[]string{"./web.yaml"}, "app-logs", []string{"web.yaml", "app.yml", "builtin/linux-process.yaml"}},
		{[]string{filepath.Join(dir, "app.yml")}, "app-logs", []string{filepath.Join(dir, "app.yml")}},
		{[]string{"linux-network"}, "network", []string{"builtin/linux-network.yaml"}},
		{[]string{"network.yaml"}, "mine", []string{"network.yaml", "linux-network.yaml"}},
	} {
		t.Run(strings.Join(tt.names, " "), func(t *testing.T) {
			loaded, err := Load(tt.names)
			if err != nil {
				t.Fatal(err)
			}
			if got := loaded[0].Steps[0].Name; got != tt.first {
				t.Errorf("first step %q, want %q", got, tt.first)
			}
			var files []string
			for _, src := range loaded[0].Sources {
				files = append(files, src.File)
			}
			if diff := cmp.Diff(tt.files, files); diff != "" {
				t.Errorf("sources (-want +got)\n%s", diff)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "one.yaml", "schema: 1\nname: same\nsteps:\n  - {name: a, collector: command, argv: [ps], area: process}\n")
	write(t, "two.yaml", "schema: 1\nname: same\nsteps:\n  - {name: b, collector: command, argv: [ps], area: process}\n")
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{[]string{Default("windows")}, "windows-triage: no built-in profile for windows yet\nhint: give one with --profile FILE"},
		{[]string{Default("plan9")}, "profile: no built-in profile for this system\nhint: give one with --profile FILE"},
		{[]string{"none.yaml"}, "none.yaml: reading the profile: no such file or directory"},
		{[]string{"one.yaml", "two.yaml"}, "two.yaml:1:1: profile \"same\" is in one.yaml already\n>   1 | schema: 1\n        ^\n    2 | name: same\nhint: give one of them another name"},
	} {
		_, err := Load(tt.names)
		if err == nil {
			t.Errorf("%q is accepted", tt.names)
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tt.names, diff)
		}
	}
	if err := Check("none.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check of a missing file: %v", err)
	}
	if _, err := Load([]string{"nope"}); err == nil {
		t.Error("an unknown name is accepted")
	}
}

func TestStepsAreComplete(t *testing.T) {
	doc, errs := parseDocument("x.yaml", []byte(`schema: 1
name: x
description: d
defaults: {timeout: 2m}
steps:
  - name: a
    description: all of them
    collector: command
    area: process
    argv: [top, -b, -n, 1]
    timeout: 1d
    max_output: 2GB
    use_case: [evidence-of-execution]
    attack: [T1059.004]
    supported_os: [linux]
  - name: b
    collector: command
    area: process
    shell: |
      ps -ef |
        sort
  - name: c
    collector: file
    path: [/var/log/**, '%user_home%/{a,b}']
    exclude: ['*.key', '**/cache/*']
    max_file_size: 1024
    min_file_size: 1KiB
    max_depth: 4
    newer_than: 2w1d
    ignore_date_range: true
    supported_os: [all]
  - {name: d, collector: journal, max_output: 1GiB, newer_than: 30d}
`))
	if errs != nil {
		t.Fatal(errs)
	}
	var got []Step
	for _, p := range doc.parts {
		got = append(got, *p.step)
	}
	const day = 24 * 3600e9
	want := []Step{
		{Profile: "x", Name: "a", Description: "all of them", Collector: Command, Area: "process", Argv: []string{"top", "-b", "-n", "1"},
			Timeout: day, MaxOutput: 2e9, UseCase: []string{"evidence-of-execution"}, Attack: []string{"T1059.004"}, OS: []string{"linux"}},
		{Profile: "x", Name: "b", Collector: Command, Area: "process", Shell: "ps -ef |\n  sort", Timeout: 120e9, MaxOutput: 64 << 20},
		{Profile: "x", Name: "c", Collector: File, Path: []string{"/var/log/**", "%user_home%/{a,b}"}, Exclude: []string{"*.key", "**/cache/*"},
			MaxFileSize: 1024, MinFileSize: 1024, MaxDepth: 4, NewerThan: 15 * day, IgnoreDateRange: true},
		{Profile: "x", Name: "d", Collector: Journal, Timeout: 120e9, MaxOutput: 1 << 30, NewerThan: 30 * day},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIncludeForAQuestion(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "all.yaml"), `schema: 1
name: everything
steps:
  - {name: a, collector: command, area: x, argv: [a], use_case: [persistence]}
  - {name: b, collector: command, area: x, argv: [b], use_case: [account-usage, log-tampering]}
  - {name: c, collector: command, area: x, argv: [c]}
`)
	write(t, filepath.Join(dir, "one.yaml"), `schema: 1
name: one
steps:
  - include: all
    use_case: [log-tampering, file-download]
  - {name: d, collector: command, area: x, argv: [d]}
  - include: all
`)
	loaded, err := Load([]string{filepath.Join(dir, "one.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range loaded[0].Steps {
		got = append(got, s.Name)
	}
	if diff := cmp.Diff([]string{"b", "d", "a", "c"}, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if len(loaded[0].Sources) != 2 {
		t.Errorf("sources %v, want both documents once", loaded[0].Sources)
	}
}
