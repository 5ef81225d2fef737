package collectors

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"bellwether/collectors/procfs"
)

// parsePS reads the process ids in the output of ps. Which column has them is for the headings to say: that of "ps aux" is the second of procps,
// and the first of BusyBox, which takes no notice of the options. Without a heading nothing is read.
func parsePS(b []byte) map[string]int {
	out := map[string]int{}
	column := -1
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		if column < 0 {
			if column = slices.Index(f, "PID"); column < 0 {
				return out
			}
			continue
		}
		if len(f) <= column {
			continue
		}
		if n, err := strconv.Atoi(f[column]); err == nil && n > 0 {
			out[strconv.Itoa(n)] = 1
		}
	}
	return out
}

// foreignPS says why a list of ps is not one of the processes that this process sees, "" if it is: it names this one or its parent, or at least
// half of what the kernel lists.
func foreignPS(kernel, said map[string]int) string {
	for _, own := range []int{os.Getpid(), os.Getppid()} {
		if said[strconv.Itoa(own)] > 0 {
			return ""
		}
	}
	shared := 0
	for pid := range kernel {
		shared += said[pid]
	}
	if shared*2 >= len(kernel) {
		return ""
	}
	return fmt.Sprintf("its output is not understood: it names neither this process nor its parent, and %d of %d others", shared, len(kernel))
}

// parseSS reads the output of ss -tuan: Netid State Recv-Q Send-Q Local:Port Peer:Port.
func parseSS(b []byte) map[string]int {
	return socketLines(b, func(f []string) (proto, state, local, remote string, ok bool) {
		if len(f) < 6 {
			return "", "", "", "", false
		}
		return f[0], f[1], f[4], f[5], true
	})
}

// parseNetstat reads the output of netstat -tuan: Proto Recv-Q Send-Q Local Foreign State.
func parseNetstat(b []byte) map[string]int {
	return socketLines(b, func(f []string) (proto, state, local, remote string, ok bool) {
		if len(f) < 5 {
			return "", "", "", "", false
		}
		if len(f) > 5 {
			state = f[5]
		}
		return strings.TrimSuffix(f[0], "6"), state, f[3], f[4], true
	})
}

// socketLines counts the sockets in a list. Tools write addresses in different ways, so the ports tell sockets apart.
func socketLines(b []byte, fields func([]string) (proto, state, local, remote string, ok bool)) map[string]int {
	out := map[string]int{}
	for line := range bytes.Lines(b) {
		proto, state, local, remote, ok := fields(strings.Fields(string(line)))
		if !ok || proto != "tcp" && proto != "udp" {
			continue
		}
		l, ok1 := portOf(local)
		r, ok2 := portOf(remote)
		if key := socketKey(proto, state, l, r); ok1 && ok2 && key != "" {
			out[key]++
		}
	}
	return out
}

// portOf returns the port behind the last colon, 0 for a star.
func portOf(address string) (uint16, bool) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return 0, false
	}
	if address[i+1:] == "*" {
		return 0, true
	}
	n, err := strconv.ParseUint(address[i+1:], 10, 16)
	return uint16(n), err == nil
}

// socketKey names a socket for the comparison, "" for one in a state that passes by itself.
func socketKey(proto, state string, local, remote uint16) string {
	switch state {
	case "LISTEN", "LISTENING":
		return fmt.Sprintf("%s port %d, listening", proto, local)
	case "ESTAB", "ESTABLISHED":
		return fmt.Sprintf("%s port %d connected to port %d", proto, local, remote)
	}
	if proto == "udp" {
		return fmt.Sprintf("udp port %d", local)
	}
	return ""
}

// listSockets counts the TCP and UDP sockets that the kernel lists.
func listSockets(fs procfs.FS) (map[string]int, error) {
	sockets, err := fs.Sockets(os.Getpid(), "tcp", "tcp6", "udp", "udp6")
	out := map[string]int{}
	for _, s := range sockets {
		state := s.State
		if state == "UNCONN" {
			state = ""
		}
		if key := socketKey(strings.TrimSuffix(s.Family, "6"), state, s.LocalPort, s.RemotePort); key != "" {
			out[key]++
		}
	}
	return out, err
}

// parseLsmod reads the output of lsmod: Module Size Used by.
func parseLsmod(b []byte) map[string]int {
	out := map[string]int{}
	for line := range bytes.Lines(b) {
		if f := strings.Fields(string(line)); len(f) >= 3 && f[0] != "Module" {
			out[f[0]] = 1
		}
	}
	return out
}

func listModules(fs procfs.FS) (map[string]int, error) {
	b, err := fs.Read("proc/modules")
	out := map[string]int{}
	for _, m := range procfs.ParseModules(b) {
		out[m.Name] = 1
	}
	return out, err
}

// parseLs reads the output of ls -a1.
func parseLs(b []byte) map[string]int {
	out := map[string]int{}
	for line := range bytes.Lines(b) {
		out[strings.TrimSuffix(string(line), "\n")] = 1
	}
	return out
}

// listNames returns the names in a folder. One with a line break can't be found in what ls prints, and is left out.
func listNames(dir string) (map[string]int, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(maxCompared)
	if err != nil && err != io.EOF { //nolint:errorlint // Readdirnames returns it as it is
		return nil, err
	}
	out := map[string]int{}
	for _, n := range names {
		if !strings.Contains(n, "\n") {
			out[n] = 1
		}
	}
	return out, nil
}

func listPIDs(fs procfs.FS) (map[string]int, error) {
	pids, err := fs.PIDs()
	out := map[string]int{}
	for _, p := range pids {
		out[strconv.Itoa(p)] = 1
	}
	return out, err
}

// describePID says which process a tool has left out.
func describePID(fs procfs.FS, pid string) string {
	comm, err := fs.Read("proc/" + pid + "/comm")
	if err != nil {
		return "pid " + pid
	}
	text := "pid " + pid + " (" + strings.TrimSpace(string(comm))
	if exe, err := fs.Link("proc/" + pid + "/exe"); err == nil {
		text += ", " + exe
	}
	return text + ")"
}
