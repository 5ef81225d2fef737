package profiles

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const manual = "../docs/profiles.md"

// TestManualTables compares the tables of the manual with what they describe.
func TestManualTables(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for name, table := range map[string]string{
		"keys": keysTable(), "uses": usesTable(), "variables": variablesTable(), "use cases": useCasesList(), "log programs": "`" + strings.Join(logPrograms, "`, `") + "`\n",
		"product kinds": "`" + strings.Join(productKinds, "`, `") + "`\n", "built-in steps": builtinsTable(t),
	} {
		begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->"
		before, rest, ok := strings.Cut(got, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no marks for the %s", manual, name)
		}
		got = before + begin + table + end + after
	}
	golden(t, manual, got)
}

// TestManualExamples loads every profile that the manual shows.
func TestManualExamples(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(schema: 1\n.*?)```").FindAllSubmatch(text, -1)
	if len(examples) < 2 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		file := filepath.Join(t.TempDir(), "example.yaml")
		write(t, file, string(example[1]))
		if err := Check(file); err != nil {
			t.Errorf("an example is refused: %v", err)
		}
	}
}

func keysTable() string {
	var b strings.Builder
	b.WriteString("| key | collectors | takes | without it | meaning |\n|---|---|---|---|---|\n")
	for _, k := range stepKeys {
		in := "all"
		if k.in != nil {
			in = list(k.in)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.name, in, k.value, k.unset, cell(k.text))
	}
	return b.String()
}

func usesTable() string {
	var b strings.Builder
	b.WriteString("| collector | uses of files |\n|---|---|\n")
	for _, r := range roles {
		fmt.Fprintf(&b, "| %s | `%s` |\n", r.collector, strings.Join(r.names, "`, `"))
	}
	return b.String()
}

func variablesTable() string {
	var b strings.Builder
	b.WriteString("| variable | value |\n|---|---|\n")
	for _, v := range variables {
		fmt.Fprintf(&b, "| `%%%s%%` | %s |\n", v.name, cell(v.meaning))
	}
	return b.String()
}

func useCasesList() string { return "`" + strings.Join(useCases, "`, `") + "`\n" }

func builtinsTable(t *testing.T) string {
	var b strings.Builder
	for _, p := range builtins(t) {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", p.Name, p.Description)
		if len(p.Sources) > 1 {
			names := make([]string, 0, len(p.Sources))
			for _, src := range p.Sources[1:] {
				names = append(names, src.Name)
			}
			fmt.Fprintf(&b, "Includes %s: %d steps.\n", list(names), len(p.Steps))
			continue
		}
		b.WriteString("| step | what | use case | ATT&CK |\n|---|---|---|---|\n")
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.Name, cell(whatOf(s)), list(s.UseCase), list(s.Attack))
		}
	}
	return b.String() + "\n"
}

// whatOf says what a step gathers: its command line, or its globs.
func whatOf(s Step) string {
	what := ""
	switch {
	case s.Shell != "":
		what = "shell: ``" + s.Shell + "``"
	case s.Collector == Command:
		what = "``" + strings.Join(s.Argv, " ") + "``"
	case s.Collector == Journal:
		what = "the journal as text"
	case s.Collector == Cloud:
		what = "the metadata service of the instance"
	case s.Collector == Vendor:
		names := make([]string, 0, len(s.Products))
		for _, p := range s.Products {
			names = append(names, p.Name)
		}
		what = list(names)
	case s.Collector == Volumes:
		what = "other volumes, and ``" + strings.Join(s.Path, "``, ``") + "``"
	case len(s.Files) > 0:
		names := make([]string, 0, len(s.Files))
		for _, r := range s.Files {
			names = append(names, r.Name+": ``"+strings.Join(r.Path, "``, ``")+"``")
		}
		what = strings.Join(names, "<br>")
	case s.Collector == File || s.Collector == Stat:
		what = "``" + strings.Join(s.Path, "``, ``") + "``"
	default:
		what = "collector `" + s.Collector + "`"
	}
	if s.Description != "" {
		what += "<br>" + s.Description
	}
	return what
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", `\|`)
}
