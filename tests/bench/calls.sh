#!/bin/bash
# SPDX-License-Identifier: MIT
# calls.sh - nanoseconds per call, by kind of call and by tool. Rounds are interleaved; light tools get
# ROUNDS of them, or as many as PART_S seconds allow, on one processor; heavy ones three short ones, anywhere.
# Called by bench.sh.
. "$(dirname "$0")/lib.sh"
bench_build || exit 1
bench_place

# name, count for light and for heavy tools; a few milliseconds each
OPS="send_recv:20000:500 write_read:20000:500 eagain:50000:500 eagain_turn:10000:500 eagain_first:1:1 eagain_cold:900:50
stacks_1000:50000:500 stacks_new:500:200 open_close:10000:500 socket_close:5000:500 dup_close:20000:500
fcntl_getfl:50000:500 fcntl_setfl:50000:500 connect:5000:200 connect_new:500:100 connect_file_new:500:100
fork:100:40 exec:40:20"
# The same above a kernel that answers at once: what is left is the shim's own.
FAKED="send_recv:200000 eagain:100000 eagain_turn:50000 eagain_cold:900 stacks_1000:50000 stacks_new:500
open_close:100000 socket_close:100000 dup_close:100000 fcntl_getfl:100000 fcntl_setfl:100000"

run_op() { # GROUP OP COUNT MODE ROUND
	local ns warm=$(($3 / 10))
	[[ $2 = *_new ]] && warm=0
	# What the kernel knows is gathered when a place has failed 2^n times: these are measured in between.
	case $1:$2 in
	calls-short:stacks_1000) warm=1000 ;;
	*:stacks_1000) warm=70000 ;;
	calls:eagain_cold | faked:eagain_cold) warm=1100 ;;
	esac
	ns=$(limit=60 in_mode "$4" "$bin/bench_calls" "$2" "$3" "$warm" 2>/dev/null </dev/null |
		grep -Ex '[0-9.]+' | tail -n 1)
	[ -n "$ns" ] && sample "$1" "$2" "$4" "$5" "$ns" ns
	empty_session
}

# Processor time of parent and child: on a busy machine it says more than the clock.
run_cpu() { # OP COUNT MODE ROUND
	local ns
	ns=$(limit=60 BENCH_CPU=1 in_mode "$3" "$bin/bench_calls" "$1" "$2" 10 2>/dev/null </dev/null | grep -Ex '[0-9.]+' | tail -n 1)
	[ -n "$ns" ] && sample calls "$1, processor" "$3" "$4" "$ns" ns
	empty_session
}

# What it takes to start a program; its parent runs bare.
run_start() { # MODE ROUND
	local list
	case $1 in
	bare | bare-again) list=BENCH=1 ;;
	empty) list="LD_PRELOAD=$bin/empty.so" ;;
	fdwhy) list="LD_PRELOAD=$so FDWHY_SESSION=$session" ;;
	*) return ;;
	esac
	sample calls start "$1" "$2" "$(BENCH_ENV=$list $pin "$bin/bench_calls" start 60 10)" ns
	sample calls "start, processor" "$1" "$2" "$(BENCH_CPU=1 BENCH_ENV=$list $pin "$bin/bench_calls" start 60 10)" ns
	empty_session
}

light_round() { # ROUND
	local op name count mode
	for op in $OPS; do
		IFS=: read -r name count _ <<<"$op"
		for mode in $(shuffled $light); do run_op calls "$name" "$count" "$mode" "$1"; done
	done
	for op in fork:60 exec:30; do
		for mode in $(shuffled $light); do run_cpu "${op%:*}" "${op#*:}" "$mode" "$1"; done
	done
	for mode in $(shuffled bare bare-again empty fdwhy); do run_start "$mode" "$1"; done
	below=$bin/fakekernel.so
	for op in $FAKED; do
		for mode in $(shuffled bare bare-again pass fdwhy fdwhy-no-stacks fdwhy-armed); do
			run_op faked "${op%:*}" "${op#*:}" "$mode" "$1"
		done
	done
	below=
}

heavy_round() { # ROUND
	local op name count mode n
	for op in $OPS; do
		IFS=: read -r name _ count <<<"$op"
		for mode in $(shuffled bare bare-again $heavy); do
			n=$count
			[ "$mode" = strace-k ] && n=$(((count + 9) / 10))
			run_op calls-short "$name" "$n" "$mode" "$1"
		done
	done
}

light=$(modes_that_run $LIGHT pass)
heavy=$(modes_that_run $HEAVY)
for round in $(seq "${HEAVY_ROUNDS:-3}"); do
	heavy_round "$round"
	progress "heavy tools, round $round"
done
pin=$pin_server
for round in $(seq "${ROUNDS:-12}"); do
	light_round "$round"
	progress "light tools, round $round of ${ROUNDS:-12}"
	[ $((SECONDS - began)) -lt "${PART_S:-99999}" ] || break
done
exit 0
