package procfs

import (
	"strconv"
	"strings"
)

// A Setting is a setting or a state of the kernel.
type Setting struct {
	Name  string `json:"name"` // as sysctl(8) has it
	Value string `json:"value"`
	Means string `json:"means,omitempty"`
}

// Names of settings that rules look at.
const (
	Tainted     = "kernel.tainted"
	CorePattern = "kernel.core_pattern"
)

// settings are those that say how the kernel can be hooked, what it starts by itself, and what it lets users do.
var settings = strings.Fields(`
	kernel.ostype kernel.osrelease kernel.version kernel.hostname kernel.random.boot_id kernel.tainted
	kernel.core_pattern kernel.core_uses_pid kernel.modprobe kernel.hotplug kernel.poweroff_cmd kernel.usermodehelper.bset
	kernel.modules_disabled kernel.kexec_load_disabled kernel.ftrace_enabled kernel.kptr_restrict kernel.dmesg_restrict kernel.perf_event_paranoid
	kernel.unprivileged_bpf_disabled kernel.unprivileged_userns_clone kernel.yama.ptrace_scope kernel.randomize_va_space kernel.sysrq
	kernel.pid_max kernel.ns_last_pid kernel.threads-max kernel.io_uring_disabled
	fs.suid_dumpable fs.protected_hardlinks fs.protected_symlinks fs.protected_fifos fs.protected_regular
	net.core.bpf_jit_enable net.core.bpf_jit_harden net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.accept_redirects
	net.ipv4.conf.all.send_redirects net.ipv4.conf.all.route_localnet net.ipv4.icmp_echo_ignore_all net.ipv4.ip_local_port_range
	user.max_user_namespaces vm.mmap_min_addr vm.overcommit_memory dev.tty.legacy_tiocsti`)

// Settings reads the settings of the kernel that matter, its command line, and its security modules. Those that this kernel doesn't have are
// left out.
func (f FS) Settings() []Setting {
	var out []Setting
	add := func(name, file string) {
		if b, err := f.Read(file); err == nil {
			out = append(out, Setting{Name: name, Value: strings.TrimSpace(string(b))})
		}
	}
	add("cmdline", "proc/cmdline")
	add("lockdown", "sys/kernel/security/lockdown")
	add("lsm", "sys/kernel/security/lsm")
	for _, name := range settings {
		add(name, "proc/sys/"+strings.ReplaceAll(name, ".", "/"))
	}
	if f.binfmtMounted() {
		add("fs.binfmt_misc.status", binfmtDir[1:]+"/status")
	}
	for i, s := range out {
		if s.Name == Tainted {
			out[i].Means = taintText(s.Value)
		}
	}
	return out
}

// taintText says what a value of kernel.tainted means.
func taintText(value string) string {
	mask, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return ""
	}
	if mask == 0 {
		return "not tainted"
	}
	var out []string
	for _, t := range DecodeTaint(mask) {
		out = append(out, t.Letter+": "+t.Means)
	}
	return strings.Join(out, "; ")
}

// Exists reports whether there is a file of a name, following links.
func (f FS) Exists(name string) bool {
	_, err := f.stat(name)
	return err == nil
}
