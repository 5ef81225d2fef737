package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether/collectors/anomaly"
	"bellwether/collectors/procfs"
	"bellwether/profiles"
)

// container keeps the containers of the host, as the kernel and the runtimes' own files show them, and what was changed in each. No program
// of a runtime is run.
type container struct {
	env  *Env
	step profiles.Step
}

func newContainer(env *Env, step profiles.Step) Collector { return &container{env, step} }

var containerTables = []string{"containers", "container-changes"}

const (
	// maxChanges bounds the changed files that are listed of one container, and maxAllChanges those of all.
	maxChanges    = 20_000
	maxAllChanges = 100_000
	// maxConfs bounds the containers that runtimes have written down.
	maxConfs = 20_000
)

// containerRow is a container.
type containerRow struct {
	ID         string        `json:"id"`
	Runtime    string        `json:"runtime,omitempty"`
	Name       string        `json:"name,omitempty"`
	Image      string        `json:"image,omitempty"`
	Pod        string        `json:"pod,omitempty"`
	State      string        `json:"state"` // running: it has processes; known: a runtime has written it down
	Created    string        `json:"created,omitempty"`
	Main       int           `json:"main_pid,omitempty"`
	Processes  int           `json:"processes,omitempty"`
	Command    []string      `json:"command,omitempty"`
	Privileged bool          `json:"privileged,omitempty"` // every capability, or so its runtime was told
	CapEff     string        `json:"cap_eff,omitempty"`    // hex
	NoSeccomp  bool          `json:"no_seccomp,omitempty"`
	HostSpaces []string      `json:"host_namespaces,omitempty"`
	Upper      string        `json:"overlay_upper,omitempty"`
	Lower      []string      `json:"overlay_lower,omitempty"`
	Merged     string        `json:"overlay_merged,omitempty"`
	RootType   string        `json:"root_type,omitempty"`
	Binds      []procfs.Bind `json:"host_mounts,omitempty"`
	AskedBinds []string      `json:"asked_mounts,omitempty"` // as its runtime was told
	Files      string        `json:"files,omitempty"`        // of the runtime
}

var containerColumns = []column[containerRow]{
	{"id", func(c containerRow) string { return c.ID[:min(12, len(c.ID))] }},
	{"runtime", func(c containerRow) string { return c.Runtime }},
	{"state", func(c containerRow) string { return c.State }},
	{"name", func(c containerRow) string { return c.Name }},
	{"image", func(c containerRow) string { return c.Image }},
	{"pid", func(c containerRow) string { return strconv.Itoa(c.Main) }},
	{"processes", func(c containerRow) string { return strconv.Itoa(c.Processes) }},
	{"privileged", func(c containerRow) string { return yes(c.Privileged) }},
	{"of the host", func(c containerRow) string { return strings.Join(c.HostSpaces, ",") }},
	{"host mounts", func(c containerRow) string {
		var all []string
		for _, b := range c.Binds {
			all = append(all, b.From+":"+b.To)
		}
		return strings.Join(all, " ")
	}},
	{"upper", func(c containerRow) string { return c.Upper }},
	{"command", func(c containerRow) string { return quote(c.Command) }},
}

// Collect implements [Collector].
func (c *container) Collect(ctx context.Context, sink Sink) error {
	r, err := newReader(c.env, c.step)
	if err != nil {
		return failedState(sink, c.step, err)
	}
	defer r.close()
	confs, err := c.confs(ctx, r)
	if err != nil {
		return err
	}
	live, err := procfs.New(c.env.Root).Containers()
	if err != nil {
		r.note("%s", plain(err))
	}
	t := table[containerRow]{name: "containers", source: "/proc", rows: joinContainers(live, confs), columns: containerColumns, reason: r.reason(), cut: r.wasCut()}
	if err := t.keep(ctx, sink, c.step, anomaly.Containers(live)); err != nil {
		return err
	}
	return c.changes(ctx, sink, r, live)
}

// confs reads what the runtimes have written down, by the id of the container.
func (c *container) confs(ctx context.Context, r *reader) (map[string]containerConf, error) {
	confs := map[string]containerConf{}
	for _, role := range c.step.Files {
		read := confFormats[role.Name]
		if read == nil {
			continue
		}
		err := r.texts(ctx, role.Name, func(file, text string) error {
			found := read(file, []byte(text))
			if found == nil {
				r.note("%s: is not what the runtime writes", file)
			}
			for _, conf := range found {
				known, ok := confs[conf.ID]
				if !ok && len(confs) == maxConfs {
					r.note("more than %d containers: %s and others are left out", maxConfs, file)
					return nil
				}
				confs[conf.ID] = known.join(conf).named(conf.ID)
			}
			return context.Cause(ctx)
		})
		if err != nil {
			return nil, err
		}
	}
	return confs, nil
}

func (c containerConf) named(id string) containerConf {
	c.ID = id
	return c
}

// joinContainers puts what runs first, in the order of the findings' rows, and behind it what the runtimes know besides.
func joinContainers(live []procfs.Container, confs map[string]containerConf) []containerRow {
	var rows []containerRow
	for _, l := range live {
		row := rowOf(confs[l.ID])
		delete(confs, l.ID)
		row.ID, row.State, row.Main, row.Processes = l.ID, "running", l.Main, len(l.PIDs)
		if row.Runtime == "" {
			row.Runtime = l.Runtime
		}
		if len(l.Command) > 0 {
			row.Command = l.Command
		}
		row.Privileged = row.Privileged || l.AllCaps
		row.CapEff, row.NoSeccomp, row.HostSpaces = fmt.Sprintf("%016x", l.CapEff), l.NoSeccomp, l.HostSpaces
		row.Upper, row.Lower, row.Merged, row.RootType, row.Binds = l.Overlay.Upper, l.Overlay.Lower, l.Merged, l.RootType, l.Binds
		rows = append(rows, row)
	}
	rest := make([]containerRow, 0, len(confs))
	for _, conf := range confs {
		row := rowOf(conf)
		row.State = "known"
		if conf.Running != nil && *conf.Running {
			row.State = "known, as running"
		}
		rest = append(rest, row)
	}
	slices.SortFunc(rest, func(a, b containerRow) int { return strings.Compare(a.ID, b.ID) })
	return append(rows, rest...)
}

func rowOf(conf containerConf) containerRow {
	row := containerRow{
		ID: conf.ID, Runtime: conf.Runtime, Name: conf.Name, Image: conf.Image, Pod: conf.Pod, Created: conf.Created, Command: conf.Command,
		Privileged: conf.Privileged, AskedBinds: conf.Binds, Files: conf.File,
	}
	if conf.Network == "host" {
		row.HostSpaces = []string{"net"}
	}
	return row
}

// changeRow is a file of a container that its image doesn't have so.
type changeRow struct {
	Container  string     `json:"container"`
	Path       string     `json:"path"` // in the container
	Kind       string     `json:"kind"` // deleted: the image has it, and the container no more
	Mode       string     `json:"mode"`
	Owner      string     `json:"owner"`
	Size       int64      `json:"size"`
	ModTime    *time.Time `json:"mtime,omitempty"`
	ChangeTime *time.Time `json:"ctime,omitempty"`
	Target     string     `json:"target,omitempty"`
}

var changeColumns = []column[changeRow]{
	{"container", func(c changeRow) string { return c.Container[:min(12, len(c.Container))] }},
	{"kind", func(c changeRow) string { return c.Kind }},
	{"mode", func(c changeRow) string { return c.Mode }},
	{"owner", func(c changeRow) string { return c.Owner }},
	{"size", func(c changeRow) string { return strconv.FormatInt(c.Size, 10) }},
	{"modified", func(c changeRow) string { return readable(c.ModTime) }},
	{"changed", func(c changeRow) string { return readable(c.ChangeTime) }},
	{"path", func(c changeRow) string { return c.Path }},
	{"leads to", func(c changeRow) string { return c.Target }},
}

// changes lists what was changed in each container that has an overlay.
func (c *container) changes(ctx context.Context, sink Sink, r *reader, live []procfs.Container) error {
	r.trouble = nil
	table := stream[changeRow]{
		name: "container-changes", source: "the upper folders of overlays", columns: changeColumns, reason: r.reason, finds: func(int, changeRow) {},
		each: func(yield func(changeRow) error) error {
			left := maxAllChanges
			for _, l := range live {
				if l.Overlay.Upper == "" {
					continue
				}
				n, err := c.changesOf(ctx, r, l, min(left, maxChanges), yield)
				if left -= n; err != nil {
					return err
				}
			}
			return nil
		},
	}
	return table.add(sink, c.step, func() []anomaly.Finding { return nil })
}

// changesOf lists at most so many changes of one container, and returns their number.
func (c *container) changesOf(ctx context.Context, r *reader, l procfs.Container, most int, yield func(changeRow) error) (n int, err error) {
	upper := path.Clean(l.Overlay.Upper)
	w := walker{root: r.root, rootPath: c.env.Root, mounts: c.env.mounts, avoid: c.env.avoid, visit: func(x found) error {
		switch {
		case x.reason != "" && x.reason != emptyDirectory:
			if !x.absent {
				r.note("%s: %s", x.path, x.reason)
			}
			return nil
		case n == most:
			r.note("container %s: more than %d changes", l.ID[:min(12, len(l.ID))], most)
			return fs.SkipAll
		}
		n++
		return yield(changeOf(l.ID, upper, x))
	}}
	err = w.walk(ctx, escapeLiteral(upper)+"/**")
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return n, err
}

func changeOf(id, upper string, x found) changeRow {
	row := changeRow{
		Container: id, Path: "/" + strings.TrimPrefix(strings.TrimPrefix(x.path, upper), "/"), Kind: kindOf(x.info.mode), Mode: lsMode(x.info.mode),
		Owner: fmt.Sprintf("%d:%d", x.info.uid, x.info.gid), Size: x.info.size, ModTime: timeOf(x.info.mtime), ChangeTime: timeOf(x.info.ctime),
	}
	if x.info.mode&fs.ModeCharDevice != 0 && x.info.mode.Perm() == 0 {
		row.Kind = "deleted" // a whiteout of overlayfs is a character device without any permission
	}
	if x.info.mode&fs.ModeSymlink != 0 && x.in != nil {
		row.Target, _ = x.in.readlink(x.name)
	}
	return row
}
