package host

import (
	"os"
	"runtime"
	"strings"
	"time"

	gohost "github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/mem"
)

// live fills in what the running system says of itself.
func live(f *Facts) {
	f.Hostname, _ = os.Hostname()
	f.CPUs = runtime.NumCPU()
	f.Timezone = timezone()
	if i, err := gohost.Info(); err == nil {
		f.Platform = strings.TrimSpace(i.Platform + " " + i.PlatformVersion)
		f.Kernel = i.KernelVersion
		f.Virtual = i.VirtualizationSystem
		f.BootTime = time.Unix(int64(i.BootTime), 0).UTC()
		f.MachineID = i.HostID
	}
	if m, err := mem.VirtualMemory(); err == nil {
		f.Memory = m.Total
	}
	if f.Hostname == "" {
		f.Hostname = "unknown"
	}
}

// timezone is the name and the offset of the local time, since logs are often written in it.
func timezone() string {
	name, _ := time.Now().Zone()
	return name + " " + time.Now().Format("-07:00")
}
