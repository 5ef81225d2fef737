package ioc

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
)

// inMember returns the scan of a member of an archive.
func (c *scan) inMember(name string) *scan {
	inner := *c
	if inner.member != "" {
		name = inner.member + "!" + name
	}
	inner.member = name
	return &inner
}

// maxReasons bounds the reasons that one archive gives.
const maxReasons = 10

// A memberErrors collects why members could not be scanned.
type memberErrors struct{ errs []error }

func (m *memberErrors) add(name string, err error) {
	if err != nil && len(m.errs) < maxReasons {
		m.errs = append(m.errs, fmt.Errorf("%q: %w", name, err))
	}
}

func (m *memberErrors) err() error {
	if len(m.errs) == 0 {
		return nil
	}
	return fmt.Errorf("members were not scanned whole: %w", errors.Join(m.errs...))
}

// tar scans the files in a tar archive.
func (c *scan) tar(in *replay) (inside, damage error) {
	var failed memberErrors
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return failed.err(), nil
		}
		if err != nil {
			return failed.err(), err
		}
		in.forget()
		if h.Typeflag == tar.TypeReg {
			failed.add(h.Name, c.inMember(h.Name).stream(&metered{r: r, total: c.total, in: in}))
		}
		if c.total.over != nil {
			return nil, c.total.over
		}
	}
}
