package collectors

import (
	"errors"

	"bellwether/collectors/procfs"
)

func readMounts() (mountTable, error) {
	mounts, err := procfs.New("/").Mounts()
	if err != nil && !errors.Is(err, procfs.ErrCut) {
		return nil, err
	}
	return newMountTable(mounts)
}
