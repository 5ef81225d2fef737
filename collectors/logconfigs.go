package collectors

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bellwether/collectors/logconf"
	"bellwether/profiles"

	"github.com/dustin/go-humanize"
)

const (
	// maxLogConfig bounds how much of one configuration is read, in bytes.
	maxLogConfig = 1 << 20
	// maxConfigs bounds how many files one program's configuration has, and maxIncludes how deep they include each other.
	maxConfigs  = 2000
	maxIncludes = 8
	// maxConfigBytes bounds how much of one program's configuration is read, and maxConfigLooked how many names are come upon for it: an
	// account of an application may write both the files and what they include.
	maxConfigBytes  = 8 << 20
	maxConfigLooked = 300_000
	// maxForwards bounds the rows of state/log-forwarding, and maxMissing what is named and not there.
	maxForwards = 5000
	maxMissing  = 1000
)

// A forwardRow is one line of state/log-forwarding: where a program sends its logs to, or what else its configuration says of them.
type forwardRow struct {
	Program  string `json:"program"`
	Protocol string `json:"protocol"` // syslog/tcp, https …; pipe, setting or unresolved where nothing is sent
	Target   string `json:"target"`
	Place    string `json:"place"` // FILE:LINE
}

// configured finds logs that configurations name, and where logs are sent to. A run that only looks does not read them.
func (v *volumes) configured(ctx context.Context) error {
	if v.env.Look {
		return v.lookAtConfigs(ctx)
	}
	for _, c := range v.step.Config {
		r := configReader{volumes: v, program: c.Program, vars: map[string]string{}, read: map[string]bool{}, inodes: map[fileID]bool{}, left: maxConfigBytes}
		v.mayLookAt(maxConfigLooked)
		err := r.all(ctx, c.Path)
		if errors.Is(err, errLookedEnough) {
			r.cut("more than %d names were come upon: the rest was not looked at", maxConfigLooked)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lookAtConfigs lists the configurations that would be read.
func (v *volumes) lookAtConfigs(ctx context.Context) error {
	for _, c := range v.step.Config {
		for _, pattern := range c.Path {
			err := v.look(ctx, pattern, v.step, func(x found) error {
				return v.sink.Add(&Item{
					Step: v.step.Name, Collector: v.step.Collector, Source: x.path, Status: Skipped, SizeHint: -1,
					Reason: "configuration of " + c.Program + ": the logs that it names are copied too",
				}, nil)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// A configuredLog is a glob that a configuration names.
type configuredLog struct{ glob, place string }

// A configReader reads the configuration of one program.
type configReader struct {
	*volumes
	program string
	vars    map[string]string
	read    map[string]bool // by path
	inodes  map[fileID]bool // of those: a file may have many names
	left    int64           // bytes that may still be read
	logs    []configuredLog
}

// cut notes what a limit left out.
func (r *configReader) cut(format string, args ...any) {
	r.volumes.cut("configuration of %s: %s", r.program, fmt.Sprintf(format, args...))
}

// all reads what the patterns match, and takes the logs that are named there.
func (r *configReader) all(ctx context.Context, patterns []string) error {
	for _, pattern := range patterns {
		if err := r.files(ctx, pattern, 0); err != nil {
			return err
		}
	}
	for _, l := range r.logs {
		if err := r.configuredLog(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// files reads what a pattern matches and what that includes.
func (r *configReader) files(ctx context.Context, pattern string, depth int) error {
	if !validGlob(pattern) {
		return nil
	}
	step := profiles.Step{Name: r.step.Name, Collector: r.step.Collector, MaxDepth: maxIncludes}
	return r.follow(ctx, pattern, step, maxHops, func(x found) error { return r.file(ctx, x, depth) })
}

// file reads one file and what it includes. No more than one file's text is held for each level of includes.
func (r *configReader) file(ctx context.Context, x found, depth int) error {
	id := fileID{x.info.dev, x.info.ino}
	if !x.info.mode.IsRegular() || r.read[x.path] || id != (fileID{}) && r.inodes[id] {
		return nil
	}
	if len(r.read) >= maxConfigs || r.left <= 0 {
		r.cut("more than %d files, or %s: the rest was not read", maxConfigs, humanize.IBytes(maxConfigBytes))
		return nil
	}
	r.read[x.path], r.inodes[id] = true, true
	text, err := readSmall(x, min(maxLogConfig, r.left))
	if err != nil {
		x.reason, x.failed = "reading the configuration: "+plain(err), true
		return r.sink.Add((&file{env: r.env, step: r.step}).item(x), nil)
	}
	if r.left -= int64(len(text)); int64(len(text)) < x.info.size {
		r.cut("of %s no more than the first %s were read", x.path, humanize.IBytes(uint64(len(text))))
	}
	return r.entries(ctx, logconf.File{Path: x.path, Text: string(text), Vars: r.vars}, depth)
}

// include reads what a file includes. A ** would have every account that may write the file walk the whole host.
func (r *configReader) include(ctx context.Context, pattern, place string, depth int) error {
	switch {
	case strings.Contains(pattern, "**"):
		r.cut("%s includes %s, which was not followed: it has **", place, pattern)
		return nil
	case depth > maxIncludes:
		r.cut("%s includes %s, which was not read: it is more than %d files deep", place, pattern, maxIncludes)
		return nil
	}
	return r.files(ctx, pattern, depth)
}

// entries takes what one file says.
func (r *configReader) entries(ctx context.Context, f logconf.File, depth int) error {
	entries := logconf.Parse(r.program, f)
	if len(entries) >= logconf.MaxEntries {
		r.cut("of what %s says no more than %d things were taken", f.Path, logconf.MaxEntries)
	}
	for _, e := range entries {
		place := fmt.Sprintf("%s:%d", f.Path, e.Line)
		switch e.Kind {
		case logconf.Log:
			if len(r.logs) >= maxConfigs {
				r.cut("more than %d logs are named: the rest was not looked for", maxConfigs)
			} else {
				r.logs = append(r.logs, configuredLog{strings.Clone(e.Path), place}) // not the whole text
			}
		case logconf.Include:
			if err := r.include(ctx, e.Path, place, depth+1); err != nil {
				return err
			}
		case logconf.Forward, logconf.Note:
			if len(r.rows.forwarding) >= maxForwards {
				r.cut("more than %d rows of all programs together: the rest is not listed in log-forwarding", maxForwards)
			} else {
				r.rows.forwarding = append(r.rows.forwarding, forwardRow{r.program, e.Protocol, strings.Clone(e.Target), place})
			}
		}
	}
	return nil
}

// configuredLog takes the files of a log that a configuration names, those that it was rotated to among them.
func (v *volumes) configuredLog(ctx context.Context, l configuredLog) error {
	pattern := l.glob
	if !strings.HasSuffix(pattern, "*") {
		pattern += "{,.*,-[0-9]*}"
	}
	if !validGlob(pattern) {
		return nil
	}
	any, excluded := false, false
	err := v.follow(ctx, pattern, v.step, maxHops, func(x found) error {
		if x.info.mode.IsRegular() && !v.candidate(x, "named in "+l.place) {
			excluded = true
			return nil
		}
		any = true
		return nil
	})
	name := strings.ReplaceAll(l.glob, `\`, "")
	reason := "there is no such file"
	if excluded || v.excluded(name) {
		reason = "excluded by the profile"
	}
	if !any && !strings.ContainsAny(l.glob, "*?[{") {
		v.missing(logRow{Path: name, Volume: v.volumeOf(name), FoundBy: []string{"named in " + l.place}, Reason: reason})
	}
	return err
}

// missing notes a log that is named and not kept, each once.
func (v *volumes) missing(row logRow) {
	for i := range v.rows.missing {
		have := &v.rows.missing[i]
		if have.Path != row.Path {
			continue
		}
		if len(have.FoundBy) < maxFoundBy {
			have.FoundBy = append(have.FoundBy, row.FoundBy...)
		}
		return
	}
	if len(v.rows.missing) >= maxMissing {
		v.cut("more than %d logs are named that are not there or excluded: the rest is not listed", maxMissing)
		return
	}
	v.rows.missing = append(v.rows.missing, row)
}

func (v *volumes) tableOfForwarding() table[forwardRow] {
	return table[forwardRow]{name: "log-forwarding", source: "configurations of what logs", rows: v.rows.forwarding, reason: strings.Join(v.cuts, "; "), columns: []column[forwardRow]{
		{"program", func(r forwardRow) string { return r.Program }},
		{"protocol", func(r forwardRow) string { return r.Protocol }},
		{"target", func(r forwardRow) string { return r.Target }},
		{"place", func(r forwardRow) string { return r.Place }},
	}}
}

// readSmall reads at most so many bytes of a file that was found; whether there are more, its size tells.
func readSmall(x found, most int64) ([]byte, error) {
	f, _, err := x.in.openFile(x.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, _, err := readBeginning(f, most)
	return b, err
}
