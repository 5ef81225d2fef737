package collectors

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// toolExtensions are what a program's file may end with.
var toolExtensions = []string{"", ".exe", ".com"}

// toolPath is where commands are looked for. The environment has no say in it: it may be the attacker's.
func toolPath() []string {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil
	}
	return []string{system, filepath.Join(system, "wbem"), filepath.Join(system, "WindowsPowerShell", "v1.0")}
}

// cleanEnv is the whole environment of a command.
func cleanEnv() []string {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil
	}
	root := filepath.Dir(system)
	return []string{
		"SystemRoot=" + root, "SystemDrive=" + filepath.VolumeName(root), "windir=" + root,
		"PATH=" + system + ";" + filepath.Join(system, "wbem") + ";" + filepath.Join(system, "WindowsPowerShell", "v1.0"),
		"PATHEXT=.COM;.EXE",
	}
}

func shellArgv(line string) []string { return []string{"cmd.exe", "/d", "/c", line} }

func executableMode(fs.FileMode) bool { return true }

func endSignal(*os.ProcessState) string { return "" }
