package collectors

import "bellwether/collectors/procfs"

func readMounts() (mountTable, error) {
	text, err := procfs.New("/").Read("proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return readMountTable(text)
}
