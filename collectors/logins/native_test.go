package logins

import (
	"runtime"
	"testing"
)

// nativeSize is the length of a record on the system that the tools of the test were built for.
func nativeSize(t *testing.T) int {
	t.Helper()
	if runtime.GOARCH == "arm64" {
		return size64
	}
	return size32
}
