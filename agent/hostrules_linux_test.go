package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No program of the host runs but as a step of a profile: only collectors may start one, and of gopsutil's host package, which starts
// lsb_release to name the platform, only the functions that read are used on Linux.
func TestOnlyCollectorsStartPrograms(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("../*/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, deeper...) {
		dir := filepath.Base(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_windows.go") || strings.HasSuffix(dir, "test") || dir == "collectors" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if i.Path.Value == `"os/exec"` {
				t.Errorf("%s can start programs", file)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, starts := range []string{"gohost.Info(", "gohost.PlatformInformation("} {
			if strings.Contains(string(text), starts) {
				t.Errorf("%s calls %s), which runs lsb_release", file, starts)
			}
		}
	}
}
