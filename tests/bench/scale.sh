#!/bin/bash
# SPDX-License-Identifier: MIT
# scale.sh - cost and size against the number of fds, threads, processes and distinct stacks. Called by
# bench.sh.
. "$(dirname "$0")/lib.sh"
bench_build || exit 1
bench_place
hard=$(ulimit -Hn)

# Bytes of the records that are real: the kernel counts what was ever touched.
touched_bytes() { find "$session" -name '*.rec' -printf '%b\n' | awk '{ n += $1 * 512 } END { printf "%.0f\n", n }'; }

# run_until_ready MODE ARGS...: prints what it says; leaves touched bytes in $tmp/touched.
run_until_ready() {
	local mode=$1 pid line
	shift
	empty_session
	mkfifo "$tmp/in" "$tmp/out"
	(exec_it=1 in_mode "$mode" "$bin/bench_scale" "$@") <"$tmp/in" >"$tmp/out" 2>/dev/null &
	pid=$!
	exec 8>"$tmp/in" 9<"$tmp/out"
	read -rt 60 line <&9
	touched_bytes >"$tmp/touched"
	exec 8>&- 9<&-
	wait "$pid"
	rm -f "$tmp/in" "$tmp/out"
	echo "$line"
}

fds() { # COUNT ROUND: above the fake kernel, where the cost of the kernel's own table is not seen
	local io cycle mode
	below=$bin/fakekernel.so
	for mode in bare fdwhy; do
		read -r _ _ io cycle _ < <(run_until_ready $mode fds "$1")
		[ -n "${cycle:-}" ] || continue
		sample scale "send_recv, $1 fds" $mode "$2" "$io" ns
		sample scale "open_close, $1 fds" $mode "$2" "$cycle" ns
		[ $mode = fdwhy ] && sample scale "record, $1 fds" $mode "$2" "$(cat "$tmp/touched")" bytes
	done
	below=
}

# Real fds, as many as the hard limit allows.
real_fds() { # ROUND
	local io cycle mode small n=$((hard > 100000 ? 100000 : hard - 10))
	for mode in bare fdwhy; do
		read -r _ _ io cycle _ < <(run_until_ready $mode fds $n)
		[ -n "${cycle:-}" ] || continue
		sample scale "send_recv, $n real fds" $mode "$1" "$io" ns
		sample scale "open_close, $n real fds" $mode "$1" "$cycle" ns
	done
	small=$(run_until_ready fdwhy fds 64 >/dev/null; cat "$tmp/touched")
	run_until_ready fdwhy fds $n >/dev/null
	sample scale "memory for one more open fd" fdwhy "$1" \
		"$(awk -v a="$small" -v b="$(cat "$tmp/touched")" -v n=$n 'BEGIN { print (b - a) / (n - 64) }')" bytes
}

threads() { # COUNT ROUND
	local mode
	below=$bin/fakekernel.so
	for mode in bare fdwhy; do
		sample scale "send_recv, $1 threads" $mode "$2" "$(in_mode $mode "$bin/bench_scale" threads "$1")" ns
		empty_session
	done
	below=
	for mode in bare fdwhy; do
		sample scale "kernel send_recv, $1 threads" $mode "$2" \
			"$(in_mode $mode "$bin/bench_scale" threads "$1")" ns
		empty_session
	done
}

stacks() { # COUNT ROUND
	local mode ns
	below=$bin/fakekernel.so
	for mode in bare fdwhy; do
		read -r ns _ < <(run_until_ready $mode stacks "$1")
		[ -n "$ns" ] && sample scale "EAGAIN, $1 stacks in turn" $mode "$2" "$ns" ns
		[ $mode = fdwhy ] && sample scale "record, $1 stacks" $mode "$2" "$(cat "$tmp/touched")" bytes
	done
	below=
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# Short programs in one session, each of which leaves something to say; then what reading it takes.
processes() { # COUNT
	local start t n
	empty_session
	start=$(now_ms)
	BENCH_ENV="LD_PRELOAD=$so FDWHY_SESSION=$session" "$bin/bench_calls" start "$1" >/dev/null
	t=$(now_ms)
	sample scale "$1 programs started" fdwhy 1 $((t - start)) ms
	n=$(find "$session" -type f | wc -l)
	sample scale "files of $1 quiet programs" fdwhy 1 "$n" files
	empty_session
	start=$(now_ms)
	BENCH_CHILD=eagain BENCH_ENV="LD_PRELOAD=$so FDWHY_SESSION=$session" "$bin/bench_calls" start "$1" >/dev/null
	n=$(find "$session" -name '*.rec' | wc -l)
	sample scale "records of $1 with an EAGAIN" fdwhy 1 "$n" files
	sample scale "size of such a record" fdwhy 1 "$(($(touched_bytes) / (n ? n : 1)))" bytes
	start=$(now_ms)
	"$O/fdwhy" report --json "$session" >"$tmp/report" 2>/dev/null
	sample scale "report of $n records" fdwhy 1 $(($(now_ms) - start)) ms
	empty_session
}

rounds=${ROUNDS_SCALE:-3}
for round in $(seq "$rounds"); do
	for n in 10 100 1000 10000 100000; do fds $n "$round"; done
	real_fds "$round"
	for n in 1 2 4 8 16; do threads $n "$round"; done
	for n in 1 10 100 1000 10000 100000; do stacks $n "$round"; done
done
# The shim makes room for as many as the hard limit allows, so that one is raised where that is allowed.
if ulimit -Hn 1000100 2>/dev/null; then
	fds 1000000 1
else
	printf '%s\t%s\n' "1000000 fds" "the hard limit of open files is $hard and may not be raised" >>"$not_run"
fi
for n in ${PROCESSES:-10 100 1000}; do processes "$n"; done
