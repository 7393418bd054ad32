#!/bin/bash
# SPDX-License-Identifier: MIT
# bench.sh [PART...] - measures, prints tables, leaves $O/bench.json. Parts: calls instructions servers scale
# (default: all). What a part measured is kept until it is measured again, and all are joined; a part that
# fails leaves the others' results, and its own of before.
# bench.sh --doc     writes docs/bench.md, docs/bench.svg and the README's paragraph from $O/bench.json
# bench.sh --tables  prints the tables of $O/bench.json
# bench.sh --join    makes $O/bench.json of what is there, that of a run that was stopped included
# FULL=1: 25 pairs, or as many as 30 minutes allow. QUICK=1: a try of everything in a few minutes, no figures.
# PAIRS, ROUNDS, REQUESTS, ...: single settings. DOC, README: other files for --doc.
# Private directories, loopback and UNIX sockets only; servers are stopped by pid.
. "$(dirname "$0")/lib.sh"
# What a terminal or a CI runner leaks is not measured: each fork and start asks about it. 255 is this script.
for leaked in /proc/self/fd/*; do
	leaked=${leaked##*/}
	[ "$leaked" -le 2 ] || [ "$leaked" -eq 255 ] || eval "exec $leaked>&-"
done
json=$O/bench.json
parts=$bin/parts
. "$here/doc.sh"

set_sizes() {
	if [ -n "${FULL:-}" ]; then
		export PAIRS=${PAIRS:-25} ROUNDS=${ROUNDS:-25} ROUNDS_SCALE=${ROUNDS_SCALE:-5} PART_S=${PART_S:-420}
		export SERVER_S=${SERVER_S:-55} STARTS=${STARTS:-4} PROCESSES=${PROCESSES:-10 100 1000 10000}
		export EVENTS=${EVENTS:-1000 10000 100000 1000000 10000000 100000000 1000000000}
	elif [ -n "${QUICK:-}" ]; then
		export PAIRS=${PAIRS:-1} ROUNDS=${ROUNDS:-1} ROUNDS_SCALE=${ROUNDS_SCALE:-1} HEAVY_ROUNDS=${HEAVY_ROUNDS:-1}
		export SERVER_S=${SERVER_S:-1} STARTS=${STARTS:-1} REQUESTS=${REQUESTS:-1500} PROCESSES=${PROCESSES:-10}
		export EVENTS=${EVENTS:-1000 100000}
	fi
}

machine() {
	local model
	model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	printf 'cores\t%s\nprocessor\t%s\nkernel\t%s\nlibc\t%s\ncompiler\t%s\n' \
		"$(nproc)" "$(uname -m)${model:+, $model}" "$(uname -r | sed 's/-.*//')" \
		"$(getconf GNU_LIBC_VERSION)" "$(${CC:-cc} --version | head -n 1)"
}

# When a part was measured, of what, and how busy the machine was before the first of them.
about() { # PART SECONDS
	printf '%s\t%s, %s s, library %s\nload before %s\t%s\n' "$1" "$(date -u +%F)" "$2" \
		"$(readelf -n "$so" 2>/dev/null | sed -n 's/.*Build ID: \(.\{8\}\).*/\1/p')" "$1" "$load"
}

run_part() { # PART
	local start=$SECONDS status=0
	: >"$parts/$1.new.tsv" && : >"$parts/$1.new.not_run"
	BENCH_RESULTS=$parts/$1.new.tsv BENCH_NOT_RUN=$parts/$1.new.not_run bash "$here/$1.sh" 7>&- || status=1
	[ -s "$parts/$1.new.tsv" ] || status=1
	about "$1" $((SECONDS - start)) >"$parts/$1.new.machine"
	keep "$1" $status
	return $status
}

# What a part measured takes the place of what it measured before. Of one that failed, was stopped or measured
# some servers only, results of the same name do, and the others stay.
keep() { # PART STATUS
	local new=$parts/$1.new old=$parts/$1
	if [ -s "$new.tsv" ]; then
		if [ -s "$old.tsv" ] && { [ "$2" != 0 ] || [ -n "${SERVERS:-}" ]; }; then
			awk -F'\t' 'NR == FNR { made[$1, $2] = 1; next } !(($1, $2) in made)' "$new.tsv" "$old.tsv" >>"$new.tsv.all"
			cat "$new.tsv" >>"$new.tsv.all"
			mv "$new.tsv.all" "$new.tsv"
			awk -F'\t' 'NR == FNR { sub(/-cpu$/, "", $2); made[$2] = 1; next } { split($1, w, " ") } !(w[1] in made)' \
				"$new.tsv" "$old.not_run" >>"$new.not_run"
		fi
		mv "$new.tsv" "$old.tsv"
		sort -u "$new.not_run" >"$old.not_run"
		[ ! -s "$new.machine" ] || mv "$new.machine" "$old.machine"
	fi
	rm -f "$new".*
}

join_parts() {
	local p
	: >"$bin/results.tsv" && : >"$bin/not_run.tsv"
	machine >"$bin/machine.tsv"
	for p in calls instructions servers scale; do
		[ -s "$parts/$p.tsv" ] || { printf '%s\tthis part was not measured\n' "$p" >>"$bin/not_run.tsv"; continue; }
		cat "$parts/$p.machine" 2>/dev/null >>"$bin/machine.tsv"
		cat "$parts/$p.tsv" >>"$bin/results.tsv"
		cat "$parts/$p.not_run" >>"$bin/not_run.tsv"
	done
	sort -u "$bin/not_run.tsv" -o "$bin/not_run.tsv" # what is missing in each part is said once
	[ -s "$bin/results.tsv" ] || { echo "bench: nothing was measured" >&2; return 1; }
	awk -f "$here/summary.awk" "$bin/machine.tsv" "$bin/not_run.tsv" "$bin/results.tsv" >"$json.new" && mv "$json.new" "$json"
}

case ${1:-} in
--doc) write_doc; exit ;;
--tables) tables && exit ;;
--join)
	for part in "$parts"/*.new.tsv; do [ -e "$part" ] && part=${part##*/} && keep "${part%.new.tsv}" 1; done
	join_parts
	exit
	;;
-*) echo "usage: bench.sh [--doc|--tables|--join|PART...]" >&2 && exit 2 ;;
esac
set_sizes
mkdir -p "$parts"
exec 7>"$bin/lock"
flock -n 7 || { echo "bench: another one runs in $bin" >&2; exit 1; }
bench_build || exit 1
# The end of other work is still in the load for a while: a full run waits for it, but not for ever.
quiet_now() { awk -v c="$(nproc)" '{ exit !($1 <= c / 2) }' /proc/loadavg; }
[ -z "${FULL:-}" ] || quiet_now || { progress "waits until the machine is quiet"; wait_for 180 quiet_now; }
load=$(cut -d' ' -f1 /proc/loadavg)
start=$SECONDS failed=
[ $# -eq 0 ] && set -- calls instructions servers scale
for part in "$@"; do
	progress "$part"
	run_part "$part" || failed="$failed $part"
done
join_parts || exit 1
tables
echo "bench: $((SECONDS - start)) s; $json"
[ -z "$failed" ] || { echo "bench: failed:$failed" >&2; exit 1; }
