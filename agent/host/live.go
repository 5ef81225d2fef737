package host

import (
	"os"
	"runtime"
	"time"
)

// live fills in what the running system says of itself.
func live(f *Facts) {
	f.Hostname, _ = os.Hostname()
	if f.Hostname == "" {
		f.Hostname = "unknown"
	}
	f.CPUs = runtime.NumCPU()
	f.Timezone = timezone()
	system(f)
}

// timezone is the name and the offset of the local time, since logs are often written in it.
func timezone() string {
	name, _ := time.Now().Zone()
	return name + " " + time.Now().Format("-07:00")
}
