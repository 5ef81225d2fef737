package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/profiles"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/dustin/go-humanize"
)

// maxLooked bounds how many names each of the three ways comes upon.
const maxLooked = 3_000_000

// volumes finds logs wherever they are and copies them: files that processes hold open, files that configurations name,
// and files on other volumes, and below the roots of applications, that are called like logs.
type volumes struct {
	env     *Env
	step    profiles.Step
	root    *dir
	sink    Sink
	logs    *logFiles
	volumes []volume
	byFD    map[fileID]bool // found through a descriptor alone
	rows    struct {
		forwarding []forwardRow
		missing    []logRow
	}
	looked, lookMost int      // names, and how many they may be; 0 means maxLooked
	cuts             []string // what a limit left out, for the tables
	volumesCut       string   // and of the volumes
}

// A logRow is one line of state/logs.
type logRow struct {
	Path    string   `json:"path"`
	Size    int64    `json:"size"`
	Changed string   `json:"changed,omitempty"` // RFC 3339, the newest of its times
	Volume  string   `json:"volume"`            // where it is mounted
	FoundBy []string `json:"found_by"`
	Kept    bool     `json:"kept"`
	Reason  string   `json:"reason,omitempty"` // why it is not kept
}

func newVolumes(env *Env, step profiles.Step) Collector { return &volumes{env: env, step: step} }

// Collect implements [Collector].
func (v *volumes) Collect(ctx context.Context, sink Sink) error {
	root, err := openRoot(v.env.Root)
	if err != nil {
		return sink.Add(&Item{Step: v.step.Name, Collector: v.step.Collector, Source: v.env.Root, Status: Failed, Reason: plain(err)}, nil)
	}
	defer root.close()
	v.root, v.sink, v.logs = root, sink, newLogFiles(maxLogFiles)
	v.byFD = map[fileID]bool{}
	v.readVolumes(ctx)
	if err := v.tableOfVolumes().keep(ctx, sink, v.step, nil); err != nil {
		return err
	}
	for _, find := range []func(context.Context) error{v.openFiles, v.configured, v.named} {
		if err := find(ctx); err != nil {
			return err
		}
		v.mayLookAt(maxLooked)
	}
	if err := v.tableOfForwarding().keep(ctx, sink, v.step, nil); err != nil {
		return err
	}
	kept := v.keep(ctx)
	if err := v.tableOfLogs().keep(ctx, sink, v.step, nil); err != nil {
		return err
	}
	return kept
}

var errLookedEnough = errors.New("looked at enough")

// mayLookAt begins to count names anew.
func (v *volumes) mayLookAt(most int) { v.looked, v.lookMost = 0, most }

// count counts a name that a walk comes upon.
func (v *volumes) count() error {
	if v.looked++; v.looked > cmp.Or(v.lookMost, maxLooked) {
		return errLookedEnough
	}
	return nil
}

// maxCuts bounds how many things are named that a limit left out.
const maxCuts = 20

// cut notes what a limit left out, each once.
func (v *volumes) cut(format string, args ...any) {
	s := strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")
	if len(v.cuts) < maxCuts && !slices.Contains(v.cuts, s) {
		v.cuts = append(v.cuts, s)
	}
}

// look visits what matches a pattern, links apart: they are what found says. What can't be read, and what a limit left out, is an item.
func (v *volumes) look(ctx context.Context, pattern string, step profiles.Step, visit func(found) error) error {
	f := file{env: v.env, step: step}
	w := v.env.walker(v.root, step, func(x found) error {
		switch {
		case x.reason == "" && x.in != nil:
			return visit(x)
		case x.reason == emptyDirectory || x.absent:
			return nil
		}
		return f.visit(ctx, v.sink, x)
	})
	w.count = v.count
	return w.walk(ctx, pattern)
}

// peek is look without a word of what can't be visited: of the paths that processes hold open most are devices.
func (v *volumes) peek(ctx context.Context, pattern string, step profiles.Step, visit func(found) error) error {
	w := v.env.walker(v.root, step, func(x found) error {
		if x.reason != "" || x.in == nil {
			return nil
		}
		return visit(x)
	})
	w.count = v.count
	return w.walk(ctx, pattern)
}

// byItsName is how a log was found that nothing but its name says to be one.
const byItsName = "by its name"

// candidate takes a file that was judged to be a log, and reports whether the profile allows it: what a configuration or a process names may
// be a secret, and a pattern's exclusions are compared only with what is below its fixed part.
func (v *volumes) candidate(x found, foundBy string) bool {
	if v.excluded(x.path) {
		return false
	}
	v.logs.add(logFile{path: x.path, size: x.info.size, changed: x.info.newest(), uid: x.info.uid, byName: foundBy == byItsName}, foundBy)
	return true
}

// named finds logs by their names: on the other volumes, and below the roots of applications on the system's own.
func (v *volumes) named(ctx context.Context) error {
	step := v.step
	step.Exclude = slices.Clone(step.Exclude)
	var walks []string
	for _, vol := range v.volumes {
		if vol.walk {
			walks = append(walks, path.Join(escapeLiteral(vol.Path), "**"))
			step.Exclude = append(step.Exclude, escapeLiteral(vol.Path)) // each is walked once, from its own root
		}
	}
	for _, pattern := range append(walks, v.step.Path...) {
		err := v.look(ctx, pattern, step, func(x found) error {
			if x.info.mode.IsRegular() && matchesAny(v.step.Names, x.name, x.path) {
				v.candidate(x, byItsName)
			}
			return nil
		})
		if errors.Is(err, errLookedEnough) {
			return v.sink.Add(&Item{
				Step: v.step.Name, Collector: v.step.Collector, Source: pattern, Status: Partial,
				Reason: fmt.Sprintf("more than %d names: the rest was not looked at", maxLooked),
			}, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keep copies the logs as far as the limits allow: those that are open or configured before those that are only called so, the newest first.
func (v *volumes) keep(ctx context.Context) error {
	b := newBudget(v.step)
	for _, l := range v.logs.bestFirst() {
		if ctx.Err() != nil {
			l.reason = "not reached: " + whyStopped(ctx, ctx.Err())
			continue
		}
		l.reason = b.over(l.path, l.size)
		size, err := v.copy(ctx, l)
		if err != nil {
			return err
		}
		b.take(l.path, size)
	}
	return context.Cause(ctx)
}

// copy keeps one log, or says why not, and returns how many bytes of the limits it takes.
func (v *volumes) copy(ctx context.Context, l *logFile) (int64, error) {
	note := strings.Join(l.foundBy, "; ")
	if l.fd != "" {
		return v.copyOpen(ctx, l, note)
	}
	f := file{env: v.env, step: v.step, note: note}
	size, gone := int64(0), true
	err := v.look(ctx, escapeLiteral(l.path), profiles.Step{Name: v.step.Name, Collector: v.step.Collector}, func(x found) error {
		gone = false
		if k, ok := v.env.seen.find(x); ok {
			l.reason = "kept already: " + k.path
			return nil
		}
		if l.reason == "" {
			l.reason = f.passOver(x)
		}
		if l.reason == "" && v.step.MaxFileSize > 0 && x.info.blocks > v.step.MaxFileSize && x.info.size > v.step.MaxFileSize {
			l.reason = fmt.Sprintf("larger than the limit of %s", humanize.IBytes(uint64(v.step.MaxFileSize)))
		}
		if l.reason == "" && !v.env.Look && x.isPrivateKey() {
			l.reason = privateKey
		}
		if l.reason != "" {
			x.reason = l.reason + "; found: " + note
			return f.visit(ctx, v.sink, x)
		}
		size = min(x.info.size, x.info.blocks)
		err := f.visit(ctx, v.sink, x)
		if _, l.kept = v.env.seen.find(x); !l.kept {
			l.reason = "could not be kept: see the manifest"
		}
		return err
	})
	if gone {
		l.reason = "was gone when it was to be kept"
	}
	return size, err
}

func (v *volumes) tableOfLogs() table[logRow] {
	rows := make([]logRow, 0, len(v.logs.byPath)+len(v.rows.missing))
	for _, l := range v.logs.bestFirst() {
		rows = append(rows, logRow{
			Path: l.path, Size: l.size, Changed: l.changed.UTC().Format(time.RFC3339), Volume: v.volumeOf(l.path), FoundBy: l.foundBy, Kept: l.kept, Reason: l.reason,
		})
	}
	t := table[logRow]{name: "logs", source: "logs wherever they are", rows: append(rows, v.rows.missing...), columns: []column[logRow]{
		{"kept", func(r logRow) string { return yesNo(r.Kept) }},
		{"size", func(r logRow) string { return strconv.FormatInt(r.Size, 10) }},
		{"changed", func(r logRow) string { return r.Changed }},
		{"volume", func(r logRow) string { return r.Volume }},
		{"path", func(r logRow) string { return r.Path }},
		{"found by", func(r logRow) string { return strings.Join(r.FoundBy, "; ") }},
		{"reason", func(r logRow) string { return r.Reason }},
	}}
	cuts := slices.Clone(v.cuts)
	if v.logs.dropped > 0 {
		cuts = append(cuts, fmt.Sprintf("%d more files, %s, the newest of %s, were found and are not listed: first those that only a name calls a log go, of the owner who has the most, the oldest of them", v.logs.dropped,
			humanize.IBytes(uint64(v.logs.droppedBytes)), v.logs.droppedUntil.UTC().Format(time.RFC3339)))
	}
	t.reason = strings.Join(cuts, "; ")
	return t
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// escapeLiteral makes a path stand for itself in a glob.
func escapeLiteral(p string) string {
	if !strings.ContainsAny(p, `*?[]{}\`) {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if strings.IndexByte(`*?[]{}\`, p[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// follow visits what matches a pattern, and what links there lead to, if root or we ourselves made them.
func (v *volumes) follow(ctx context.Context, pattern string, step profiles.Step, hops int, visit func(found) error) error {
	var targets []string
	err := v.look(ctx, pattern, step, func(x found) error {
		if x.info.mode&fs.ModeSymlink == 0 {
			return visit(x)
		}
		target, err := x.in.readlink(x.name)
		if err == nil && x.info.trusted() && len(targets) < maxLogFiles {
			targets = append(targets, "/"+path.Join(resolve(split(path.Dir(x.path)), target)...))
		}
		return nil
	})
	for _, target := range targets {
		if err != nil || hops == 0 {
			return err
		}
		err = v.follow(ctx, escapeLiteral(target), step, hops-1, visit)
	}
	return err
}

// read returns a small file below the root; nil where there is none.
func (v *volumes) read(ctx context.Context, name string, most int64) []byte {
	var text []byte
	_ = v.follow(ctx, escapeLiteral(name), profiles.Step{Name: v.step.Name, Collector: v.step.Collector}, maxHops, func(x found) error {
		if b, err := readSmall(x, most); err == nil {
			text = b
		}
		return nil
	})
	return text
}

// excluded reports whether a path, or a directory above it, is excluded from the step.
func (v *volumes) excluded(p string) bool {
	for ; p != "/" && p != "."; p = path.Dir(p) {
		if matchesAny(v.step.Exclude, path.Base(p), p) {
			return true
		}
	}
	return false
}

// maxHops bounds how many links lead to one file.
const maxHops = 5

// validGlob reports whether a walk can take a pattern that was put together here.
func validGlob(pattern string) bool { return doublestar.ValidatePattern(pattern) }
