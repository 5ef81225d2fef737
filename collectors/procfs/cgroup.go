package procfs

import (
	"bytes"
	"strings"
)

// A Cgroup is where a process stands among the control groups.
type Cgroup struct {
	Path      string // of version 2, or of systemd's hierarchy, or the first
	Container string // the id or name of a container, "" outside of one
	Runtime   string // what runs it, as far as the path says: docker, containerd, crio, podman, lxc, nspawn
}

// ParseCgroup reads /proc/PID/cgroup, see cgroups(7).
func ParseCgroup(b []byte) Cgroup {
	var c Cgroup
	rank := 0
	for line := range bytes.Lines(b) {
		parts := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		r := 1
		if parts[0] == "0" || parts[1] == "name=systemd" {
			r = 2
		}
		if r > rank || c.Path == "/" && parts[2] != "/" {
			c.Path, rank = parts[2], r
		}
		if c.Container == "" {
			c.Runtime, c.Container = container(parts[2])
		}
	}
	return c
}

// container finds a container in the path of a control group.
func container(path string) (runtime, id string) {
	for part := range strings.SplitSeq(path, "/") {
		name := strings.TrimSuffix(strings.TrimSuffix(part, ".scope"), ".service")
		for _, p := range containerPrefixes {
			if rest, ok := strings.CutPrefix(name, p.prefix); ok && rest != "" && (!p.hex || isContainerID(rest)) {
				return p.runtime, rest
			}
		}
		if isContainerID(name) {
			return runtimeOf(path), name
		}
	}
	return "", ""
}

// containerPrefixes are what runtimes put before the id of a container.
var containerPrefixes = []struct {
	prefix, runtime string
	hex             bool
}{
	{"docker-", "docker", true},
	{"cri-containerd-", "containerd", true},
	{"crio-", "crio", true},
	{"libpod-", "podman", true},
	{"lxc.payload.", "lxc", false},
	{"machine-", "nspawn", false},
	{"systemd-nspawn@", "nspawn", false},
}

func runtimeOf(path string) string {
	for _, w := range []string{"docker", "libpod", "lxc", "kubepods", "ecs"} {
		if strings.Contains(path, "/"+w) {
			return w
		}
	}
	return "container"
}

// isContainerID reports whether a name is the 64 hex digits that runtimes take.
func isContainerID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
