// Package host says which machine this is: its name, system, boot, cloud instance, accounts, and what this process may do on it.
//
// What it reads comes from a host that may be hostile: every read is bounded, every value is data. A fact that can't be had is left
// empty; nothing here is a reason not to collect.
package host

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Facts are what is known of a machine.
type Facts struct {
	Hostname   string    `json:"hostname"`
	OS         string    `json:"os"`                   // as GOOS
	Arch       string    `json:"arch"`                 // as GOARCH
	Platform   string    `json:"platform,omitempty"`   // debian 12.5
	Kernel     string    `json:"kernel,omitempty"`     // its release
	BootTime   time.Time `json:"boot_time,omitzero"`   // UTC
	MachineID  string    `json:"machine_id,omitempty"` // /etc/machine-id, or MachineGuid
	Timezone   string    `json:"timezone,omitempty"`
	CPUs       int       `json:"cpus,omitempty"`
	Memory     uint64    `json:"memory,omitempty"`  // bytes
	Virtual    string    `json:"virtual,omitempty"` // kvm, xen, docker …
	Cloud      *Cloud    `json:"cloud,omitempty"`
	Root       string    `json:"root,omitempty"` // where the host's files were read, if it isn't this machine's /
	Privileged bool      `json:"privileged"`     // root, or an elevated administrator
}

// A Cloud is a cloud that a machine is an instance in, as far as the machine's firmware tells without the network.
type Cloud struct {
	Provider   string `json:"provider"` // aws, azure, gcp
	InstanceID string `json:"instance_id,omitempty"`
}

// A User is one account.
type User struct {
	Name string
	Home string
}

// Clock is what the system says of its own clock.
type Clock struct {
	Synchronized bool  `json:"synchronized"` // by NTP, as the kernel sees it
	OffsetUS     int64 `json:"offset_us"`    // the kernel's last known offset, in microseconds
	MaxErrorUS   int64 `json:"max_error_us"` // the kernel's bound for it, in microseconds
}

// maxFactFile bounds what is read of one file, in bytes.
const maxFactFile = 1 << 20

// Read returns the facts of the machine whose file system is at root. For another root than "/" nothing of this machine is said.
func Read(root string) Facts {
	f := Facts{OS: runtime.GOOS, Arch: runtime.GOARCH, Privileged: Privileged()}
	if root == "/" {
		live(&f)
		f.Cloud = readCloud(root)
		return f
	}
	f.Root = root
	f.Arch = ""
	f.Hostname = strings.TrimSpace(readSmall(root, "etc/hostname"))
	f.MachineID = strings.TrimSpace(readSmall(root, "etc/machine-id"))
	f.Platform = osRelease(readSmall(root, "etc/os-release"))
	if f.Hostname == "" {
		f.Hostname = filepath.Base(filepath.Clean(root))
	}
	f.Cloud = cloudInit(root)
	return f
}

// readSmall reads the beginning of a regular file below root, and returns nothing of anything else. Links are followed only within root.
func readSmall(root, name string) string {
	r, err := os.OpenRoot(root)
	if err != nil {
		return ""
	}
	defer r.Close()
	f, err := r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(f, maxFactFile)) // what could be read before an error is as good
	return string(b)
}

// osRelease prints os-release(5) as "debian 12".
func osRelease(text string) string {
	var id, version string
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			id = value
		case "VERSION_ID":
			version = value
		}
	}
	return strings.TrimSpace(id + " " + version)
}
