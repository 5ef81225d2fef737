package collectors

import "bellwether/collectors/procfs"

// portProbes are for Linux alone.
func portProbes(procfs.FS) []portProbe { return nil }
