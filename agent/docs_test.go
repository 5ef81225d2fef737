package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the generated documentation anew")

// docs/commands.md is what --help prints, so that the two can't differ.
func TestDocsOfCommands(t *testing.T) {
	const file = "../docs/commands.md"
	var b bytes.Buffer
	b.WriteString("# Commands\n\nThis page is what `--help` prints; `make docs` writes it anew.\n")
	root := newRootCommand(&ui{getenv: os.Getenv})
	root.InitDefaultCompletionCmd()
	walkCommands(root, func(c *cobra.Command) {
		if c.Name() == "help" || strings.Contains(c.CommandPath(), "completion ") {
			return
		}
		b.WriteString("\n## " + c.CommandPath() + "\n\n```\n")
		var help bytes.Buffer
		c.SetOut(&help)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		b.WriteString("```\n")
	})
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s is not what --help prints: run make docs", file)
	}
}

func TestEveryCommandAndFlagHasWords(t *testing.T) {
	walkCommands(newRootCommand(&ui{getenv: os.Getenv}), func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Example == "" {
			t.Errorf("%s: short help %q, example %q", c.CommandPath(), c.Short, c.Example)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no words", c.CommandPath(), f.Name)
			}
		})
	})
}

func walkCommands(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		walkCommands(sub, visit)
	}
}
