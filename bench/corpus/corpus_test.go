package corpus

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a small corpus and returns its folder and its truth.
func write(t *testing.T, seed uint64) (string, []Plant) {
	t.Helper()
	dir := t.TempDir()
	plants, err := Write(dir, Options{Bytes: 1 << 20, Seed: seed, Every: 10, Gzip: true})
	if err != nil {
		t.Fatal(err)
	}
	return dir, plants
}

// read returns the files of a folder by name.
func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out[name], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheSeedDecides(t *testing.T) {
	first, _ := write(t, 7)
	second, _ := write(t, 7)
	other, _ := write(t, 8)
	a, b, c := read(t, first), read(t, second), read(t, other)
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs with the same seed", name)
		}
		if bytes.Equal(a[name], c[name]) {
			t.Errorf("%s is the same with another seed", name)
		}
	}
	if len(a) != 2*8*len(kinds)+len(Sizes)+1 || len(a) != len(b) || len(a) != len(c) {
		t.Errorf("%d, %d and %d files", len(a), len(b), len(c))
	}
}

func TestListsAreNested(t *testing.T) {
	all := Indicators(3, 2000)
	if some := Indicators(3, 100); !slices.Equal(some, all[:100]) {
		t.Error("a shorter list is not the beginning of a longer one")
	}
	seen := map[string]bool{}
	for _, ind := range all {
		if seen[ind.Value] {
			t.Errorf("%s stands in the list twice", ind.Value)
		}
		seen[ind.Value] = true
	}
}

// The columns of a flow log are addresses and nothing else, so that the truth can be checked without a matcher.
func TestTruthOfFlowLogs(t *testing.T) {
	dir, plants := write(t, 5)
	listed := map[string]int{}
	for rank, ind := range Indicators(5, Sizes[len(Sizes)-1]) {
		listed[ind.Value] = rank
	}
	type place struct {
		path string
		line int
	}
	want := map[place]Plant{}
	decoys := 0
	for _, p := range plants {
		switch {
		case p.Decoy:
			decoys++
		case strings.HasPrefix(p.Path, "vpcflow/"):
			want[place{p.Path, p.Line}] = p
		}
	}
	if len(want) < 50 || decoys < len(plants)/10 || decoys > len(plants)/3 {
		t.Errorf("%d hits in flow logs and %d decoys of %d", len(want), decoys, len(plants))
	}
	for name, data := range read(t, filepath.Join(dir, "plain")) {
		if !strings.HasPrefix(name, "vpcflow/") {
			continue
		}
		for i, line := range strings.Split(string(data), "\n") {
			at := place{name, i + 1}
			p, planted := want[at]
			found := ""
			for _, column := range strings.Fields(line) {
				if _, is := listed[column]; is {
					found = column
				}
			}
			if planted != (found != "") || planted && (found != p.Indicator.Value || listed[found] != p.Rank) {
				t.Errorf("%s:%d holds %q, and the truth says %+v", name, i+1, found, p)
			}
		}
	}
}

// A plant that is not encoded can be read in its line.
func TestPlantsStandInTheirLines(t *testing.T) {
	dir, plants := write(t, 6)
	logs := map[string][]string{}
	for name, data := range read(t, filepath.Join(dir, "plain")) {
		logs[name] = strings.Split(strings.ToLower(string(data)), "\n")
	}
	readable := 0
	for _, p := range plants {
		if p.Line > len(logs[p.Path]) {
			t.Fatalf("%s has no line %d", p.Path, p.Line)
		}
		if strings.Contains(logs[p.Path][p.Line-1], p.Indicator.Value) {
			readable++
		}
	}
	if readable < len(plants)*3/4 || readable == len(plants) {
		t.Errorf("%d of %d plants can be read as they are", readable, len(plants))
	}
}
