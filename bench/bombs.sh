#!/bin/bash
# Scans what was made to make a scanner stop: a decompression bomb of 10 MB that holds 10 GB, a file of 1 GB without a newline, one long
# stream of gzip members, an archive that holds itself many times. Prints time, peak memory and what was said; fails if a hit before the limit was lost.
# usage: bench/bombs.sh [PATH-OF-BELLWETHER]     needs 3 GB in TMPDIR, and zip for one of the cases
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ours=${1:-$work/bellwether}
[ $# -gt 0 ] || CGO_ENABLED=0 go build -trimpath -o "$ours" ./agent
printf '203.0.113.7\nevil.example\n' > "$work/iocs.txt"
failed=0

# check NAME EXPECTED-IN-STDOUT EXPECTED-EXIT MEBIBYTES: one scan
check() {
	local code=0 seconds memory
	/usr/bin/time -q -f '%e %M' -o "$work/cost" timeout 300 "$ours" scan --iocs "$work/iocs.txt" "$work/$1" > "$work/out" 2> "$work/err" || code=$?
	read -r seconds memory < "$work/cost"
	printf '%-12s %14d bytes, %6.2f s, %4d MiB, exit %d: %s\n' "$1" "$(stat -c %s "$work/$1")" "$seconds" $((memory / 1024)) "$code" "$(sed "s|$work/||g" "$work/err" | head -c 200)"
	grep -q "$2" "$work/out" || { echo "  FAILED: the hit was lost"; failed=1; }
	[ "$code" = "$3" ] || { echo "  FAILED: exit $3 was expected"; failed=1; }
	[ $((memory / 1024)) -le "$4" ] || { echo "  FAILED: more than $4 MiB"; failed=1; }
	rm -f "${work:?}/$1"
}

(printf 'from 203.0.113.7\n'; head -c 10G /dev/zero) | gzip -6 > "$work/bomb.gz"
check bomb.gz 'bomb.gz:1:from 203.0.113.7' 2 64

# the same as members of 64 MiB, one behind the other
head -c 64M /dev/zero | gzip -6 > "$work/member"
(printf 'from 203.0.113.7\n' | gzip; for _ in $(seq 160); do cat "$work/member"; done) > "$work/members.gz"
check members.gz 'members.gz:1:from 203.0.113.7' 2 64

# a bomb in a bomb
(printf 'from 203.0.113.7\n' | gzip; for _ in $(seq 160); do cat "$work/member"; done) | gzip -9 > "$work/twice.gz"
check twice.gz 'twice.gz:1:from 203.0.113.7' 2 64

(head -c 500M /dev/zero | tr '\0' 'a'; printf ' 203.0.113.7 '; head -c 500M /dev/zero | tr '\0' 'b'; printf ' evil.example') > "$work/line.log"
check line.log ':1:a* 203.0.113.7 b*' 0 64
(printf 'from 203.0.113.7\n'; head -c 1G /dev/zero) > "$work/zeros.log"
check zeros.log ':1:from 203.0.113.7' 0 64

if command -v zip > /dev/null; then
	head -c 200M /dev/zero > "$work/zeros"
	printf 'from 203.0.113.7\n' > "$work/first"
	(cd "$work" && zip -q 1.zip zeros && for i in $(seq 2 40); do cp 1.zip "$i.zip"; done && zip -q all.zip first [0-9]*.zip && rm -f zeros first [0-9]*.zip)
	check all.zip '203.0.113.7' 2 64
else
	echo "not installed, not measured: zip"
fi
exit $failed
