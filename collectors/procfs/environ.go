package procfs

import (
	"bytes"
	"strings"
)

// keptEnviron are the only variables that are read out of the environment of a process: the others are where credentials stand.
var keptEnviron = []string{"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "HISTFILE", "SSH_CONNECTION"}

// maxValue bounds what is kept of one variable, in bytes.
const maxValue = 4096

// ParseEnviron reads /proc/PID/environ and returns those of the five variables LD_PRELOAD, LD_LIBRARY_PATH, LD_AUDIT, HISTFILE and
// SSH_CONNECTION that are set, nil if none is. As in the C library, the first of several counts.
func ParseEnviron(b []byte) map[string]string {
	var out map[string]string
	for entry := range bytes.SplitSeq(b, []byte{0}) {
		for _, name := range keptEnviron {
			value, ok := bytes.CutPrefix(entry, []byte(name+"="))
			if !ok {
				continue
			}
			if out == nil {
				out = map[string]string{}
			}
			if _, taken := out[name]; !taken {
				out[name] = string(value[:min(len(value), maxValue)])
			}
		}
	}
	return out
}

// maxCmdline bounds what is kept of a command line, in bytes.
const maxCmdline = 16 << 10

// ParseCmdline reads /proc/PID/cmdline. A process may have written anything over it.
func ParseCmdline(b []byte) []string {
	b = b[:min(len(b), maxCmdline)]
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(b), "\x00")
}
