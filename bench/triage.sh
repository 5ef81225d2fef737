#!/bin/bash
# The whole triage of this host beside a shell script that asks the same questions of the host's own tools: time on the clock and peak memory.
# usage: bench/triage.sh [ROUNDS]     after `make build`; root, or the half of the host stays unseen
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/shell.sh" <<'SH'
# One question, one walk: as the cheat sheets have it.
out=$1; mkdir -p "$out"; cd "$out"
ps auxwwf > ps; ps -eo pid,ppid,lstart,args > ps.times
ls -alR /proc/[0-9]*/exe /proc/[0-9]*/cwd > proc 2> /dev/null; sha256sum /proc/[0-9]*/exe > proc.sums 2> /dev/null
ls -l /proc/[0-9]*/fd > fd 2> /dev/null; grep -s memfd /proc/[0-9]*/maps > memfd
ss -anp > ss; cat /proc/net/raw /proc/net/packet > raw 2> /dev/null; lsmod > lsmod; ls /sys/module > modules; cat /proc/mounts > mounts
last -F > last; lastb -F > lastb; utmpdump /var/log/wtmp > wtmp 2> /dev/null; lastlog > lastlog
find / -xdev -printf '0|%p|%i|%M|%U|%G|%s|%A@|%T@|%C@|%B@\n' > bodyfile 2> /dev/null
find / -xdev -type d -name '.*' > hidden 2> /dev/null
find / -xdev -type f \( -perm -4000 -o -perm -2000 \) -ls > suid 2> /dev/null
find / -xdev \( -nouser -o -nogroup \) -ls > ownerless 2> /dev/null
find / -xdev -type d -perm -0002 ! -perm -1000 > writable 2> /dev/null
find / -xdev -mtime -1 > recent 2> /dev/null
find / -xdev -name 'authorized_keys*' > keys 2> /dev/null
find / -xdev -name '.*history' -ls > histories 2> /dev/null
getcap -r / > capabilities 2> /dev/null
lsattr -R / 2> /dev/null | grep -e '----i' > immutable
find / -xdev -type f -perm /0111 -exec sha256sum {} + > executables 2> /dev/null
dpkg --verify > verify 2> /dev/null || rpm -Va > verify 2> /dev/null
for u in $(cut -d: -f1 /etc/passwd); do crontab -l -u "$u"; done > crontabs 2> /dev/null
cp -a /etc/cron* /var/spool/cron . 2> /dev/null
cp -a /var/log log
find . -type f -exec sha256sum {} + > SUMS
SH

timed() { # FILE CMD...: seconds and MiB of the largest process
	local to=$1
	shift
	/usr/bin/time -q -f '%e %M' -o "$work/time" "$@" > "$work/said" 2>&1 || true
	awk '{ printf "%.2f %.0f\n", $1, $2 / 1024 }' "$work/time" >> "$work/$to"
}
for _ in $(seq "$rounds"); do
	timed ours ./bellwether collect --incident bench --to "$work/out" --quiet --wait 10m
	head -1 "$work/said" >> "$work/verdicts"
	cat "$work"/out/bench/*/state/walk/bodyfile.txt | wc -l > "$work/files"
	cat "$work"/out/bench/*/state/walk/executables.txt | wc -l > "$work/programs"
	rm -rf "$work/out"
	timed shell bash "$work/shell.sh" "$work/case"
	rm -rf "$work/case"
done
median() { cut -d' ' -f"$1" "$work/$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
tail -1 "$work/verdicts"
awk -v a="$(median 1 ours)" -v b="$(median 1 shell)" -v m="$(sort -n -k2 "$work/ours" | tail -1 | cut -d' ' -f2)" -v f="$(cat "$work/files")" -v e="$(cat "$work/programs")" -v p="$(ls -d /proc/[0-9]* | wc -l)" 'BEGIN {
	printf "%d files and folders, %d programs hashed, %d processes: collect %.1f s (goal: at most 15), shell script %.1f s, ratio %.1f; peak %d MiB (goal: at most 64)\n", f, e, p, a, b, b / a, m }'
