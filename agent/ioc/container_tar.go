package ioc

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
)

// errUnread is wrapped by the errors of members that could not be scanned, where the rest of their archive could.
var errUnread = errors.New("members were not scanned whole")

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
	return fmt.Errorf("%w: %w", errUnread, errors.Join(m.errs...))
}

// tar scans the files in a tar archive.
func (c *scan) tar(in *replay) error {
	var failed memberErrors
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return failed.err()
		}
		if err != nil {
			return errors.Join(err, failed.err())
		}
		in.decoded()
		if h.Typeflag != tar.TypeReg {
			continue
		}
		err = c.inMember(h.Name).stream(&metered{r, c.total, in})
		if errors.Is(err, errBomb) {
			return err
		}
		failed.add(h.Name, err)
	}
}
