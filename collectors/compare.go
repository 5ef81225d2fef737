package collectors

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
	"bellwether/profiles"
)

const (
	// compareRounds is how often a tool has to leave something out.
	compareRounds = 3
	// toolTime bounds one run of a tool, and toolOutput what is read of it, in bytes.
	toolTime   = 20 * time.Second
	toolOutput = 16 << 20
	// maxCompared bounds how many names of one kind are compared.
	maxCompared = 200_000
)

// compare runs tools of the host and says what they leave out of what the kernel lists.
type compare struct {
	env  *Env
	step profiles.Step
}

func newCompare(env *Env, step profiles.Step) Collector { return &compare{env, step} }

// A subject is something that the kernel and a tool both list. Things are named by a key that both give; where several have one key, they are
// counted.
type subject struct {
	of    string
	argv  []string
	parse func([]byte) map[string]int
	list  func() (map[string]int, error)
	// foreign says why what the tool printed is no list to compare with the kernel's, "" if it is; nil where every list is.
	foreign func(kernel, said map[string]int) string
	// describe says more of a key that was left out; nil where the key says all.
	describe func(key string) string
}

// Collect implements [Collector].
func (c *compare) Collect(ctx context.Context, sink Sink) error {
	var rows []anomaly.Comparison
	for _, s := range c.subjects() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows = append(rows, c.compare(ctx, s))
	}
	t := table[anomaly.Comparison]{name: "compare", source: "tools of the host", rows: rows, columns: compareColumns}
	return t.keep(ctx, sink, c.step, anomaly.Comparisons(rows))
}

// compare runs a tool between two readings of the kernel's list. What stands in both and not in what the tool says is asked for again, twice.
func (c *compare) compare(ctx context.Context, s subject) anomaly.Comparison {
	row := anomaly.Comparison{Of: s.of, Tool: quote(s.argv)}
	before, err := s.list()
	if err != nil {
		row.Note = "the kernel's list can't be read: " + err.Error()
		return row
	}
	var missing map[string]int
	for round := range compareRounds {
		out, err := c.output(ctx, s.argv)
		if err != nil {
			row.Note = err.Error()
			return row
		}
		said := s.parse(out)
		after, err := s.list()
		if err != nil {
			row.Note = "the kernel's list can't be read: " + err.Error()
			return row
		}
		row.Kernel, row.Said = countOf(after), countOf(said)
		if s.foreign != nil {
			if row.Note = s.foreign(after, said); row.Note != "" {
				return row
			}
		}
		left := leftOut(before, after, said)
		if round > 0 {
			left = both(missing, left)
		}
		missing, before = left, after
		if len(missing) == 0 {
			return row
		}
	}
	for _, key := range sortedKeys(missing) {
		if s.describe != nil {
			key = s.describe(key)
		}
		row.LeftOut = append(row.LeftOut, key)
	}
	return row
}

// leftOut returns by how many the tool says less than both readings of the kernel's list have.
func leftOut(before, after, said map[string]int) map[string]int {
	out := map[string]int{}
	for key, n := range before {
		if d := min(n, after[key]) - said[key]; d > 0 {
			out[key] = d
		}
	}
	return out
}

func both(a, b map[string]int) map[string]int {
	out := map[string]int{}
	for key, n := range a {
		if d := min(n, b[key]); d > 0 {
			out[key] = d
		}
	}
	return out
}

func countOf(m map[string]int) (n int) {
	for _, c := range m {
		n += c
	}
	return n
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX == nil && errY == nil {
			return x - y
		}
		return strings.Compare(a, b)
	})
	return keys
}

// output runs a tool of the host as steps do, and returns what it printed. A tool that fails says nothing about the kernel.
func (c *compare) output(ctx context.Context, argv []string) ([]byte, error) {
	program, err := lookTool(argv[0])
	if err != nil {
		return nil, errors.New("not installed")
	}
	var stdout bytes.Buffer
	out, stderr := &cappedWriter{w: &stdout, left: toolOutput}, &cappedBuffer{}
	cmd := exec.Command(program) //nolint:noctx // kin ends the whole session at the context's end, not this process alone
	cmd.Args, cmd.Dir, cmd.Env, cmd.WaitDelay = argv, string(filepath.Separator), cleanEnv(), pipeGrace
	cmd.Stdout, cmd.Stderr = out, stderr
	ctx, cancel := context.WithTimeoutCause(ctx, toolTime, errTimeLimit{toolTime})
	defer cancel()
	err = c.env.kin.run(ctx, cmd, grace)
	out.close()
	switch {
	case out.capped:
		return nil, fmt.Errorf("printed more than %d MiB", toolOutput>>20)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, fmt.Errorf("did not do what it was asked for: %w: %s", err, firstLine(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// subjects lists what is compared. The folders for ls come from the profile.
func (c *compare) subjects() []subject {
	fs := procfs.New(c.env.Root)
	pids := func() (map[string]int, error) { return listPIDs(fs) }
	sockets := func() (map[string]int, error) { return listSockets(fs) }
	who := func(pid string) string { return describePID(fs, pid) }
	out := []subject{
		{of: "process", argv: []string{"ps", "-e", "-o", "pid,args", "-ww"}, parse: parsePS, list: pids, foreign: foreignPS, describe: who},
		{of: "process", argv: []string{"ps", "auxww"}, parse: parsePS, list: pids, foreign: foreignPS, describe: who},
		{of: "socket", argv: []string{"ss", "-tuanp"}, parse: parseSS, list: sockets},
		{of: "socket", argv: []string{"netstat", "-tuanp"}, parse: parseNetstat, list: sockets},
		{of: "module", argv: []string{"lsmod"}, parse: parseLsmod, list: func() (map[string]int, error) { return listModules(fs) }},
	}
	for _, glob := range c.step.Path {
		dir := cmp.Or(strings.TrimSuffix(glob, "/*"), "/")
		out = append(out, subject{
			of: "file", argv: []string{"ls", "-a1", "--", dir}, parse: parseLs,
			list: func() (map[string]int, error) { return listNames(filepath.Join(c.env.Root, dir)) },
			describe: func(name string) string {
				return filepath.Join(dir, name)
			},
		})
	}
	return out
}

var compareColumns = []column[anomaly.Comparison]{
	{"of", func(c anomaly.Comparison) string { return c.Of }},
	{"tool", func(c anomaly.Comparison) string { return c.Tool }},
	{"kernel", func(c anomaly.Comparison) string { return strconv.Itoa(c.Kernel) }},
	{"tool-count", func(c anomaly.Comparison) string { return strconv.Itoa(c.Said) }},
	{"left-out", func(c anomaly.Comparison) string { return strings.Join(c.LeftOut, ", ") }},
	{"note", func(c anomaly.Comparison) string { return c.Note }},
}
