package collectors

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

// A volume is one line of state/volumes: a mounted file system, a block device that is not mounted, or swap.
type volume struct {
	Path   string `json:"path,omitempty"` // where it is mounted; of swap, the file
	Device string `json:"device"`
	Type   string `json:"type"`
	Kind   string `json:"kind"`   // system, volume, passed over, not mounted, swap
	Size   int64  `json:"size"`   // bytes; 0 where that is not known
	Free   int64  `json:"free"`   // bytes, for everybody
	Walked bool   `json:"walked"` // logs are looked for on it by their names
	Reason string `json:"reason,omitempty"`

	walk   bool
	number string // of the device, as 254:1
}

// maxVolumes bounds the table: a host with more has been flooded with mounts.
const maxVolumes = 2000

// readVolumes fills v.volumes.
func (v *volumes) readVolumes(ctx context.Context) {
	live := procfs.New(v.env.Root)
	text := func(name string) string {
		b, err := live.Read(name)
		if err != nil {
			return ""
		}
		return string(b)
	}
	mounts := v.mountsBelow(text("proc/self/mountinfo"))
	fstab := parseFstab(strings.NewReader(string(v.read(ctx, "/etc/fstab", maxLogConfig))))
	v.volumes = mounted(mounts, v.env.mounts[path.Clean(filepath.ToSlash(v.env.Root))], v.env.Root == "/")
	v.volumes = append(v.volumes, swapVolumes(procfs.ParseSwaps([]byte(text("proc/swaps"))))...)
	v.volumes = append(v.volumes, notMounted(v.volumes, parsePartitions(strings.NewReader(text("proc/partitions"))), v.holders)...)
	v.volumes = append(v.volumes, onlyInFstab(v.volumes, fstab)...)
	if len(v.volumes) > maxVolumes {
		v.volumesCut = fmt.Sprintf("%d of %d volumes are listed; logs were not looked for on the others", maxVolumes, len(v.volumes))
		v.volumes = v.volumes[:maxVolumes]
	}
	for i := range v.volumes {
		vol := &v.volumes[i]
		vol.Walked = vol.walk
		if vol.Path != "" && (vol.Kind == "system" || vol.Kind == "volume") {
			vol.Size, vol.Free = space(filepath.Join(v.env.Root, vol.Path))
		}
	}
}

// mountsBelow returns the mounts below the root, by their path there: those of this machine, and those that a root of its own declares.
func (v *volumes) mountsBelow(declared string) mountTable {
	out := mountTable{}
	root := path.Clean(filepath.ToSlash(v.env.Root))
	if root != "/" {
		own, err := newMountTable(procfs.ParseMountinfo([]byte(declared)))
		if err != nil {
			own = nil
		}
		maps.Copy(out, own)
	}
	for p, m := range v.env.mounts {
		rel, ok := strings.CutPrefix(p, root)
		if root == "/" {
			rel, ok = p, true
		}
		if !ok || rel != "" && !strings.HasPrefix(rel, "/") {
			continue
		}
		m.Path = cmp.Or(rel, "/")
		out[m.Path] = m
	}
	return out
}

// mounted makes rows of mounts. What the system is on is not walked: the roots of applications there are. Of several mounts of one file system
// one is walked.
func mounted(mounts mountTable, system mount, live bool) []volume {
	if live {
		system = mounts["/"]
	}
	sorted := slices.SortedFunc(maps.Values(mounts), func(a, b mount) int {
		return cmp.Or(cmp.Compare(len(a.Root), len(b.Root)), cmp.Compare(a.Path, b.Path)) // all of a file system before parts of it
	})
	whole := map[string]string{} // where all of a device is
	var out []volume
	for _, m := range sorted {
		if pseudoTypes[m.Type] {
			continue
		}
		vol := volume{Path: m.Path, Device: m.Source, Type: m.Type, Kind: "volume", Reason: m.passOver(), number: m.Device}
		first, again := whole[m.Device]
		switch {
		case vol.Reason != "":
			vol.Kind = "passed over"
		case m.Path == "/" || m.Device == system.Device && m.Device != "":
			vol.Kind, vol.Reason = "system", "the system's own: logs are looked for in the folders of applications"
		case m.Type == "overlay":
			vol.Kind, vol.Reason = "passed over", "layers of a container, which are on another volume"
		case imageTypes[m.Type]:
			vol.Kind, vol.Reason = "passed over", "an image that can't be written to"
		case again:
			vol.Reason = "the same as " + first
		default:
			vol.walk = true
		}
		if m.Root == "/" && !again {
			whole[m.Device] = m.Path
		}
		out = append(out, vol)
	}
	slices.SortFunc(out, func(a, b volume) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// swapVolumes makes rows of what is swapped to.
func swapVolumes(swaps []procfs.Swap) []volume {
	var out []volume
	for _, s := range swaps {
		if s.Size < 0 || s.Used < 0 || s.Used > s.Size {
			continue
		}
		vol := volume{Device: s.Path, Type: s.Type, Kind: "swap", Size: s.Size, Free: s.Size - s.Used, Reason: "in use: memory of processes may be on it"}
		if s.Type == "file" {
			vol.Path = s.Path
		}
		out = append(out, vol)
	}
	return out
}

// A partition is one line of /proc/partitions.
type partition struct {
	name, number string
	size         int64 // bytes
}

// parsePartitions reads /proc/partitions, see proc(5): major, minor, size in KiB, name.
func parsePartitions(r io.Reader) []partition {
	var out []partition
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(out) <= maxVolumes { // one more shows that there are too many
		f := strings.Fields(lines.Text())
		if len(f) != 4 || strings.Contains(f[3], "/") || f[3] == ".." {
			continue
		}
		size, err := strconv.ParseInt(f[2], 10, 50)
		if err != nil || size < 0 {
			continue
		}
		out = append(out, partition{f[3], f[0] + ":" + f[1], size << 10})
	}
	return out
}

// notMounted makes rows of the block devices that are neither mounted nor swap, nor what others are made of. holders says what a device
// belongs to: a disk's partitions, a volume group, a RAID.
func notMounted(known []volume, parts []partition, holders func(name string) []string) []volume {
	used := map[string]bool{}
	for _, k := range known {
		used[k.number], used[k.Device] = true, true
	}
	var out []volume
	for _, p := range parts {
		if used[p.number] || used["/dev/"+p.name] || strings.HasPrefix(p.name, "ram") || p.size == 0 {
			continue
		}
		vol := volume{Device: "/dev/" + p.name, Type: "block device", Kind: "not mounted", Size: p.size, Reason: "not mounted: nothing on it was looked at"}
		if parts := holders(p.name); len(parts) > 0 {
			vol.Reason = "holds " + strings.Join(parts, ", ")
		}
		out = append(out, vol)
	}
	return out
}

// holders returns the devices that a block device is a part of, or that are parts of it.
func (v *volumes) holders(name string) []string {
	at := filepath.Join(v.env.Root, "sys/class/block", name)
	var out []string
	for _, below := range []string{"holders", "."} {
		entries, err := os.ReadDir(filepath.Join(at, below))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if below == "holders" || strings.HasPrefix(e.Name(), name) {
				out = append(out, e.Name())
			}
		}
	}
	return out[:min(len(out), 20)]
}

// A fstabLine is one line of /etc/fstab.
type fstabLine struct{ device, path, kind string }

// parseFstab reads /etc/fstab, see fstab(5).
func parseFstab(r io.Reader) []fstabLine {
	var out []fstabLine
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(out) <= maxVolumes { // one more shows that there are too many
		f := strings.Fields(lines.Text())
		if len(f) < 3 || strings.HasPrefix(f[0], "#") {
			continue
		}
		out = append(out, fstabLine{procfs.Unescape(f[0]), procfs.Unescape(f[1]), f[2]})
	}
	return out
}

// onlyInFstab makes rows of what the table of file systems names and what is neither mounted nor swap in use.
func onlyInFstab(known []volume, lines []fstabLine) []volume {
	have := map[string]bool{}
	for _, k := range known {
		have[k.Path], have[k.Device] = true, true
	}
	var out []volume
	for _, l := range lines {
		switch {
		case l.kind == "swap" && !have[l.device]:
			out = append(out, volume{Device: l.device, Type: l.kind, Kind: "swap", Reason: "in /etc/fstab"})
		case l.kind != "swap" && !have[path.Clean(l.path)] && !pseudoTypes[l.kind] && strings.HasPrefix(l.path, "/"):
			out = append(out, volume{Path: l.path, Device: l.device, Type: l.kind, Kind: "not mounted", Reason: "in /etc/fstab, and not mounted"})
		}
	}
	return out
}

// volumeOf says where the volume is mounted that a path is on.
func (v *volumes) volumeOf(at string) string {
	best := "/"
	for _, vol := range v.volumes {
		if vol.Kind != "swap" && vol.Kind != "not mounted" && len(vol.Path) > len(best) && (at == vol.Path || strings.HasPrefix(at, vol.Path+"/")) {
			best = vol.Path
		}
	}
	return best
}

func (v *volumes) tableOfVolumes() table[volume] {
	bytes := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	return table[volume]{name: "volumes", source: "/proc/self/mountinfo, /proc/partitions, /proc/swaps and /etc/fstab", rows: v.volumes, reason: v.volumesCut, columns: []column[volume]{
		{"kind", func(r volume) string { return r.Kind }},
		{"type", func(r volume) string { return r.Type }},
		{"size", func(r volume) string { return bytes(r.Size) }},
		{"free", func(r volume) string { return bytes(r.Free) }},
		{"device", func(r volume) string { return r.Device }},
		{"path", func(r volume) string { return r.Path }},
		{"walked", func(r volume) string { return yesNo(r.Walked) }},
		{"reason", func(r volume) string { return r.Reason }},
	}}
}
