package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bellwether/profiles"
)

const (
	// grace is what a command has between the request to end and the kill.
	grace = 2 * time.Second
	// pipeGrace is what a process that has left the command's group may hold its output open for.
	pipeGrace = time.Second
	// maxStderr bounds what is kept of a command's standard error, in bytes.
	maxStderr = 1 << 20

	defaultTimeout   = time.Minute
	defaultMaxOutput = 64 << 20
)

// errStuck is a command that nobody can end: it waits in the kernel.
var errStuck = errors.New("can't be ended: it is stuck in the kernel, and was left")

// errCapped ends the copying of a command's output at its limit.
var errCapped = errors.New("output limit")

// command runs one command and keeps what it prints.
type command struct {
	env  *Env
	step profiles.Step
}

func newCommand(env *Env, step profiles.Step) Collector { return &command{env, step} }

// Collect implements [Collector].
func (c *command) Collect(ctx context.Context, sink Sink) error {
	argv := c.step.Argv
	if c.step.Shell != "" {
		argv = shellArgv(c.step.Shell)
	}
	item := &Item{
		Step: c.step.Name, Collector: c.step.Collector, Name: c.step.Output, Source: quote(argv), SizeHint: -1,
	}
	program, err := lookTool(argv[0])
	if err != nil {
		item.Name, item.Status, item.Reason = "", Skipped, "not installed"
		return sink.Add(item, nil)
	}
	var stderr cappedBuffer
	if err := sink.Add(item, func(w io.Writer) error {
		return c.run(ctx, item, program, argv, w, &stderr)
	}); err != nil {
		return err
	}
	return c.addStderr(sink, item.Source, &stderr)
}

func (c *command) addStderr(sink Sink, source string, stderr *cappedBuffer) error {
	if stderr.Len() == 0 {
		return nil
	}
	item := &Item{
		Step: c.step.Name, Collector: c.step.Collector, Source: source + " (standard error)",
		Name: strings.TrimSuffix(c.step.Output, ".txt") + ".stderr.txt", SizeHint: int64(stderr.Len()),
	}
	if stderr.dropped {
		item.Status, item.TruncatedAt = Partial, maxStderr
		item.Reason = fmt.Sprintf("standard error cut at %d bytes", maxStderr)
	}
	return sink.Add(item, func(w io.Writer) error {
		_, err := w.Write(stderr.Bytes())
		return err
	})
}

// run runs the command until it ends, its time is up or its output is full, and leaves no process of it behind. What it returns is
// nil unless the outcome isn't simply ok or empty.
func (c *command) run(ctx context.Context, item *Item, program string, argv []string, stdout io.Writer, stderr *cappedBuffer) error {
	limit := orDefault(c.step.MaxOutput, defaultMaxOutput)
	timeout := orDefault(c.step.Timeout, defaultTimeout)
	out := &cappedWriter{w: stdout, left: limit}
	cmd := exec.Command(program) //nolint:noctx // kin ends the whole session at the context's end, not this process alone
	cmd.Args = argv
	cmd.Dir = string(filepath.Separator)
	cmd.Env = cleanEnv()
	cmd.Stdout, cmd.Stderr = out, stderr
	cmd.WaitDelay = pipeGrace

	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeLimit{timeout})
	defer cancel()
	err := c.env.kin.run(ctx, cmd, grace)
	out.close()
	item.Duration = time.Since(start)
	return outcome(ctx, item, cmd, err, out, stderr)
}

// errTimeLimit is the cause of a command's end at its own limit, as opposed to the run's deadline.
type errTimeLimit struct{ limit time.Duration }

func (e errTimeLimit) Error() string { return "timed out after " + e.limit.String() }

// outcome fills in the item and returns the error to record, if there is one.
func outcome(ctx context.Context, item *Item, cmd *exec.Cmd, err error, out *cappedWriter, stderr *cappedBuffer) error {
	if errors.Is(err, errStuck) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if cmd.ProcessState == nil {
		return fmt.Errorf("starting: %w", err)
	}
	code := cmd.ProcessState.ExitCode()
	if code >= 0 {
		item.ExitCode = &code
	}
	item.Signal = endSignal(cmd.ProcessState)
	var own errTimeLimit
	switch {
	case out.err != nil:
		return out.err
	case out.capped:
		item.TruncatedAt = out.written
		return fmt.Errorf("output cut at %d bytes", out.written)
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &own):
		return own
	case ctx.Err() != nil:
		return errors.New(whyStopped(ctx, ctx.Err()))
	case errors.Is(err, exec.ErrWaitDelay):
		item.Reason = "a process that it left behind held its output open, and was ended"
		return nil
	case item.Signal != "":
		return errors.New("ended by " + item.Signal)
	case code != 0 && out.written == 0:
		if line := firstLine(stderr.Bytes()); line != "" {
			return fmt.Errorf("exit status %d: %s", code, line)
		}
		item.Reason = fmt.Sprintf("exit status %d", code)
	}
	return nil
}

// Installed reports whether the host has a tool where commands are looked for.
func Installed(name string) bool {
	_, err := lookTool(name)
	return err == nil
}

// lookTool finds a program in the fixed PATH, never in the environment's. An absolute name is taken as it is.
func lookTool(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, isExecutable(name)
	}
	for _, dir := range toolPath() {
		for _, ext := range toolExtensions {
			p := filepath.Join(dir, name+ext)
			if isExecutable(p) == nil {
				return p, nil
			}
		}
	}
	return "", exec.ErrNotFound
}

func isExecutable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !executableMode(info.Mode()) {
		return exec.ErrNotFound
	}
	return nil
}

// quote prints an argv so that a shell would read it back as it is.
func quote(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = a
		if a == "" || strings.ContainsFunc(a, needsQuote) {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

func needsQuote(r rune) bool {
	return r <= ' ' || strings.ContainsRune("\"'`$&|;<>()*?[]{}\\!#~\x7f", r)
}

func orDefault[T int64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// firstLine returns the first line that says something, cut to a readable length.
func firstLine(b []byte) string {
	for line := range bytes.Lines(b) {
		if s := strings.TrimSpace(strings.ToValidUTF8(string(line), "?")); s != "" {
			if r := []rune(s); len(r) > 200 {
				s = string(r[:200]) + " …"
			}
			return s
		}
	}
	return ""
}

// A cappedWriter passes bytes on up to a limit. It remembers the error of the writer behind it, so that a store that fails is told
// apart from a command that does.
type cappedWriter struct {
	mu      sync.Mutex
	w       io.Writer // nil after close
	left    int64
	written int64
	capped  bool
	err     error
}

func (c *cappedWriter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w == nil {
		return 0, errCapped
	}
	take := p
	if int64(len(take)) > c.left {
		take, c.capped = take[:c.left], true
	}
	n, err := c.w.Write(take)
	c.left -= int64(n)
	c.written += int64(n)
	if err != nil {
		c.err = err
		return n, err
	}
	if c.capped {
		return n, errCapped
	}
	return n, nil
}

// close lets nothing more pass: a command that was left may still print.
func (c *cappedWriter) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.w = nil
}

// A cappedBuffer keeps the first maxStderr bytes and swallows the rest, so that a chatty command isn't ended for it.
type cappedBuffer struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	dropped bool
}

func (c *cappedBuffer) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := maxStderr - c.buf.Len(); len(p) > room {
		c.buf.Write(p[:room])
		c.dropped = true
		return len(p), nil
	}
	return c.buf.Write(p)
}

func (c *cappedBuffer) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Len()
}

func (c *cappedBuffer) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Bytes()
}
