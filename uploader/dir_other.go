//go:build !linux && !windows

package uploader

import (
	"errors"
	"os"
	"syscall"
)

func diskSpace(*os.Root) (free, total uint64, err error) { return 0, 0, errors.ErrUnsupported }

func syncVolume(*os.Root) error { return errors.ErrUnsupported }

func reserve(*os.File, int64, int64) error { return nil }

func dropCache(*os.File, int64, int64) {}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }
