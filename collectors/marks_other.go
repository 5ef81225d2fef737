//go:build !linux

package collectors

import "os"

// marks returns nothing: the marks are those of Linux's file systems.
func (v *walkedVolume) marks(found) marks { return 0 }

// capability returns nothing: capabilities are Linux's.
func (v *walkedVolume) capability(*os.File) string { return "" }
