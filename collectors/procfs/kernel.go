package procfs

import (
	"bytes"
	"errors"
	"path"
	"strconv"
	"strings"
)

// A Mount is a row of /proc/PID/mountinfo.
type Mount struct {
	ID      int    `json:"id"`
	Parent  int    `json:"parent"`
	Device  string `json:"device"` // major:minor
	Root    string `json:"root"`   // which part of the file system is mounted
	Path    string `json:"path"`
	Options string `json:"options"`
	Type    string `json:"type"`
	Source  string `json:"source"`
	Super   string `json:"super_options"`
}

// MaxMounts bounds what is read of a mount table. A host with more has been flooded with mounts.
const MaxMounts = 100_000

// ParseMountinfo reads /proc/PID/mountinfo, see proc_pid_mountinfo(5). Lines that it can't read are passed over.
func ParseMountinfo(b []byte) []Mount {
	var out []Mount
	for line := range bytes.Lines(b) {
		if m, ok := parseMount(strings.TrimSuffix(string(line), "\n")); ok && len(out) < MaxMounts {
			out = append(out, m)
		}
	}
	return out
}

func parseMount(line string) (Mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 6 || len(right) < 2 {
		return Mount{}, false
	}
	id, err1 := strconv.Atoi(left[0])
	parent, err2 := strconv.Atoi(left[1])
	if err1 != nil || err2 != nil {
		return Mount{}, false
	}
	m := Mount{
		ID: id, Parent: parent, Device: left[2], Root: Unescape(left[3]), Path: path.Clean(Unescape(left[4])), Options: left[5],
		Type: right[0], Source: Unescape(right[1]),
	}
	if len(right) > 2 {
		m.Super = right[2]
	}
	return m, true
}

// Unescape undoes the kernel's \040 for a blank, \011, \012 and \134.
func Unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && isOctal(s[i+1]) && isOctal(s[i+2]) && isOctal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

// Mounts returns the mounts that this process sees.
func (f FS) Mounts() ([]Mount, error) {
	return lines(f, "proc/self/mountinfo", MaxMounts, parseMount)
}

// A Swap is a row of /proc/swaps.
type Swap struct {
	Path     string `json:"path"`
	Type     string `json:"type"` // partition, file
	Size     int64  `json:"size"` // bytes
	Used     int64  `json:"used"`
	Priority int    `json:"priority"`
}

// ParseSwaps reads /proc/swaps, see proc_swaps(5).
func ParseSwaps(b []byte) []Swap {
	var out []Swap
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		if len(f) < 5 || f[0] == "Filename" || len(out) >= 1000 {
			continue
		}
		size, err1 := kilobytes(f[len(f)-3])
		used, err2 := kilobytes(f[len(f)-2])
		priority, err3 := strconv.Atoi(f[len(f)-1])
		if err1 != nil || err2 != nil || err3 != nil {
			continue
		}
		out = append(out, Swap{Path: Unescape(f[0]), Type: f[len(f)-4], Size: size, Used: used, Priority: priority})
	}
	return out
}

// Swaps returns the files and partitions that are swapped to.
func (f FS) Swaps() ([]Swap, error) {
	b, err := f.Read("proc/swaps")
	return ParseSwaps(b), err
}

// A Hook is a function of the kernel that something is attached to.
type Hook struct {
	Kind     string `json:"kind"` // kprobe, ftrace
	Function string `json:"function"`
	Module   string `json:"module,omitempty"` // that the function is in
	By       string `json:"by,omitempty"`     // the callback, or the flags, as the kernel prints them
}

// maxHooks bounds how many hooks are kept.
const maxHooks = 20_000

// parseKprobe reads a line of kprobes/list: c015d71a  k  vfs_read+0x0    [module] [FTRACE].
func parseKprobe(line string) (Hook, bool) {
	f := strings.Fields(line)
	if len(f) < 3 || len(f[1]) != 1 {
		return Hook{}, false
	}
	return Hook{Kind: "kprobe", Function: f[2], Module: kprobeModule(f[3:]), By: strings.Join(f[3:], " ")}, true
}

func kprobeModule(words []string) string {
	for _, w := range words {
		switch w {
		case "[GONE]", "[DISABLED]", "[OPTIMIZED]", "[FTRACE]":
		default:
			return strings.Trim(w, "[]")
		}
	}
	return ""
}

// parseFtrace reads a line of enabled_functions: vfs_read [module] (1) R I  tramp: … ->callback+0x0/0x10 [module].
func parseFtrace(line string) (Hook, bool) {
	name, rest, ok := strings.Cut(line, " ")
	if !ok || name == "" {
		return Hook{}, false
	}
	h := Hook{Kind: "ftrace", Function: name, By: strings.Join(strings.Fields(rest), " ")}
	before, _, _ := strings.Cut(rest, "(")
	h.Module = moduleTag(" " + before)
	return h, true
}

// Hooks returns the functions that are probed or traced, as far as the kernel shows it. The error is [ErrCut] where there are more.
func (f FS) Hooks() ([]Hook, error) {
	var out []Hook
	var cut error
	for _, l := range []struct {
		name  string
		parse func(string) (Hook, bool)
	}{{"sys/kernel/debug/kprobes/list", parseKprobe}, {"sys/kernel/tracing/enabled_functions", parseFtrace}} {
		hooks, err := lines(f, l.name, maxHooks, l.parse)
		if errors.Is(err, ErrCut) {
			cut = errors.Join(cut, err)
		}
		out = append(out, hooks...)
	}
	return out, cut
}

// A Binfmt is a kind of file that the kernel starts an interpreter for.
type Binfmt struct {
	Name        string `json:"name"`
	Enabled     bool   `json:"enabled"`
	Interpreter string `json:"interpreter"`
	Flags       string `json:"flags,omitempty"` // C: with the rights of the file that is started
	Match       string `json:"match,omitempty"` // extension .x, or magic in hex
}

// ParseBinfmt reads a file in /proc/sys/fs/binfmt_misc, see the kernel's Documentation/admin-guide/binfmt-misc.rst. It is not ok without an
// interpreter.
func ParseBinfmt(name string, b []byte) (Binfmt, bool) {
	out := Binfmt{Name: name}
	for line := range bytes.Lines(b) {
		word, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		switch word {
		case "enabled":
			out.Enabled = true
		case "interpreter":
			out.Interpreter = value
		case "flags:":
			out.Flags = value
		case "extension", "magic":
			out.Match = word + " " + value
		}
	}
	return out, out.Interpreter != ""
}

// binfmtDir is where the kernel shows the interpreters that it starts. Most hosts mount it when somebody looks into it, so nobody may.
const binfmtDir = "/proc/sys/fs/binfmt_misc"

// binfmtMounted reports whether binfmt_misc itself is what is seen at its place: neither nothing, nor the autofs that would mount it.
func (f FS) binfmtMounted() bool {
	mounts, err := f.Mounts()
	return err == nil && topType(mounts, binfmtDir) == "binfmt_misc"
}

// topType is the type of the file system whose root is seen at a place, "" where none is. Of two mounts at one place the later one is seen,
// unless a later one above it hides both.
func topType(mounts []Mount, place string) (kind string) {
	for _, m := range mounts {
		if m.Path == place {
			kind = m.Type
		} else if strings.HasPrefix(place, strings.TrimSuffix(m.Path, "/")+"/") {
			kind = ""
		}
	}
	return kind
}

// Binfmts returns the interpreters that are registered. It does not mount binfmt_misc: while that is not mounted, nobody has asked for them.
func (f FS) Binfmts() []Binfmt {
	if !f.binfmtMounted() {
		return nil
	}
	names, err := f.names(binfmtDir[1:])
	if err != nil {
		return nil
	}
	var out []Binfmt
	for _, n := range names[:min(len(names), 1000)] {
		if n == "register" || n == "status" {
			continue
		}
		b, err := f.Read(binfmtDir[1:] + "/" + n)
		if err != nil {
			continue
		}
		if m, ok := ParseBinfmt(n, b); ok {
			out = append(out, m)
		}
	}
	return out
}
