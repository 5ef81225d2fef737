package procfs

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Status is what /proc/PID/status says that the rest doesn't, see proc_pid_status(5).
type Status struct {
	Name       string
	TGID       int
	PID        int
	PPID       int
	Tracer     int
	UIDs       [4]uint32 // real, effective, saved, file system
	GIDs       [4]uint32
	Groups     []uint32
	RSS        int64 // bytes
	Threads    int
	CapEff     uint64
	CapPrm     uint64
	CapBnd     uint64
	NoNewPrivs bool
	Seccomp    int   // 0 off, 1 strict, 2 filter
	NSPIDs     []int // the process's numbers in the pid namespaces that it is in, ours first
}

// maxGroups is NGROUPS_MAX of the kernel.
const maxGroups = 65536

// ParseStatus reads /proc/PID/status. Lines that it doesn't know are passed over.
func ParseStatus(b []byte) (Status, error) {
	var s Status
	for line := range bytes.Lines(b) {
		name, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), ":")
		if !ok {
			continue
		}
		if err := s.set(name, strings.TrimSpace(value)); err != nil {
			return Status{}, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	if s.PID == 0 || s.TGID == 0 {
		return Status{}, fmt.Errorf("no Pid or Tgid")
	}
	return s, nil
}

func (s *Status) set(name, value string) (err error) {
	switch name {
	case "Name":
		s.Name = value
	case "Tgid":
		s.TGID, err = strconv.Atoi(value)
	case "Pid":
		s.PID, err = strconv.Atoi(value)
	case "PPid":
		s.PPID, err = strconv.Atoi(value)
	case "TracerPid":
		s.Tracer, err = strconv.Atoi(value)
	case "Threads":
		s.Threads, err = strconv.Atoi(value)
	case "Seccomp":
		s.Seccomp, err = strconv.Atoi(value)
	case "Uid":
		s.UIDs, err = fourIDs(value)
	case "Gid":
		s.GIDs, err = fourIDs(value)
	case "Groups":
		s.Groups, err = ids(value)
	case "NSpid":
		s.NSPIDs, err = pidList(value)
	case "VmRSS":
		s.RSS, err = kilobytes(value)
	case "NoNewPrivs":
		s.NoNewPrivs = value == "1"
	case "CapEff":
		s.CapEff, err = strconv.ParseUint(value, 16, 64)
	case "CapPrm":
		s.CapPrm, err = strconv.ParseUint(value, 16, 64)
	case "CapBnd":
		s.CapBnd, err = strconv.ParseUint(value, 16, 64)
	}
	return err
}

func ids(text string) ([]uint32, error) {
	var out []uint32
	for _, w := range strings.Fields(text) {
		n, err := strconv.ParseUint(w, 10, 32)
		if err != nil {
			return nil, err
		}
		if out = append(out, uint32(n)); len(out) >= maxGroups {
			break
		}
	}
	return out, nil
}

func fourIDs(text string) (four [4]uint32, err error) {
	all, err := ids(text)
	if err != nil {
		return four, err
	}
	if len(all) != 4 {
		return four, fmt.Errorf("%d numbers, not 4", len(all))
	}
	return [4]uint32(all), nil
}

func pidList(text string) ([]int, error) {
	all, err := ids(text)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, n := range all {
		out = append(out, int(n))
	}
	return out, nil
}

func kilobytes(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 53)
	return n << 10, err
}

// capabilities are the bits of capabilities(7), from 0.
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
	"net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot",
	"sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
	"audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
	"perfmon", "bpf", "checkpoint_restore",
}

// CapSysPtrace is the bit of the capability that sees every process.
const CapSysPtrace = 19

// capNames names the bits of a mask, "all" if there are all that the kernel has.
func capNames(mask, all uint64) []string {
	if mask == 0 {
		return nil
	}
	if mask == all {
		return []string{"all"}
	}
	var out []string
	for bit := range 64 {
		if mask>>bit&1 == 0 {
			continue
		}
		if bit < len(capabilities) {
			out = append(out, capabilities[bit])
		} else {
			out = append(out, strconv.Itoa(bit))
		}
	}
	return slices.Clip(out)
}
