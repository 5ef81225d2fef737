package collectors

import "bellwether/collectors/procfs"

func readMounts() (mountTable, error) {
	mounts, err := procfs.New("/").Mounts()
	if err != nil {
		return nil, err
	}
	return newMountTable(mounts)
}
