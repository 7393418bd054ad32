#!/bin/bash
# SPDX-License-Identifier: MIT
# scale.sh - cost and size against the number of fds, threads, processes, distinct stacks and events so far.
# Called by bench.sh.
. "$(dirname "$0")/lib.sh"
bench_build || exit 1
bench_place
hard=$(ulimit -Hn)
pin=$pin_server

lost() { printf '%s\t%s\n' "$1" "$2" >>"$not_run"; } # WHAT WHY

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
	read -rt 300 line <&9
	touched_bytes >"$tmp/touched"
	exec 8>&- 9<&-
	wait "$pid"
	rm -f "$tmp/in" "$tmp/out"
	echo "$line"
}

# A number of the latest report: counted FIELD.
counted() {
	"$O/fdwhy" report --json --no-symbols --no-stop "$session" 2>/dev/null |
		grep -oE "\"$1\":[0-9]+" | head -n 1 | cut -d: -f2
}

fds() { # COUNT ROUND: above the fake kernel, where the cost of the kernel's own table is not seen
	local io cycle mode made
	below=$bin/fakekernel.so
	pin="$bin/bench_limit 1048576 $pin_server"
	for mode in bare fdwhy; do
		read -r made _ io cycle _ < <(run_until_ready $mode fds "$1")
		[ "${made:-0}" -ge $(($1 - 2)) ] || { lost "$1 fds, $mode" "only ${made:-none} could be made"; continue; }
		sample scale "send_recv, $1 fds" $mode "$2" "$io" ns
		sample scale "open_close, $1 fds" $mode "$2" "$cycle" ns
		[ $mode = fdwhy ] || continue
		sample scale "record, $1 fds" $mode "$2" "$(cat "$tmp/touched")" bytes
		[ "$2$1" = 11000000 ] && sample scale "fds known of $1" $mode 1 "$(counted peak)" fds
	done
	below="" pin=$pin_server
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

threads() { # COUNT ROUND: on all processors
	local mode
	pin=
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
	pin=$pin_server
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

events() { # COUNT: one process, one place; the report must count each
	local mode ns io got
	below=$bin/fakekernel.so
	for mode in bare fdwhy; do
		read -r ns io _ < <(run_until_ready $mode events "$1")
		[ -n "${ns:-}" ] || { lost "$1 events, $mode" "it did not end in time"; continue; }
		sample scale "EAGAIN, $1 in all" $mode 1 "$ns" ns
		sample scale "send_recv, after $1 EAGAINs" $mode 1 "$io" ns
		[ $mode = fdwhy ] || continue
		sample scale "record, after $1 EAGAINs" $mode 1 "$(cat "$tmp/touched")" bytes
		got=$(counted eagain)
		sample scale "counted of $1 EAGAINs" $mode 1 "${got:-0}" events
		[ "$got" = "$1" ] || lost "$1 events" "WRONG: the report counts ${got:-none}"
	done
	below=
}

# Counters of a record set to just below 2^32, and uses of its fds to just below 2^31, where they would wrap; then
# the process goes on. The file is its storage.
old_age() { # COUNT
	local pid line before=$(((1 << 32) - $1 / 2)) after got
	empty_session
	below=$bin/fakekernel.so
	mkfifo "$tmp/in" "$tmp/out"
	(exec_it=1 in_mode fdwhy "$bin/bench_scale" events "$1") <"$tmp/in" >"$tmp/out" 2>/dev/null &
	pid=$!
	exec 8>"$tmp/in" 9<"$tmp/out"
	read -rt 60 line <&9
	"$bin/bench_preset" "$session"/*.rec $before $(((1 << 31) - $1 / 2)) && echo >&8 && read -rt 60 line <&9
	exec 8>&- 9<&-
	wait "$pid"
	rm -f "$tmp/in" "$tmp/out"
	below=
	after=$((before + 2 * $1))
	got=$(counted eagain)
	[ "$got" = "$after" ] || lost "past 2^32 events" "WRONG: the report counts ${got:-none}, not $after"
	read -r ns io _ <<<"$line"
	sample scale "EAGAIN, past 2^32 (preset)" fdwhy 1 "$ns" ns
	sample scale "send_recv, past 2^31 (preset)" fdwhy 1 "$io" ns
	sample scale "counted past 2^32 (preset)" fdwhy 1 "${got:-0}" events
	empty_session
}

# What a command takes: three samples; nanoseconds become what is easier to read.
cost() { # WHAT COMMAND...
	local wall cpu most
	"$bin/bench_run" "$tmp/cost" "${@:2}" >/dev/null 2>&1 </dev/null || lost "$1" "it failed"
	read -r wall cpu most <"$tmp/cost"
	sample scale "$1" fdwhy 1 "$wall" ns
	sample scale "$1, processor" fdwhy 1 "$cpu" ns
	sample scale "$1, memory" fdwhy 1 "$most" bytes
}

# Short programs in one session, each of which leaves something to say; then what reading it takes.
processes() { # COUNT
	local n
	empty_session
	for mode in bare fdwhy; do
		sample scale "a program, $1 started" $mode 1 "$(BENCH_ENV="$([ $mode = fdwhy ] && echo "LD_PRELOAD=$so FDWHY_SESSION=$session" || echo BENCH=1)" \
			$pin "$bin/bench_calls" start "$1")" ns
	done
	n=$(find "$session" -type f | wc -l)
	sample scale "files of $1 quiet programs" fdwhy 1 "$n" files
	empty_session
	BENCH_CHILD=eagain BENCH_ENV="LD_PRELOAD=$so FDWHY_SESSION=$session" "$bin/bench_calls" start "$1" >/dev/null
	n=$(find "$session" -name '*.rec' | wc -l)
	sample scale "records of $1 with an EAGAIN" fdwhy 1 "$n" files
	sample scale "size of such a record" fdwhy 1 "$(($(touched_bytes) / (n ? n : 1)))" bytes
	cost "report of $n records, text" "$O/fdwhy" report "$session"
	cost "report of $n records, JSON" "$O/fdwhy" report --json "$session"
	empty_session
}

for round in $(seq "${ROUNDS_SCALE:-3}"); do
	for n in 10 100 1000 10000 100000 1000000; do fds $n "$round"; done
	real_fds "$round"
	for n in 1 2 4 8 16; do threads $n "$round"; done
	for n in 1 10 20 100 1000 10000 100000; do stacks $n "$round"; done
	progress "fds, threads and stacks, round $round"
	[ $((SECONDS - began)) -lt "${PART_S:-99999}" ] || break
done
for n in ${EVENTS:-1000 10000 100000 1000000}; do
	events "$n"
	progress "$n events"
done
old_age 100000
for n in ${PROCESSES:-10 100 1000}; do
	processes "$n"
	progress "$n processes"
done
exit 0
