package host

import (
	"strings"
	"time"

	gohost "github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/mem"
	"golang.org/x/sys/unix"
)

// system fills in what Linux says of itself. gopsutil's host.Info and host.PlatformInformation are not asked: where /etc/lsb-release is
// missing they run the host's own lsb_release, with our environment and its PATH.
func system(f *Facts) {
	f.Platform = osRelease(readSmall("/", "etc/os-release"))
	f.MachineID = strings.TrimSpace(readSmall("/", "etc/machine-id"))
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		f.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	if seconds, err := gohost.BootTime(); err == nil {
		f.BootTime = time.Unix(int64(seconds), 0).UTC()
	}
	if v, _, err := gohost.Virtualization(); err == nil {
		f.Virtual = v
	}
	if m, err := mem.VirtualMemory(); err == nil {
		f.Memory = m.Total
	}
}
