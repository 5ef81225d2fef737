//go:build !linux

package procfs

import "errors"

func (FS) views() []view { return nil }

// Detached is for Linux alone.
func (f FS) Detached() (FS, func(), error) { return f, nil, errors.ErrUnsupported }
