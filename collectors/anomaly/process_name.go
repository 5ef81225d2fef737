package anomaly

import (
	"path"
	"strings"

	"bellwether/collectors/procfs"
)

// kernelNames returns what the kernel's threads are called on this host and elsewhere, without what follows a slash or a number.
func kernelNames(ps []procfs.Process) map[string]bool {
	names := map[string]bool{}
	for _, n := range strings.Fields(usualKernelThreads) {
		names[n] = true
	}
	for _, p := range ps {
		if p.Kernel {
			names[threadFamily(p.Comm)] = true
		}
	}
	return names
}

const usualKernelThreads = `kthreadd kworker ksoftirqd migration cpuhp kdevtmpfs kauditd khungtaskd oom_reaper kcompactd ksmd khugepaged kintegrityd
	kblockd kswapd kthrotld watchdogd rcu_sched rcu_preempt rcu_bh rcu_gp rcu_par_gp jbd scsi_eh scsi_tmf ext kdmflush bioset crypto
	writeback netns md edac-poller irq idle_inject kstrp zswap_shrinker`

// threadFamily is the name of a thread without its number: kworker of kworker/0:1-events, scsi_eh of scsi_eh_0.
func threadFamily(comm string) string {
	comm, _, _ = strings.Cut(comm, "/")
	comm, _, _ = strings.Cut(comm, ":")
	return strings.TrimRight(comm, "0123456789_-")
}

func (h processHost) fakeKernel(row int, p procfs.Process) *Finding {
	title := ""
	if len(p.Cmdline) > 0 {
		title = p.Cmdline[0]
	}
	for _, name := range []string{title, p.Comm} {
		inner, ok := bracketedTitle(name)
		if !ok {
			continue
		}
		f := about(fakeKernelThread, row, p, "calls itself "+name+" and is no thread of the kernel")
		if h.kernel[threadFamily(inner)] {
			return f
		}
		return f.as(Medium)
	}
	// What the kernel starts by itself has the name of its worker until it is a program.
	if likeThread(p.Comm) && p.Exe != "" && path.Base(p.Exe) != p.Comm {
		return about(fakeKernelThread, row, p, "is called like a thread of the kernel, and runs "+p.Exe)
	}
	if title == "" && p.Exe != "" && p.Partial == "" {
		return about(fakeKernelThread, row, p, "has no command line, so that ps shows it in brackets, and runs "+p.Exe).as(Medium)
	}
	return nil
}

func bracketedTitle(s string) (string, bool) {
	s = strings.TrimSpace(s)
	inner, ok := strings.CutPrefix(s, "[")
	if !ok || !strings.Contains(inner, "]") && len(s) < 15 { // the kernel cuts names at 15 bytes
		return "", false
	}
	inner, rest, _ := strings.Cut(inner, "]")
	return inner, inner != "" && rest == ""
}

// likeThread reports whether a name has the form of those threads that there are many of, which no program has.
func likeThread(comm string) bool {
	family, rest, ok := strings.Cut(comm, "/")
	switch family {
	case "kworker", "ksoftirqd", "migration", "cpuhp", "irq", "idle_inject", "jbd2", "rcuop", "rcuog", "rcuos":
		return ok && rest != ""
	case "kthreadd", "khugepaged", "kdevtmpfs", "kauditd", "khungtaskd", "oom_reaper", "kswapd0", "kcompactd0", "rcu_sched", "rcu_preempt":
		return !ok
	}
	return false
}

func misnamed(row int, p procfs.Process) *Finding {
	if p.Claims == "" {
		return nil
	}
	f := about(nameMismatch, row, p, "calls itself like "+p.Claims+", and runs "+p.Exe, "claims", p.Claims)
	if procfs.OddPlace(p.Exe) == "" {
		return f.as(Low)
	}
	return f
}
