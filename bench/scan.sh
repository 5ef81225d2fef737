#!/bin/bash
# Compares `bellwether scan` with what else can look for indicators in logs: side by side in one run, on one core, in interleaved rounds.
# usage: bench/scan.sh [-m MIB] [-n ROUNDS] [-s SEED] [-c CORE] [-q]
#   -m 256  MiB of plain text      -n 3  rounds      -s 1  seed of the corpus      -c 0  the core that all but one measurement run on
#   -q      quick: 64 MiB and one round, unless -m and -n come after it, and only what the goals speak of
# Prints MB of plain text per second of CPU (user and system, of all processes of a pipeline), the median of the rounds; peak memory of the largest
# process; the lines that were printed, beside those that are true. Nothing is installed: a tool that is missing is named and left out. What takes
# more than 60 s of CPU is stopped, and not tried with a longer list; what takes longer than 10 s is measured once. All output goes to files: GNU grep stops at its first match when it
# writes to /dev/null.
set -euo pipefail
cd "$(dirname "$0")/.."
mib=256 rounds=3 seed=1 core=0 quick=
while getopts m:n:s:c:q opt; do
	case $opt in
	m) mib=$OPTARG ;; n) rounds=$OPTARG ;; s) seed=$OPTARG ;; c) core=$OPTARG ;;
	q) quick=1 mib=64 rounds=1 ;;
	*) exit 2 ;;
	esac
done
limit=60
lists=(1 10 1k 10k 100k)
[ -z "$quick" ] || lists=(10 1k 10k 100k)
export LC_ALL=C.UTF-8

for needed in go taskset timeout /usr/bin/time; do
	command -v "$needed" > /dev/null || { echo "error: $needed is needed"; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

CGO_ENABLED=0 go build -trimpath -o "$work/bellwether" ./agent
CGO_ENABLED=0 go build -trimpath -tags purego -o "$work/bellwether-purego" ./agent
go run ./bench/mkcorpus -out "$work/corpus" -mib "$mib" -seed "$seed" -gz > "$work/made"
plain=$work/corpus/plain gz=$work/corpus/gz
bytes=$(find "$plain" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%d", n }')
packed=$(find "$gz" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%d", n }')
find "$gz" -type f -print0 > "$work/packed"

for n in "${lists[@]}"; do
	list=$work/corpus/indicators/$n.txt
	sed 's/[.[\*^$()+?{|]/\\&/g' "$list" | paste -sd '|' > "$work/pattern.$n"
	awk 'NR % 1000 == 1 { if (NR > 1) print "condition: any of them }"; printf "rule r%d { strings:\n", NR }
		{ printf "$s%d = \"%s\" ascii nocase\n", NR, $0 }
		END { print "condition: any of them }" }' "$list" > "$work/rules.$n.yar"
done

# A measurement is KEY|PROGRAM|COMMAND. The key is tree/tool/list; "-" stands for no list.
cases=()
missing=()
add() { # TREE TOOL LIST PROGRAM COMMAND
	if command -v "$4" > /dev/null; then
		cases+=("$1/$2/$3|$5")
	elif [[ " ${missing[*]-} " != *" $4 "* ]]; then
		missing+=("$4")
	fi
}
add gz "gzip -dc" - gzip "xargs -0 gzip -dc < '$work/packed' > /dev/null"
add gz "igzip -dc" - igzip "xargs -0 igzip -dc < '$work/packed' > /dev/null"
[ -n "$quick" ] || add gz "libdeflate-gunzip -c" - libdeflate-gunzip "xargs -0 libdeflate-gunzip -c < '$work/packed' > /dev/null"
[ -n "$quick" ] || add plain "wc -l" - wc "find '$plain' -type f -print0 | xargs -0 wc -l"
for n in "${lists[@]}"; do
	list=$work/corpus/indicators/$n.txt
	[ -z "$quick" ] || case $n in # these two have a goal of their own each
	1k)
		add gz "bellwether scan, purego" 1k bash "'$work/bellwether-purego' scan --iocs '$list' '$gz'"
		continue
		;;
	10k)
		add plain "bellwether scan" 10k bash "'$work/bellwether' scan --iocs '$list' '$plain'"
		add plain "LC_ALL=C grep -iaFnf" 10k grep "LC_ALL=C grep -r -iaFn -f '$list' '$plain'"
		continue
		;;
	esac
	add gz "bellwether scan" "$n" bash "'$work/bellwether' scan --iocs '$list' '$gz'"
	add gz "bellwether scan, purego" "$n" bash "'$work/bellwether-purego' scan --iocs '$list' '$gz'"
	add gz "find, zcat, grep -iaE" "$n" zcat "find '$gz' -name '*.gz' -exec zcat {} + | grep -iaE \"\$(cat '$work/pattern.$n')\""
	add gz "ugrep -z -iaFnf" "$n" ugrep "ugrep -z -r -J1 -iaFn -f '$list' '$gz'"
	[ -z "$quick" ] || continue
	add plain "bellwether scan" "$n" bash "'$work/bellwether' scan --iocs '$list' '$plain'"
	add plain "LC_ALL=C grep -iaFnf" "$n" grep "LC_ALL=C grep -r -iaFn -f '$list' '$plain'"
	add gz "zgrep -iaFnf" "$n" zgrep "xargs -0 zgrep -iaFn -f '$list' < '$work/packed'"
	add gz "LC_ALL=C zgrep -iaFnf" "$n" zgrep "LC_ALL=C; export LC_ALL; xargs -0 zgrep -iaFn -f '$list' < '$work/packed'"
	add gz "rg -z -iaFnf" "$n" rg "rg -z -j1 -uu -iaFn -f '$list' '$gz'"
	add plain "bellwether scan, purego" "$n" bash "'$work/bellwether-purego' scan --iocs '$list' '$plain'"
	add plain "rg -iaFnf" "$n" rg "rg -j1 -uu -iaFn -f '$list' '$plain'"
	add plain "ugrep -iaFnf" "$n" ugrep "ugrep -r -J1 -iaFn -f '$list' '$plain'"
	add plain "yara, files alone" "$n" yara "yara -r -p 1 -w '$work/rules.$n.yar' '$plain'"
done
add gz2 "bellwether scan" 10 bash "'$work/bellwether' scan --iocs '$work/corpus/indicators/10.txt' '$gz'"
add gz2 "bellwether scan" 100k bash "'$work/bellwether' scan --iocs '$work/corpus/indicators/100k.txt' '$gz'"

declare -A cpu wall peak lines problem done hopeless
TIMEFORMAT='%3R %3U %3S'
# measure KEY COMMAND: one run. On two cores what counts is the time on the clock, on one core that of the CPU.
measure() {
	local key=$1 cores=$core code=0 real user sys
	[[ $key != gz2/* ]] || cores=$core,$((core + 1))
	rm -f "$work/rss"
	{ time taskset -c "$cores" timeout $((3 * limit)) /usr/bin/time -q -f %M -o "$work/rss" bash -o pipefail -c "ulimit -t $limit; $2" > "$work/out" 2> "$work/err" || code=$?; } 2> "$work/time"
	read -r real user sys < "$work/time"
	if [ "$code" -ge 124 ] && [ "$code" != 126 ] && [ "$code" != 127 ]; then
		problem[$key]="not done in $limit s"
		hopeless[${key%/*}]=1
	elif [ "$code" -gt 1 ] || [ -s "$work/err" ]; then
		problem[$key]="refused: $(head -1 "$work/err" | tr '|' ' ' | sed "s|$work/||g; s/^bash: line [0-9]*: //" | cut -c1-60)"
	else
		cpu[$key]+="$(awk -v u="$user" -v s="$sys" 'BEGIN { printf "%.3f", u + s }') "
		wall[$key]+="$real "
		lines[$key]=$(wc -l < "$work/out")
		peak[$key]=$(awk -v m="${peak[$key]-0}" '{ if ($1 > m) m = $1 } END { print m }' "$work/rss")
	fi
	if [ -n "${problem[$key]-}" ] || awk -v r="$real" 'BEGIN { exit !(r > 10) }'; then
		done[$key]=1
	fi
}
find "$work/corpus" -type f -exec cat {} + > /dev/null
for r in $(seq "$rounds"); do
	for c in "${cases[@]}"; do
		key=${c%%|*}
		if [ -z "${cpu[$key]-}${problem[$key]-}" ] && [ -n "${hopeless[${key%/*}]-}" ]; then
			problem[$key]="not tried: a shorter list was not done in $limit s" done[$key]=1
		fi
		[ -n "${done[$key]-}" ] || measure "$key" "${c#*|}"
	done
	echo "round $r of $rounds" >&2
done

median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
seconds() { [ -z "${cpu[$1]-}" ] || median <<< "${cpu[$1]}"; }
clock() { [ -z "${wall[$1]-}" ] || median <<< "${wall[$1]}"; }
speed() { awk -v b="$bytes" -v s="$1" 'BEGIN { printf "%.0f", b / 1e6 / s }'; }

# what KEY OURS: the cells of a tool, with how many times faster we are
what() {
	local s ours
	s=$(seconds "$1")
	if [ -z "$s" ]; then
		echo "| ${problem[$1]-not measured} | | | "
		return
	fi
	ours=$(seconds "$2")
	awk -v b="$bytes" -v s="$s" -v o="${ours:-0}" -v m="${peak[$1]}" -v l="${lines[$1]}" \
		'BEGIN { r = o > 0 ? sprintf("%.2f", s / o) : ""; v = b / 1e6 / s; printf "| %." (v < 10) "f | %s | %.0f | %d |\n", v, r, m / 1024, l }'
}
table() { # TREE
	echo "| indicators | tool | MB/s | ours is faster by | MiB | lines |"
	echo "|---|---|---|---|---|---|"
	for c in "${cases[@]}"; do
		key=${c%%|*}
		[[ $key == "$1"/*/- ]] && echo "| none | $(cut -d/ -f2 <<< "$key") $(what "$key" "$1/bellwether scan/10")"
	done
	for n in "${lists[@]}"; do
		for c in "${cases[@]}"; do
			key=${c%%|*}
			[[ $key == "$1"/*/"$n" ]] && echo "| $n | $(cut -d/ -f2 <<< "$key") $(what "$key" "$1/bellwether scan/$n")"
		done
	done
	return 0
}

echo
echo "$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), core $core, $rounds rounds, $(date -u +%Y-%m-%d). $(cat "$work/made" | sed "s| in .*||") in $((bytes / 1000000)) MB, $((packed / 1000000)) MB as .gz"
for n in "${lists[@]}"; do
	rank=${n/k/000}
	awk -F '\t' -v n="$rank" -v name="$n" '$3 == "hit" && $4 < n { c++ } END { printf "%s indicators: %d lines are true\n", name, c }' "$work/corpus/truth.tsv"
done
for tool in gzip igzip libdeflate-gunzip grep rg ugrep yara; do
	command -v $tool > /dev/null && echo "$tool: $({ $tool --version || $tool -V; } 2> /dev/null | head -1 | cut -c1-60)"
done
[ ${#missing[@]} = 0 ] || echo "not installed, not measured: ${missing[*]}"
echo; echo "One core, .gz:"; echo; table gz
echo; echo "One core, plain:"; echo; table plain

# goal TEXT RATIO AT-LEAST
goal() {
	if [ -z "$2" ]; then
		echo "| $1 | not measured | $3 | |"
	else
		awk -v t="$1" -v r="$2" -v g="$3" 'BEGIN { printf "| %s | %.2f | %s | %s |\n", t, r, g, (r >= g ? "met" : "missed") }'
	fi
}
ratio() { # SECONDS-OF-THEIRS SECONDS-OF-OURS
	[ -z "$1" ] || [ -z "$2" ] || awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'
}
# lowest KEY: what a tool that was stopped needed at least
lowest() {
	local s
	s=$(seconds "$1")
	[ -n "$s" ] || [[ ${problem[$1]-} != not\ done* ]] || s=$limit
	echo "$s"
}
echo; echo "| goal | measured | at least | |"; echo "|---|---|---|---|"
ten=$(seconds "gz/bellwether scan/10") most=$(seconds "gz/bellwether scan/100k") gunzip=$(seconds "gz/gzip -dc/-")
goal "10 indicators, .gz, × gzip -dc" "$(ratio "$gunzip" "$ten")" 3
goal "10 indicators, .gz, × find, zcat, grep" "$(ratio "$(lowest "gz/find, zcat, grep -iaE/10")" "$ten")" 5
goal "10 indicators, .gz, × igzip -dc" "$(ratio "$(seconds "gz/igzip -dc/-")" "$ten")" 0.7
goal "100,000 indicators, .gz, × gzip -dc" "$(ratio "$gunzip" "$most")" 2.3
goal "100,000 indicators, .gz, × ugrep -z" "$(ratio "$(lowest "gz/ugrep -z -iaFnf/100k")" "$most")" 15
goal "100,000 indicators, .gz: 64 MiB / peak memory" "$(ratio 65536 "${peak["gz/bellwether scan/100k"]-}")" 1
goal "1,000 indicators, .gz, purego, × gzip -dc" "$(ratio "$gunzip" "$(seconds "gz/bellwether scan, purego/1k")")" 1.8
goal "10,000 indicators, plain, × grep -iaFf (C)" "$(ratio "$(lowest "plain/LC_ALL=C grep -iaFnf/10k")" "$(seconds "plain/bellwether scan/10k")")" 25
goal "two cores × one, 10 indicators, .gz" "$(ratio "$(clock "gz/bellwether scan/10")" "$(clock "gz2/bellwether scan/10")")" 1.8
goal "two cores × one, 100,000 indicators, .gz" "$(ratio "$(clock "gz/bellwether scan/100k")" "$(clock "gz2/bellwether scan/100k")")" 1.8
