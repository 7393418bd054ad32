#!/bin/bash
# SPDX-License-Identifier: MIT
# servers.sh - throughput and processor time per request of real servers under each tool. Called by bench.sh.
#
# All light modes of a server run at once and are asked in turns, PAIRS rounds or until SERVER_S seconds are over;
# a few times they are all started anew, because where a process happens to lie in memory makes one differ from
# the next by more than a tool does. Heavy tools are asked three short times, each beside two bare ones.
. "$(dirname "$0")/lib.sh"
. "$here/server_kinds.sh"
bench_build || exit 1
bench_place
REQUESTS=${REQUESTS:-30000}
PAIRS=${PAIRS:-5}
SERVER_S=${SERVER_S:-20}
STARTS=${STARTS:-2}

processes_of() { tree_of "$1" | wc -l; }
# Backends and replaced children end a moment after their last answer: the tree is as large as before.
settled() { [ "$(processes_of "$1")" -le "$2" ]; }

measure() { # SERVER MODE ROUND REQUESTS [-short]
	local pid=${pid_of[$2]} before n cpu rps size
	size=$(processes_of "$pid")
	before=$(cpu_ns "$pid")
	read -r rps n cpu < <("load_$1" "$tmp/$1-$2" "$4" "$2")
	if [ -z "${n:-}" ]; then
		why_not "$1 under $2" "it did not answer $4 requests"
		return
	fi
	[ -n "$cpu" ] || wait_for 5 settled "$pid" "$size"
	[ -n "$cpu" ] || cpu=$(awk -v a="$before" -v b="$(cpu_ns "$pid")" -v n="$n" 'BEGIN { print (b - a) / n }')
	sample "servers${5:-}" "$1" "$2" "$3" "$rps" per_s
	sample "servers${5:-}" "$1-cpu" "$2" "$3" "$cpu" ns
}

why_not() { # WHAT WHY: once
	grep -Fqs "$1	" "$not_run" ||
		printf '%s\t%s\n' "$1" "$(tr '\t"\\' '   ' <<<"$2" | cut -c1-100)" >>"$not_run"
}

# One that hangs with its tool, as php-fpm was seen to under strace -k, must not stop all.
guard() { # PID
	# shellcheck disable=SC2046
	timeout "${SERVER_MOST_S:-300}" tail --pid="$1" -f /dev/null || kill -9 $(tree_of "$1")
}

up() { # SERVER MODE: sets pid_of[mode]
	local d=$tmp/$1-$2 pid
	rm -rf "$d"
	mkdir -p "$d"
	"start_$1" "$d" "$2"
	pid=$!
	pid_of[$2]=$pid
	pids="$pids $pid"
	guard "$pid" 2>/dev/null &
	wait_for 40 ready_or_gone "$1" "$d" "$pid" && ! gone "$pid" && return
	end_of "$pid" "$d/log"
	why_not "$1 under $2" "$ended"
	return 1
}

end_of() { # PID LOG: in words, in $ended
	local status=0
	ended="it did not answer in 40 s"
	gone "$1" || return
	wait "$1" || status=$?
	ended="it did not start: $(tail -n 1 "$2" 2>/dev/null)"
	[ $status -le 128 ] || ended="it was ended by signal $((status - 128))"
}

ready_or_gone() { # SERVER DIR PID
	"ready_$1" "$2" || gone "$3"
}

# A tracer does not pass the signal on: its tree is stopped, the servers first.
down() {
	local p q trees=
	for p in "$@"; do trees="$trees $(tree_of "$p" | tac)"; done
	# shellcheck disable=SC2086
	kill $trees 2>/dev/null
	# shellcheck disable=SC2086
	wait_for 10 gone $trees || kill -9 $trees 2>/dev/null
	for p in "$@"; do
		wait "$p" 2>/dev/null
		for q in $p; do pids=${pids/ $q/}; done
	done
	empty_session
}

# Bytes of the records of one server under load.
record_size() { # SERVER
	find "$session" -name '*.rec' -printf '%b\n' | awk '{ if ($1 * 512 > n) n = $1 * 512 } END { if (n) printf "%.0f\n", n }'
}

# Of these throughput is compared, which takes more rounds to say anything; a round of nginx takes a second a mode.
seconds_for() { # SERVER
	case $1 in
	nginx) echo $((SERVER_S * 7 / 2)) ;;
	redis) echo $((SERVER_S * 3 / 2)) ;;
	*) echo "$SERVER_S" ;;
	esac
}

light_rounds() { # SERVER
	local server=$1 round=0 end n mode runs size=
	end=$((SECONDS + $(seconds_for "$1")))
	while [ "$round" -lt "$PAIRS" ] && { [ $SECONDS -lt $end ] || [ "$round" -lt 3 ]; }; do
		runs=
		for mode in $light; do up "$server" "$mode" && runs="$runs $mode"; done
		for ((n = 0; n < (PAIRS + STARTS - 1) / STARTS; n++)); do
			[ "$round" -ge "$PAIRS" ] || { [ $SECONDS -ge $end ] && [ "$round" -ge 3 ]; } && break
			round=$((round + 1))
			# The first requests after a start are of another kind.
			# shellcheck disable=SC2086
			[ $n -gt 0 ] || for mode in $runs; do "load_$server" "$tmp/$server-$mode" $((REQUESTS / 10)) "$mode" >/dev/null; done
			for mode in $(shuffled $runs); do measure "$server" "$mode" "$round" "$REQUESTS"; done
		done
		size=$(record_size)
		down "${pid_of[@]}"
		pid_of=()
	done
	[ -n "$size" ] && [[ $server = redis || $server = nginx ]] && sample scale "record, $server under load" fdwhy 1 "$size" bytes
	progress "$server: $round rounds"
}

# So many requests that a heavy tool is done in seconds; of scripts, so many that its own start is the least of it.
share_of() { # SERVER MODE: REQUESTS is divided by it
	case $1:$2 in
	forks:valgrind | forks:strace-k | shell:valgrind | postgres-connect:valgrind | postgres-connect:strace-k) echo 50 ;;
	make:valgrind | make:strace-k | shell:strace-k | prefork:valgrind | prefork:strace-k) echo 10 ;;
	forks:*) echo 5 ;;
	shell:* | make:* | compile:* | prefork:* | postgres-connect:*) echo 1 ;;
	*:valgrind) echo 5 ;;
	*:perf-trace | *:strace) echo 15 ;;
	*:strace-k) echo 100 ;;
	*) echo 1 ;;
	esac
}

heavy_rounds() { # SERVER
	local server=$1 mode round start
	for mode in bare bare-again $heavy; do
		if up "$server" "$mode"; then
			start=$SECONDS
			for round in $(seq "${HEAVY_ROUNDS:-3}"); do
				measure "$server" "$mode" "$round" $((REQUESTS / $(share_of "$server" "$mode"))) -short
				[ $((SECONDS - start)) -lt 8 ] || break # what takes long is not asked again
			done
		fi
		down "${pid_of[$mode]}"
		unset "pid_of[$mode]"
	done
}

declare -A pid_of=()
light=$(modes_that_run $LIGHT)
heavy=$(modes_that_run $HEAVY)
for server in ${SERVERS:-redis nginx memcached echo postgres postgres-connect prefork shell forks make compile}; do
	lack=$(lacks "$server")
	if [ -n "$lack" ]; then
		why_not "$server" "not installed: $(echo $lack)"
		continue
	fi
	pin=$pin_server light_rounds "$server"
	pin="" heavy_rounds "$server"
	progress "$server: heavy tools"
	rm -rf "$tmp/$server"-*
done
exit 0
