package host

import (
	"strings"
	"time"

	gohost "github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/mem"
)

// system fills in what Windows says of itself.
func system(f *Facts) {
	if i, err := gohost.Info(); err == nil {
		f.Platform = strings.TrimSpace(i.Platform + " " + i.PlatformVersion)
		f.Kernel = i.KernelVersion
		f.BootTime = time.Unix(int64(i.BootTime), 0).UTC()
		f.MachineID = i.HostID
	}
	if m, err := mem.VirtualMemory(); err == nil {
		f.Memory = m.Total
	}
}
