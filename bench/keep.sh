#!/bin/bash
# What an archive and encryption cost: `collect` into a plain tree, an archive, an encrypted tree and an encrypted archive, alternating, warm cache.
# usage: bench/keep.sh [ROUNDS] [CPU]     after `make build`; prints medians of wall and processor time, and their ratio to the plain tree
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
cpu=${2:-100%}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "fixture: $(bench/fixture.sh "$work"), --cpu $cpu on $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg)"
# A public key whose private half nobody has kept.
to=age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
names=(tree archive encrypted-tree encrypted-archive)
flags=("" "--archive" "--encrypt-to $to" "--archive --encrypt-to $to")
TIMEFORMAT='%R %U %S'
for _ in $(seq "$rounds"); do
	for i in "${!names[@]}"; do
		find "$work/root" -type f -exec cat {} + > /dev/null
		# shellcheck disable=SC2086 # the flags are words
		{ time ./bellwether collect --root "$work/root" --no-commands --iocs "$work/indicators.txt" --cpu "$cpu" --to "$work/out" --quiet ${flags[$i]} > "$work/summary"; } 2> "$work/time"
		tail -1 "$work/time" | awk '{ print $1, $2 + $3 }' >> "$work/${names[$i]}"
		rm -rf "$work/out"
	done
done
median() { cut -d' ' -f"$2" "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
wall=$(median "$work/tree" 1) own=$(median "$work/tree" 2)
for n in "${names[@]}"; do
	awk -v n="$n" -v w="$(median "$work/$n" 1)" -v c="$(median "$work/$n" 2)" -v w0="$wall" -v c0="$own" \
		'BEGIN { printf "%-18s wall %.2f s (%.2f x), processor %.2f s (%.2f x)\n", n, w, w / w0, c, c / c0 }'
done
