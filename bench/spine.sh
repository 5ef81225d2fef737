#!/bin/bash
# Compares `bellwether collect` with `cp -a` plus `sha256sum` of the same files, side by side, alternating, warm cache.
# usage: bench/spine.sh [ROUNDS]     after `make build`; prints each round, the medians and their ratio, and the peak memory
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
size=$(bench/fixture.sh "$work")
echo "fixture: $size"
root=$work/root

now() { date +%s%N; }
warm() { find "$root" -type f -exec cat {} + > /dev/null; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

: > "$work/ours"; : > "$work/theirs"; : > "$work/peak"
for r in $(seq "$rounds"); do
	warm; start=$(now)
	cp -a "$root" "$work/copy"; (cd "$work/copy" && find . -type f -exec sha256sum {} + > "$work/sums")
	theirs=$((($(now) - start) / 1000000)); rm -rf "$work/copy"

	warm; start=$(now)
	measure=(); [ -x /usr/bin/time ] && measure=(/usr/bin/time -f %M -o "$work/rss")
	"${measure[@]}" ./bellwether collect --root "$root" --no-commands --iocs "$work/indicators.txt" --to "$work/out" --quiet > "$work/summary"
	ours=$((($(now) - start) / 1000000)); rm -rf "$work/out"
	[ -f "$work/rss" ] && cat "$work/rss" >> "$work/peak"

	echo "$ours" >> "$work/ours"; echo "$theirs" >> "$work/theirs"
	echo "round $r: collect ${ours} ms, cp -a + sha256sum ${theirs} ms"
done
head -1 "$work/summary"
a=$(median < "$work/ours"); b=$(median < "$work/theirs")
awk -v a="$a" -v b="$b" 'BEGIN { printf "median: collect %d ms, cp -a + sha256sum %d ms, ratio %.2f (goal: at most 1.5)\n", a, b, a / b }'
if [ -s "$work/peak" ]; then
	sort -n "$work/peak" | tail -1 | awk '{ printf "peak memory: %.1f MiB (goal: at most 64)\n", $1 / 1024 }'
else
	echo "peak memory: not measured, /usr/bin/time is not installed"
fi
