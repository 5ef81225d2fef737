package uploadertest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

const startTimeout = 30 * time.Second

// tool returns the path of what a test needs and is not part of the repository: name, in the folder that
// BELLWETHER_TOOLS names, or .cache/tools at the root of the repository. The name tells the version. If it isn't there,
// build makes it in a folder of its own, and returns where; it is moved to its place, so that nobody uses a half of it.
// Test packages that ask for it at once build it once.
func tool(ctx context.Context, name string, build func(ctx context.Context, dir string) (string, error)) (string, error) {
	dir := os.Getenv("BELLWETHER_TOOLS")
	if dir == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".cache", "tools")
	}
	name = filepath.Join(dir, name)
	if exists(name) {
		return name, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // whoever runs the tests chose it
		return "", err
	}
	unlock, err := lockedfile.MutexAt(name + ".lock").Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(name) {
		return name, nil
	}
	fresh, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()     //nolint:gosec // made above
	if err := os.Chmod(fresh, 0o755); err != nil { //nolint:gosec // others may run tests too
		return "", err
	}
	made, err := build(ctx, fresh)
	if err != nil {
		return "", err
	}
	return name, os.Rename(made, name) //nolint:gosec // whoever runs the tests chose it
}

func exists(name string) bool {
	_, err := os.Stat(name) //nolint:gosec // whoever runs the tests chose it
	return err == nil
}

// moduleRoot returns the folder of go.mod, at or above the current one.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above")
		}
		dir = up
	}
}

// start runs a server until the end of the test, and returns when the URL ready answers.
func start(t testing.TB, cmd *exec.Cmd, ready string) error {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	stop := func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	if err := waitFor(t.Context(), ready, ended); err != nil {
		stop()
		return fmt.Errorf("%s: %w\n%s", cmd.Path, err, out.Bytes())
	}
	t.Cleanup(stop)
	return nil
}

func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// waitFor waits until url is answered and not with an error of the server, or the server has ended.
func waitFor(ctx context.Context, url string, ended <-chan struct{}) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // that there is an answer is all that is asked
	}}
	deadline := time.After(startTimeout)
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode < http.StatusInternalServerError {
				return nil
			}
		}
		select {
		case <-ended:
			return errors.New("ended at once")
		case <-deadline:
			return fmt.Errorf("not ready after %s: %w", startTimeout, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
