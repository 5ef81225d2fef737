package anomaly

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

var (
	containerPrivileged = Rule{
		ID: "container-privileged", Severity: Low, Attack: []string{"T1611", "T1610"},
		Means:  "A container has every capability of the kernel and the host's users: whoever takes it over has the host.",
		Honest: "Agents for monitoring and security, network plugins of Kubernetes and containers that build containers are run so. Ask whether this one is known.",
	}
	containerHostMount = Rule{
		ID: "container-host-mount", Severity: Info, Attack: []string{"T1611"},
		Means:  "A container has a folder of the host mounted that decides over the host: /, /etc, /root, the socket of the runtime and the like.",
		Honest: "Agents for monitoring mount / or /var/run to look at the host, most often read-only.",
	}
)

// containerRules are the rules about containers.
var containerRules = []*Rule{&containerPrivileged, &containerHostMount}

// Containers looks at what containers may do to their host.
func Containers(cs []procfs.Container) []Finding {
	var out []Finding
	for i, c := range cs {
		name := short12(c.ID)
		if c.AllCaps {
			out = append(out, containerPrivileged.In(i, fmt.Sprintf("container %s (%s) has every capability: %s", name, c.Runtime, short(strings.Join(c.Command, " "))),
				"container", c.ID, "pid", strconv.Itoa(c.Main)))
		}
		for _, b := range c.Binds {
			if !decides(b.From) {
				continue
			}
			how := "read-only"
			if b.Writable {
				how = "writable"
			}
			out = append(out, containerHostMount.In(i, fmt.Sprintf("container %s (%s) has the host's %s mounted at %s, %s", name, c.Runtime, b.From, b.To, how),
				"container", c.ID, "path", b.From, "mounted", b.To))
		}
	}
	return out
}

func short12(id string) string { return id[:min(12, len(id))] }

// decides reports whether who can write to a path of a host decides over it.
func decides(p string) bool {
	p = path.Clean(p)
	switch p {
	case "/", "/etc", "/root", "/home", "/boot", "/usr", "/bin", "/sbin", "/lib", "/var", "/var/run", "/run", "/var/log", "/var/lib", "/dev", "/opt":
		return true
	}
	if strings.HasPrefix(p, "/etc/cron") || strings.HasPrefix(p, "/etc/systemd") || strings.HasPrefix(p, "/root/.ssh") || strings.HasPrefix(p, "/var/spool/cron") {
		return true
	}
	return strings.HasSuffix(p, ".sock") && strings.HasPrefix(path.Clean("/"+strings.TrimPrefix(p, "/var")), "/run/")
}
