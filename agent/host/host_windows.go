package host

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// Privileged reports whether this process is elevated.
func Privileged() bool { return windows.GetCurrentProcessToken().IsElevated() }

func defaultUsers() []User { return nil }

// ReadClock returns nil: Windows' time service doesn't tell without its own tool.
func ReadClock() *Clock { return nil }

// LowerPriority puts this process behind everything else on the host, its I/O too.
func LowerPriority() error {
	const backgroundBegin = 0x00100000 // PROCESS_MODE_BACKGROUND_BEGIN
	if err := windows.SetPriorityClass(windows.CurrentProcess(), backgroundBegin); err != nil {
		return fmt.Errorf("entering background mode: %w", err)
	}
	return nil
}
