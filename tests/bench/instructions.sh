#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions.sh [--check|--write|--profile OP] - user instructions per operation, exact and repeatable: the
# difference of two runs under callgrind above a kernel that answers at once; without an option also per
# request of nginx, above the real one.
#
#   (none)     measure and add to the bench's results
#   --check    fail when an operation needs more than 2 % (and one instruction; 6 % where the figure
#              depends on addresses) above instructions.txt
#   --write    make the present figures those of instructions.txt
#   --profile  where they go: instructions per operation, by function
# Called by bench.sh and by tests/e2e/test_instructions.c. --check exits 77 where the figures are those of
# another compiler, libc or valgrind, and says so: the counts would differ without a cause in the code.
. "$(dirname "$0")/lib.sh"
. "$here/server_kinds.sh"
book=$here/instructions.txt
FEW=1000
MANY=3000
# What each needs before it is in its stride: warm caches and known stacks.
OPS="send_recv eagain eagain_turn stacks_1000 open_close socket_close dup_close fcntl_getfl fcntl_setfl"

bench_build || exit 1
if ! command -v valgrind >/dev/null 2>&1; then
	echo "skip: valgrind is not installed"
	[ "${1:-}" = --check ] && exit 77
	exit 0
fi
bench_place
below=$bin/fakekernel.so

collected() { # MODE OP COUNT [OUT]
	local list=
	[ "$1" = fdwhy ] && list=$so
	# Valgrind's own start must not be preloaded: it would ask the fake kernel for its files.
	valgrind --trace-children=yes --tool=callgrind --callgrind-out-file="${4:-/dev/null}" \
		env -i FDWHY_SESSION="$session" LD_PRELOAD="$(preload "$list")" "$bin/bench_calls" "$2" "$3" 1000 2>&1 >/dev/null </dev/null |
		awk '/Collected/ { n = $NF } END { print n }'
	empty_session
}

per_op() { # MODE OP
	local a b
	a=$(collected "$1" "$2" $FEW)
	b=$(collected "$1" "$2" $MANY)
	awk -v a="$a" -v b="$b" -v n=$((MANY - FEW)) 'BEGIN { printf "%.1f\n", (b - a) / n }'
}

told_to_end() {
	kill "$1" 2>/dev/null
	gone "$1"
}

# nginx as one process under callgrind, asked COUNT times by one client on one connection.
nginx_collected() { # MODE COUNT
	local list="" d=$tmp/nginx pid
	rm -rf "$d" && mkdir "$d"
	[ "$1" = fdwhy ] && list=$so
	nginx_conf "$d" "unix:$d/socket" "master_process off;"
	printf 'GET /index.html HTTP/1.1\r\nHost: bench\r\n\r\n' >"$d/request"
	valgrind --trace-children=yes --tool=callgrind --callgrind-out-file=/dev/null env -i \
		${list:+FDWHY_SESSION="$session" LD_PRELOAD="$list"} "$(command -v nginx)" -p "$d" -c "$d/nginx.conf" \
		>"$d/log" 2>&1 </dev/null &
	pid=$!
	pids=$pid
	wait_for 60 test -S "$d/socket"
	timeout 120 "$bin/bench_load" "$d/socket" 1 "$2" "@$d/request" END >/dev/null
	# A signal that comes before epoll_wait is not seen by it under valgrind: once more.
	wait_for 20 told_to_end "$pid" || kill -9 "$pid"
	wait "$pid" 2>/dev/null
	pids=
	awk '/Collected/ { n = $NF } END { print n }' "$d/log"
	empty_session
}

nginx_request() { # MODE
	local a b
	a=$(nginx_collected "$1" $FEW)
	b=$(nginx_collected "$1" $MANY)
	awk -v a="$a" -v b="$b" -v n=$((MANY - FEW)) 'BEGIN { if (a && b) printf "%.1f\n", (b - a) / n }'
}

# op, bare, with the shim
table() {
	local op
	for op in $OPS; do
		printf '%s\t%s\t%s\n' "$op" "$(per_op bare "$op")" "$(per_op fdwhy "$op")"
	done
}

# What made the figures: the compiler of the library itself, how it optimised, libc to its patch level
# (the dynamic linker and the string functions are counted too), valgrind and the vector extension that
# valgrind shows to libc, which picks its string functions by it.
machine() {
	local by how vectors=
	by=$(readelf -p .comment "$so" 2>/dev/null | sed -n 's/^ *\[ *[0-9a-f]*\] *//p' | head -n 1)
	how=$(readelf --debug-dump=info --dwarf-depth=1 "$so" 2>/dev/null |
		sed -n 's/.*DW_AT_producer.*\(-O[^ ]*\).*/\1/p' | head -n 1)
	grep -qwm1 avx2 /proc/cpuinfo && vectors=" avx2"
	echo "$(uname -m)$vectors, ${by:-unknown compiler} ${how:-unknown options}, $(ldd --version | head -n 1), $(valgrind --version)"
}

write() {
	{
		echo "# User instructions per operation above a kernel that answers at once; see instructions.sh."
		echo "# Made by: tests/bench/instructions.sh --write"
		echo "# With: $(machine)"
		table | awk -F'\t' '{ printf "%-14s bare %7.1f   with the shim %7.1f   added %7.1f\n", $1, $2, $3, $3 - $2 }'
	} >"$tmp/book"
	cp "$tmp/book" "$book"
	cat "$book"
}

# Names of the operations in `table`'s output that grew; what was found is printed.
grown() {
	awk -F'\t' -v book="$book" -v found="$tmp/grown" '
		BEGIN {
			printf "" >found
			while ((getline line < book) > 0) {
				split(line, f, " ")
				if (line !~ /^#/)
					before[f[1]] = f[7]
			}
		}
		{
			known = $1 in before
			# Which of 1,000 stacks are in whose way depends on where things lie.
			limit = $1 == "stacks_1000" ? 6 : 2
			bad = !known || $3 > before[$1] * (1 + limit / 100) + 1
			printf "%-14s %8.1f, was %8.1f%s\n", $1, $3, before[$1], bad ? "  MORE THAN " limit " % ABOVE" : ""
			if (bad)
				print $1 >found
		}'
}

# On a busy machine more of the kernel's ticks pass in one run: what grew is measured once more.
check() {
	local made here
	made=$(sed -n 's/^# With: //p' "$book")
	here=$(machine)
	if ! nm "$so" 2>/dev/null | grep -q stack_memo; then
		echo "skip: the figures are of the shim's own unwinder, which is not in this library"
		exit 77
	elif [ "$made" != "$here" ]; then
		echo "skip: the figures are of $made; this is $here"
		exit 77
	fi
	table | grown
	[ -s "$tmp/grown" ] || exit 0
	OPS=$(tr '\n' ' ' <"$tmp/grown")
	echo "measured once more:"
	table | grown
	[ -s "$tmp/grown" ] || exit 0
	echo "instructions: $(wc -l <"$tmp/grown") grew: make them cheaper, or say why in the commit" \
		"and run tests/bench/instructions.sh --write"
	exit 1
}

profile() { # OP
	collected fdwhy "$1" $FEW "$tmp/few" >/dev/null
	collected fdwhy "$1" $MANY "$tmp/many" >/dev/null
	for f in few many; do
		callgrind_annotate --auto=no --show-percs=no --threshold=100 "$tmp/$f" | tr -d ',' |
			awk '$1 ~ /^[0-9]+$/ && /\[|:/ && !/PROGRAM/ {
				n = $1; sub(/^ *[0-9]+ (\([^)]*\) +)?/, ""); sub(/ \[.*/, ""); sub(/^.*\//, "")
				print n "\t" $0 }' >"$tmp/$f.txt"
	done
	awk -F'\t' -v n=$((MANY - FEW)) 'NR == FNR { a[$2] += $1; next } { b[$2] += $1 }
		END { for (f in b) if (b[f] - a[f] > n / 10) printf "%8.1f  %s\n", (b[f] - a[f]) / n, f }' \
		"$tmp/few.txt" "$tmp/many.txt" | sort -rn
}

case ${1:-} in
--check) check ;;
--write) write ;;
--profile) profile "${2:?operation}" ;;
"")
	{
		table
		! command -v nginx >/dev/null ||
			printf 'nginx request\t%s\t%s\n' "$(nginx_request bare)" "$(nginx_request fdwhy)"
	} | while IFS=$'\t' read -r op bare shim; do
		[ -n "$bare" ] && [ -n "$shim" ] || continue
		sample instructions "$op" bare 1 "$bare" instructions
		sample instructions "$op" fdwhy 1 "$shim" instructions
		progress "instructions: $op"
	done
	;;
*) echo "usage: instructions.sh [--check|--write|--profile OP]" >&2 && exit 2 ;;
esac
