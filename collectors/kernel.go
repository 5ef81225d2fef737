package collectors

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
	"bellwether/profiles"
)

// kernel keeps what is loaded into the kernel, mounted, set and hooked.
type kernel struct {
	env  *Env
	step profiles.Step
}

func newKernel(env *Env, step profiles.Step) Collector { return &kernel{env, step} }

// Collect implements [Collector].
func (c *kernel) Collect(ctx context.Context, sink Sink) error {
	fs := procfs.New(c.env.Root)
	for _, part := range []func(context.Context, procfs.FS, Sink) error{c.modules, c.mounts, c.swaps, c.settings, c.hooks, c.binfmts} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := part(ctx, fs, sink); err != nil {
			return err
		}
	}
	return nil
}

// moduleRounds is how often modules are read until two views agree: one that is being loaded or unloaded stands in one of them for a moment.
const moduleRounds = 3

func (c *kernel) modules(ctx context.Context, fs procfs.FS, sink Sink) error {
	modules, err := fs.Modules()
	found := anomaly.HiddenModules(modules, fs.SysfsLists())
	for round := 1; round < moduleRounds && len(found) > 0; round++ {
		time.Sleep(100 * time.Millisecond)
		modules, err = fs.Modules()
		found = anomaly.HiddenModules(modules, fs.SysfsLists())
	}
	found = append(found, anomaly.UnsignedModules(modules)...)
	reason := reasonFor(err)
	if modules == nil && err == nil {
		reason = "this kernel, or this container, shows no list of modules"
	}
	t := table[procfs.Module]{name: "modules", source: "/proc/modules", rows: modules, columns: moduleColumns, reason: reason}
	return t.keep(ctx, sink, c.step, found)
}

func (c *kernel) mounts(ctx context.Context, fs procfs.FS, sink Sink) error {
	mounts, err := fs.Mounts()
	t := table[procfs.Mount]{name: "mounts", source: "/proc/self/mountinfo", rows: mounts, columns: mountColumns, reason: reasonFor(err), cut: errors.Is(err, procfs.ErrCut)}
	return t.keep(ctx, sink, c.step, anomaly.Mounts(mounts))
}

func (c *kernel) swaps(ctx context.Context, fs procfs.FS, sink Sink) error {
	swaps, err := fs.Swaps()
	t := table[procfs.Swap]{name: "swaps", source: "/proc/swaps", rows: swaps, columns: swapColumns, reason: reasonFor(err)}
	return t.keep(ctx, sink, c.step, nil)
}

func (c *kernel) settings(ctx context.Context, fs procfs.FS, sink Sink) error {
	settings := fs.Settings()
	modules, err := fs.Modules()
	if err != nil {
		c.env.Log.Debug("modules unknown", "error", err)
	}
	found := anomaly.Settings(settings, modules)
	found = append(found, anomaly.Preload(readPreload(fs))...)
	t := table[procfs.Setting]{name: "kernel", source: "/proc/sys", rows: settings, columns: settingColumns}
	return t.keep(ctx, sink, c.step, found)
}

// readPreload returns the libraries that the loader puts into every process, and which of them exist.
func readPreload(fs procfs.FS) map[string]bool {
	b, err := fs.Read("etc/ld.so.preload")
	if err != nil {
		return nil
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		for _, library := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n:", r) }) {
			if len(out) < 100 {
				out[library] = fs.Exists(strings.TrimPrefix(path.Clean("/"+library), "/"))
			}
		}
	}
	return out
}

func (c *kernel) hooks(ctx context.Context, fs procfs.FS, sink Sink) error {
	hooks, err := fs.Hooks()
	t := table[procfs.Hook]{name: "kernel-hooks", source: "/sys/kernel/tracing", rows: hooks, columns: hookColumns, reason: reasonFor(err), cut: err != nil}
	return t.keep(ctx, sink, c.step, nil)
}

func (c *kernel) binfmts(ctx context.Context, fs procfs.FS, sink Sink) error {
	formats := fs.Binfmts()
	t := table[procfs.Binfmt]{name: "binfmt", source: "/proc/sys/fs/binfmt_misc", rows: formats, columns: binfmtColumns}
	return t.keep(ctx, sink, c.step, anomaly.Binfmts(formats))
}

var moduleColumns = []column[procfs.Module]{
	{"name", func(m procfs.Module) string { return m.Name }},
	{"size", func(m procfs.Module) string { return strconv.FormatInt(m.Size, 10) }},
	{"refs", func(m procfs.Module) string { return strconv.Itoa(m.Refs) }},
	{"state", func(m procfs.Module) string { return m.State }},
	{"taints", func(m procfs.Module) string { return m.Taints }},
	{"views", func(m procfs.Module) string { return strings.Join(anomaly.ModuleViews(m), ",") }},
	{"version", func(m procfs.Module) string { return m.Version }},
	{"used-by", func(m procfs.Module) string { return strings.Join(m.UsedBy, ",") }},
}

var mountColumns = []column[procfs.Mount]{
	{"path", func(m procfs.Mount) string { return m.Path }},
	{"type", func(m procfs.Mount) string { return m.Type }},
	{"source", func(m procfs.Mount) string { return m.Source }},
	{"root", func(m procfs.Mount) string { return m.Root }},
	{"device", func(m procfs.Mount) string { return m.Device }},
	{"options", func(m procfs.Mount) string { return m.Options + " " + m.Super }},
}

var swapColumns = []column[procfs.Swap]{
	{"path", func(s procfs.Swap) string { return s.Path }},
	{"type", func(s procfs.Swap) string { return s.Type }},
	{"size", func(s procfs.Swap) string { return strconv.FormatInt(s.Size, 10) }},
	{"used", func(s procfs.Swap) string { return strconv.FormatInt(s.Used, 10) }},
}

var settingColumns = []column[procfs.Setting]{
	{"name", func(s procfs.Setting) string { return s.Name }},
	{"value", func(s procfs.Setting) string { return s.Value }},
	{"means", func(s procfs.Setting) string { return s.Means }},
}

var hookColumns = []column[procfs.Hook]{
	{"kind", func(h procfs.Hook) string { return h.Kind }},
	{"function", func(h procfs.Hook) string { return h.Function }},
	{"module", func(h procfs.Hook) string { return h.Module }},
	{"by", func(h procfs.Hook) string { return h.By }},
}

var binfmtColumns = []column[procfs.Binfmt]{
	{"name", func(b procfs.Binfmt) string { return b.Name }},
	{"enabled", func(b procfs.Binfmt) string { return strconv.FormatBool(b.Enabled) }},
	{"interpreter", func(b procfs.Binfmt) string { return b.Interpreter }},
	{"flags", func(b procfs.Binfmt) string { return b.Flags }},
	{"match", func(b procfs.Binfmt) string { return b.Match }},
}
