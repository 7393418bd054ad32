# SPDX-License-Identifier: MIT
# lib.sh - what the parts of the bench share: ways to run a program, samples, processes. Sourced by them.
# shellcheck shell=bash disable=SC2034
#
# A sample is one line of $results: group, name, mode, round, value, unit; summary.awk pairs the modes of
# one round. A part exits 0 when it measured; a mode that cannot run here is named with its reason.
# Light modes are paired in many rounds on processors of their own; heavy ones run a few times, anywhere.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
O=$(cd "${O:-$top/build}" && pwd) || exit 2
bin=$O/bench
so=$O/libfdwhy.so
results=${BENCH_RESULTS:-$bin/results.tsv}
not_run=${BENCH_NOT_RUN:-$bin/not_run.tsv}
began=$SECONDS
LIGHT="bare bare-again empty fdwhy fdwhy-no-stacks fdwhy-armed fiu"
HEAVY="valgrind perf-trace bpftrace strace strace-k"

bench_build() {
	mkdir -p "$bin"
	local flags="-std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -I$top/include" f
	for f in calls scale load run limit preset echo; do
		[ "$bin/bench_$f" -nt "$here/bench_$f.c" ] && { [ $f != preset ] || [ "$bin/bench_$f" -nt "$top/include/record.h" ]; } ||
			${CC:-cc} $flags "$here/bench_$f.c" -o "$bin/bench_$f" -lpthread || return 1
	done
	for f in empty pass fakekernel; do
		[ "$bin/$f.so" -nt "$here/bench_$f.c" ] ||
			${CC:-cc} $flags -fPIC -shared "$here/bench_$f.c" -o "$bin/$f.so" || return 1
	done
}

# What is done now, and since when; a long run without a word looks like one that hangs.
progress() { printf 'bench: %4d s: %s\n' $((SECONDS - began)) "$*" >&2; }

# Where processors can be chosen: the last for what is measured, the first for what asks it.
pin_server="" pin_client=""
choose_processors() {
	local list part c=()
	command -v taskset >/dev/null 2>&1 || return 0
	list=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
	for part in ${list//,/ }; do
		while read -r n; do c+=("$n"); done < <(seq "${part%-*}" "${part#*-}")
	done
	[ ${#c[@]} -ge 2 ] || return 0
	pin_server="taskset -c ${c[-1]}"
	pin_client="taskset -c ${c[0]}"
}
choose_processors

# A place for sessions and sockets, in memory where there is such a place, and gone at the end.
bench_place() {
	local base=/tmp
	[ -w /dev/shm ] && base=/dev/shm
	tmp=$(mktemp -d "$base/fdwhy-bench.XXXXXX") || exit 1
	session=$tmp/session
	mkdir -m 700 "$session"
	pids=
	trap bench_clean EXIT
	trap 'exit 130' INT TERM
}

bench_clean() {
	local p
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do
		wait "$p" 2>/dev/null
	done
	rm -rf "$tmp"
}

# below: a preload under the shim. Records of a mode do not heap up: the place is emptied by the parts.
below=
preload() { echo "${1:+$1}${below:+${1:+:}$below}"; }

CALLS_TRACED=connect,accept,accept4,sendto,recvfrom,sendmsg,recvmsg,read,write,readv,writev,open,openat,close,socket,socketpair,dup,fcntl,fork,vfork,clone
CALLS_PERF=connect,accept,accept4,sendto,recvfrom,read,write,readv,writev,openat,close,socket,socketpair,dup,fcntl
BPF='tracepoint:raw_syscalls:sys_exit /args->ret == -11/ { @again[ustack(40)] = count(); }
tracepoint:syscalls:sys_exit_openat /args->ret >= 0/ { @born[ustack(40)] = count(); }
tracepoint:syscalls:sys_exit_socket /args->ret >= 0/ { @born[ustack(40)] = count(); }
tracepoint:syscalls:sys_enter_close { @closed[ustack(40)] = count(); }'

# in_mode MODE COMMAND...: in the place of this shell when exec_it is set, so that $! is the command.
# limit: seconds after which it is stopped. pin: a command before all others. as: one that takes another
# user's place; valgrind does not follow it, and so comes after it.
exec_it=
limit=
pin=
as=
in_mode() {
	local mode=$1 list words
	shift
	list=$(preload "")
	# shellcheck disable=SC2086
	[ "$mode" = valgrind ] || set -- $as "$@"
	case $mode in
	bare | bare-again) ;;
	empty) list=$(preload "$bin/empty.so") ;;
	pass) list=$(preload "$bin/pass.so") ;;
	fdwhy) list=$(preload "$so") && set -- env FDWHY_SESSION="$session" "$@" ;;
	fdwhy-no-stacks) list=$(preload "$so") && set -- env FDWHY_SESSION="$session" FDWHY_STACKS=0 "$@" ;;
	# Rules for the calls that are made, none of which matches.
	fdwhy-armed)
		[ -e "$tmp/rules" ] || printf 'inject %s:kind=inotify:error=EIO\n' send,recv,read,write,open,close,socket,dup >"$tmp/rules"
		list=$(preload "$so") && set -- env FDWHY_SESSION="$session" FDWHY_RULES="$tmp/rules" "$@"
		;;
	fiu) set -- fiu-run -x "$@" ;;
	valgrind) # shellcheck disable=SC2086
		set -- $as valgrind -q --tool=none --trace-children=yes --track-fds=yes --log-file=/dev/null "$@"
		;;
	strace) set -- strace -f --seccomp-bpf -o /dev/null -e trace=$CALLS_TRACED "$@" ;;
	strace-k) set -- strace -f --seccomp-bpf -k -o /dev/null -e trace=$CALLS_TRACED "$@" ;;
	perf-trace) set -- perf trace -o /dev/null -e $CALLS_PERF "$@" ;;
	bpftrace)
		words="$(command -v "$1") ${*:2}"
		set -- bpftrace -o /dev/null -e "$BPF" -c "$words"
		;;
	esac
	[ -n "$list" ] && set -- env LD_PRELOAD="$list" "$@"
	[ -n "$limit" ] && set -- timeout -k 5 "$limit" "$@"
	# shellcheck disable=SC2086
	[ -n "$pin" ] && set -- $pin "$@"
	if [ -n "$exec_it" ]; then
		exec "$@"
	fi
	"$@"
}

tool_of() {
	case $1 in
	fiu) echo fiu-run ;;
	valgrind | bpftrace) echo "$1" ;;
	perf-trace) echo perf ;;
	strace | strace-k) echo strace ;;
	esac
}

# Can this mode run here? Says why not.
mode_why_not() {
	local tool out
	tool=$(tool_of "$1")
	[ -z "$tool" ] && return
	command -v "$tool" >/dev/null 2>&1 || { echo "not installed"; return; }
	out=$(limit=60 in_mode "$1" "$bin/bench_calls" send_recv 10 2>&1 </dev/null)
	grep -Eqx '[0-9.]+' <<<"$out" || echo "does not work here: $(head -n 1 <<<"$out" | tr '\t"\\' '   ' | cut -c1-100)"
}

# The modes of the list that can run; the others are written down once.
modes_that_run() {
	local m why
	for m in "$@"; do
		why=$(mode_why_not "$m")
		if [ -z "$why" ]; then
			echo "$m"
		elif ! grep -qs "^$m	" "$not_run"; then
			printf '%s\t%s\n' "$m" "$why" >>"$not_run"
		fi
	done
}

sample() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# A random order of the words, so that no mode always follows the same other.
shuffled() { printf '%s\n' "$@" | shuf; }

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -ge $end ] && return 1
		read -rt 0.02 <> <(:)
	done
	return 0
}

# Have they all ended? A child of this shell that waits to be asked for its status has.
gone() {
	local p
	for p in "$@"; do
		[ -e "/proc/$p" ] && ! grep -qs '^State:	Z' "/proc/$p/status" && return 1
	done
	return 0
}

tree_of() {
	local p=$1 c
	echo "$p"
	for c in $(cat /proc/"$p"/task/*/children 2>/dev/null); do tree_of "$c"; done
}
# Nanoseconds of processor that a process and its descendants have used so far: of those that live exactly, and
# of those that ended, which their parents keep, to the tick (10 ms) of the whole.
tick_ns=$((1000000000 / $(getconf CLK_TCK)))
cpu_ns() {
	local p
	for p in $(tree_of "$1"); do
		cat /proc/"$p"/task/*/schedstat
		sed 's/.*)/ended/' /proc/"$p"/stat
	done 2>/dev/null | awk -v tick="$tick_ns" '$1 == "ended" { n += ($15 + $16) * tick; next } { n += $1 }
		END { printf "%.0f\n", n }'
}

# Of thousands of records, too: more than the arguments of one command.
empty_session() {
	find "$session" -mindepth 1 -delete
}
