#!/bin/bash
# SPDX-License-Identifier: MIT
# daemon.sh NAME - starts NAME as daemons/NAME.sh says, puts it under load, and says what came out,
# which fds each of its processes has at a quiet moment, and how it ended.
#
# What daemons/NAME.sh may use: $UNDER before the daemon; start, await, say, check, result, fds, stop.
# The working directory is its own. Nothing it starts may outlive it.
set -u
server=

# say TEST OUTCOME
say() { printf '%s\t%s\n' "$1" "$2" >>"$OUT"; }

# check TEST COMMAND... - outcome: its exit status
check() {
	local test=$1 rc
	shift
	"$@"
	rc=$?
	if [ $rc -eq 0 ]; then say "$test" ok; else say "$test" "failed $rc"; fi
}

# result TEST COMMAND... - outcome: what it prints
result() {
	local test=$1
	shift
	say "$test" "ok, $("$@" 2>&1 | tr '\n\t' ';  ' | cut -c1-500)"
}

# await COMMAND... - until it succeeds, 60 s at most
await() {
	local end=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "waited in vain: $*" && say "waiting for $1" failed && return 1; }
		sleep 0.05
	done
}

# start COMMAND... - under the shim or not; $server is what to signal
start() {
	# shellcheck disable=SC2086
	$UNDER "$@" &
	launched=$!
	server=$launched
	[ -z "$UNDER" ] || { await child_of $launched && server=$(child_of $launched); }
}

child_of() { grep . "/proc/$1/task/$1/children" | tr -d ' \n' | grep .; }

# tree PID - it and what it started, by pid
tree() {
	local p
	echo "$1"
	for p in $(cat "/proc/$1"/task/*/children 2>/dev/null); do tree "$p"; done
}

# listing PID - "program fd N kind"; what differs from run to run is left out of the names
listing() {
	local p n=0 f
	for p in $(tree "$1" | sort -n); do
		n=$((n + 1))
		for f in "/proc/$p/fd"/*; do
			printf '%s %d fd %s\t%s\n' "$(cat "/proc/$p/comm")" $n "${f##*/}" "$(readlink "$f")"
		done
	done 2>/dev/null | sed -e "s|$TMPDIR|.|; s/:\[[0-9]*\]//; s/[0-9]\{4,\}/N/g" -e 's/[0-9A-F]\{24\}/N/g; s/\.[A-Za-z0-9]\{6\} (deleted)/.X (deleted)/' |
		sed 's/\t$/\tgone/; s/\t/\tok, /'
}

# fds [WHEN] - one outcome for each fd of each process, once nothing changes any more
fds() {
	local last=x now
	for _ in $(seq 40); do
		now=$(listing "$server")
		[ "$now" = "$last" ] && break
		last=$now
		sleep 0.25
	done
	sed "s/^/${1:+$1: }/" <<<"$now" >>"$OUT"
}

# kinds [WHEN] - the same without the numbers, where threads open fds in any order
kinds() {
	fds "$@"
	sed -i "/^${1:+$1: }.* fd [0-9]*\t/{s/ fd [0-9]*\tok, \(.*\)/ has \1\tok/}" "$OUT"
	awk -F '\t' '{ n = ++seen[$1]; print $1 (n > 1 ? " #" n : "") FS $2 }' "$OUT" >numbered
	cat numbered >"$OUT"
}

# stop [SIGNAL] - outcome: how it ends
stop() {
	kill "-${1:-TERM}" "$server"
	wait "$launched"
	say "end of $name" "ok, $?"
	server=
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# answers PORT - somebody listens there
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

# wrk_errors URL - load; outcome is what must not be there
wrk_errors() {
	wrk -t 2 -c 40 -d 3s "$1" >wrk.out 2>&1
	grep -E 'Socket errors|Non-2xx|unable' wrk.out
	grep -qE '^ *[1-9][0-9]* requests in' wrk.out && echo served
}

ended() {
	[ -n "$server" ] || return
	# shellcheck disable=SC2046
	kill $(tree "$launched") 2>/dev/null
	wait
}
trap ended EXIT

name=$1
# shellcheck source=/dev/null
. "$HERE/daemons/$name.sh"
