package collectors

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"path"

	"bellwether/profiles"
)

// stats lists what the patterns of a step match as lines of a bodyfile, without reading any content.
type stats struct {
	env  *Env
	step profiles.Step
}

func newStat(env *Env, step profiles.Step) Collector { return &stats{env, step} }

// Collect implements [Collector]. The step is one item, state/stat/NAME.txt; what can't be looked at is an item with its reason.
func (c *stats) Collect(ctx context.Context, sink Sink) error {
	root, err := openRoot(c.env.Root)
	if err != nil {
		return sink.Add(c.item(c.env.Root, plain(err), Failed), nil)
	}
	defer root.close()
	item := c.item(sourceOf(c.step), "", "")
	item.Name = path.Join("state/stat", c.step.Name+".txt")
	var missed []found
	err = sink.Add(item, func(w io.Writer) error { return c.write(ctx, w, root, &missed) })
	if err != nil {
		return err
	}
	for _, x := range missed {
		status := Skipped
		if x.failed {
			status = Failed
		}
		if err := sink.Add(c.item(x.path, x.reason, status), nil); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (c *stats) item(source, reason string, status Status) *Item {
	return &Item{Step: c.step.Name, Collector: c.step.Collector, Source: source, Reason: reason, Status: status, SizeHint: -1}
}

// write writes a line for everything that matches.
func (c *stats) write(ctx context.Context, to io.Writer, root *dir, missed *[]found) error {
	const mostMissed = 1000
	b := bufio.NewWriter(to)
	var line []byte
	since := c.env.Now().Add(-c.step.NewerThan)
	w := walker{
		root: root, rootPath: c.env.Root, mounts: c.env.mounts, avoid: c.env.avoid, exclude: c.step.Exclude, maxDepth: c.step.MaxDepth,
		visit: func(x found) error {
			if x.reason != "" && len(*missed) < mostMissed {
				*missed = append(*missed, x)
			}
			if x.info.mode == 0 && x.info.mtime.IsZero() || c.step.NewerThan > 0 && x.info.newest().Before(since) {
				return nil
			}
			target := ""
			if x.info.mode&fs.ModeSymlink != 0 && x.in != nil {
				target, _ = x.in.readlink(x.name)
			}
			line = append(appendBody(line[:0], "", x.path, target, x.info), '\n')
			_, err := b.Write(line)
			return err
		},
	}
	for _, pattern := range c.step.Path {
		if err := w.walk(ctx, pattern); err != nil {
			_ = b.Flush()
			return err
		}
	}
	return b.Flush()
}
