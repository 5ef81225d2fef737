package collectors

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files visits every file below a folder under the rules of this package, in the order of the names, as walk has it. open is nil for what is not read,
// and reason says why; failed tells an error from what is left alone by rule. open may be called during the visit only.
func Files(ctx context.Context, folder string, visit func(path, reason string, failed bool, open func() (*os.File, error)) error) error {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	root, err := openRoot(folder)
	if err != nil {
		return err
	}
	defer root.close()
	mounts, err := readMounts()
	if err != nil {
		mounts = nil // then network file systems can't be told apart
	}
	w := walker{root: root, rootPath: abs, mounts: mounts, visit: func(x found) error {
		path := filepath.Join(folder, filepath.FromSlash(strings.TrimPrefix(x.path, "/")))
		switch {
		case x.reason == "" && x.info.mode.IsRegular():
			return visit(path, "", false, func() (*os.File, error) {
				f, _, err := x.in.openFile(x.name)
				return f, err
			})
		case x.reason == "" && x.info.mode&fs.ModeSymlink != 0:
			return visit(path, "symbolic link, not followed", false, nil)
		case x.reason == "":
			return visit(path, "not a regular file: "+kindOf(x.info.mode), false, nil)
		}
		return visit(path, x.reason, x.failed, nil)
	}}
	return w.walk(ctx, "/**")
}
