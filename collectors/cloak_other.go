//go:build !linux

package collectors

import (
	"errors"
	"os"
)

func mapped(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }
