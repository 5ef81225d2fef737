#!/bin/bash
# What the scan costs inside collect: CPU time of the same run with and without indicators, side by side, alternating, plain logs, warm cache.
# usage: bench/tap.sh [ROUNDS]     after `make build`
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bench/fixture.sh "$work" > /dev/null
rm -f "$work"/root/var/log/nginx/*.gz
TIMEFORMAT='%U %S'

# cpu ARGS: milliseconds of CPU, user and system
cpu() {
	find "$work/root" -type f -exec cat {} + > /dev/null
	{ time ./bellwether collect --root "$work/root" --no-commands --to "$work/out" --quiet "$@" > "$work/summary"; } 2> "$work/time"
	rm -rf "$work/out"
	awk '{ printf "%d\n", ($1 + $2) * 1000 }' "$work/time"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

: > "$work/without"; : > "$work/with"
for _ in $(seq "$rounds"); do
	cpu >> "$work/without"
	cpu --iocs "$work/indicators.txt" >> "$work/with"
done
awk -v a="$(median < "$work/without")" -v b="$(median < "$work/with")" \
	'BEGIN { printf "CPU of collect, 200 MB of plain logs: without indicators %d ms, with 100 indicators %d ms, ratio %.2f (goal: at most 1.20)\n", a, b, b / a }'
