package pkgdb

import (
	"os"
	"path/filepath"
	"time"
)

// dirRoot reads below a directory.
type dirRoot string

func (r dirRoot) Open(name string) (*os.File, time.Time, error) {
	f, err := os.Open(filepath.Join(string(r), name))
	if err != nil {
		return nil, time.Time{}, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	return f, st.ModTime(), nil
}

func (r dirRoot) Readlink(name string) (string, error) {
	return os.Readlink(filepath.Join(string(r), name))
}
