#!/bin/bash
# A booted Debian userland on this machine, for tests: systemd as pid 1 in namespaces of its own, about a second a boot, no virtual machine.
# usage: host.sh make ROOT            debootstrap a small server into ROOT (one to two minutes; needs debootstrap and Debian's archive)
#        host.sh up ROOT              boot it; without a network but loopback
#        host.sh run ROOT CMD...      run a command in it, as root
#        host.sh down ROOT            shut it down
# Root only. Kernel and clock are this machine's; what is planted must keep to files, processes and sockets.
set -euo pipefail
verb=$1 root=$(readlink -m "$2")
shift 2
pidfile=$root.pid
packages=systemd,systemd-sysv,dbus,cron,rsyslog,logrotate,procps,iproute2,util-linux,kmod,openssh-server,sudo,libcap2-bin,e2fsprogs,login,passwd,busybox-static

# init prints the pid that the machine's pid 1 has out here.
init() { cat "/proc/$(cat "$pidfile")/task/$(cat "$pidfile")/children" 2> /dev/null | cut -d' ' -f1; }

inside() { nsenter --target "$(init)" --all -- "$@"; }

state() { inside systemctl is-system-running 2> /dev/null || true; }

case $verb in
make)
	mkdir -p "$root"
	debootstrap --variant=minbase --include="$packages" bookworm "$root" > "$root.log" 2>&1 || { tail -5 "$root.log"; exit 1; }
	echo testhost > "$root/etc/hostname"
	;;
up)
	# systemd-nspawn wants /run in memory and one hierarchy of control groups; both are given to it in a mount namespace of its own.
	ROOT=$root unshare --mount --propagation private bash -c '
		mount -t tmpfs tmpfs /run
		umount -R -l /sys/fs/cgroup 2> /dev/null || true
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
		exec systemd-nspawn --quiet --boot --directory="$ROOT" --private-network --register=no --keep-unit --machine="$(basename "$ROOT")" --console=pipe
	' > "$root.console" 2>&1 < /dev/null &
	echo $! > "$pidfile"
	for _ in $(seq 300); do
		case $(state) in running | degraded) exit 0 ;; esac
		kill -0 "$(cat "$pidfile")" 2> /dev/null || break
		sleep 0.1
	done
	echo "the host did not boot:"; tail -5 "$root.console"
	exit 1
	;;
run) inside "$@" ;;
down)
	pid=$(cat "$pidfile")
	one=$(init)
	[ -z "$one" ] || kill -s RTMIN+4 "$one" 2> /dev/null || true # systemd's own signal to power off
	for _ in $(seq 100); do
		kill -0 "$pid" 2> /dev/null || break
		sleep 0.1
	done
	kill -9 "$pid" 2> /dev/null || true
	rm -f "$pidfile"
	;;
*) exit 2 ;;
esac
