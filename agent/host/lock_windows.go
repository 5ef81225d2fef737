package host

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

func lock(id, _ string) (func(), error) {
	name, err := windows.UTF16PtrFromString(`Global\` + id)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateMutex(nil, false, name)
	if errors.Is(err, windows.ERROR_ALREADY_EXISTS) || errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
		return nil, &Busy{}
	}
	if err != nil {
		return nil, fmt.Errorf("locking the host for one run: %w", err)
	}
	return func() { _ = windows.CloseHandle(h) }, nil
}
