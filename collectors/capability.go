package collectors

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// capNames are the capabilities by their number, see linux/capability.h.
var capNames = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
	"net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin",
	"sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override",
	"mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
}

// Forms of the extended attribute security.capability, see linux/capability.h: a word with the revision and the effective flag, then one or
// two pairs of permitted and inheritable, and in the third revision the root of the user namespace that it holds in.
const (
	capRevisionMask = 0xff000000
	capEffective    = 1
)

// fileCapability says what an attribute gives, as getcap prints it: cap_net_raw=ep. What is not understood is shown as bytes.
func fileCapability(attr []byte) string {
	size := map[uint32]int{0x01000000: 12, 0x02000000: 20, 0x03000000: 24}
	if len(attr) < 4 {
		return fmt.Sprintf("unknown (% x)", attr)
	}
	head := binary.LittleEndian.Uint32(attr)
	if want, ok := size[head&capRevisionMask]; !ok || len(attr) != want {
		return fmt.Sprintf("unknown (% x)", attr)
	}
	permitted, inheritable := uint64(binary.LittleEndian.Uint32(attr[4:])), uint64(binary.LittleEndian.Uint32(attr[8:]))
	if len(attr) >= 20 {
		permitted |= uint64(binary.LittleEndian.Uint32(attr[12:])) << 32
		inheritable |= uint64(binary.LittleEndian.Uint32(attr[16:])) << 32
	}
	text := capText(permitted, inheritable, head&capEffective != 0)
	if len(attr) == 24 {
		if root := binary.LittleEndian.Uint32(attr[20:]); root != 0 {
			text += fmt.Sprintf(" [rootid=%d]", root)
		}
	}
	return text
}

// capText groups the capabilities by what they are: permitted, inheritable, effective.
func capText(permitted, inheritable uint64, effective bool) string {
	var groups []string
	for _, g := range []struct {
		set   uint64
		flags string
	}{{permitted & inheritable, "ip"}, {inheritable &^ permitted, "i"}, {permitted &^ inheritable, "p"}} {
		if g.set == 0 {
			continue
		}
		flags := g.flags
		if effective {
			flags = "e" + flags
		}
		sign := "=" // and + from the second on, as libcap has it
		if len(groups) > 0 {
			sign = "+"
		}
		groups = append(groups, capList(g.set)+sign+flags)
	}
	if len(groups) == 0 {
		return "="
	}
	return strings.Join(groups, " ")
}

func capList(set uint64) string {
	var names []string
	for n := range 64 {
		switch {
		case set&(1<<n) == 0:
		case n < len(capNames):
			names = append(names, "cap_"+capNames[n])
		default:
			names = append(names, fmt.Sprintf("%d", n))
		}
	}
	return strings.Join(names, ",")
}
