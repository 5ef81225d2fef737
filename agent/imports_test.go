package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the table of docs/architecture.md: which of our packages each package may import. agent imports everything.
var mayImport = map[string][]string{
	"agent":                     {"agent/evidence", "agent/host", "agent/ioc", "collectors", "collectors/anomaly", "imds", "profiles", "uploader"},
	"agent/evidence":            {"agent/evidence/zipstream", "collectors", "collectors/anomaly"},
	"agent/evidence/zipstream":  {},
	"agent/host":                {},
	"agent/ioc":                 {},
	"bench/corpus":              {},
	"bench/mkcorpus":            {"bench/corpus"},
	"collectors":                {"collectors/accounts", "collectors/anomaly", "collectors/logconf", "collectors/logins", "collectors/logrotate", "collectors/pkgdb", "collectors/procfs", "collectors/schedule", "imds", "profiles"},
	"collectors/anomaly":        {"collectors/accounts", "collectors/logins", "collectors/procfs", "collectors/schedule"},
	"collectors/collectorstest": {"collectors", "collectors/anomaly", "profiles"},
	"collectors/accounts":       {},
	"collectors/logconf":        {},
	"collectors/logins":         {},
	"collectors/logrotate":      {},
	"collectors/pkgdb":          {},
	"collectors/procfs":         {},
	"collectors/schedule":       {},
	"imds":                      {},
	"profiles":                  {},
	"testhosts":                 {"collectors/anomaly"},
	"uploader":                  {"imds"},
	"uploader/uploadertest":     {"uploader"},
}

// testMayImport is what the tests of a package may import besides.
var testMayImport = map[string][]string{
	"agent":      {"bench/corpus", "uploader/uploadertest"},
	"collectors": {"collectors", "collectors/collectorstest"},
	"uploader":   {"uploader", "uploader/uploadertest"},
}

// The files are parsed in this process: a test that asked `go list` would pass from the test cache after a forbidden import was added.
func TestImports(t *testing.T) {
	root := ".."
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "dist"):
			return fs.SkipDir
		case d.IsDir() && p != root && exists(filepath.Join(p, "go.mod")):
			return fs.SkipDir // a module of its own
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		allowed, known := mayImport[dir]
		if !known {
			t.Errorf("%s: package %s is not in the table: a new room is a decision, see docs/architecture.md", p, dir)
			return nil
		}
		seen[dir] = true
		if strings.HasSuffix(p, "_test.go") {
			allowed = slices.Concat(allowed, testMayImport[dir])
		}
		for _, imported := range ours(t, p) {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s; %s may import %v", p, imported, dir, allowed)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range mayImport {
		if !seen[dir] {
			t.Errorf("%s is in the table and has no files", dir)
		}
	}
}

func ours(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(p, "bellwether/"); ok {
			out = append(out, path.Clean(rest))
		}
	}
	return out
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}
