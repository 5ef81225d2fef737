package collectors

import (
	"context"
	"fmt"
	"io"
	"strings"

	"bellwether/collectors/logconf"
	"bellwether/profiles"
)

const (
	// maxLogConfig bounds how much of one configuration is read, in bytes.
	maxLogConfig = 1 << 20
	// maxConfigs bounds how many files one program's configuration has, and maxIncludes how deep they include each other.
	maxConfigs  = 2000
	maxIncludes = 8
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
		r := configReader{volumes: v, program: c.Program, vars: map[string]string{}, read: map[string]bool{}}
		for _, pattern := range c.Path {
			if err := r.files(ctx, pattern, 0); err != nil {
				return err
			}
		}
		for _, l := range r.logs {
			if err := v.configuredLog(ctx, l); err != nil {
				return err
			}
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
	logs    []configuredLog
}

// files reads what a pattern matches and what that includes.
func (r *configReader) files(ctx context.Context, pattern string, depth int) error {
	if depth > maxIncludes || !validGlob(pattern) {
		return nil
	}
	var texts []logconf.File
	err := r.follow(ctx, pattern, profiles.Step{Name: r.step.Name, Collector: r.step.Collector, MaxDepth: maxIncludes}, maxHops, func(x found) error {
		if !x.info.mode.IsRegular() || r.read[x.path] || len(r.read) >= maxConfigs {
			return nil
		}
		r.read[x.path] = true
		text, err := readSmall(x, maxLogConfig)
		if err != nil {
			x.reason, x.failed = "reading the configuration: "+plain(err), true
			return r.sink.Add((&file{env: r.env, step: r.step}).item(x), nil)
		}
		texts = append(texts, logconf.File{Path: x.path, Text: string(text), Vars: r.vars})
		return nil
	})
	for _, f := range texts {
		if err != nil {
			return err
		}
		err = r.entries(ctx, f, depth)
	}
	return err
}

// entries takes what one file says.
func (r *configReader) entries(ctx context.Context, f logconf.File, depth int) error {
	for _, e := range logconf.Parse(r.program, f) {
		place := fmt.Sprintf("%s:%d", f.Path, e.Line)
		switch e.Kind {
		case logconf.Log:
			if len(r.logs) < maxConfigs {
				r.logs = append(r.logs, configuredLog{e.Path, place})
			}
		case logconf.Include:
			if err := r.files(ctx, e.Path, depth+1); err != nil {
				return err
			}
		case logconf.Forward, logconf.Note:
			if len(r.rows.forwarding) < maxForwards {
				r.rows.forwarding = append(r.rows.forwarding, forwardRow{r.program, e.Protocol, e.Target, place})
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
		if v.looked++; v.looked > maxLooked {
			return errLookedEnough
		}
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
	if len(v.rows.missing) < maxMissing {
		v.rows.missing = append(v.rows.missing, row)
	}
}

func (v *volumes) tableOfForwarding() table[forwardRow] {
	return table[forwardRow]{name: "log-forwarding", source: "configurations of what logs", rows: v.rows.forwarding, columns: []column[forwardRow]{
		{"program", func(r forwardRow) string { return r.Program }},
		{"protocol", func(r forwardRow) string { return r.Protocol }},
		{"target", func(r forwardRow) string { return r.Target }},
		{"place", func(r forwardRow) string { return r.Place }},
	}}
}

// readSmall reads at most so many bytes of a file that was found.
func readSmall(x found, most int64) ([]byte, error) {
	f, _, err := x.in.openFile(x.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
