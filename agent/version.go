package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by the linker.
var (
	version = "dev"
	commit  = ""
)

// A tool is the part of case.json that says what made the case.
type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func thisTool() tool {
	t := tool{Name: "bellwether", Version: version, Commit: commit, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && t.Commit == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				t.Commit = s.Value
			}
		}
	}
	return t
}

func newVersionCommand(u *ui) *cobra.Command {
	var asJSON bool
	c := command("version", func(*cobra.Command, []string) error {
		if asJSON {
			return u.json(thisTool())
		}
		return u.version(thisTool())
	})
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}
