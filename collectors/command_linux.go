package collectors

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// toolExtensions are what a program's file may end with.
var toolExtensions = []string{""}

// toolPath is where commands are looked for. The environment has no say in it: it may be the attacker's.
func toolPath() []string {
	return []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"}
}

// cleanEnv is the whole environment of a command. HOME names no directory, so that no file of a user (.toprc, .lsofrc,
// .docker/config.json) changes what a command prints.
func cleanEnv() []string {
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin",
		"LC_ALL=C", "TZ=UTC", "HOME=/nonexistent", "TERM=dumb", "COLUMNS=512", "PAGER=cat", "SYSTEMD_PAGER=cat", "SYSTEMD_COLORS=0",
	}
}

func shellArgv(line string) []string { return []string{"/bin/sh", "-c", line} }

func executableMode(m fs.FileMode) bool { return m&0o111 != 0 }

// endSignal names the signal that ended a process, or returns "".
func endSignal(state *os.ProcessState) string {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return ""
	}
	return unix.SignalName(ws.Signal())
}
