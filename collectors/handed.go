package collectors

import (
	"context"
	"path"
	"slices"

	"bellwether/profiles"

	"github.com/bmatcuk/doublestar/v4"
)

// handed are the patterns of file steps that would each need a walk of a whole volume: the walk of everything keeps what they match.
type handed struct {
	patterns []*handedFile
}

// A handedFile is one pattern of a file step.
type handedFile struct {
	file    *file
	pattern string
	rest    string
	matched int
}

// A handedPattern is a pattern in one directory of the walk: rel is the way to it as the pattern sees it.
type handedPattern struct {
	*handedFile
	glob  *glob
	rel   string
	depth int
}

// handOver takes from a plan the patterns that a walk of it can answer, see needsWalk. A step keeps the patterns that are narrower: they are
// read in its own place, before the walk, since what is asked for by name is more likely what gets lost first, and must not wait for the
// whole disk. Without a walk in the plan nothing is taken.
func handOver(plan *profiles.Plan, env *Env) *profiles.Plan {
	has := false
	for _, s := range plan.Steps {
		has = has || s.Collector == profiles.Walk
	}
	if !has || env.Look {
		return plan
	}
	out := *plan
	out.Steps = nil
	for _, s := range plan.Steps {
		if s.Collector != profiles.File {
			out.Steps = append(out.Steps, s)
			continue
		}
		var own, wide []string
		for _, p := range s.Path {
			if env.needsWalk(p) {
				wide = append(wide, p)
			} else {
				own = append(own, p)
			}
		}
		env.handed.add(env, s, wide)
		if s.Path = own; len(own) > 0 {
			out.Steps = append(out.Steps, s)
		}
	}
	return &out
}

// needsWalk reports whether a pattern asks for names anywhere on a volume that is walked: /**/name, or /data/**/name where /data is one. All of
// a volume but the root's, /data/**, is not among them: it has been asked for by name.
func (e *Env) needsWalk(pattern string) bool {
	base, rest := doublestar.SplitPattern(pattern)
	if s := segments(rest); len(s) == 0 || s[0] != "**" {
		return false
	}
	if path.Clean(base) == "/" {
		return true
	}
	return rest != "**" && slices.ContainsFunc(walkRoots(e.mounts, e.Root), func(r walkRoot) bool {
		return r.reason == "" && r.at == path.Clean(base)
	})
}

func (h *handed) add(env *Env, s profiles.Step, patterns []string) {
	if len(patterns) == 0 {
		return
	}
	f := &file{env: env, step: s, note: s.Note}
	for _, p := range patterns {
		_, rest := doublestar.SplitPattern(p)
		h.patterns = append(h.patterns, &handedFile{file: f, pattern: p, rest: rest})
	}
}

// handedOver returns what a walk has to keep, once: a second walk in a plan has nothing.
func (e *Env) handedOver() *handed {
	e.handedMu.Lock()
	defer e.handedMu.Unlock()
	h := e.handed
	e.handed = &handed{}
	return h
}

// at returns the patterns that begin in a volume, or go through its root.
func (h *handed) at(volume string) (out []handedPattern) {
	for _, p := range h.patterns {
		base, _ := doublestar.SplitPattern(p.pattern)
		if !isWithin(volume, path.Clean(base)) {
			continue
		}
		rel, _ := cutRoot(volume, path.Clean(base))
		if rel = rel[1:]; rel == "" {
			out = append(out, handedPattern{handedFile: p, glob: &glob{rest: p.rest, segments: segments(p.rest)}})
			continue
		}
		g := &glob{rest: p.rest, segments: segments(p.rest)}
		if g.match(rel) {
			g = everything
		} else if !g.below(rel) {
			continue
		}
		out = append(out, handedPattern{handedFile: p, glob: g, rel: rel})
	}
	return out
}

// visit hands a thing to the steps whose patterns match it, and returns the patterns for what is below it. The error is the sink's.
func (h *handed) visit(ctx context.Context, sink Sink, x found, patterns []handedPattern) (below []handedPattern, err error) {
	for _, p := range patterns {
		rel := path.Join(p.rel, x.name)
		w := walker{exclude: p.file.step.Exclude, maxDepth: p.file.step.MaxDepth}
		matches, deeper := p.glob.match(rel), p.glob.below(rel)
		if (!matches && !deeper) || w.excluded(x.name, x.path) {
			continue
		}
		if !x.info.mode.IsDir() {
			if !matches {
				continue
			}
			p.matched++
			p.file.last = x.path
			if err := p.file.visit(ctx, sink, x); err != nil {
				return nil, err
			}
			continue
		}
		if p.depth+1 > w.depthLimit() {
			continue
		}
		next := handedPattern{handedFile: p.handedFile, glob: p.glob, rel: rel, depth: p.depth + 1}
		if matches {
			next.glob = everything
		}
		below = append(below, next)
	}
	return below, nil
}

// finish says which patterns have matched nothing, or are not finished because the walk is not.
func (h *handed) finish(ctx context.Context, sink Sink, walkErr error) error {
	for _, p := range h.patterns {
		if walkErr != nil {
			p.file.notFinished(ctx, sink, []string{p.pattern}, walkErr)
			continue
		}
		if p.matched > 0 {
			continue
		}
		if err := sink.Add(p.file.item(found{path: p.pattern, reason: "nothing there matches"}), nil); err != nil {
			return err
		}
	}
	return nil
}
