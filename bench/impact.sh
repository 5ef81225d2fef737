#!/bin/bash
# What a run costs the server that it runs on: wrk against nginx on this machine, with and without `bellwether collect` beside it, alternating.
# usage: bench/impact.sh [ROUNDS] [SECONDS]     after `make build`; needs nginx and wrk; root, for the whole triage
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5} seconds=${2:-12} port=18080
for needed in nginx wrk; do
	command -v $needed > /dev/null || { echo "error: $needed is needed"; exit 2; }
done
work=$(mktemp -d)
nginx_pid='' run_pid=''
finish() {
	[ -z "$run_pid" ] || kill "$run_pid" 2> /dev/null || true
	[ -z "$nginx_pid" ] || kill "$nginx_pid" 2> /dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
mkdir "$work/www"
head -c 1024 /dev/zero | tr '\0' x > "$work/www/index.html"
cat > "$work/nginx.conf" <<CONF
worker_processes 2;
daemon off;
pid $work/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
  access_log $work/access.log;
  server { listen 127.0.0.1:$port; root $work/www; }
}
CONF
nginx -c "$work/nginx.conf" 2> "$work/nginx.err" &
nginx_pid=$!
for _ in $(seq 50); do (exec 3<> /dev/tcp/127.0.0.1/$port) 2> /dev/null && break; sleep 0.1; done

# load: requests a second and the 99th percentile in milliseconds
load() {
	: > "$work/access.log"
	wrk -t1 -c16 -d"${seconds}s" --latency "http://127.0.0.1:$port/" > "$work/wrk"
	awk '/99%/ { v = $2; ms = v + 0; if (v ~ /us$/) ms /= 1000; else if (v ~ /[0-9]s$/) ms *= 1000; p = ms } /^Requests\/sec/ { r = $2 } END { print r, p }' "$work/wrk"
}
runs() { # one triage after the other, for as long as it is let
	while :; do
		./bellwether collect --to "$work/out" --incident impact --quiet --wait 10m > "$work/summary" 2>&1 || true
		rm -rf "$work/out"
		echo x >> "$work/runs"
	done
}
: > "$work/without"; : > "$work/with"; : > "$work/runs"
load > /dev/null # to warm up
for _ in $(seq "$rounds"); do
	load >> "$work/without"
	runs & run_pid=$!
	sleep 0.5
	load >> "$work/with"
	kill "$run_pid"; pkill -INT -P "$run_pid" || true; wait "$run_pid" 2> /dev/null || true
	run_pid=''
	rm -rf "$work/out"
done
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
for f in without with; do
	cut -d' ' -f1 "$work/$f" | median > "$work/$f.rps"
	cut -d' ' -f2 "$work/$f" | median > "$work/$f.p99"
done
awk -v a="$(cat "$work/without.rps")" -v b="$(cat "$work/with.rps")" -v c="$(cat "$work/without.p99")" -v d="$(cat "$work/with.p99")" -v n="$(wc -l < "$work/runs")" 'BEGIN {
	printf "requests a second: %.0f without, %.0f beside a run: %+.1f %% (goal: at least -5 %%)\n", a, b, (b / a - 1) * 100
	printf "99th percentile: %.2f ms without, %.2f ms beside a run: %+.1f %% (goal: at most +10 %%)\n", c, d, (d / c - 1) * 100 }'
